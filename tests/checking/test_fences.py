"""What lies beyond a fence, and which values are rare."""

from __future__ import annotations

import numpy as np

from foveal.checking.fences import beyond, rare


def test_what_is_far_from_the_median_is_found_on_both_sides() -> None:
    usual = np.random.default_rng(0).normal(0, 1, 500).clip(-3, 3)
    values = np.concatenate([usual, [9.0, np.nan, -9.0]])
    rows, middle = beyond(values, 0.1)
    assert rows.tolist() == [500, 502]
    assert middle == np.nanmedian(values)


def test_of_values_that_are_all_alike_a_near_one_is_usual() -> None:
    values = np.array([1.0] * 20 + [1.2, 3.0])
    assert beyond(values, 0.5)[0].tolist() == [21]
    assert beyond(np.full(3, np.nan), 1.0)[0].tolist() == []


def test_few_among_many_are_rare_and_in_a_mixture_nothing_is() -> None:
    assert rare(["PNG"] + ["JPEG"] * 30 + [""]) == ([0], "JPEG")
    assert rare(["PNG"] * 10 + ["JPEG"] * 20) == ([], "")
    assert rare(["PNG"] * 2 + ["JPEG"] * 18) == ([], "JPEG")  # a tenth is not rare
