from __future__ import annotations

import pytest

from foveal.errors import UsageError
from foveal.launched import Launch, check_alone, check_met, processes


def test_without_a_launcher_there_is_one_process() -> None:
    assert processes({}) == processes({"WORLD_SIZE": "1"}) == processes({"WORLD_SIZE": ""}) == 1
    assert processes({"WORLD_SIZE": "3"}) == 3
    check_alone({"WORLD_SIZE": "1"}, "foveal tune")


@pytest.mark.parametrize("said", ["two", "0", "-1", "1.5"])
def test_what_is_no_number_of_processes_is_refused(said: str) -> None:
    with pytest.raises(UsageError, match="WORLD_SIZE: needed how many processes"):
        processes({"WORLD_SIZE": said})


def test_a_graphics_processor_asks_for_the_number_on_its_machine() -> None:
    said = {"WORLD_SIZE": "2", "RANK": "0", "MASTER_ADDR": "a", "MASTER_PORT": "1"}
    check_met(said)
    with pytest.raises(UsageError, match="no LOCAL_RANK"):
        check_met(said, graphics=True)
    check_met({**said, "LOCAL_RANK": "0"}, graphics=True)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, Launch()),
        ({"TORCHELASTIC_RUN_ID": "none", "TORCHELASTIC_RESTART_COUNT": "1"}, Launch()),
        ({"TORCHELASTIC_RUN_ID": "a"}, Launch("a")),
        ({"TORCHELASTIC_RUN_ID": "a", "TORCHELASTIC_RESTART_COUNT": "0"}, Launch("a")),
        ({"TORCHELASTIC_RUN_ID": "a", "TORCHELASTIC_RESTART_COUNT": "2"}, Launch("a", again=True)),
    ],
)
def test_a_launcher_says_whether_it_begins_again(said: dict[str, str], expected: Launch) -> None:
    assert Launch.read(said) == expected


def test_what_a_launcher_left_is_known_by_its_name() -> None:
    assert Launch("a", again=True).left("a")
    assert not Launch("a", again=True).left(None) and not Launch("a").left("a")
    assert not Launch().left("") and not Launch("b", again=True).left("a")
