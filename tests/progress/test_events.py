"""Events, as they are written down."""

from __future__ import annotations

import json

from foveal.progress.events import EpochEnded, to_json


def test_events_are_valid_json_even_where_a_number_is_missing() -> None:
    event = EpochEnded(
        epoch=1,
        step=2,
        loss=float("nan"),
        accuracy=0.5,
        validation_loss=None,
        validation_accuracy=None,
        validation_pictures=0,
        best=True,
        seconds=1.0,
        computing=0.5,
        judging=0.1,
    )
    found = json.loads(to_json(event))
    assert found["kind"] == "epoch" and found["loss"] is None
