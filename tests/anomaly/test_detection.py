"""What is asked for and cannot be found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_digits

from foveal.anomaly.detection import anomalies
from foveal.errors import UsageError
from support.models import small_autoencoder, small_model

DIGITS = np.rint(load_digits().images * 255 / 16).astype(np.uint8)


def test_only_whole_autoencoders_find_anomalies() -> None:
    with pytest.raises(UsageError, match="the model: needed an autoencoder, got a classifier"):
        anomalies(small_model(), DIGITS[:2], by="error")
    whole = small_autoencoder(4)
    for half, missing in (("encoder", "decoder"), ("decoder", "encoder")):
        with pytest.raises(UsageError, match=f"the {missing}: .* got the {half} alone"):
            anomalies(replace(whole, half=half), DIGITS[:2])
    with pytest.raises(UsageError, match="knows the spread of its codes"):
        anomalies(replace(whole, normal=None), DIGITS[:2])


def test_other_words_are_refused() -> None:
    with pytest.raises(UsageError, match="usual: needed usual pictures, to compare with, got none"):
        anomalies(small_autoencoder(4), DIGITS[:2], by="neighbours")
    with pytest.raises(
        UsageError, match="neighbours: needed unusual .* by neighbours, got by error"
    ):
        anomalies(small_autoencoder(4), DIGITS[:2], neighbours=2)
    with pytest.raises(UsageError, match="usual: needed usual pictures"):
        anomalies(small_model(), DIGITS[:2])
    with pytest.raises(UsageError, match="one of 'error', 'distance', 'neighbours', got 'score'"):
        anomalies(small_autoencoder(4), DIGITS[:2], by="score")  # type: ignore[arg-type]
