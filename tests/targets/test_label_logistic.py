"""The default head of several labels: what scikit-learn gives each label alone."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from foveal.evaluation.label_regression import cross_entropy
from foveal.targets.label_logistic import fit_label_head

COUNT, LABELS = 240, 4


def drawn(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw features, and labels that they say something of."""
    generator = np.random.default_rng(seed)
    features = generator.normal(2, 3, (1, COUNT, 20)).astype(np.float32)
    says = features[0] @ generator.normal(size=(20, LABELS)) / 6
    noise = generator.normal(size=(COUNT, LABELS)) * 2
    return features, says - says.mean(axis=0) + noise > np.arange(LABELS) / 2


def fitted(features: np.ndarray, there: np.ndarray, **more: object):
    options = {"label_weights": None, "sample_weights_n": None, "seed": 0, "threads": 1, **more}
    return fit_label_head(features, there, np.arange(COUNT), **options)


@pytest.mark.parametrize("views", [1, 2])
@pytest.mark.parametrize("weighed", [False, True])
def test_each_label_is_fitted_as_scikit_learn_fits_it_alone(views: int, weighed: bool) -> None:
    features, there = drawn()
    generator = np.random.default_rng(1)
    of_label = generator.uniform(0.5, 2, (2, LABELS)) if weighed else None
    of_row = generator.uniform(0.5, 2, COUNT) if weighed else None
    C = 0.05
    head = fitted(
        np.concatenate([features] * views),
        there,
        label_weights=of_label,
        sample_weights_n=of_row,
        C=C,
    )
    scaled = StandardScaler().fit(features[0])
    for at in range(LABELS):
        weights = np.ones(COUNT) if of_row is None else of_row.copy()
        if of_label is not None:
            weights *= np.where(there[:, at], of_label[1, at], of_label[0, at])
        alone = LogisticRegression(C=C, tol=1e-8, max_iter=5_000)
        alone.fit(scaled.transform(features[0]), there[:, at], sample_weight=weights)
        own = features[0] @ head.weight_kd[at] + head.bias_k[at]
        oracle = alone.decision_function(scaled.transform(features[0]))
        np.testing.assert_allclose(own, oracle, atol=0.02)


def test_the_penalty_has_the_least_held_out_loss_and_each_fold_judges_what_it_did_not_see() -> None:
    features, there = drawn()
    head = fitted(features, there)
    assert head.folds == 5 and len(head.held_out) == COUNT
    chosen = cross_entropy(head.held_out_outputs_nk, there).mean()
    for C in (1e-4, 10.0):
        other = fitted(features, there, C=C)
        assert chosen < cross_entropy(other.held_out_outputs_nk, there).mean()
    own = features[0] @ head.weight_kd.T + head.bias_k
    assert cross_entropy(own, there).mean() < chosen


def test_a_label_that_none_bears_or_all_do_is_said_of_none_or_of_all() -> None:
    features, there = drawn()
    there[:, 0], there[:, 1] = False, True
    head = fitted(features, there, C=0.1)
    logits = features[0] @ head.weight_kd.T + head.bias_k
    assert np.isfinite(logits).all() and (logits[:, 0] < -3).all() and (logits[:, 1] > 3).all()


def test_units_are_never_torn_apart_and_few_pictures_choose_nothing() -> None:
    features, there = drawn()
    twins = np.repeat(features[:, : COUNT // 2], 2, axis=1)
    noise = np.random.default_rng(3).random((COUNT // 2, 1)) < 0.5  # says nothing, and is the same
    own = np.repeat(noise, 2, axis=0)
    units = np.repeat(np.arange(COUNT // 2), 2)
    options = {"label_weights": None, "sample_weights_n": None, "seed": 0, "threads": 1}
    apart = fit_label_head(twins, own, np.arange(COUNT), **options, C=10.0)
    together = fit_label_head(twins, own, units, **options, C=10.0)
    known = cross_entropy(apart.held_out_outputs_nk, own[apart.held_out]).mean()
    assert known < cross_entropy(together.held_out_outputs_nk, own[together.held_out]).mean()
    one = fit_label_head(features[:, :1], there[:1], np.zeros(1, np.int64), **options)
    assert one.folds == 0 and len(one.held_out) == 0
