"""What a person is told to type works: every command of the README, and every `next:` line."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import foveal
from foveal.cli.demo import following
from foveal.demonstration import write_digits
from foveal.training import config

FIXTURES = Path(__file__).parents[1] / "fixtures"
README = Path(__file__).parents[2] / "README.md"
COMMANDS = Path(foveal.__file__).parent / "cli"
STANDS_FOR = {
    "MODEL": "codes.safetensors",
    "NET": "lenet5",
    "NAME": "efficientnet_lite0",
    "PICTURES": "photos",
    "MODEL.safetensors": "another.safetensors",
}
"""What is put in the place of words that stand for something of one's own."""
BRIEFLY = {"tune": ("--trials", "1", "--repeats", "0", "--epochs", "1")}
"""What is asked for besides, so that little is done."""
Runs = Callable[..., tuple[int, str, str]]


def written_commands(text: str) -> Iterator[tuple[list[str], bool]]:
    """Read the commands of a document, in order, and whether an error is shown beneath each."""
    fences = re.split(r"^```", text, flags=re.MULTILINE)  # every second part is in a fence
    for block in fences[1::2]:
        lines = block.splitlines()
        for line, beneath in zip(lines[1:], [*lines[2:], ""], strict=True):
            if line.removeprefix("$ ").startswith("foveal "):
                words = shlex.split(line.removeprefix("$ "), comments=True)
                yield words[1:], beneath.startswith("error:")
    for words in map(str.split, re.findall(r"`foveal ([^`]+)`", "".join(fences[::2]))):
        if STANDS_FOR.keys() & set(words) or (len(words) > 2 and "..." not in words):
            yield words, False


def meant(words: list[str]) -> list[str]:
    return [*(STANDS_FOR.get(word, word) for word in words), *BRIEFLY.get(words[0], ())]


def draw(folder: Path, count: int, seed: int, name: str = "{}.jpg") -> None:
    """Write small photographs: a shade that runs down or across, with noise."""
    folder.mkdir(parents=True)
    generator = np.random.default_rng(seed)
    ramp = np.linspace(0, 120, 24)
    for index in range(count):
        shade = ramp[:, None] if seed % 2 else ramp[None, :]
        pixels = shade[..., None] + generator.integers(0, 130, (24, 24, 3))
        Image.fromarray(pixels.astype(np.uint8)).save(folder / name.format(index))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make all that the README names, and little of it; a few epochs are enough here."""
    draw(tmp_path / "photos" / "cat", 50, 0)
    draw(tmp_path / "photos" / "dog", 50, 1)
    draw(tmp_path / "new", 3, 2, "cat.{}.jpg")
    draw(tmp_path / "good", 20, 3)
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes((tmp_path / "good" / "1.jpg").read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(config, "reconstruction_epochs_for", lambda *_: 1)
    return tmp_path


def next_lines(said: str) -> list[str]:
    return [line for line in said.splitlines() if line.startswith("next: ")]


def test_commands_are_found_in_a_document() -> None:
    text = (
        "```\n$ foveal plan 'a | b'   # a comment\nerror: no\nfoveal env\n```\n"
        "```python\nfoveal\n```\n`foveal plan NET`, `foveal env`, "
        "`foveal show m --json`, `foveal show ... --json`"
    )
    assert list(written_commands(text)) == [
        (["plan", "a | b"], True),
        (["env"], False),
        (["plan", "NET"], False),
        (["show", "m", "--json"], False),
    ]


def lasting(words: list[str]) -> bool:
    """Whether a command goes on until it is stopped: tests/serving, test_watching run these."""
    return words[0] == "serve" or "--watch" in words


def test_every_command_of_the_readme_works(place: Path, run: Runs) -> None:
    written = list(written_commands(README.read_text(encoding="utf-8")))
    commands = [one for one in written if not lasting(one[0])]
    assert len(commands) > 20 and len(written) - len(commands) == 2
    after: list[list[str]] = []
    for words, fails in commands:
        code, out, err = run(*meant(words))
        assert code == 2 * fails, f"{shlex.join(words)}: {err}"
        after += [shlex.split(line)[2:] for line in next_lines(out)]
    done = [words for words, _ in commands]
    while after:
        words = after.pop()
        if words in done:
            continue
        done.append(words)
        code, out, err = run(*meant(words), *["--fresh"] * ("train" in words))
        assert code == 0, f"{shlex.join(words)}: {err}"
        after += [shlex.split(line)[2:] for line in next_lines(out)]
    assert {"evaluate", "train"} <= {words[0] for words in done[len(commands) :]}


OTHERS = (
    ("train", "cnn", "photos", "m.safetensors", "--epochs", 1),
    ("show", "m.safetensors"),
    ("evaluate", "m.safetensors", "photos"),
    ("train", "autoencoder", "photos", "codes.safetensors", "--code-size", 4),
    ("show", "codes.safetensors"),
    ("backbones",),
    ("backbones", "m.safetensors"),
)


def test_every_next_line_works(place: Path, run: Runs) -> None:
    told: list[str] = []
    for words in OTHERS:
        code, out, err = run(*words)
        assert code == 0, err
        told += next_lines(out)
    assert len(told) == len(OTHERS)
    for line in told:
        code, _, err = run(*meant(shlex.split(line)[2:]))
        assert code == 0, f"{line}: {err}"


def test_what_follows_the_demo_works(tmp_path: Path, run: Runs) -> None:
    pictures = write_digits(tmp_path / "of mine")
    words = shlex.split(following(FIXTURES / "classifier-format1.safetensors", pictures))
    code, out, err = run(*words)
    assert code == 0, err
    assert len(out.splitlines()) == 3 and "unreadable" not in out  # the old file: a note, too


def test_every_next_line_is_in_these_tests() -> None:
    places = [
        f"{path.name}: {found}"
        for path in sorted(COMMANDS.glob("*.py"))
        for found in re.findall(r"next: foveal (?:{following|(?:train )?\w+)", path.read_text())
    ]
    assert places == [
        "backbones.py: next: foveal backbones",
        "backbones.py: next: foveal train transfer",
        "demo.py: next: foveal {following",
        "encode.py: next: foveal decode",
        "evaluate.py: next: foveal predict",
        "show.py: next: foveal encode",
        "show.py: next: foveal predict",
        "training.py: next: foveal {following",
        "tune.py: next: foveal evaluate",
    ]
