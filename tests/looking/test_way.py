"""The whole way ends where predictions begin."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from foveal.looking.subject import Subject, subject_of
from foveal.looking.way import Way, whole_way
from foveal.pictures.sources import gather
from support.models import small_autoencoder, small_model


def followed(subject: Subject, X: np.ndarray, **most: int) -> Way:
    limits = {"most_stages": 40, "most_maps": 4, "most_classes": 10} | most
    return whole_way(subject, subject.seen(gather(X)), **limits)


def levels(side: int = 8, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (1, side, side, channels), dtype=np.uint8)


def test_probabilities_are_those_of_predict_whatever_the_temperature() -> None:
    model = replace(small_model(), temperature=2.5)
    found = followed(subject_of(model), levels()).softmax
    expected = model.predict_proba(levels())[0]
    order = np.argsort(-expected)
    assert found is not None and found.temperature == 2.5
    assert found.names == tuple(np.array(["a", "b", "c"])[order])
    assert np.allclose(found.probabilities, expected[order], atol=1e-6)
    assert found.exponentials[0] == 1.0


def test_each_row_is_what_its_last_layer_gives() -> None:
    model = small_model()
    found = followed(subject_of(model), levels())
    assert [one.stage.numbers for one in found.stages] == ["1 to 3", "4", "5", "6", "7"]
    for seen in found.stages:
        made = model.activations(levels(), seen.stage.last.number)[0]
        if seen.maps is None:
            assert np.allclose(seen.vector, made, atol=1e-6)
        else:
            assert np.allclose(seen.maps.maps, made[seen.maps.channels], atol=1e-6)


def test_an_autoencoder_ends_with_its_reconstruction() -> None:
    model = small_autoencoder(4)
    found = followed(subject_of(model), levels())
    decoded = model.decode(model.encode(levels()))[0]
    assert found.softmax is None and found.reconstruction is not None
    assert np.allclose(found.reconstruction, decoded, atol=1e-6)


def test_of_ten_thousand_classes_and_many_layers_some_are_kept_and_the_rest_is_counted() -> None:
    net = "1x4x4 | 200*(residual(conv 2 1x1) | maxpool 1) | flatten | dense 10000"
    found = followed(subject_of(net), levels(4), most_stages=12)
    assert len(found.stages) == 12 and found.left_out == 402 - 12
    assert found.stages[-1].stage.last.out_shape == (10_000,)
    assert found.softmax is not None and found.softmax.classes == 10_000
    assert len(found.softmax.names) == 10 and found.softmax.names[0].startswith("class ")
    assert 0 < found.softmax.probabilities.sum() < 1


@pytest.mark.parametrize("net", ["1x4x4 | conv 2 3x3", "1x4x4 | flatten | dense 1"])
def test_what_does_not_classify_has_no_softmax(net: str) -> None:
    found = followed(subject_of(net), levels(4))
    assert found.softmax is None and found.reconstruction is None
