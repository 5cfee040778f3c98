"""Judged pictures that belong together are worth fewer; those of training pictures are named."""

from __future__ import annotations

import numpy as np
import pytest

from foveal.judging.together import Together
from foveal.pictures.collection import Pictures
from foveal.pictures.copies import NearCopies
from foveal.pictures.units import NO_PAIRS


def test_units_decide_worth_and_what_was_known_before() -> None:
    together = Together(np.array([1, 1, 2, 2, 3, 4]), NearCopies(NO_PAIRS, 6))
    pictures = Pictures.of_array(np.zeros((6, 4, 4, 1)))
    assert together.worth(np.array([True, False]), np.array([4, 5])) == 1
    right = np.array([True, True, False, False])
    assert together.worth(right, np.arange(4)) == pytest.approx(0.25, abs=0.26)
    (note,) = together.known_before(np.array([1, 4]), np.array([0, 2]), pictures)
    assert (
        note.startswith("near copies of pictures that trained")
        and "1 of these pictures"
        and "such as 1 and 0" in note
    )
    assert together.known_before(np.array([4, 5]), np.array([0, 2]), pictures) == []
