from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from foveal.errors import UsageError
from foveal.progress.events import StepEnded
from foveal.training.journal import Journal
from support.epochs import epoch_ended


def step(number: int, steps: int) -> StepEnded:
    return StepEnded(
        step=number,
        steps=steps,
        epoch=1,
        loss=1.0,
        accuracy=float("nan"),
        learning_rate=0.1,
        pictures_per_second=1.0,
        remaining=0.0,
    )


def test_what_is_decided_holds_for_whoever_takes_it_up(tmp_path: Path) -> None:
    first = Journal(tmp_path)
    assert first.decide("steps", lambda: 7) == 7
    second = Journal(tmp_path)
    assert second.begun and not second.decided("steps")
    second.take_up(second.written())
    assert second.decided("steps") and second.decide("steps", lambda: 8) == 7


def test_without_a_folder_decisions_hold_and_nothing_is_written() -> None:
    journal = Journal()
    assert journal.decide("seed", lambda: 1) == journal.decide("seed", lambda: 2) == 1
    journal.write(epoch_ended(1))
    journal.complete(None)
    journal.clear()
    assert journal.size == 0 and not journal.done and len(journal.epochs) == 1


def test_options_are_held_against_those_of_the_beginning(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.agree("options", {"epochs": 3, "size": (4, 4)}, "begin with `fresh`")
    journal.agree("options", {"epochs": 3, "size": [4, 4]}, "begin with `fresh`")
    with pytest.raises(UsageError, match="epochs=3, as the run began, got epochs=4"):
        journal.agree("options", {"epochs": 4, "size": [4, 4]}, "begin with `fresh`")
    assert journal.options == {"epochs": 3, "size": [4, 4]}


def test_the_end_names_the_model_and_its_hash_as_sha256sum_does(tmp_path: Path) -> None:
    model = tmp_path / "m.safetensors"
    model.write_bytes(b"anything")
    Journal(tmp_path).complete(model)
    assert json.loads((tmp_path / "done.json").read_text()) == {
        "model": "m.safetensors",
        "sha256": hashlib.sha256(b"anything").hexdigest(),
    }


def test_events_are_cut_back_to_a_checkpoint(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write(epoch_ended(1))
    size = journal.size
    journal.write(epoch_ended(2))
    again = Journal(tmp_path)
    again.rewind(size)
    assert [facts["epoch"] for facts in again.epochs] == [1] and again.size == size


def test_a_damaged_line_is_left_out(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    (tmp_path / "events.jsonl").write_text("{broken\n[1]\n")
    journal.rewind(10**6)
    assert journal.epochs == []


def test_all_epochs_and_at_most_a_thousand_steps_are_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for number in range(1, 3_001):
        journal.write(step(number, 3_000))
    journal.write(epoch_ended(1))
    assert len((tmp_path / "events.jsonl").read_text().splitlines()) == 1_001


def test_clearing_leaves_what_is_not_its_own(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.decide("steps", lambda: 1)
    journal.write(epoch_ended(1))
    journal.complete(None)
    (tmp_path / "replaced.safetensors").write_bytes(b"")
    (tmp_path / "report.html" / "of-somebody").mkdir(parents=True)
    theirs = ["replaced.safetensors", "report.html"]
    journal.clear()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["earlier", *theirs]
    journal.complete(None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["done.json", *theirs]
    assert (tmp_path / "report.html" / "of-somebody").is_dir()


def test_what_was_half_put_aside_when_it_was_killed_is_whole_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.decide("seed", lambda: 7)
    journal.complete(None)
    (tmp_path / "earlier").mkdir()
    (tmp_path / "config.json").rename(tmp_path / "earlier" / "config.json")
    again = Journal(tmp_path)
    again.clear()
    again.put_back()
    assert again.written()["decided"] == {"seed": 7} and again.done
    assert not (tmp_path / "earlier").exists()
