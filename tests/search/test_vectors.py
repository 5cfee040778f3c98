"""Vectors of pictures: what the model makes of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

import foveal
from foveal.errors import UsageError
from foveal.model.fitted import FittedModel
from foveal.search.build import build
from foveal.search.vectors import NOT_FINITE
from support.digits import DIGITS, as_bytes
from support.models import small_model

CLASSIFIER = small_model("conv 4 3x3 same | flatten | dense 6 | dense")


def test_vectors_are_the_codes_and_found_are_the_nearest(model: FittedModel) -> None:
    pictures, queries = as_bytes(DIGITS[:150]), as_bytes(DIGITS[150:160])
    made = build(model, pictures)
    codes = model.encode(pictures)
    np.testing.assert_allclose(made.held.vectors, codes, rtol=1e-4, atol=1e-5)
    assert (len(made), made.measure, made.held.graph) == (150, "euclidean", None)
    far = cdist(model.encode(queries), codes)
    for row, found in enumerate(made.query(queries, 5)):
        assert found.query == str(row)
        np.testing.assert_allclose(found.distances, np.sort(far[row])[:5], rtol=1e-3)
        assert found.names == tuple(map(str, found.rows))
        np.testing.assert_allclose(far[row, list(found.rows)], found.distances, rtol=1e-3)


def test_features_of_classifiers_are_compared_by_their_direction() -> None:
    pictures = as_bytes(DIGITS[:60])
    made = build(CLASSIFIER, pictures)
    features = CLASSIFIER.features(pictures).astype(np.float64)
    assert made.measure == "cosine"
    np.testing.assert_allclose(np.linalg.norm(made.held.vectors, axis=1), 1, rtol=1e-6)
    angles = cdist(features, features, "cosine")
    for row, found in enumerate(made.query(pictures[:10], 4)):
        np.testing.assert_allclose(
            np.square(found.distances) / 2, np.sort(angles[row])[:4], atol=1e-6
        )
    longer = made.nearest(7.5 * features[:3], 4)
    np.testing.assert_allclose(longer[1], [one.distances for one in made.query(pictures[:3], 4)],
                               atol=1e-5)  # fmt: skip


def test_a_vector_of_zeros_has_no_direction_and_stays() -> None:
    dark = small_model("conv 4 3x3 same relu | flatten | dense 6 relu | dense")
    with np.errstate(all="raise"):
        for parameter in dark.network.parameters():
            parameter.data.zero_()
        made = build(dark, as_bytes(DIGITS[:4]))
        assert not made.held.vectors.any()
        assert made.query(as_bytes(DIGITS[:1]), 3)[0].rows == (0, 1, 2)


def test_bytes_and_numbers_make_the_vectors_that_the_model_makes() -> None:
    learner = foveal.Autoencoder(code_size=3, epochs=1, threads=1, random_state=0)
    model = learner.fit(DIGITS[:100]).model_  # floats, white is 16
    for pictures in (DIGITS[:20], DIGITS[:20].astype(np.uint8), DIGITS[:20].astype(np.int64)):
        made = build(model, pictures)
        np.testing.assert_allclose(made.held.vectors, model.encode(pictures), rtol=1e-4, atol=1e-5)
        assert made.query(pictures[4:5], 1)[0].rows == (4,)


def test_numbers_that_overflow_are_named(model: FittedModel) -> None:
    pictures = DIGITS[:5].astype(np.float32)
    pictures[2, 0, 0] = np.nan
    made = build(model, pictures)
    assert made.held.names.to_pylist() == ["0", "1", "3", "4"]
    assert [(one.path, one.reason) for one in made.unreadable] == [("2", NOT_FINITE)]


def test_a_network_without_a_dense_end_is_refused() -> None:
    with pytest.raises(UsageError, match="ends with a dense layer"):
        build(small_model("conv 3 8x8 | flatten"), as_bytes(DIGITS[:3]))
