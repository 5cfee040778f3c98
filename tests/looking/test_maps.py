"""Feature maps are what the layer gives, the most active first where there are many."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from foveal.errors import UsageError
from foveal.looking.maps import feature_maps, unactivated
from foveal.looking.subject import NothingToSee, subject_of

NET = "1x6x6 | conv 12 3x3 relu | flatten | dense 3 softmax"


def picture() -> torch.Tensor:
    return torch.randn(1, 1, 6, 6, generator=torch.Generator().manual_seed(0))


def test_few_maps_stand_in_order_and_many_by_how_active_they_are() -> None:
    subject = subject_of(NET)
    whole, some = (feature_maps(subject, picture(), 1, most) for most in (12, 5))
    made = subject.traced(picture(), ("1",))[1]["1"].outputs[0].numpy()
    assert whole.channels.tolist() == list(range(12)) and np.array_equal(whole.maps, made)
    assert whole.left_out == 0 and some.left_out == 7
    means = np.abs(made).mean(axis=(1, 2))
    assert some.channels.tolist() == np.argsort(-means, kind="stable")[:5].tolist()
    assert np.array_equal(some.maps, made[some.channels])
    assert np.allclose(some.activity, means) and some.limits == (0.0, float(made.max()))


def test_before_the_activation_function_softmax_gives_logits() -> None:
    subject = subject_of(NET)
    logits = unactivated(subject, picture(), "3")
    outputs = subject.traced(picture(), ())[0][0].numpy()
    assert np.allclose(np.exp(logits) / np.exp(logits).sum(), outputs, atol=1e-6)
    assert unactivated(subject, picture(), "1").min() < 0


def test_a_layer_without_maps_and_one_that_is_not_there_are_refused() -> None:
    with pytest.raises(NothingToSee, match="layer 2: needed a layer that gives feature maps"):
        feature_maps(subject_of(NET), picture(), 2, 8)
    with pytest.raises(UsageError, match="layer 7: needed a number of the plan"):
        feature_maps(subject_of(NET), picture(), 7, 8)
