"""Similar pictures in one call."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import foveal
from foveal.errors import UsageError
from foveal.search.build import build
from support.models import small_autoencoder


def test_the_nearest_codes_are_found_in_pictures_and_in_an_index(tmp_path: Path) -> None:
    model = small_autoencoder(4)
    images = 255 * np.random.default_rng(0).random((40, 8, 8)).astype(np.float32)
    codes = model.encode(images)
    found = foveal.similar(model, images, images[:3], k=5)
    for row, one in enumerate(found):
        oracle = np.linalg.norm(codes - codes[row], axis=1)
        assert one.rows[0] == row
        np.testing.assert_allclose(one.distances, np.sort(oracle)[:5], atol=1e-3)
    build(model, images, place=tmp_path / "a.index")
    again = foveal.similar(model, tmp_path / "a.index", images[:3], k=5)
    assert [one.rows for one in again] == [one.rows for one in found]
    with pytest.raises(UsageError, match="k"):
        foveal.similar(model, images, images[:1], k=0)
