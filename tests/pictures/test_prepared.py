"""Prepared pictures answer alike, whatever they were made into."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from foveal.inference.extracting import Extraction
from foveal.inference.features import open_features
from foveal.pictures.collection import Pictures
from foveal.pictures.prepared import Prepared
from foveal.pictures.scaling import of_bytes
from foveal.pictures.sources import gather
from foveal.pictures.store import open_store
from support.models import small_model


@pytest.fixture
def pictures(tmp_path: Path) -> Pictures:
    """Make two pictures, one that is the first again, and one that is none."""
    drawn = np.random.default_rng(0).integers(0, 256, (2, 8, 8), dtype=np.uint8)
    for name, picture in zip("abc", [*drawn, drawn[0]], strict=True):
        Image.fromarray(picture).save(tmp_path / f"{name}.png")
    (tmp_path / "d.png").write_bytes(b"no picture")
    return gather(tmp_path)


def opened(kind: str, pictures: Pictures) -> Prepared:
    model = small_model()
    if kind == "pixels":
        return open_store(pictures, model.recipe)
    return open_features(pictures, Extraction(session=model.feature_session()))


@pytest.mark.parametrize("kind", ["pixels", "features"])
def test_rows_are_those_of_the_source(pictures: Pictures, kind: str) -> None:
    cold, warm = opened(kind, pictures), opened(kind, pictures)
    assert (cold.warm, warm.warm) == (False, True)
    assert cold.fingerprint == warm.fingerprint
    for found in (cold, warm):
        assert found.readable.tolist() == [True, True, True, False]
        assert list(map(bool, found.reasons)) == [False, False, False, True]
        assert found.hashes[0] == found.hashes[2] != found.hashes[1]
        assert dict(found.remarked) == {}
        first, second, again, none = found.views[0][np.arange(4)]
        np.testing.assert_array_equal(first, again)
        assert (first != second).any()
        assert not none.any()


def test_pixels_are_scaled_and_measured_and_features_are_not(pictures: Pictures) -> None:
    recipe = small_model().recipe
    pixels, features = (opened(kind, pictures) for kind in ("pixels", "features"))
    by = of_bytes(recipe)
    assert pixels.scaled_by(by) == by
    assert features.scaled_by(by) is None
    assert pixels.images is not None
    assert features.images is None
    rows = np.array([0, 1])
    assert features.measured(recipe, rows) == recipe
    mean = pixels.images[rows].mean() / 255
    assert pixels.measured(recipe, rows).mean == pytest.approx((mean,), abs=1e-6)
