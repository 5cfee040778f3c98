"""The logistic head beside scikit-learn's own, and what its cross-validation may not see."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import log_softmax, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from foveal.targets import logistic as _logistic
from foveal.targets.head import FittedHead
from foveal.targets.logistic import (
    CANDIDATES,
    DEFAULT_C,
    FOLDS,
    WORSE,
    fit_head,
    folds,
)


def features(
    classes: int, each: int = 24, views: int = 1, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Draw overlapping classes of features of very different scales, (views, n, 12)."""
    generator = np.random.default_rng(seed)
    codes = np.arange(classes * each) % classes
    centres = generator.normal(size=(classes, 12))
    drawn = centres[codes] + 1.5 * generator.normal(size=(views, len(codes), 12))
    scales = 10 ** generator.uniform(-1, 1, 12)
    return (drawn * scales + 3 * scales).astype(np.float32), codes


def fitted(features_vnd: np.ndarray, codes: np.ndarray, **changes) -> FittedHead:
    options = {
        "units_n": np.arange(len(codes)),
        "classes": int(codes.max()) + 1,
        "class_weights": None,
        "seed": 0,
        "threads": 1,
    } | changes
    return fit_head(features_vnd, codes, **options)


def oracle(features_vnd: np.ndarray, codes: np.ndarray, C: float, weights_k=None, rows=None):
    """Fit scikit-learn's pipeline; each view of a picture weighs its share."""
    rows = np.arange(len(codes)) if rows is None else rows
    views = len(features_vnd)
    every = features_vnd.reshape(-1, features_vnd.shape[-1]).astype(np.float64)
    taught = features_vnd[:, rows].reshape(-1, features_vnd.shape[-1])
    weights = (np.ones(codes.max() + 1) if weights_k is None else weights_k)[codes[rows]] / views
    scaler = StandardScaler().fit(every)
    regression = LogisticRegression(C=C, max_iter=10_000, tol=1e-8)
    regression.fit(scaler.transform(taught), np.tile(codes[rows], views), np.tile(weights, views))
    return make_pipeline(scaler, regression)


def shares(head: FittedHead, features_nd: np.ndarray) -> np.ndarray:
    return softmax(features_nd @ head.weight_kd.T + head.bias_k, axis=1)


# The weaker the penalty the flatter the loss: both stop where the gradient is 1e-4 or less.
@pytest.mark.parametrize(("C", "apart"), [(1e-3, 1e-3), (0.1, 1e-3), (10.0, 1e-2)])
@pytest.mark.parametrize("views", [1, 3])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("classes", [2, 3, 5])
def test_the_head_is_that_of_scikit_learn(
    classes: int, weighted: bool, views: int, C: float, apart: float
) -> None:
    features_vnd, codes = features(classes, views=views)
    weights = np.linspace(0.5, 4, classes, dtype=np.float32) if weighted else None
    head = fitted(features_vnd, codes, class_weights=weights, C=C, judged=False)
    expected = oracle(features_vnd, codes, C, weights).predict_proba(features_vnd[0])
    np.testing.assert_allclose(shares(head, features_vnd[0]), expected, atol=apart)
    assert head.folds == 0 and head.C == C
    assert head.held_out_outputs_nk.shape == (0, classes) and len(head.held_out) == 0


def test_the_oracle_would_notice_another_penalty_or_another_weight() -> None:
    features_vnd, codes = features(3)
    found = shares(fitted(features_vnd, codes, C=0.1, judged=False), features_vnd[0])
    for other in (
        oracle(features_vnd, codes, 0.3),
        oracle(features_vnd, codes, 0.1, np.array([1.0, 1.0, 2.0])),
    ):
        assert np.abs(found - other.predict_proba(features_vnd[0])).max() > 1e-2


def test_mean_and_deviation_are_folded_into_weight_and_bias() -> None:
    features_vnd, codes = features(3)
    moved = features_vnd * 40 - 700
    plain = fitted(features_vnd, codes, C=0.1, judged=False)
    other = fitted(moved, codes, C=0.1, judged=False)
    np.testing.assert_allclose(other.weight_kd * 40, plain.weight_kd, atol=2e-3)
    np.testing.assert_allclose(
        shares(other, moved[0].astype(np.float64)), shares(plain, features_vnd[0]), atol=2e-3
    )


@pytest.mark.parametrize("value", [0.0, 5.0, 1e6])
def test_features_that_never_vary_change_nothing(value: float) -> None:
    features_vnd, codes = features(3)
    still = np.full((1, len(codes), 1), value, dtype=np.float32)
    head = fitted(np.concatenate([features_vnd, still], axis=2), codes, C=0.1, judged=False)
    expected = oracle(features_vnd, codes, 0.1).predict_proba(features_vnd[0])
    assert np.isfinite(head.weight_kd).all() and np.isfinite(head.bias_k).all()

    widened = np.concatenate([features_vnd[0], still[0]], axis=1).astype(np.float64)
    np.testing.assert_allclose(shares(head, widened), expected, atol=1e-3)


@given(
    codes=st.lists(st.integers(0, 3), min_size=1, max_size=80),
    repeats=st.lists(st.integers(0, 79), max_size=20),
    seed=st.integers(0, 3),
)
def test_folds_are_even_and_keep_equal_pictures_together(
    codes: list[int], repeats: list[int], seed: int
) -> None:
    first = np.array(codes)
    again = np.array([one % len(first) for one in repeats], dtype=np.intp)
    codes_n = np.concatenate([first, first[again]])
    hashes = np.concatenate([np.arange(len(first)), again]) * 7919 % 104729
    found = folds(codes_n, hashes, seed)
    different = np.array([len(np.unique(hashes[codes_n == code])) for code in range(4)])
    several = np.flatnonzero(different > 1)
    count = min(FOLDS, different[several].min(initial=FOLDS)) if len(several) else 0
    assert len(found) == len(codes_n)
    dealt = np.isin(codes_n, several)
    assert (found[~dealt] == -1).all()  # a class of one picture is judged in no fold
    assert set(found[dealt].tolist()) == set(range(count))
    for value in np.unique(hashes):
        assert len(set(found[hashes == value].tolist())) == 1
    if count > 1:
        for code in several:
            here = found[: len(first)][first == code]
            sizes = np.bincount(here, minlength=count)
            assert sizes.max() - sizes.min() <= 1
        whole = np.bincount(found[: len(first)][dealt[: len(first)]], minlength=count)
        assert whole.max() - whole.min() <= 1
    np.testing.assert_array_equal(found, folds(codes_n, hashes, seed))


def test_few_pictures_have_fewer_folds_and_one_a_class_has_none() -> None:
    for each, count in ((1, 0), (2, 2), (3, 3), (5, 5), (9, 5)):
        features_vnd, codes = features(3, each=each)
        head = fitted(features_vnd, codes)
        assert head.folds == count
        assert len(head.held_out) == len(head.held_out_outputs_nk) == (3 * each if count else 0)
        if not count:
            assert head.C == DEFAULT_C
    doubled = np.concatenate([features_vnd, features_vnd], axis=1)
    codes = np.concatenate([codes, codes])
    head = fitted(doubled, codes, units_n=codes)  # every class one picture, often
    assert head.folds == 0 and head.C == DEFAULT_C


def loss_of(head: FittedHead, codes: np.ndarray, weights: np.ndarray) -> float:
    logs = log_softmax(head.held_out_outputs_nk, axis=1)[np.arange(len(codes)), codes]
    return float(np.average(-logs, weights=weights[codes]))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("classes", [2, 4])
def test_the_strength_found_is_the_best_on_its_path(classes: int, weighted: bool) -> None:
    features_vnd, codes = features(classes)
    weights = np.linspace(0.2, 3, classes, dtype=np.float32) if weighted else np.ones(classes)
    options = {"class_weights": weights.astype(np.float32)}
    found = fitted(features_vnd, codes, **options)
    place = CANDIDATES.index(found.C)
    assert 0 < place < len(CANDIDATES) - 1, "the data should have a best within"
    losses = [
        loss_of(fitted(features_vnd, codes, C=C, **options), codes, weights)
        for C in CANDIDATES[: place + WORSE + 1]
    ]
    assert losses[place] == pytest.approx(min(losses), abs=1e-4)
    assert loss_of(found, codes, weights) == pytest.approx(losses[place], abs=1e-3)


@pytest.mark.parametrize("views", [1, 2])
def test_held_out_logits_are_those_of_the_other_folds(views: int) -> None:
    features_vnd, codes = features(3, views=views)
    head = fitted(features_vnd, codes, C=0.1)
    dealt = folds(codes, np.arange(len(codes)), 0)
    found = softmax(head.held_out_outputs_nk, axis=1)
    for fold in range(FOLDS):
        others = np.flatnonzero(dealt != fold)
        expected = oracle(features_vnd, codes, 0.1, rows=others)
        judged = dealt == fold
        np.testing.assert_allclose(
            found[judged], expected.predict_proba(features_vnd[0, judged]), atol=1e-3
        )


def test_the_labels_of_a_fold_have_no_say_in_its_own_logits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    features_vnd, codes = features(3)
    dealt = np.arange(len(codes)) // 3 % FOLDS  # held still while labels change
    monkeypatch.setattr(_logistic, "folds", lambda *asked: dealt)
    before = fitted(features_vnd, codes, C=0.1).held_out_outputs_nk
    other = np.where(dealt == 2, (codes + 1) % 3, codes)
    after = fitted(features_vnd, other, C=0.1).held_out_outputs_nk
    np.testing.assert_array_equal(after[dealt == 2], before[dealt == 2])
    assert (after[dealt != 2] != before[dealt != 2]).all(axis=1).all()


def test_equal_inputs_give_equal_bits_and_the_seed_deals_the_folds() -> None:
    features_vnd, codes = features(3)
    one, two = fitted(features_vnd, codes), fitted(features_vnd, codes)
    np.testing.assert_array_equal(one.weight_kd, two.weight_kd)
    np.testing.assert_array_equal(one.held_out_outputs_nk, two.held_out_outputs_nk)
    other = fitted(features_vnd, codes, seed=1, C=one.C)
    assert not np.array_equal(one.held_out_outputs_nk, other.held_out_outputs_nk)


def test_many_pictures_choose_by_some_and_fit_by_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_logistic, "MOST_TO_CHOOSE_BY", 40)
    monkeypatch.setattr(_logistic, "FEWEST", 5)
    features_vnd, codes = features(3)
    head = fitted(features_vnd, codes, C=0.1)
    assert 38 <= len(head.held_out) == len(set(head.held_out.tolist())) <= 42
    each = np.bincount(codes[head.held_out])
    assert each.min() >= 5 and each.max() - each.min() <= 1
    assert (np.diff(head.held_out) > 0).all()
    expected = oracle(features_vnd, codes, 0.1).predict_proba(features_vnd[0])
    np.testing.assert_allclose(shares(head, features_vnd[0]), expected, atol=1e-3)


def test_a_rare_class_does_not_switch_the_choice_off(monkeypatch: pytest.MonkeyPatch) -> None:
    features_vnd, codes = features(3, each=20)
    rare = codes.copy()
    rare[0] = 3  # one picture of a class of its own
    hashes = np.arange(len(rare))
    weights = {"class_weights": None, "seed": 0, "threads": 1}
    head = fit_head(features_vnd, rare, hashes, classes=4, **weights)
    assert head.folds == FOLDS and 0 not in head.held_out
    assert len(head.held_out) == len(rare) - 1 == len(head.held_out_outputs_nk)
    monkeypatch.setattr(_logistic, "MOST_TO_CHOOSE_BY", 12)
    monkeypatch.setattr(_logistic, "FEWEST", 2)
    few = fit_head(features_vnd, rare, hashes, classes=4, **weights)
    assert few.folds >= 2
    assert set(rare[few.held_out].tolist()) == {0, 1, 2}


@given(
    rows=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 7)), min_size=1, max_size=60),
    seed=st.integers(0, 9),
)
def test_units_of_several_classes_stay_whole_and_every_fold_is_taught_every_class(
    rows: list[tuple[int, int]], seed: int
) -> None:
    codes, units = np.array(rows).T
    found = folds(codes, units, seed)
    for unit in np.unique(units):
        assert len(set(found[units == unit].tolist())) == 1
    dealt = sorted(set(found.tolist()) - {-1})
    assert dealt == list(range(len(dealt)))
    for fold in dealt:
        assert set(codes[found != fold]) == set(codes)
