"""Similarity of pictures against plain loops, and principal components against their definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from foveal.evaluation.reconstruction import (
    KeptVariance,
    PrincipalComponents,
    kept_line,
    kept_variance,
    similarity,
    similarity_metrics,
    squares,
)

SHAPES = [(3, 7, 6, 1), (2, 12, 15, 3), (2, 3, 2, 2), (1, 1, 1, 1)]


def drawn(seed: int, shape: tuple[int, ...], dtype: type = np.float64) -> tuple:
    """Random pictures, and others that resemble them, within 0 and 1."""
    generator = np.random.default_rng(seed)
    pictures = generator.random(shape)
    made = np.clip(pictures + generator.normal(0, 0.2, shape), 0, 1)
    return pictures.astype(dtype), made.astype(dtype)


def window() -> np.ndarray:
    """The window of Wang et al., 2004: 11 x 11, Gaussian, standard deviation 1.5, sum 1."""
    found = np.array(
        [
            [math.exp(-(row**2 + column**2) / (2 * 1.5**2)) for column in range(-5, 6)]
            for row in range(-5, 6)
        ]
    )
    return found / found.sum()


def ssim_of_maps(a: np.ndarray, b: np.ndarray) -> float:
    """Mean structural similarity of two maps (h, w), place by place."""
    weights = window()
    padded = [np.pad(one, 5, mode="symmetric") for one in (a, b)]
    found = []
    for row in range(a.shape[0]):
        for column in range(a.shape[1]):
            x, y = (one[row : row + 11, column : column + 11] for one in padded)
            mean_x, mean_y = (weights * x).sum(), (weights * y).sum()
            var_x = (weights * (x - mean_x) ** 2).sum()
            var_y = (weights * (y - mean_y) ** 2).sum()
            both = (weights * (x - mean_x) * (y - mean_y)).sum()
            light = (2 * mean_x * mean_y + 1e-4) / (mean_x**2 + mean_y**2 + 1e-4)
            found.append(light * (2 * both + 9e-4) / (var_x + var_y + 9e-4))
    return float(np.mean(found))


def ssim(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.mean([ssim_of_maps(a[..., c], b[..., c]) for c in range(a.shape[2])]))


def errors_by_loop(pictures: np.ndarray, made: np.ndarray) -> tuple[float, float]:
    """Mean squared error and mean cross-entropy, value by value."""
    squared, entropy = [], []
    for wanted, value in zip(pictures.ravel().tolist(), made.ravel().tolist(), strict=True):
        squared.append((wanted - value) ** 2)
        sure = min(max(value, 1e-7), 1 - 1e-7)
        entropy.append(-wanted * math.log(sure) - (1 - wanted) * math.log(1 - sure))
    return sum(squared) / len(squared), sum(entropy) / len(entropy)


@pytest.mark.parametrize("shape", SHAPES)
def test_similarity_is_that_of_a_window_moved_over_the_pictures(shape: tuple[int, ...]) -> None:
    pictures, made = drawn(0, shape)
    wanted = [ssim(*pair) for pair in zip(pictures, made, strict=True)]
    np.testing.assert_allclose(similarity(pictures, made), wanted, rtol=1e-9)


def test_similarity_in_single_precision_is_nearly_the_same() -> None:
    pictures, made = drawn(1, (4, 20, 20, 1))
    found = similarity(pictures.astype(np.float32), made.astype(np.float32))
    np.testing.assert_allclose(found, similarity(pictures, made), atol=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
def test_errors_are_those_of_a_loop(shape: tuple[int, ...]) -> None:
    pictures, made = drawn(2, shape)
    made.ravel()[0], pictures.ravel()[0] = 0.0, 1.0  # as wrong as can be: not an infinite loss
    found = similarity_metrics([(pictures, made)])
    mse, bce = errors_by_loop(pictures, made)
    assert found.mse == pytest.approx(mse)
    assert found.bce == pytest.approx(bce)
    assert found.psnr == pytest.approx(10 * math.log10(1 / mse))
    alike = [ssim(*pair) for pair in zip(pictures, made, strict=True)]
    assert found.ssim == pytest.approx(np.mean(alike))


@settings(max_examples=25)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.integers(0, 100))
def test_batches_do_not_matter(sizes: list[int], seed: int) -> None:
    pictures, made = drawn(seed, (sum(sizes), 5, 4, 2))
    ends = np.cumsum(sizes)[:-1]
    pairs = zip(np.split(pictures, ends), np.split(made, ends), strict=True)
    whole, parted = similarity_metrics([(pictures, made)]), similarity_metrics(pairs)
    for name in ("mse", "bce", "ssim", "psnr"):
        assert getattr(parted, name) == pytest.approx(getattr(whole, name), rel=1e-12), name


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equal_pictures_are_wholly_alike(dtype: type) -> None:
    pictures, _ = drawn(3, (3, 9, 8, 3), dtype)
    found = similarity_metrics([(pictures, pictures.copy())])
    assert (found.mse, found.ssim, found.psnr) == (0.0, 1.0, 100.0)


def test_the_cross_entropy_of_equal_pictures_is_their_entropy() -> None:
    pictures = np.full((1, 2, 2, 1), 0.25)
    wanted = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    assert similarity_metrics([(pictures, pictures)]).bce == pytest.approx(wanted)


def test_noise_makes_everything_worse() -> None:
    pictures, _ = drawn(4, (3, 16, 16, 1))
    noise = np.random.default_rng(4).normal(0, 1, pictures.shape)
    found = [
        similarity_metrics([(pictures, np.clip(pictures + level * noise, 0, 1))])
        for level in (0.05, 0.3)
    ]
    assert found[0].mse < found[1].mse and found[0].bce < found[1].bce
    assert found[0].ssim > found[1].ssim and found[0].psnr > found[1].psnr


def by_singular_values(taught: np.ndarray, pictures: np.ndarray, size: int) -> np.ndarray:
    """Project on the first directions of the taught pictures, by their definition."""
    flat = taught.reshape(len(taught), -1)
    mean = flat.mean(axis=0)
    directions = np.linalg.svd(flat - mean, full_matrices=False)[2][:size]
    codes = (pictures.reshape(len(pictures), -1) - mean) @ directions.T
    return np.clip(codes @ directions + mean, 0, 1).reshape(pictures.shape)


@settings(max_examples=20)
@given(st.integers(2, 12), st.integers(1, 6), st.integers(0, 100))
def test_principal_components_are_those_of_their_definition(
    count: int, size: int, seed: int
) -> None:
    taught, others = drawn(seed, (count, 4, 5, 1))
    found = PrincipalComponents(taught.copy(), size)
    assert found.count == min(size, count)
    if size < count:  # as many directions as pictures: the last is any
        wanted = by_singular_values(taught, others, size)
        np.testing.assert_allclose(found.reconstructed(others, size), wanted, atol=1e-9)


def test_principal_components_are_those_of_scikit_learn_within_black_and_white() -> None:
    taught, others = drawn(5, (40, 6, 6, 3))
    taught, others = np.round(taught), np.round(others)  # black and white: bounds are passed
    found = PrincipalComponents(taught.copy(), 12)
    assert found.count == 12
    for size in (7, 12):  # the first ones are a smaller fit's
        oracle = PCA(size, svd_solver="full").fit(taught.reshape(40, -1))
        made = oracle.inverse_transform(oracle.transform(others.reshape(40, -1)))
        assert made.min() < 0 and made.max() > 1
        wanted = np.clip(made, 0, 1).reshape(others.shape)
        np.testing.assert_allclose(found.reconstructed(others, size), wanted, atol=1e-9)


def test_no_more_components_than_pictures_and_values() -> None:
    taught, _ = drawn(6, (9, 2, 2, 1))
    assert PrincipalComponents(taught.copy(), 30).count == 4
    assert PrincipalComponents(taught[:3].copy(), 30).count == 3
    made = PrincipalComponents(taught.copy(), 30).reconstructed(taught, 30)
    np.testing.assert_allclose(made, taught, atol=1e-9)


@pytest.mark.parametrize("shape", [(5, 4, 3, 1), (6, 3, 5, 3)])
def test_shares_alone_are_those_among_the_metrics(shape: tuple[int, ...]) -> None:
    pictures, made = drawn(8, shape)
    mean = drawn(9, shape)[0][0]
    found = kept_variance([(pictures[:2], made[:2]), (pictures[2:], made[2:])], mean)
    wanted = similarity_metrics([(pictures, made)], mean)
    assert found.kept == pytest.approx(wanted.kept)
    assert found.colour_kept == pytest.approx(wanted.colour_kept)


@pytest.mark.parametrize("shape", [(5, 4, 3, 1), (6, 3, 5, 3)])
def test_the_share_of_the_variance_is_that_of_loops(shape: tuple[int, ...]) -> None:
    pictures, made = drawn(3, shape)
    mean = drawn(4, shape)[0][0]
    found = similarity_metrics([(pictures[:2], made[:2]), (pictures[2:], made[2:])], mean)
    lost = there = colour_lost = colour_there = 0.0
    for n, y, x in np.ndindex(shape[:3]):
        error, off = made[n, y, x] - pictures[n, y, x], mean[y, x] - pictures[n, y, x]
        for difference, is_lost in ((error, True), (off, False)):
            whole = sum(float(value) ** 2 for value in difference)
            colour = 0.0
            if shape[3] == 3:
                red, green, blue = map(float, difference)
                bright = 0.299 * red + 0.587 * green + 0.114 * blue
                colour = (red - bright) ** 2 + (green - bright) ** 2 + (blue - bright) ** 2
            if is_lost:
                lost, colour_lost = lost + whole, colour_lost + colour
            else:
                there, colour_there = there + whole, colour_there + colour
    assert found.kept == pytest.approx(1 - lost / there)
    if shape[3] == 3:
        assert found.colour_kept == pytest.approx(1 - colour_lost / colour_there)
    else:
        assert found.colour_kept is None


def test_a_grey_likeness_of_colours_keeps_none_of_them() -> None:
    draws = np.random.default_rng(0).random((20, 6, 6, 3))
    grey = np.repeat((draws @ [0.299, 0.587, 0.114])[..., None], 3, axis=3)
    there = squares(draws - 0.5)
    shares = KeptVariance.of(squares(draws - grey), there)
    assert shares.colour_kept == pytest.approx(0, abs=1e-9) and shares.kept > 0
    perfect = KeptVariance.of(squares(draws - draws), there)
    assert perfect.kept == perfect.colour_kept == 1
    assert kept_line(perfect) == "100.0 %, of colour 100.0 %"


def test_where_nothing_varies_there_is_no_share() -> None:
    flat = np.full((2, 3, 3, 1), 0.5)
    found = similarity_metrics([(flat, flat)], flat[0])
    assert found.kept is None and found.colour_kept is None and kept_line(found) == "-"
    assert similarity_metrics([(flat, flat)]).kept is None
