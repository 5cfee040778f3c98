"""What a server takes on at a time."""

from __future__ import annotations

import pytest

from foveal.serving.limits import Limits
from foveal.serving.refusals import Refused
from foveal.serving.room import Room


def test_a_full_queue_refuses_and_says_when_to_come_back() -> None:
    room = Room(Limits(queue=3))
    for _ in range(500):
        room.paced(1, 2.0)
    with room.entered() as first, room.entered():
        first.add_pictures(1)
        with pytest.raises(Refused) as refused, room.entered():
            pass
        assert refused.value.status == 503
        assert refused.value.headers == {"retry-after": "6"}  # 3 pictures of 2 s
    assert room.pictures == 0


def test_everything_is_given_back_whatever_happens() -> None:
    room = Room(Limits(queue=3, held=100))
    with pytest.raises(Refused), room.entered() as visit:
        visit.add_bytes(60)
        visit.add_bytes(41)
    with pytest.raises(KeyError), room.entered() as visit:
        visit.add_pictures(2)
        raise KeyError
    assert (room.pictures, room.held) == (0, 0)
