"""Splits of pictures with several labels: no rare label misses a part, and shares come out near."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, logit

from foveal.pictures.splits import draw
from foveal.targets.label_strata import ENOUGH, strata_of

SHARE = 0.2


def long_tailed(count: int, labels: int, seed: int) -> np.ndarray:
    """Draw labels of which few are frequent and most are rare, and which hang together."""
    generator = np.random.default_rng(seed)
    frequent = logit(0.5 / np.arange(1, labels + 1))
    common = generator.normal(size=(count, 3)) @ generator.normal(size=(3, labels)) * 0.7
    return generator.random((count, labels)) < expit(frequent + common)


def drawn(strata: np.ndarray, seed: int) -> np.ndarray:
    rows = np.arange(len(strata))
    taken = draw(strata, rows.astype(np.int64), rows, SHARE, seed, "validation")[1]
    return np.isin(rows, taken)


def off(there: np.ndarray, taken: np.ndarray) -> float:
    """How far the share of each label is from the one wanted, on average."""
    totals = there.sum(axis=0)
    known = totals > 0
    return float(np.abs(there[taken].sum(axis=0)[known] / totals[known] - SHARE).mean())


def test_shares_of_labels_are_nearer_than_by_chance_and_no_label_misses_a_part() -> None:
    by_strata, by_chance = [], []
    for seed in range(8):
        there = long_tailed(500, 12, seed)
        taken = drawn(strata_of(there), seed)
        assert abs(taken.mean() - SHARE) < 0.01
        several = there.sum(axis=0) > 1
        assert (there[taken].any(axis=0) & there[~taken].any(axis=0))[several].all()
        by_strata.append(off(there, taken))
        by_chance.append(off(there, drawn(np.zeros(500, dtype=np.intp), seed)))
    assert np.mean(by_strata) < 0.6 * np.mean(by_chance)
    assert np.mean(by_strata) < 0.025


def test_equal_sets_are_a_stratum_where_they_are_enough_and_others_go_by_their_rarest() -> None:
    a, both, lone = [1, 0, 0], [1, 1, 0], [1, 1, 1]
    there = np.array([a] * ENOUGH + [both] * (ENOUGH - 1) + [lone] * 2 + [[0, 0, 0]] * 2, bool)
    strata = strata_of(there)
    sizes = sorted(np.unique(strata, return_counts=True)[1].tolist())
    assert sizes == [2, 2, ENOUGH - 1, ENOUGH]
    assert len(set(strata[:ENOUGH])) == 1 and len(set(strata)) == strata.max() + 1
