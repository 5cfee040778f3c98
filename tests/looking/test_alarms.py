"""Kernels that are of no use are found, and no others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import betainccinv

import foveal
from foveal.looking.alarms import ALIKE, alarms, least_cosine
from foveal.looking.convolutions import Kernels, convolutions
from foveal.looking.subject import subject_of


def kernels(*shape: int, groups: int = 1, seed: int = 0) -> Kernels:
    weights = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    return Kernels(layer="1", text="conv", weights=weights, groups=groups)


def kinds(found: Kernels) -> dict[int, str]:
    return {one.kernel: one.kind for one in alarms(found)}


@pytest.mark.parametrize("net", ["fast", "lenet5", "tinyvgg", "resnet", "efficientnet_lite0"])
def test_stock_nets_freshly_drawn_give_no_alarm(net: str) -> None:
    for seed in range(1 if net.startswith("eff") else 3):
        for layer in convolutions(subject_of(foveal.plan(net), seed=seed)):
            assert alarms(layer) == ()


def test_planted_kernels_are_found_each_with_its_reason() -> None:
    given = kernels(16, 3, 3, 3)
    given.weights[2] = 0
    given.weights[5] *= 1e-5
    given.weights[7] = 2 * given.weights[4] + 1e-4
    given.weights[9] = -0.1 * given.weights[0]
    given.weights[11, 1, 0, 0] = np.nan
    given.weights[12, 0, 0, 0] = np.inf
    found = {one.kernel: one for one in alarms(given)}
    assert {kernel: one.kind for kernel, one in found.items()} == {
        2: "dead",
        5: "dead",
        7: "duplicate",
        9: "duplicate",
        11: "broken",
        12: "broken",
    }
    assert (found[7].other, found[9].other) == (4, 0)
    assert found[7].cosine == pytest.approx(1, abs=1e-3)
    assert found[9].cosine == pytest.approx(-1, abs=1e-6)
    assert found[7].says == "kernel 7 of layer 1 is a duplicate of kernel 4 (cosine 1.000)"
    assert "the opposite of kernel 0" in found[9].says
    assert "weights are almost 0" in found[2].says
    assert "no numbers" in found[11].says


def test_a_kernel_that_is_merely_small_or_merely_alike_gives_no_alarm() -> None:
    given = kernels(16, 8, 3, 3)
    given.weights[3] *= 0.01
    given.weights[8] = given.weights[1] + 0.5 * given.weights[2]  # cosine about 0.9
    assert alarms(given) == ()


def test_all_kernels_of_a_layer_may_be_dead_or_broken() -> None:
    given = kernels(3, 1, 3, 3)
    given.weights[:] = 0
    assert kinds(given) == dict.fromkeys(range(3), "dead")
    given.weights[:] = np.nan
    assert kinds(given) == dict.fromkeys(range(3), "broken")


def test_kernels_of_other_groups_are_no_duplicates() -> None:
    depthwise = kernels(8, 1, 3, 3, groups=8)
    depthwise.weights[:] = depthwise.weights[0]
    assert alarms(depthwise) == ()
    paired = kernels(8, 4, 3, 3, groups=2)
    paired.weights[5] = paired.weights[0]  # of the other group
    paired.weights[3] = paired.weights[1]
    paired.weights[7] = -paired.weights[4]
    found = {one.kernel: one.other for one in alarms(paired)}
    assert found == {3: 1, 7: 4}


def test_kernels_of_one_weight_are_not_compared() -> None:
    assert alarms(kernels(8, 1, 1, 1)) == ()
    assert least_cosine(1, 28) is None and least_cosine(9, 0) is None


@pytest.mark.parametrize("length", [3, 9, 27])
def test_random_kernels_are_duplicates_no_more_often_than_chance_allows(length: int) -> None:
    count, layers = 60, 40
    pairs = count * (count - 1) // 2
    least = least_cosine(length, pairs)
    assert least is not None and least >= ALIKE
    given = np.random.default_rng(length).standard_normal((layers, count, length))
    unit = given / np.linalg.norm(given, axis=2, keepdims=True)
    cosines = np.abs(unit @ unit.swapaxes(1, 2))[:, *np.tril_indices(count, -1)]
    assert (cosines > least).sum() == 0  # about 0.004 are expected


def test_the_cosine_that_chance_allows_is_that_of_random_directions() -> None:
    given = np.random.default_rng(0).standard_normal((2, 400_000, 9))
    first, second = given / np.linalg.norm(given, axis=2, keepdims=True)
    cosines = np.abs((first * second).sum(axis=1))
    for share in (0.1, 0.01, 0.001):
        by_law = np.sqrt(betainccinv(0.5, 4, share))
        assert np.quantile(cosines, 1 - share) == pytest.approx(by_law, rel=0.02)


def test_an_alarm_is_given_once_a_kernel() -> None:
    given = kernels(4, 1, 3, 3)
    given.weights[1] = given.weights[3] = 0
    assert kinds(given) == {1: "dead", 3: "dead"}
    assert kinds(replace(given, weights=given.weights[:2])) == {1: "dead"}
