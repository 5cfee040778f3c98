"""Units: rows joined by content, by group or by pair, through any number of steps."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from foveal.pictures.units import NO_PAIRS, contradictions, majority, units_of

ROWS = st.lists(
    st.tuples(st.integers(-4, 4), st.sampled_from([None, "a", "b", "c", "d"]), st.booleans()),
    min_size=1,
    max_size=14,
)


def reached(row: int, joined: list[list[bool]]) -> set[int]:
    """Walk from row to row: the oracle."""
    seen, waiting = {row}, [row]
    while waiting:
        at = waiting.pop()
        for other, one in enumerate(joined[at]):
            if one and other not in seen:
                seen.add(other)
                waiting.append(other)
    return seen


@given(rows=ROWS, picked=st.lists(st.tuples(st.integers(0, 13), st.integers(0, 13)), max_size=4))
def test_units_are_what_can_be_reached(rows: list, picked: list) -> None:
    hashes = np.array([row[0] for row in rows], dtype=np.int64)
    groups = np.array([row[1] for row in rows], dtype=object)
    usable = np.flatnonzero([row[2] for row in rows])
    count = len(rows)
    pairs = np.array([(a % count, b % count) for a, b in picked], dtype=np.intp).reshape(-1, 2)
    found = units_of(hashes, usable, groups, pairs)
    linked = {frozenset(pair) for pair in pairs.tolist()}
    joined = [
        [
            i in usable
            and j in usable
            and bool(
                hashes[i] == hashes[j]
                or (groups[i] is not None and groups[i] == groups[j])
                or frozenset((i, j)) in linked
            )
            for j in range(count)
        ]
        for i in range(count)
    ]
    for row in usable:
        together = reached(int(row), joined) & set(usable.tolist())
        assert {int(one) for one in usable if found[one] == found[row]} == together
        assert found[row] == min(hashes[one] for one in together)


def test_without_anything_that_joins_units_are_the_hashes() -> None:
    hashes = np.array([5, 0, 0, -3])
    assert units_of(hashes, np.arange(4)) is hashes
    none = np.array([None] * 4, dtype=object)
    np.testing.assert_array_equal(units_of(hashes, np.arange(4), none, NO_PAIRS), hashes)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=30))
def test_the_majority_is_the_most_frequent_class(rows: list[tuple[int, int]]) -> None:
    unit, codes = np.array(rows).T
    unit = np.unique(unit, return_inverse=True)[1]
    found = majority(codes, unit, int(unit.max()) + 1)
    for number, code in enumerate(found):
        assert code == np.bincount(codes[unit == number]).argmax()


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 2), st.booleans()), min_size=1, max_size=20
    )
)
def test_pictures_under_several_classes_are_contradictions(rows: list) -> None:
    hashes, codes, given_ = map(np.array, zip(*rows, strict=True))
    usable = np.flatnonzero(given_)
    found = contradictions(hashes, codes, usable)
    for row in range(len(rows)):
        others = {
            int(codes[other]) for other in usable if hashes[other] == hashes[row] and row in usable
        } - {int(codes[row])}
        assert (row in found) == bool(others)
        assert not others or found[row] in others
