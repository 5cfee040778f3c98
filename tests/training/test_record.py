"""What the folder of a run says of it afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from foveal.errors import UsageError
from foveal.progress.events import Finished, Resumed, StepEnded
from foveal.training.record import RunRecord
from foveal.training.run import Run
from support.epochs import epoch_ended


def recorded(folder: Path) -> RunRecord:
    step = StepEnded(
        step=1,
        steps=2,
        epoch=1,
        loss=1.0,
        accuracy=0.0,
        learning_rate=0.1,
        pictures_per_second=1.0,
        remaining=0.0,
    )
    finished = Finished(
        steps=2, best_epoch=2, validation_accuracy=None, validation_pictures=0, notes=("odd", "odd")
    )
    with Run(folder) as run:
        run.agree("command", "cnn", "")
        run.agree("options", {"epochs": 2}, "")
        run.decide("typed", lambda: {"line": "foveal train cnn a b", "pictures": "a"})
        run.tell(
            step,
            epoch_ended(1, accuracy=float("nan")),
            Resumed(step=1, notes=("two threads",)),
            epoch_ended(2, accuracy=float("nan")),
            finished,
        )
        (folder / "ledger.csv").write_text(
            "path,label,part,status,reason,remark\n"
            'a/1.png,a,train,used,,\n"a/2,\u732b.png",a,,left out,no picture,\n',
            encoding="utf-8",
        )
        run.finish()
    return RunRecord.read(folder)


def test_a_run_is_read_as_it_was_written(tmp_path: Path) -> None:
    found = recorded(tmp_path / "m.run")
    assert (found.command, found.options, found.complete) == ("cnn", {"epochs": 2}, True)
    assert (found.line, found.source) == ("foveal train cnn a b", "a")
    assert [one["loss"] for one in found.epochs] == [1, 0.5]
    assert found.notes == ("stopped, and resumed from step 1", "two threads", "odd")
    assert found.left_out == (("a/2,\u732b.png", "no picture"),)


def test_a_damaged_record_says_what_is_whole(tmp_path: Path) -> None:
    folder = tmp_path / "m.run"
    recorded(folder)
    events = folder / "events.jsonl"
    events.write_bytes(b'\xff\xfe{"kind":\n[1]\nnull\n' + events.read_bytes()[:-5])
    (folder / "ledger.csv").write_bytes(b"\x00\xff,\n")
    found = RunRecord.read(folder)
    assert len(found.epochs) == 2 and found.left_out == ()


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="folder of a run"):
        RunRecord.read(tmp_path)


def test_a_run_that_is_not_complete_or_made_another_file_is_unrelated(tmp_path: Path) -> None:
    made = recorded(tmp_path / "m.run")
    assert made.unrelated("a" * 64) == ""  # saved in no file: nobody knows of another
    (tmp_path / "m.run" / "done.json").write_text(f'{{"model": "m", "sha256": "{"b" * 64}"}}')
    made = RunRecord.read(tmp_path / "m.run")
    assert made.unrelated("b" * 64) == made.unrelated("") == ""
    assert "made another model" in made.unrelated("a" * 64)
    (tmp_path / "m.run" / "done.json").unlink()
    assert "not complete" in RunRecord.read(tmp_path / "m.run").unrelated("b" * 64)
