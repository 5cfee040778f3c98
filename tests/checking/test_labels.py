"""Labels that look wrong, held against the definition of confident learning."""

from __future__ import annotations

import numpy as np

from foveal.checking.labels import doubted_labels


def test_a_confident_other_class_is_found_with_its_margin() -> None:
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.05, 0.95], [0.02, 0.98]])
    (found,) = doubted_labels(probabilities, np.array([0, 0, 1, 1, 0]))
    assert (found.row, found.other) == (4, 1)
    assert np.isclose(found.margin, 0.02 - 0.98)


def test_a_class_is_taken_only_where_it_is_as_likely_as_among_its_own() -> None:
    # among its own, class 1 has 0.95 on average: 0.7 speaks against label 0 yet is not enough
    probabilities = np.array([[0.9, 0.1], [0.3, 0.7], [0.04, 0.96], [0.06, 0.94]])
    assert doubted_labels(probabilities, np.array([0, 0, 1, 1])) == []


def test_thresholds_and_ranks_are_those_written_out_pair_by_pair() -> None:
    draws = np.random.default_rng(1)
    ids = draws.integers(0, 3, 200)
    logits = draws.normal(0, 1, (200, 3))
    logits[np.arange(200), np.where(draws.random(200) < 0.15, (ids + 1) % 3, ids)] += 3
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    thresholds = [np.mean([p[i, k] for i in range(200) if ids[i] == k]) for k in range(3)]
    expected = []
    for i in range(200):
        reached = [k for k in range(3) if p[i, k] >= thresholds[k]]
        best = max(reached, key=lambda k: p[i, k], default=ids[i])
        if best != ids[i] and p[i, best] > p[i, ids[i]]:
            expected.append((p[i, ids[i]] - p[i, best], i, best))
    found = doubted_labels(p, ids)
    assert len(expected) > 5
    assert [(one.row, one.other) for one in found] == [(i, k) for _, i, k in sorted(expected)]


def test_a_class_that_no_label_names_is_never_taken() -> None:
    found = doubted_labels(np.array([[0.1, 0.2, 0.7], [0.2, 0.1, 0.7]]), np.array([0, 1]))
    assert [one.other for one in found] == [1, 0]
