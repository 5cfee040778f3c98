"""Figures of a folder: galleries, maps, and sheets of the unusual."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from foveal.anomaly.detection import anomalies
from foveal.errors import DataError, UsageError
from foveal.looking.drawing import (
    COLOURS,
    FAINT,
    LABEL,
    drawn,
    framed,
)
from foveal.looking.pictured import gallery_of, map_of, sheet_of
from foveal.pictures.collection import evenly
from foveal.pictures.sources import gather
from support.models import small_autoencoder
from support.sheets import contains, says


def test_figures_of_a_folder_with_unreadable_files(class_folders: Path) -> None:
    (class_folders / "above" / "above.3.png").write_bytes(b"broken")
    model = small_autoencoder(4, (3, 16, 16))
    told: list[tuple[int, int]] = []
    found = gallery_of(model, class_folders, 5, lambda *done: told.append(done))
    assert told[-1] == (60, 60)
    assert len(found.errors) == 60 and np.flatnonzero(np.isnan(found.errors)).tolist() == [3]
    readable = [row for row in range(60) if row != 3]
    chosen = [gather(class_folders).names[readable[row]] for row in evenly(59, 5)]
    assert [name for name, _ in found.figure.rows] == chosen
    assert found.mse.value == pytest.approx(np.nanmean(found.errors))
    mapped = map_of(model, class_folders)
    assert mapped.plane.missing == 1 and len(mapped.figure.rows) == 59
    for name, _, _, label, there in mapped.figure.rows:
        assert label == name.split("/")[0]
        if there:
            pixels = np.asarray(Image.open(class_folders / name)) / 255
            colour = COLOURS[["above", "below"].index(label)]
            assert contains(mapped.figure.image, framed(drawn(pixels, 64, 64), colour))
    assert says(mapped.figure.image, "29", LABEL, FAINT)  # of those above, one is broken
    with pytest.raises(UsageError, match="count: needed at least 1"):
        gallery_of(model, class_folders, 0)
    with pytest.raises(DataError, match="1, none of them readable"):
        gallery_of(model, class_folders / "above" / "above.3.png")


def test_a_map_needs_no_decoder(class_folders: Path) -> None:
    whole = small_autoencoder(4, (3, 16, 16))
    encoder = replace(whole, half="encoder")
    assert map_of(encoder, class_folders).plane.codes == 60
    with pytest.raises(UsageError, match="the decoder: needed a model loaded whole"):
        gallery_of(encoder, class_folders)


def test_the_sheet_of_a_folder_has_the_worst_first(class_folders: Path) -> None:
    model = small_autoencoder(4, (3, 16, 16))
    model.trained_on = np.empty(0, np.int64)
    found = anomalies(model, class_folders, false_alarms=0.2)
    figure = sheet_of(model, class_folders, found, 6)
    assert [row[0] for row in figure.rows] == [found.names[row] for row in found.order[:6]]
    assert [row[1] for row in figure.rows] == sorted(found.scores.tolist(), reverse=True)[:6]
