"""Every `--json` is one object of a version, with the keys that docs/commands.md names."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from foveal.cli import main
from foveal.cli.answers.by_command import ANSWERS
from foveal.cli.env import PACKAGES
from foveal.cli.output import SCHEMA
from support.models import small_autoencoder, small_model

DOCUMENT = Path(__file__).parents[2] / "docs" / "commands.md"
NET = "conv 4 3x3 same relu | maxpool 4 | flatten | dense"


def documented() -> dict[str, set[str]]:
    """Read the keys of each command out of the document."""
    found: dict[str, set[str]] = {}
    for line in DOCUMENT.read_text().split("## JSON")[1].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("| `"):
            continue
        command, keys = cells[0].strip("`"), re.findall(r"`([^`]+)`", cells[1])
        found[command] = found[keys[0]] if keys[0] in found else set(keys)
    found["env"] |= set(PACKAGES)
    return found


LINES: dict[str, tuple[str, ...]] = {
    "train cnn": ("pictures", "t.safetensors", "--net", NET, "--epochs", "1"),
    "train transfer": ("pictures", "t.safetensors", "--backbone", "m.safetensors"),
    "train autoencoder": ("pictures", "t.safetensors", "--kind", "dense", "--epochs", "1"),
    "evaluate": ("m.safetensors", "pictures", "--no-baselines"),
    "evaluate --learning-curve": ("d.safetensors", "pictures"),
    "predict": ("m.safetensors", "pictures"),
    "predict --to parts/": ("m.safetensors", "pictures"),
    "report": ("m.safetensors", "pictures", "--to", "r.html"),
    "show": ("m.safetensors",),
    "look": ("m.safetensors", "pictures/a/1.png", "--to", "looks"),
    "anomalies": ("m.safetensors", "pictures/a", "--usual", "pictures", "--false-alarms", "0.3"),
    "anomalies --to parts/": ("m.safetensors", "pictures/a", "--usual", "pictures"),
    "similar": ("a.safetensors", "pictures", "pictures/a/1.png"),
    "similar --to parts/": ("m.safetensors", "pictures"),
    "similar --groups": ("a.safetensors", "pictures"),
    "map": ("a.safetensors", "pictures", "--to", "map.png"),
    "encode": ("a.safetensors", "pictures", "--to", "codes.parquet"),
    "encode --to parts/": ("m.safetensors", "pictures"),
    "decode": ("a.safetensors", "given.parquet", "--to", "decoded"),
    "reconstruct": ("a.safetensors", "pictures", "--to", "gallery.png"),
    "interpolate": ("a.safetensors", "pictures/a/1.png", "pictures/b/1.png", "--to", "s.png"),
    "check": ("pictures", "--quick"),
    "tune": ("pictures", "t.safetensors", "--trials", "1", "--epochs", "1"),
    "export": ("m.safetensors", "m.pt2"),
    "export --as snippet": ("m.safetensors", "m.onnx"),
    "plan": ("fast",),
    "plan --as torch": ("lenet5",),
    "backbones": (),
    "backbones NAME": ("m.safetensors",),
    "env": (),
    "cache": (),
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run) -> Path:
    """Go to a folder with models and two classes of pictures."""
    for label in "ab":
        (tmp_path / "pictures" / label).mkdir(parents=True)
        for index in range(12):
            pixels = np.random.default_rng(index + 20 * (label == "b")).integers(0, 256, (8, 8))
            picture = Image.fromarray(pixels.astype(np.uint8))
            picture.save(tmp_path / "pictures" / label / f"{index}.png")
    small_model().save(tmp_path / "m.safetensors")
    small_autoencoder().save(tmp_path / "a.safetensors")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", LINES)
def test_the_answer_has_the_keys_that_are_documented(run, place: Path, name: str) -> None:
    if name == "decode":
        assert run("encode", "a.safetensors", "pictures", "--to", "given.parquet")[0] == 0
    if name == "evaluate --learning-curve":
        line = ("train", "transfer", "pictures", "d.safetensors", "--backbone", "m.safetensors")
        assert run(*line, "--no-report")[0] == 0
    words = name.removesuffix(" NAME").split()
    code, out, err = run(*words, *LINES[name], "--json")
    assert code == 0, err

    def refused(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    answer = json.loads(out, parse_constant=refused)
    assert isinstance(answer, dict) and next(iter(answer)) == "version"
    assert answer["version"] == SCHEMA
    assert set(answer) - {"version"} == documented()[name]
    (kind,) = [
        one
        for one in ANSWERS[name.split(" --")[0].removesuffix(" NAME")]
        if one.model_fields.keys() == answer.keys()
    ]
    kind.model_validate(answer, strict=True)


def test_schemas_are_of_every_command_and_hold_the_documented_keys() -> None:
    assert set(ANSWERS) - {"error"} == {
        name.split(" --")[0].removesuffix(" NAME") for name in documented()
    }
    for name, keys in documented().items():
        kinds = ANSWERS[name.split(" --")[0].removesuffix(" NAME")]
        assert {"version", *keys} in [set(one.model_fields) for one in kinds], name


def test_a_schema_is_printed_for_one_command_or_all(run) -> None:
    code, out, _ = run("schema", "train", "cnn")
    one = json.loads(out)
    assert code == 0 and one["properties"]["version"]["const"] == SCHEMA
    assert "best_epoch" in one["required"] and one["$schema"].startswith("https://json-schema.org")
    code, out, _ = run("schema")
    every = json.loads(out)
    assert code == 0 and every.keys() == ANSWERS.keys() and every["train cnn"] == one
    assert len(every["similar"]["anyOf"]) == 3
    code, _, err = run("schema", "nonsense")
    assert code == 2 and "train cnn" in err


def test_every_command_with_json_is_documented() -> None:
    commands: dict[str, Any] = {}
    groups: list[tuple[str, Any]] = [("", main.typer.main.get_command(main.app))]
    for above, group in groups:
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                groups.append((f"{name} ", command))
            elif any("--json" in one.opts for one in command.params):
                commands[above + name] = command
    assert set(commands) == {name.split(" --")[0].removesuffix(" NAME") for name in documented()}
    assert set(LINES) == set(documented()) - {"demo"}  # which trains for a minute: test_demo.py


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (("plan", "1x8x8 | dense 3"), 2),
        (("train", "photos"), 2),
        (("evaluate", "photos", "m.safetensors"), 2),
        (("predict", "m.safetensors", "nowhere"), 3),
        (("show", "nowhere.safetensors"), 4),
    ],
)
def test_an_error_is_one_object_too(run, place: Path, line: tuple[str, ...], code: int) -> None:
    found, out, err = run(*line, "--json")
    answer = json.loads(err.splitlines()[-1])
    assert found == code and out == ""
    assert answer.keys() == {"version", "error", "exit_code"}
    assert (answer["version"], answer["exit_code"]) == (SCHEMA, code)
    assert answer["error"].keys() == {"what", "needed", "came", "remedy"}
    ANSWERS["error"][0].model_validate(answer, strict=True)


@pytest.mark.parametrize("name", ["train cnn", "train transfer", "train autoencoder"])
def test_notes_of_a_training_are_those_that_a_person_sees(run, place: Path, name: str) -> None:
    (place / "pictures" / "a" / "odd.png").write_bytes(b"no picture")
    code, out, err = run(*name.split(), *LINES[name], "--json")
    shown = [line.removeprefix("note: ") for line in err.splitlines() if line.startswith("note: ")]
    assert code == 0 and shown and json.loads(out)["notes"] == shown
    assert any("odd.png" in note for note in shown)
