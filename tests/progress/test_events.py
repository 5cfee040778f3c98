"""Events, as they are written down."""

from __future__ import annotations

import json

from foveal.progress.events import Event, Extracting, passing, to_json
from support.epochs import epoch_ended


def test_events_are_valid_json_even_where_a_number_is_missing() -> None:
    event = epoch_ended(1, loss=float("nan"))
    found = json.loads(to_json(event))
    assert found["kind"] == "epoch" and found["loss"] is None


def test_a_second_pass_over_pictures_has_a_name_of_its_own_and_is_counted_from_nothing() -> None:
    told: list[Event] = []
    tell = passing(told.append, "the checks", "the network")
    for done, total in ((20, 40), (40, 40), (30, 38), (38, 38), (38, 38)):
        tell(done, total)
    found = [(one.network, one.done, one.more) for one in told if isinstance(one, Extracting)]
    assert found == [
        ("the checks", 20, 20),
        ("the checks", 40, 20),
        ("the network", 30, 30),
        ("the network", 38, 8),
        ("the network", 38, 38),
    ]
