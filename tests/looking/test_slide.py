"""Kernels made by hand slid over a picture, and the network's kernel that is most like them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import correlate
from scipy.signal import correlate2d

from foveal.looking.designed import KERNELS, designed
from foveal.looking.slide import grey, likeness, slid, slide
from foveal.looking.subject import NothingToSee, subject_of
from foveal.pictures.sources import gather
from support.models import small_autoencoder, small_model


def pictures(channels: int = 1, side: int = 8) -> np.ndarray:
    shape = (2, side, side, channels)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9), st.integers(1, 9))
@settings(max_examples=30)
def test_a_map_is_the_correlation_with_the_kernel_where_it_fits(
    high: int, wide: int, down: int, across: int
) -> None:
    random = np.random.default_rng(high)
    kernel = random.standard_normal((min(high, down), min(wide, across)))
    picture = random.random((high, wide))
    assert np.allclose(slid(picture, kernel), correlate2d(picture, kernel, mode="valid"))


def test_a_picture_is_taken_in_grey() -> None:
    levels = pictures(3)
    found = slide(
        subject_of(small_model("conv 2 3x3 | flatten | dense", channels=3)), gather(levels)
    )
    oracle = levels[0] @ np.array([0.299, 0.587, 0.114]) / 255
    assert np.allclose(found.picture, oracle, atol=1e-6)
    assert np.allclose(found.map, correlate(oracle, KERNELS["sobel"], mode="constant")[1:-1, 1:-1])
    assert np.allclose(grey(np.ones((2, 2, 4))), 1)


def test_the_kernel_most_like_it_is_found_wherever_it_fits_best() -> None:
    sobel = designed("sobel").weights
    learned = 0.01 * np.random.default_rng(0).standard_normal((4, 5, 5))
    learned[2, 1:4, 2:5] -= sobel
    learned[3, 0:3, 0:3] += 0.03 * sobel
    found = likeness(learned, sobel)
    assert found is not None
    inside = learned[2, 1:4, 2:5].ravel()
    oracle = inside @ sobel.ravel() / np.linalg.norm(sobel) / np.linalg.norm(learned[2])
    assert found[2] == pytest.approx(oracle) and found[2] < -0.99
    assert np.abs(found).argmax() == 2
    assert (np.abs(found) <= 1 + 1e-12).all()
    assert likeness(learned[:, :2, :2], sobel) is None
    assert (likeness(0 * learned, sobel) == 0).all()


def test_the_map_of_the_kernel_most_like_it_is_the_networks_own() -> None:
    model = small_model("batchnorm | conv 4 3x3 same | relu | flatten | dense", channels=3)
    module = model.network[1]
    with torch.no_grad():
        module.weight[3] = torch.tensor(KERNELS["sobel"])
        module.bias[3] = 0.5
    levels = pictures(3)
    found = slide(subject_of(model), gather(levels)).alike
    assert found is not None and found.kernel == 3 and found.layer == "2"
    assert found.cosine == pytest.approx(1)
    assert np.allclose(found.grey, 3 * np.array(KERNELS["sobel"]))
    assert np.allclose(found.map, model.activations(levels, 2)[0, 3], atol=1e-5)


def test_networks_without_kernels_as_large_are_still_a_place_to_slide_one() -> None:
    dense = small_autoencoder(shape=(1, 8, 8))
    assert slide(subject_of(dense), gather(pictures()), "blur").alike is None
    small = small_model("conv 2 2x2 | flatten | dense")
    assert slide(subject_of(small), gather(pictures())).alike is None


def test_a_kernel_larger_than_the_picture_is_refused() -> None:
    tiny = subject_of(small_model("conv 2 1x1 | flatten | dense", side=2))
    with pytest.raises(NothingToSee, match="a picture of at least 3x3 pixels, got one of 2x2"):
        slide(tiny, gather(pictures(side=2)))
    assert slide(tiny, gather(pictures(side=2)), [[1.0, -1.0]]).map.shape == (2, 1)
