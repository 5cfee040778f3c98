"""Which classes are taken for which."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from foveal.evaluation.confusion import Confusion, confused_pairs, most_confused
from foveal.evaluation.intervals import wilson

COUNTS = np.array([[5, 3, 0], [1, 7, 2], [4, 0, 6]])


def test_the_most_frequent_pairs_come_first_with_their_share_of_the_class() -> None:
    pairs = confused_pairs(Confusion.of_matrix(COUNTS), 3)
    assert [(one.true, one.called, one.pictures) for one in pairs] == [
        (2, 0, 4),
        (0, 1, 3),
        (1, 2, 2),
    ]
    assert pairs[0].share == wilson(4, 10)
    assert confused_pairs(Confusion.of_matrix(np.diag([3, 4]))) == []


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 99))
def test_the_most_confused_classes_have_most_errors(count: int, most: int, seed: int) -> None:
    counts = np.random.default_rng(seed).integers(0, 9, (count, count))
    kept = most_confused(Confusion.of_matrix(counts), most).tolist()
    wrong = [
        sum(counts[one, k] + counts[k, one] for k in range(count) if k != one)
        for one in range(count)
    ]
    assert kept == sorted(kept) and len(kept) == min(count, most)
    rest = [wrong[one] for one in range(count) if one not in kept]
    assert not rest or max(rest) <= min(wrong[one] for one in kept)


@given(st.integers(1, 6), st.integers(0, 40), st.integers(0, 99))
def test_cells_are_those_of_the_matrix(classes: int, count: int, seed: int) -> None:
    ids, called = np.random.default_rng(seed).integers(0, classes, (2, count))
    wanted = np.zeros((classes, classes), int)
    for one, other in zip(ids, called, strict=True):
        wanted[one, other] += 1
    for found in (Confusion.of(ids, called, classes), Confusion.of_matrix(wanted)):
        np.testing.assert_array_equal(np.asarray(found), wanted)
        assert found.to_dict() == wanted.tolist() and len(found) == classes
        np.testing.assert_array_equal(found.right, np.diag(wanted))
        np.testing.assert_array_equal(found.there, wanted.sum(axis=1))
        np.testing.assert_array_equal(found.so, wanted.sum(axis=0))
        np.testing.assert_allclose(np.asarray(found.times(0.25)), wanted / 4)
        some = np.arange(0, classes, 2)[::-1]
        np.testing.assert_array_equal(found.within(some), wanted[some][:, some])


def test_of_very_many_classes_cells_are_written_instead_of_a_matrix() -> None:
    found = Confusion.of(np.array([7, 7, 0]), np.array([9_999, 9_999, 0]), 10_000)
    assert found.to_dict() == [
        {"true": 0, "called": 0, "pictures": 1},
        {"true": 7, "called": 9_999, "pictures": 2},
    ]
