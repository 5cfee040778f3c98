"""Files that earlier versions left are read for ever, and say what they said."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from foveal import load
from foveal.model.codes_file import open_codes

FIXTURES = Path(__file__).parent.parent / "fixtures"
ANSWERS = json.loads((FIXTURES / "answers-format1.json").read_text())
IMAGES = load_digits().images[:8]


@pytest.mark.parametrize("name", ["classifier", "transfer"])
def test_a_classifier_of_format_1_answers_as_it_did(name: str) -> None:
    model = load(FIXTURES / f"{name}-format1.safetensors", threads=1)
    np.testing.assert_allclose(model.predict_proba(IMAGES), ANSWERS[name], atol=1e-5)


def test_an_autoencoder_of_format_1_encodes_as_it_did() -> None:
    model = load(FIXTURES / "autoencoder-format1.safetensors", threads=1)
    np.testing.assert_allclose(model.encode(IMAGES), ANSWERS["autoencoder"], rtol=1e-4, atol=1e-4)


def test_codes_of_format_1_belong_to_their_model() -> None:
    model = load(FIXTURES / "autoencoder-format1.safetensors", threads=1)
    codes = open_codes(FIXTURES / "codes-format1.parquet", model)
    (batch,) = codes.batches()
    np.testing.assert_allclose(batch.values, ANSWERS["autoencoder"], rtol=1e-4, atol=1e-4)
