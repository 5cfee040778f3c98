from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from foveal.errors import Interrupted, ResourceError, UsageError
from foveal.launched import Launch
from foveal.progress.events import StepEnded
from foveal.progress.lines import lines_of
from foveal.training.loop import start
from foveal.training.run import Run
from foveal.wording import counted
from support.training import small_config, small_network


def step(number: int, steps: int = 10) -> StepEnded:
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


def state():
    return start(small_network(), small_config())


def test_what_was_decided_once_stays_decided(tmp_path: Path) -> None:
    with Run(tmp_path / "a.run") as run:
        assert run.decide("steps", lambda: 7) == 7
        assert run.decide("steps", lambda: 8) == 7
    with Run(tmp_path / "a.run", resume=True) as run:
        assert run.resuming and run.decide("steps", lambda: 9) == 7


def test_an_unfinished_run_must_be_resumed_or_thrown_away(tmp_path: Path) -> None:
    with Run(tmp_path / "a.run") as run:
        run.decide("steps", lambda: 1)
    with pytest.raises(UsageError, match="`resume` goes on where it stopped"):
        Run(tmp_path / "a.run")
    with Run(tmp_path / "a.run", fresh=True) as run:
        assert run.decide("steps", lambda: 2) == 2


def test_a_second_run_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    with Run(tmp_path / "a.run"), pytest.raises(UsageError, match="another process at work"):
        Run(tmp_path / "a.run", resume=True)


def test_a_finished_run_may_be_followed_by_another(tmp_path: Path) -> None:
    with Run(tmp_path / "a.run") as run:
        run.decide("steps", lambda: 1)
        run.finish()
    with Run(tmp_path / "a.run", resume=True) as run:
        assert run.was_finished and not run.resuming
    with Run(tmp_path / "a.run") as run:
        assert run.decide("steps", lambda: 2) == 2
        assert not (tmp_path / "a.run" / "done.json").exists()


def test_a_run_that_is_refused_leaves_the_complete_one_before_it(tmp_path: Path) -> None:
    folder = tmp_path / "a.run"
    with Run(folder) as run:
        run.decide("seed", lambda: 1)
        run.finish()
    (folder / "report.html").write_text("the first")
    (folder / "ledger.csv").write_text("path\n")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for _ in range(2):  # the second after the first was put back
        with pytest.raises(UsageError, match="a share"), Run(folder) as run:
            run.decide("seed", lambda: 2)
            raise UsageError("a share", needed="below 1", came="20", remedy="write 0.2")
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_run_put_aside_outlives_a_killed_one_and_goes_once_another_is_complete(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "a.run"
    with Run(folder) as run:
        run.finish()
    (folder / "report.html").write_text("the first")
    run = Run(folder)
    run.agree("options", {"seed": 2}, "begin with `fresh`")
    run.close()  # killed: nothing is put back
    assert not (folder / "report.html").exists()
    with pytest.raises(ResourceError), Run(folder):
        raise ResourceError("disk", needed="room", came="none", remedy="make room")
    assert (folder / "report.html").read_text() == "the first"
    with Run(folder) as run:
        run.decide("steps", lambda: 1)
        run.finish()
    assert (folder / "replaced.html").read_text() == "the first"
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json",
        "done.json",
        "lock",
        "replaced.html",
    ]


def test_once_steps_were_taken_an_error_leaves_the_new_run(tmp_path: Path) -> None:
    folder = tmp_path / "a.run"
    with Run(folder) as run:
        run.finish()
    with pytest.raises(ResourceError), Run(folder) as run:
        run.decide("steps", lambda: 1)
        raise ResourceError("disk", needed="room", came="none", remedy="make room")
    with pytest.raises(UsageError, match="unfinished run"):
        Run(folder)


def test_resuming_under_other_options_names_the_difference(tmp_path: Path) -> None:
    with Run(tmp_path / "a.run") as run:
        run.agree("options", {"epochs": 3, "net": "fast"}, "begin with `fresh`")
        run.decide("steps", lambda: 1)
    with (
        Run(tmp_path / "a.run", resume=True) as run,
        pytest.raises(UsageError, match=r"epochs=3, as the run began, got epochs=4"),
    ):
        run.agree("options", {"epochs": 4, "net": "fast"}, "begin with `fresh`")


def test_resume_without_a_checkpoint_says_that_it_starts_anew(tmp_path: Path) -> None:
    said: list[str] = []
    with Run(
        tmp_path / "a.run", resume=True, listeners=[lambda event: said.extend(lines_of(event))]
    ) as run:
        run.restore(state())
    assert said == ["note: no checkpoint: training starts anew"]


def test_a_request_to_stop_leaves_a_checkpoint_and_exit_code_130(tmp_path: Path) -> None:
    fresh = state()

    def events():
        for number in range(1, 4):
            fresh.step = number
            if number == 2:
                run.stop()
            yield step(number)

    with Run(tmp_path / "a.run", checkpoint_seconds=1e9) as run:
        with pytest.raises(Interrupted, match="epoch 1. Go on from its checkpoint with") as caught:
            run.watch(events(), fresh)
    assert caught.value.exit_code == 130
    assert [path.name for path in (tmp_path / "a.run").glob("checkpoint*")] == [
        "checkpoint-000000002.safetensors"
    ]


def test_events_after_the_checkpoint_are_cut_off_on_resume(tmp_path: Path) -> None:
    folder = tmp_path / "a.run"
    with Run(folder, checkpoint_seconds=1e9) as run:
        run.decide("steps", lambda: 1)
        run.watch([step(1), step(2)], state())
        run.tell(step(3))
    assert len((folder / "events.jsonl").read_text().splitlines()) == 3
    with Run(folder, resume=True) as run:
        run.restore(state())
    kinds = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    assert [one.get("step") for one in kinds if one["kind"] == "step"] == [1, 2]


def test_another_number_of_threads_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    with Run(tmp_path / "a.run") as run:
        run.decide("steps", lambda: 1)
        run.watch([step(1)], state())
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        with Run(
            tmp_path / "a.run", resume=True, listeners=[lambda event: said.extend(lines_of(event))]
        ) as run:
            run.restore(state())
    finally:
        torch.set_num_threads(before)
    begun = counted(before, "thread")
    assert any(f"begun with {begun}, resumed with {before + 1}" in one for one in said)


def test_only_some_steps_are_written_down_and_all_epochs(tmp_path: Path) -> None:
    with Run(tmp_path / "a.run") as run:
        for number in range(1, 5_001):
            run.tell(step(number, steps=5_000))
    assert len((tmp_path / "a.run" / "events.jsonl").read_text().splitlines()) == 1_000


def test_a_run_without_a_folder_only_tells() -> None:
    heard = []
    with Run(listeners=[heard.append]) as run:
        assert run.decide("seed", lambda: 4) == 4
        run.watch([step(1)], state())
        run.finish()
    assert len(heard) == 1


def test_checkpoints_of_another_run_are_never_taken(tmp_path: Path) -> None:
    folder = tmp_path / "a.run"
    with Run(folder) as run:
        run.decide("steps", lambda: 1)
        far = state()
        far.step = 9
        run.watch([step(9)], far)
    (folder / "config.json").write_text("garbage")
    with pytest.raises(UsageError, match="beside checkpoints"):
        Run(folder, resume=True)
    kept = {path: path.read_bytes() for path in folder.glob("checkpoint*")}
    with Run(folder, fresh=True) as run:
        run.decide("steps", lambda: 2)
        near = state()
        near.step = 3
        run.watch([step(3)], near)
    for path, data in kept.items():  # the other run's checkpoint comes back, newer by its name
        path.write_bytes(data)
    with Run(folder, resume=True) as run:
        again = state()
        run.restore(again)
        assert again.step == 3
        again.step = 4
        run.watch([step(4)], again)
    names = sorted(path.name for path in folder.glob("checkpoint*"))
    assert names == ["checkpoint-000000003.safetensors", "checkpoint-000000004.safetensors"]


def test_damaged_checkpoints_are_said_and_do_not_outlive_new_ones(tmp_path: Path) -> None:
    folder = tmp_path / "a.run"
    said: list[str] = []
    with Run(folder) as run:
        run.decide("steps", lambda: 1)
        far = state()
        far.step = 9
        run.watch([step(9)], far)
    for path in folder.glob("checkpoint*"):
        path.write_bytes(path.read_bytes()[:100])
    (folder / "events.jsonl").write_text("{broken\n")
    with Run(folder, resume=True, listeners=[lambda event: said.extend(lines_of(event))]) as run:
        run.restore(state())
        near = state()
        near.step = 2
        run.watch([step(2)], near)
    assert said[0] == "note: damaged checkpoints: training starts anew"
    assert [path.name for path in folder.glob("checkpoint*")] == [
        "checkpoint-000000002.safetensors"
    ]


def test_a_complete_run_whose_model_is_gone_is_not_complete(tmp_path: Path) -> None:
    model = tmp_path / "a.safetensors"
    with Run(tmp_path / "a.run", target=model) as run:
        run.decide("steps", lambda: 1)
        run.finish()
    with Run(tmp_path / "a.run", resume=True, target=model) as run:
        assert not run.was_finished and not (tmp_path / "a.run" / "done.json").exists()


def test_a_run_that_never_took_a_step_is_in_nobodys_way(tmp_path: Path) -> None:
    with Run(tmp_path / "a.run") as run:
        run.agree("options", {"pictures": "nowhere"}, "begin with `fresh`")
        run.decide("seed", lambda: 1)
    with Run(tmp_path / "a.run") as run:
        run.agree("options", {"pictures": "somewhere"}, "begin with `fresh`")


def test_resume_and_fresh_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="`resume` and `fresh`: needed one of them"):
        Run(tmp_path / "a.run", resume=True, fresh=True)


def test_a_launcher_that_begins_again_goes_on_with_its_own_run(tmp_path: Path) -> None:
    folder, model = tmp_path / "a.run", tmp_path / "a.safetensors"
    first, again, other = Launch("one"), Launch("one", again=True), Launch("two", again=True)
    with Run(folder, launch=first) as run:
        run.decide("steps", lambda: 7)
    with Run(folder, launch=again, fresh=True) as run:  # what was typed stands for the beginning
        assert run.resuming and run.asked_to_resume and run.decide("steps", lambda: 8) == 7
    with pytest.raises(UsageError, match="`resume` goes on where it stopped"):
        Run(folder, launch=other)
    with Run(folder, launch=again) as run:
        model.touch()
        run.finish(model)
    with Run(folder, launch=other, target=model) as run:  # one that never began it begins anew
        assert not run.asked_to_resume and run.decide("steps", lambda: 9) == 9
    with Run(folder, launch=other, target=model) as run:
        assert run.resuming


@pytest.mark.parametrize(("seconds", "times"), [(0.0, 2), (1e9, 0)])
def test_free_memory_is_given_back_now_and_then_while_steps_are_taken(
    monkeypatch: pytest.MonkeyPatch, seconds: float, times: int
) -> None:
    given_back: list[bool] = []
    monkeypatch.setattr("foveal.training.run.TRIMMED", seconds)
    monkeypatch.setattr("foveal.training.run.give_back", lambda: given_back.append(True))
    Run().watch([step(1), step(2)], state())
    assert len(given_back) == times
