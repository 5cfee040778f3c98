"""What is told of how a model was taught."""

from __future__ import annotations

import numpy as np

from foveal import CNNClassifier, TransferRegressor
from foveal.model.taught import taught_by
from support.models import small_model


def test_a_training_by_descent_tells_steps_rate_and_seed() -> None:
    X = np.random.default_rng(0).integers(0, 256, (20, 8, 8), dtype=np.uint8)
    learner = CNNClassifier("flatten | dense", epochs=1, batch_size=8, random_state=3, threads=1)
    known = learner.fit(X, np.arange(20) % 2).model_.provenance
    told = dict(taught_by(known))
    assert set(told) == {"training"}
    assert told["training"].startswith("2 steps of 8 by sgd, learning rate ")
    assert told["training"].endswith("seed 3; weights of epoch 1")
    columns = known.model_copy(update={"labelled_by": ["a", "b", "c", "d", "e"]})
    assert dict(taught_by(columns))["labels"] == "column a, b, c and 2 more columns"


def test_a_fitted_head_tells_its_penalty() -> None:
    X = np.random.default_rng(0).integers(0, 256, (40, 8, 8), dtype=np.uint8)
    learner = TransferRegressor(small_model(), C=0.25, random_state=0, threads=1)
    known = learner.fit(X, X.mean(axis=(1, 2))).model_.provenance
    assert dict(taught_by(known)) == {"head": "ridge regression, C = 0.25"}
