"""Some of many pictures, as a model sees them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from foveal.looking.selection import seen
from foveal.pictures.collection import evenly
from foveal.pictures.sources import gather
from support.models import small_autoencoder


@given(st.integers(1, 500), st.integers(1, 50))
def test_evenly_spaced_rows(total: int, count: int) -> None:
    rows = evenly(total, count)
    gaps = np.diff(rows)
    assert rows[0] == 0 and len(rows) == min(total, count)
    assert len(rows) == 1 or (rows[-1] == total - 1 and gaps.min() >= 1)
    assert len(rows) == 1 or np.ptp(gaps) <= 1


def test_pictures_are_seen_as_the_model_sees_them(draw_picture, tmp_path: Path) -> None:
    levels = draw_picture(0, 8, 8)
    Image.fromarray(levels).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"broken")
    model = small_autoencoder(4, (3, 8, 8))
    found = seen(model, gather(tmp_path))
    np.testing.assert_allclose(found[0], levels / 255, atol=1e-6)
    assert not found[1].any()
    np.testing.assert_allclose(seen(model, gather(levels[None])), levels[None] / 255, atol=1e-6)


def test_some_rows_of_pictures_keep_all_that_belongs_to_them(class_folders: Path) -> None:
    whole = gather(class_folders)
    some = whole.take([59, 0])
    assert list(some.names) == [whole.names[59], whole.names[0]]
    assert tuple(some.content.pictures) == (whole.content.pictures[59], whole.content.pictures[0])
    assert some.labels.tolist() == ["below", "above"]
    array = gather(np.arange(5 * 4).reshape(5, 2, 2))
    assert array.take([3]).content.array.ravel().tolist() == [12, 13, 14, 15]
    assert list(array.take([3]).names) == ["3"]
