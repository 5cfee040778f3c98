"""Numbers as targets: read from anything, scaled, taught robustly, with intervals that hold."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from foveal import DataError, UsageError
from foveal.nets.plan import plan
from foveal.pictures.collection import Pictures
from foveal.targets.kinds import target_of
from foveal.targets.numbers import FAR, MISSED, Numbers, measured
from foveal.training.steps import UNANSWERED

EACH = np.arange(9.0)
"""Numbers of pictures that train, of no account here."""


def pictures(labels: Any) -> Pictures:
    found = np.asarray(labels)
    return replace(Pictures.of_array(np.zeros((len(found), 2, 2, 1))), labels=found)


def objects(*labels: object) -> np.ndarray:
    found = np.empty(len(labels), dtype=object)
    found[:] = labels
    return found


def test_numbers_are_read_whatever_they_are_written_in() -> None:
    given = objects(3, 2.5, "12", " -1.5e3 ", True, np.float32(0.5), "007")
    found = Numbers().answers(pictures(given))
    assert found.values_n.tolist() == [3, 2.5, 12, -1500, 1, 0.5, 7] and found.known.all()


def test_what_is_no_number_has_its_reason() -> None:
    given = objects(
        "many", None, float("nan"), "nan", "inf", float("-inf"), "", 1e200, "1_000", [1]
    )
    found = Numbers().answers(pictures(given))
    assert not found.known.any() and np.isnan(found.values_n).all()
    assert found.reasons[0] == "no number: 'many'"
    assert {found.reasons[1], found.reasons[2], found.reasons[6]} == {"no label"}
    assert found.reasons[4] == "no number: 'inf'" and found.reasons[5] == "no finite number: -inf"
    assert found.reasons[7].startswith("a number beyond 1e+100")
    assert found.reasons[8] == "no number: '1_000'" and found.reasons[9] == "no number: [1]"


@pytest.mark.parametrize("text", ["12,5", "1,234"])
def test_a_comma_is_not_guessed(text: str) -> None:
    with pytest.raises(DataError, match="whose comma may be either"):
        Numbers().learned(pictures([text, "3", "4"]))


def test_labels_none_of_which_is_a_number_are_refused() -> None:
    with pytest.raises(DataError, match="none; no number: 'cat'.*Name the column"):
        Numbers().learned(pictures(["cat", "dog"]))
    with pytest.raises(DataError, match="pictures without labels"):
        Numbers().learned(replace(pictures([1.0]), labels=None))
    with pytest.raises(UsageError, match="one number a picture, got 2 columns"):
        Numbers().learned(pictures([[1.0, 2.0], [3.0, 4.0]]))


def test_numbers_given_in_python_keep_those_that_are_missing_as_none() -> None:
    assert Numbers().read([1, 2.5]).tolist() == [1, 2.5]
    assert Numbers().read(np.array([1.0, np.nan])).tolist() == [1.0, None]
    assert Numbers().read(["3", None]).tolist() == ["3", None]
    with pytest.raises(UsageError, match="one number a picture"):
        Numbers().read(np.zeros((3, 2)))


def test_outliers_move_neither_middle_nor_spread() -> None:
    plain = np.random.default_rng(0).normal(50, 7, 1_000)
    middle, spread = measured(plain)
    assert middle == pytest.approx(50, abs=0.7) and spread == pytest.approx(7, rel=0.1)
    assert measured(np.append(plain, 1e30)) == pytest.approx((middle, spread), rel=1e-2)
    assert measured(np.array([0.0] * 9 + [1e99, 2e99]))[1] > 1e98  # half are one number: deviation
    assert measured(np.array([3.0, 3.0])) == (3.0, 1.0)


def test_what_taught_alone_decides_the_scale() -> None:
    given = replace(
        pictures([1.0, 2.0, 3.0, 900.0]), parts=np.array(["train", "train", "validation", "test"])
    )
    assert Numbers().learned(given).middle == 2.0


def test_numbers_far_out_are_taught_as_less_and_said_so() -> None:
    target = Numbers(middle=10.0, spread=2.0)
    values = np.array([10.0, 14.0, 1e30, -1e30])
    assert target.scaled(values).tolist() == [0, 2, FAR, -FAR]
    (note,) = target.remarks(values)
    assert note.startswith("2 numbers, such as 1e+30, farther than 20 spreads")
    assert target.remarks(values[:2]) == ()


def test_a_constant_is_refused() -> None:
    with pytest.raises(DataError, match=r"whose numbers differ, got 5 that are all 3\.5"):
        Numbers().check_enough(np.full(5, 3.5), np.arange(5), str)
    with pytest.raises(DataError, match="got 1 sample"):
        Numbers().check_enough(np.array([1.0]), np.arange(1), str)
    Numbers().check_enough(np.array([1.0, 2.0]), np.arange(2), str)


class _Batch:
    def __init__(self, made: list[float], wanted: list[float], weights: list[float] | None) -> None:
        self.images_nchw = torch.tensor(made)[:, None]
        self.values_n = torch.tensor(wanted)
        self.weights_n = None if weights is None else torch.tensor(weights)


def test_the_loss_is_squared_near_the_truth_and_linear_beyond() -> None:
    loss_of = Numbers().loss(np.empty(0), "cpu")
    found = loss_of(nn.Identity(), _Batch([0.5, 5.0], [0.0, 0.0], None))
    assert float(found.minimised) == pytest.approx((0.125 + 4.5) / 2)
    assert found.right == UNANSWERED
    weighed = loss_of(nn.Identity(), _Batch([0.5, 5.0], [0.0, 0.0], [2.0, 0.0]))
    assert float(weighed.minimised) == pytest.approx(0.125)
    assert float(weighed.told) == pytest.approx((0.125 + 4.5) / 2)
    target = Numbers(middle=100.0, spread=10.0)
    scores = target.judge(torch.tensor([[0.5], [5.0]]), np.array([100.0, 100.0]))
    assert scores.loss == pytest.approx((0.125 + 4.5) / 2) and scores.right is None


def test_intervals_hold_what_they_state_on_fresh_pictures() -> None:
    generator = np.random.default_rng(1)
    shares = []
    for _ in range(200):
        errors = generator.standard_t(3, 139)  # heavy tails: nothing of them is assumed
        known = 5 + errors[:39]
        target = Numbers(middle=5.0, spread=2.0).calibrated(np.zeros((39, 1)), known, EACH)
        _, low, high = target.predicted(np.zeros((100, 1)), 1.0).T
        shares.append(np.mean((low <= 5 + errors[39:]) & (5 + errors[39:] <= high)))
    assert np.mean(shares) == pytest.approx(1 - MISSED, abs=0.015)


def test_too_few_held_out_pictures_give_no_interval() -> None:
    target = Numbers().calibrated(np.zeros((8, 1)), np.arange(8.0), EACH)
    assert target.reach is None and target.stated is None
    assert np.isnan(target.predicted(np.zeros((2, 1)), 1.0)[:, 1:]).all()
    ((cells, _),) = target.cells(target.predicted(np.zeros((1, 1)), 1.0))
    assert cells == [0.0, None, None]
    assert Numbers().calibrated(np.zeros((9, 1)), np.arange(9.0), EACH).reach == 8.0
    assert Numbers().calibrated(np.empty((0, 1)), np.empty(0), EACH).reach is None


def test_a_model_file_keeps_it() -> None:
    target = Numbers(middle=3.0, spread=2.0, reach=0.5)
    assert target_of("regression", [], target.kept) == target
    assert target_of("regression", [], replace(target, reach=None).kept).stated is None
    for kept in ({}, {"middle": 1.0, "spread": 0.0}, {"middle": 1.0, "spread": 1.0, "more": 1.0}):
        with pytest.raises(ValueError, match="do not belong to regression"):
            target_of("regression", [], kept)


@pytest.mark.parametrize("end", ["dense 1 relu", "dense 1 | sigmoid"])
def test_a_network_that_cannot_say_every_number_is_refused(end: str) -> None:
    with pytest.raises(UsageError, match="a plain sum at the end"):
        Numbers().check_end(plan(f"1x8x8 | flatten | {end}"))
    Numbers().check_end(plan("1x8x8 | flatten | dense 1"))


def test_every_part_gets_its_share_of_large_and_small_numbers() -> None:
    strata = Numbers().strata(np.append(np.arange(100.0), math.nan))
    assert np.bincount(strata[:-1]).tolist() == [20] * 5 and strata[-1] == 0
    assert Numbers().strata(np.array([math.nan])).tolist() == [0]
    assert np.unique(Numbers().strata(np.array([1.0] * 9 + [2.0]))).tolist() == [0, 1]
