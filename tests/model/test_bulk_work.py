"""What is done with many pictures by a model, as plain values."""

from __future__ import annotations

import numpy as np
import pytest

from foveal.model.bulk_work import Encoding, Predicting
from foveal.model.fitted import FittedModel
from foveal.pictures.collection import Pictures
from support.models import small_model

X = np.random.default_rng(0).integers(0, 256, (300, 8, 8, 1), dtype=np.uint8)


@pytest.mark.parametrize("worker", [Encoding, Predicting])
def test_a_model_is_hashed_once_however_many_batches_are_written(
    monkeypatch: pytest.MonkeyPatch, worker: type
) -> None:
    hashed: list[int] = []
    digest = FittedModel.digest
    monkeypatch.setattr(FittedModel, "digest", lambda self: (hashed.append(1), digest(self))[1])
    doing = worker(small_model(), some_of_many=True)
    tables = [
        doing.table(answers)
        for start in (0, 150)
        for answers in doing.answers(Pictures.of_array(X[start : start + 150]))
    ]
    assert sum(map(len, tables)) == 300 and len(tables) > 2
    assert len(hashed) <= 1
