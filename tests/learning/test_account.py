"""What a training tells of its pictures."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from foveal.learning.account import entries_of
from foveal.pictures.collection import Pictures
from foveal.pictures.splits import Split

COUNT = 300
"""Pictures that could train, and as many that are held out."""


class Group(str):
    """A name of a group that counts how often it is compared."""

    compared = 0

    def __eq__(self, other: object) -> bool:
        Group.compared += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def test_why_pictures_move_is_found_without_comparing_each_with_all() -> None:
    """Half are moved for their groups, which stand in the other part; no other is told of them."""
    groups = np.array([Group(f"g{row % COUNT}") for row in range(2 * COUNT)], dtype=object)
    pictures = Pictures.of_array(np.zeros((2 * COUNT, 2, 2, 1), np.uint8))
    pictures = Pictures(names=pictures.names, content=pictures.content, groups=groups)
    hashes = np.arange(2 * COUNT)
    hashes[1] = hashes[COUNT + 5]
    units = np.arange(2 * COUNT) % COUNT
    store: Any = SimpleNamespace(reasons=[""] * 2 * COUNT, hashes=hashes, remarked={})
    answers: Any = SimpleNamespace(reasons=[""] * 2 * COUNT)
    nothing = np.empty(0, np.intp)
    held_out = np.arange(COUNT, 2 * COUNT)
    Group.compared = 0
    found = entries_of(pictures, store, answers, units, Split(nothing, nothing, held_out))
    assert Group.compared <= 2 * COUNT
    assert found[0].reason == "its group, g0, stands in another part"
    assert found[1].reason == "the same picture stands in another part"
    assert found[COUNT].part == "test" and not found[COUNT].reason


def test_a_near_copy_is_named_by_the_first_that_stands_elsewhere() -> None:
    pictures = Pictures.of_array(np.zeros((4, 2, 2, 1), np.uint8))
    pictures = Pictures(names=["a", "b", "c", "d"], content=pictures.content)
    store: Any = SimpleNamespace(reasons=[""] * 4, hashes=np.arange(4), remarked={})
    answers: Any = SimpleNamespace(reasons=["", "", "", ""])
    nothing = np.empty(0, np.intp)
    parts = Split(np.array([1]), np.array([2, 3]), nothing)
    found = entries_of(pictures, store, answers, np.array([7, 5, 7, 7]), parts)
    assert found[0].reason == "a near copy, c, stands in another part"
