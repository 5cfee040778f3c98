"""Which classes are taken for which."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from foveal.evaluation.confusion import confused_pairs, most_confused
from foveal.evaluation.intervals import wilson

COUNTS = np.array([[5, 3, 0], [1, 7, 2], [4, 0, 6]])


def test_the_most_frequent_pairs_come_first_with_their_share_of_the_class() -> None:
    pairs = confused_pairs(COUNTS, 3)
    assert [(one.true, one.called, one.pictures) for one in pairs] == [
        (2, 0, 4),
        (0, 1, 3),
        (1, 2, 2),
    ]
    assert pairs[0].share == wilson(4, 10)
    assert confused_pairs(np.diag([3, 4])) == []


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 99))
def test_the_most_confused_classes_have_most_errors(count: int, most: int, seed: int) -> None:
    counts = np.random.default_rng(seed).integers(0, 9, (count, count))
    kept = most_confused(counts, most).tolist()
    wrong = [
        sum(counts[one, k] + counts[k, one] for k in range(count) if k != one)
        for one in range(count)
    ]
    assert kept == sorted(kept) and len(kept) == min(count, most)
    rest = [wrong[one] for one in range(count) if one not in kept]
    assert not rest or max(rest) <= min(wrong[one] for one in kept)
