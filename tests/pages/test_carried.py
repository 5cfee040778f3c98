import numpy as np
import pytest

from foveal.looking.walk import nodes_of
from foveal.nets.plan import plan
from foveal.pages.carried import Carried, choose

DEEP = "3x64x64 | 6*(conv 32 3x3 same | batchnorm | relu) | globalpool | dense 4"


def chosen(net: str, room: int, pictures: int = 2) -> list[Carried]:
    nodes = nodes_of(plan(net))
    activity = [np.arange(node.shape[0], dtype=np.float32) for node in nodes]
    return choose(nodes, activity, pictures, room, in_bytes=True)


def used(net: str, carried: list[Carried], pictures: int) -> int:
    """Bytes, counted from the shapes alone."""
    total = 0
    for node, one in zip(nodes_of(plan(net)), carried, strict=True):
        sides = [-(-side // one.reduced) for side in node.shape[1:]]
        limits = 8 if sides else 0
        total += len(one.channels) * (int(np.prod(sides)) * one.bits // 8 + limits) * pictures
    return total


@pytest.mark.parametrize("room", [40_000, 200_000, 1_000_000, 20_000_000])
def test_what_is_carried_stays_within_its_room(room: int) -> None:
    assert used(DEEP, chosen(DEEP, room), 2) <= room


def test_all_is_carried_in_full_where_it_fits() -> None:
    found = chosen(DEEP, 20_000_000)
    nodes = nodes_of(plan(DEEP))
    for node, one in zip(nodes[1:], found[1:], strict=True):
        assert one.in_full
        assert len(one.channels) == node.shape[0]
    assert (found[0].bits, found[0].reduced) == (8, 1)


def test_along_a_strand_the_same_most_active_maps_are_kept() -> None:
    found = chosen(DEEP, 1_000_000)
    partial = [one for one in found[1:] if one.bits == 8]
    assert partial
    for conv in (1, 4, 7):
        kept = [found[place].channels.tolist() for place in range(conv, conv + 3)]
        assert kept[0] == kept[1] == kept[2]
        assert kept[0] == list(range(32 - len(kept[0]), 32))


def test_more_room_never_carries_less() -> None:
    counts = [sum(len(one.channels) for one in chosen(DEEP, room)) for room in (300_000, 3_000_000)]
    assert counts[0] < counts[1]


def test_flattened_maps_are_carried_once() -> None:
    found = chosen("1x8x8 | conv 4 3x3 | flatten | dropout 0.5 | dense 3", 1_000_000)
    assert [one.alias for one in found] == [False, False, True, True, False]
    assert [one.bits for one in found] == [8, 16, 0, 0, 32]
