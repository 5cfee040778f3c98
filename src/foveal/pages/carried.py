"""What a page carries of a network's maps: which, how finely, and how large, within its room."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from foveal.arrays import Rows
from foveal.looking.walk import Node, strands
from foveal.nets.spec import Dropout, Flatten, Sample

SIDES = (512, 256, 128, 64, 32, 16, 8, 4)
"""Longest sides that maps may be carried with, in pixels; larger ones are averaged in blocks."""
MOST_MAPS = 64
"""Maps of a layer of which not all are carried."""
SMALL_MAPS = 16
"""Maps of layers with small ones, where there is room for more than of all others."""
LONGEST_VECTOR = 20_000
"""Numbers of a vector that is carried."""
PICTURES, WHOLE, VECTORS = 0.3, 0.15, 0.1
"""Shares of the room: of the pictures, of vectors, and of layers in full where not all fit."""
FEWEST_MAPS = 3
"""Maps of each layer that should fit; they are made smaller until they do."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Carried:
    """What is carried of the outputs of one node."""

    channels: Rows
    """Numbers of the maps, ascending; empty where none is carried. Of a vector all or none."""
    bits: int
    """Of a number: 8 or 16, in even steps from the least to the greatest of each map; 32 for
    vectors; 0 where nothing is carried."""
    reduced: int = 1
    """Side of the blocks of pixels of which the average is carried."""
    alias: bool = False
    """Whether the numbers are those of the node below, in the same order."""

    @property
    def in_full(self) -> bool:
        """Whether all numbers are there, so finely that one can reckon with them."""
        return self.bits >= 16 and self.reduced == 1


NOTHING = Carried(channels=np.empty(0, np.intp), bits=0)


def choose(
    nodes: Sequence[Node],
    activity: Sequence[np.ndarray[Any, Any]],
    pictures: int,
    room: int,
    *,
    in_bytes: bool,
) -> list[Carried]:
    """Choose what is carried of each node.

    The pictures come first, then whole layers in order, so that their numbers can be worked out
    step by step, then of all others the maps that are most active, of each layer as many. Along
    a strand the same maps are kept.

    Parameters
    ----------
    nodes : sequence of Node
        The network.
    activity : sequence of array
        How active the channels of each node are.
    pictures : int
        How many pictures are carried.
    room : int
        Bytes for all of it.
    in_bytes : bool
        Whether the pictures are bytes, so that 8 bits of a pixel are all of it.

    Returns
    -------
    list of Carried
        One for each node.
    """
    of = strands(nodes)
    same = [one.layer is not None and isinstance(one.layer.layer, _SAME) for one in nodes]
    found = [replace(NOTHING, alias=one) for one in same]
    found[0] = _of_pictures(nodes[0], activity[0], pictures, int(room * PICTURES), in_bytes)
    left = room - _cost(nodes[0], found[0], pictures)
    maps = [place for place, one in enumerate(nodes) if len(one.shape) == 3 and not same[place]]
    everything = sum(_cost(nodes[place], _all(nodes[place], 16, 1), pictures) for place in maps[1:])
    most = left if everything <= left * (1 - VECTORS) else int(room * WHOLE)
    left -= _carry_whole(nodes, of, maps[1:], found, pictures, most)
    for place, one in enumerate(nodes):
        if one.layer and isinstance(one.layer.layer, Flatten):
            whole = below(nodes, found, one.source).in_full
            found[place] = replace(NOTHING, alias=whole or one.source == 0)
    left -= _carry_vectors(nodes, found, pictures, int(room * VECTORS))
    rest = [place for place in maps[1:] if not found[place].bits]
    _carry_some(nodes, of, rest, found, activity, pictures, left)
    return found


_SAME = (Dropout, Sample)
"""Layers whose numbers are those below, in the same order."""


def below(nodes: Sequence[Node], carried: Sequence[Carried], place: int) -> Carried:
    """Return what is carried of a node, or of the one whose numbers it has."""
    while carried[place].alias:
        place = nodes[place].source
    return carried[place]


def _of_pictures(
    node: Node, activity: np.ndarray[Any, Any], pictures: int, room: int, in_bytes: bool
) -> Carried:
    bits = 8 if in_bytes else 16
    fits = [
        one
        for side in (max(node.shape[1:]), *SIDES)
        if _cost(node, one := _all(node, bits, _reduced(node, side)), pictures) <= room
    ]
    if fits:
        return fits[0]
    smallest = _all(node, bits, _reduced(node, SIDES[-1]))
    each = _cost(node, smallest, pictures) / node.shape[0]
    return replace(smallest, channels=_best(activity, max(1, int(room / each))))


def _carry_whole(
    nodes: Sequence[Node],
    of: list[int],
    places: list[int],
    found: list[Carried],
    pictures: int,
    room: int,
) -> int:
    """Carry strands in full while they fit, in order; return the bytes that they take."""
    used = 0
    for strand in dict.fromkeys(of[place] for place in places):
        members = [place for place in places if of[place] == strand]
        whole = {place: _all(nodes[place], 16, 1) for place in members}
        cost = sum(_cost(nodes[place], one, pictures) for place, one in whole.items())
        large = max(max(nodes[place].shape[1:]) for place in members) > SIDES[0]
        if not large and used + cost <= room:
            used += cost
            for place, one in whole.items():
                found[place] = one
    return used


def _carry_vectors(nodes: Sequence[Node], found: list[Carried], pictures: int, room: int) -> int:
    """Carry vectors while they fit, in order; return the bytes that they take."""
    used = 0
    for place, node in enumerate(nodes):
        if len(node.shape) != 1 or found[place].alias or node.shape[0] > LONGEST_VECTOR:
            continue
        one = _all(node, 32, 1)
        cost = _cost(node, one, pictures)
        if used + cost <= room:
            used += cost
            found[place] = one
    return used


def _carry_some(
    nodes: Sequence[Node],
    of: list[int],
    places: list[int],
    found: list[Carried],
    activity: Sequence[np.ndarray[Any, Any]],
    pictures: int,
    room: int,
) -> None:
    """Carry the most active maps of what is left, of each strand as many."""
    if not places:
        return
    members: dict[int, list[int]] = {}
    for place in places:
        members.setdefault(of[place], []).append(place)
    side = _side(nodes, places, pictures, room)
    sizes = {
        strand: sum(_one_map(nodes[place], side) * pictures for place in inside)
        for strand, inside in members.items()
    }
    counts = {strand: nodes[inside[0]].shape[0] for strand, inside in members.items()}
    kept = _evenly(sizes, counts, room)
    for strand, inside in members.items():
        sums = sum(activity[place] / (activity[place].max() or 1.0) for place in inside)
        best = _best(np.asarray(sums), kept[strand])
        for place in inside:
            reduced = _reduced(nodes[place], side)
            found[place] = Carried(channels=best, bits=8 if len(best) else 0, reduced=reduced)


def _side(nodes: Sequence[Node], places: list[int], pictures: int, room: int) -> int:
    """Choose the longest side with which a few maps of every layer fit into the room."""
    for side in SIDES:
        each = [
            _one_map(one, side) * min(FEWEST_MAPS, one.shape[0])
            for one in map(nodes.__getitem__, places)
        ]
        if pictures * sum(each) <= room:
            return side
    return SIDES[-1]


def _evenly(sizes: dict[int, int], counts: dict[int, int], room: int) -> dict[int, int]:
    """Choose how many maps of each strand fit: of each as many, then more of the smallest."""

    def cost(count: int) -> int:
        return sum(min(count, counts[strand]) * size for strand, size in sizes.items())

    count = 0
    while count < MOST_MAPS and cost(count + 1) <= room:
        count += 1
    kept = {strand: min(count, counts[strand]) for strand in sizes}
    left = room - cost(count)
    for strand, size in sorted(sizes.items(), key=lambda one: one[1]):
        further = min(counts[strand], max(count, SMALL_MAPS)) - kept[strand]
        more = max(0, min(further, left // size))
        kept[strand] += more
        left -= more * size
    return kept


def _best(activity: np.ndarray[Any, Any], count: int) -> Rows:
    """Return the numbers of the most active channels, ascending; of equals the first."""
    return np.sort(np.argsort(-activity, kind="stable")[:count])


def _all(node: Node, bits: int, reduced: int) -> Carried:
    return Carried(channels=np.arange(node.shape[0]), bits=bits, reduced=reduced)


def _reduced(node: Node, side: int) -> int:
    return math.ceil(max(node.shape[1:]) / side)


def _one_map(node: Node, side: int) -> int:
    reduced = _reduced(node, side)
    return math.prod(math.ceil(one / reduced) for one in node.shape[1:]) + 8


def _cost(node: Node, carried: Carried, pictures: int) -> int:
    """Count the bytes that pictures take, limits of each map included."""
    sides = [math.ceil(one / carried.reduced) for one in node.shape[1:]]
    each = math.prod(sides) * carried.bits // 8 + (8 if sides else 0)
    return pictures * len(carried.channels) * each
