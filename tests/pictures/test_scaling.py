"""The range of values: one place says what stored numbers stand for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from foveal.pictures.batches import normalised
from foveal.pictures.ranges import in_range, in_unit
from foveal.pictures.scaling import Scaling, of_bytes, of_values, scaling
from foveal.pictures.sources import gather
from foveal.recipe import PictureRecipe

RECIPE = PictureRecipe(height=2, width=3, channels=1, mean=(0.4,), std=(0.2,), low=-1.0, high=3.0)
FLOATS = np.linspace(-1, 3, 12, dtype=np.float32).reshape(2, 2, 3)
BYTES = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)


@given(
    mean=st.lists(st.floats(-2, 2), min_size=3, max_size=3),
    std=st.lists(st.floats(0.01, 5), min_size=3, max_size=3),
    black=st.floats(-100, 100),
    extent=st.floats(0.5, 300),
    value=st.floats(0, 1),
)
def test_the_affine_form_is_the_normalisation(
    mean: list[float], std: list[float], black: float, extent: float, value: float
) -> None:
    by = Scaling(stored="own", black=black, white=black + extent, mean=tuple(mean), std=tuple(std))
    factors, summands = by.affine
    for channel in range(3):
        wanted = (value - mean[channel]) / std[channel]
        stored = black + value * extent
        found = stored * factors[channel] + summands[channel]
        assert found == pytest.approx(wanted, abs=1e-6 * (1 + abs(black)))


def test_files_are_bytes_whatever_was_fitted(tmp_path) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    by = scaling(gather(tmp_path), RECIPE)
    assert (by.stored, by.black, by.white) == ("uint8", 0.0, 255.0)
    assert by == of_bytes(RECIPE)


def test_arrays_of_the_networks_size_keep_type_and_range() -> None:
    for array in (FLOATS, BYTES, FLOATS.astype(np.float64)):
        by = scaling(gather(array), RECIPE)
        assert by == of_values(RECIPE) and by.dtype is None
        assert (by.black, by.white) == (-1.0, 3.0)


@pytest.mark.parametrize(
    ("array", "span", "stored"),
    [
        (FLOATS, (-1.0, 3.0), "float32"),
        (BYTES, (0.0, 255.0), "uint8"),
        (BYTES, (0.0, 16.0), "float32"),
        (BYTES.astype(np.int64), (0.0, 255.0), "float32"),
    ],
)
def test_adapted_arrays_are_bytes_only_where_bytes_have_the_range(
    array: np.ndarray, span: tuple[float, float], stored: str
) -> None:
    recipe = replace(RECIPE, low=span[0], high=span[1], adapts=True)
    assert scaling(gather(array), recipe).stored == stored


def test_a_figure_sees_black_as_0_and_white_as_1() -> None:
    by = of_values(RECIPE).unit
    seen = normalised(torch.tensor([[[[-1.0], [3.0], [1.0]]]]), by)
    assert seen.flatten().tolist() == [0.0, 1.0, 0.5]


def test_there_and_back_is_the_same() -> None:
    np.testing.assert_allclose(in_range(in_unit(FLOATS, RECIPE), RECIPE), FLOATS, atol=1e-6)
