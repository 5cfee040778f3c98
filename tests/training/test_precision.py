"""Steps in mixed precision, on a processor that can do both."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from sklearn.datasets import load_digits

from foveal import CNNClassifier, UsageError
from support.training import config, fresh, run


@pytest.mark.parametrize(
    ("precision", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)]
)
def test_products_are_of_the_precision_and_weights_of_single(precision, dtype) -> None:
    asked = replace(config(), precision=precision)
    state, seen = fresh(asked), set()
    for layer in state.network.modules():
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
            layer.register_forward_hook(
                lambda layer, _, output: seen.add(output.dtype) if layer.training else None
            )
    run(state, asked)
    assert seen == {dtype}
    assert {weight.dtype for weight in state.network.parameters()} == {torch.float32}


def test_digits_are_learned_in_bfloat16_too() -> None:
    digits = load_digits()
    found = CNNClassifier(
        "conv 8 3x3 same | batchnorm | relu | maxpool 2 | flatten | dense",
        epochs=4,
        precision="bfloat16",
        random_state=0,
        threads=1,
    ).fit(digits.images[:1200], digits.target[:1200])
    assert found.score(digits.images[1200:], digits.target[1200:]) > 0.85
    config_kept = found.model_.provenance.config
    assert config_kept is not None and config_kept.precision == "bfloat16"


def test_another_precision_is_refused() -> None:
    with pytest.raises(UsageError, match="float32"):
        CNNClassifier(precision="half").fit(load_digits().images, load_digits().target)
