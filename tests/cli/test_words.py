"""The library names parameters; the command names the options that they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import foveal.cli.main  # noqa: F401  lists the options of all commands
from foveal.cli import main, progress
from foveal.cli.output import SCHEMA, print_json
from foveal.cli.words import as_options, in_options, noted, quoted, told_in_options
from foveal.errors import UsageError
from foveal.progress.events import Resumed
from foveal.progress.log import Log

OPTIONS = {"false_alarms": "--false-alarms", "resume": "--resume", "fresh": "--fresh"}
TOLD = Resumed(step=0, notes=("half precision (`float16`) takes half of it",))


def error(what: str, remedy: str) -> UsageError:
    return UsageError(what, needed="one", came="none", remedy=remedy)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("allow more (`false_alarms`)", "allow more (--false-alarms)"),
        ("neither `resume` nor `fresh`", "neither --resume nor --fresh"),
        ("name a folder (`place`)", "name a folder (place)"),
        ("false_alarms, resume, and `one` word", "false_alarms, resume, and one word"),
        ("`Resume` and `3` stay", "`Resume` and `3` stay"),
    ],
)
def test_marked_parameters_become_options(text: str, told: str) -> None:
    assert as_options(text, OPTIONS) == told


def test_an_error_is_told_in_options() -> None:
    told = told_in_options(error("`resume` and `fresh`", "leave `fresh` out"), OPTIONS)
    assert list(told) == ["what", "needed", "came", "remedy"]
    assert told["what"] == "--resume and --fresh" and told["remedy"] == "leave --fresh out"
    assert told_in_options(error("false_alarms", "x"), OPTIONS)["what"] == "--false-alarms"
    assert told_in_options(error("false_alarms of", "x"), OPTIONS)["what"] == "false_alarms of"


def test_the_options_are_those_of_the_commands() -> None:
    assert in_options("`include_training`, `fine_tune_epochs` 5, `random_state`") == (
        "--include-training, --fine-tune-epochs 5, --seed"
    )
    assert "--resume and --fresh" in main.shown(error("`resume` and `fresh`", "x"))


def test_notes_for_a_person() -> None:
    assert noted(["mirrored (`flip`)", "plain"]) == ["note: mirrored (--flip)", "note: plain"]


def test_notes_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"notes": ("mirrored (`flip`)",), "path": "`flip`.png"})
    found = json.loads(capsys.readouterr().out)
    assert found == {"version": SCHEMA, "notes": ["mirrored (--flip)"], "path": "`flip`.png"}


def test_events_of_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.shown_progress() as show:
        show(TOLD)
    assert capsys.readouterr().err == "note: half precision (--float16) takes half of it\n"
    Log()(TOLD)
    assert capsys.readouterr().err == "note: half precision (`float16`) takes half of it\n"


def test_events_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    with progress.shown_progress() as show:
        show(TOLD)
    assert "note: half precision (--float16) takes half of it" in capsys.readouterr().err


def test_a_command_names_options(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    model = str(tmp_path / "m.safetensors")
    argv = ["foveal", "train", "cnn", str(tmp_path), model, "--resume", "--fresh"]
    monkeypatch.setattr("sys.argv", argv)
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 2
    err = capsys.readouterr().err
    assert err.splitlines()[0] == "error:  --resume and --fresh"
    assert "do:     --resume goes on where the run stopped, --fresh begins anew" in err


def test_names_that_begin_with_a_dash_are_no_options() -> None:
    assert quoted("-M.safetensors") == "./-M.safetensors"
    assert quoted("of mine/M") == "'of mine/M'" and quoted(Path("M")) == "M"
