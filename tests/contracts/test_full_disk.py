"""A disk that is full, at each write: the file is named, nothing is half written, the old stays."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from support.models import small_model
from support.photographs import photograph
from support.warm import ran

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="limits of Unix")

OLD = hashlib.sha256(b"what was there").hexdigest()
NET = "conv 4 5x5 stride 2 relu | globalpool | dense 2"
ENOUGH = 1 << 24
ALONE = ("--threads", "1")


class Trials(NamedTuple):
    """A command, and under which limits it is tried."""

    writes: str
    """What is written, and was there before unless it is a model."""
    words: tuple[str, ...]
    limits: tuple[int, ...]
    """Bytes that a file may have: each that is written has its turn to be too large."""


TRAIN = ("--net", NET, "--epochs", "16", "--checkpoint-seconds", "0", "--size", "16x16")
COMMANDS = {
    "check": Trials("check.html", ("check", "PICTURES", "--quick", "--to", "OUT"), (0, 3_000)),
    "cleaned": Trials("c.csv", ("check", "PICTURES", "--quick", "--cleaned", "OUT"), (0, 700)),
    "cnn": Trials(
        "m.safetensors",
        ("train", "cnn", "PICTURES", "OUT", *TRAIN, "--cache-limit", "0", "--seed", "0"),
        (0, 100, 700, 1_500, 3_000, 6_000),
    ),
    "transfer": Trials(
        "m.safetensors",
        ("train", "transfer", "PICTURES", "OUT", "--backbone", "MODEL", "--seed", "0"),
        (1_500, 20_000),
    ),
    "look": Trials("look.html", ("look", "MODEL", "PICTURES", "--to", "OUT"), (0, 20_000)),
    "export": Trials("m.onnx", ("export", "MODEL", "OUT"), (0, 1_500)),
    **{
        ending: Trials(f"t.{ending}", ("predict", "MODEL", "PICTURES", "--to", "OUT"), (0, 700))
        for ending in ("csv", "parquet", "jsonl")
    },
}
STOPPED = "cnn", 6_000
"""A trial that fails when there is a checkpoint: its longest file is that of the events."""
Answers = dict[tuple[str, int | None], dict[str, Any]]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("full")
    for number in range(24):
        folder = root / "pictures" / ("cat", "dog")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        photograph(number, 24, 32).save(folder / f"{number}.png")
    small_model(channels=3, side=16).save(root / "m.safetensors")
    return root


@pytest.fixture(scope="module")
def answers(root: Path) -> Answers:
    """Run all commands under all limits, in one process; answers by command and limit."""
    trials = {(name, ENOUGH): _trial(root, name, ENOUGH) for name in COMMANDS}
    trials |= {
        (name, limit): _trial(root, name, limit)
        for name, command in COMMANDS.items()
        for limit in command.limits
    }
    stopped, resumed = _trial(root, *STOPPED), _trial(root, STOPPED[0], None)
    resumed["words"].append("--resume")
    trials |= {("stopped", None): stopped, ("resumed", None): resumed}
    (root / "trials.jsonl").write_text("\n".join(map(json.dumps, trials.values())))
    program = "from support.full_disk import main\nmain()"
    done = ran(root / "trials.jsonl", program=program, timeout=300)
    assert done.returncode == 0, done.stderr
    return dict(zip(trials, map(json.loads, done.stdout.splitlines()), strict=True))


def _trial(root: Path, name: str, limit: int | None) -> dict[str, Any]:
    writes, words, _ = COMMANDS[name]
    place = root / "here"
    places = {"OUT": place / writes, "PICTURES": root / "pictures", "MODEL": root / "m.safetensors"}
    typed = [str(places.get(word, word)) for word in (*words, *ALONE)]
    old = [] if limit is None or "train" in words else [writes]
    return {"place": str(place), "words": typed, "limit": limit, "old": old}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_write_that_fails_is_named_and_leaves_the_old_or_nothing(
    name: str, answers: Answers, root: Path
) -> None:
    writes, words, limits = COMMANDS[name]
    whole = answers[name, ENOUGH]
    assert whole["code"] == 0 and whole["left"][writes] != OLD, whole["said"]
    for limit in limits:
        code, said, left = (answers[name, limit][key] for key in ("code", "said", "left"))
        assert code == 5, (limit, said)
        assert left.get(writes) == (None if "train" in words else OLD), (limit, left)
        assert not [one for one in left if one.endswith(".tmp")], (limit, left)
        error = next(line for line in said.splitlines() if line.startswith("error:"))
        assert str(root / "here") in error and "File too large" in said, (limit, said)


def test_a_training_that_met_a_full_disk_goes_on_to_the_same_model(answers: Answers) -> None:
    stopped, resumed = answers["stopped", None], answers["resumed", None]
    assert stopped["code"] == 5 and any("checkpoint" in one for one in stopped["left"])
    assert resumed["code"] == 0, resumed["said"]
    assert resumed["left"]["m.safetensors"] == answers["cnn", ENOUGH]["left"]["m.safetensors"]


def test_an_answer_that_cannot_be_printed_is_an_error(root: Path, tmp_path: Path) -> None:
    # Python keeps a module that it compiled though the disk took but a part of it.
    buffered = {**os.environ, "PYTHONUNBUFFERED": "", "PYTHONDONTWRITEBYTECODE": "1"}
    with (tmp_path / "answer.txt").open("w") as full:
        words = ("predict", str(root / "m.safetensors"), str(root / "pictures"), *ALONE)
        done = subprocess.run(
            [sys.executable, "-m", "foveal", *words],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            text=True,
            env=buffered,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20, 20)),
        )
    assert done.returncode == 5 and "File too large" in done.stderr, done.stderr
