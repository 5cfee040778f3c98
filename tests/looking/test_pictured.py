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
    BODY,
    COLOURS,
    FAINT,
    LABEL,
    drawn,
    framed,
)
from foveal.looking.pictured import gallery_of, map_of, sheet_of
from foveal.model.codec import compared
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
    assert [name for name, _, _ in found.figure.rows] == chosen
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


def test_a_gallery_is_of_pictures_that_did_not_teach(class_folders: Path) -> None:
    hashes = np.concatenate(
        [
            batch.hashes
            for batch in compared(small_autoencoder(4, (3, 16, 16)), gather(class_folders))
        ]
    )
    model = replace(
        small_autoencoder(4, (3, 16, 16)), trained_on=hashes[:50], chosen_on=hashes[50:54]
    )
    found = gallery_of(model, class_folders, 8)
    errors = found.errors.astype(np.float64)
    assert found.mse.value == pytest.approx(errors[54:].mean())
    assert found.training_mse.value == pytest.approx(errors[:50].mean())
    names, _, marks = zip(*found.figure.rows, strict=True)
    assert list(names[:6]) == list(gather(class_folders).names[54:])
    assert marks == (False,) * 6 + (True, False)  # two more: the first, and the last that chose
    assert says(
        found.figure.image,
        "pictures with * taught the network: others have larger errors",
        BODY,
        FAINT,
    )

    taught = replace(model, trained_on=hashes, chosen_on=hashes[:0])
    found = gallery_of(taught, class_folders, 8)
    assert found.chosen.judged_by == "training pictures" and found.training_mse is None
    assert found.mse.value == pytest.approx(errors.mean()) and all(
        row[2] for row in found.figure.rows
    )
    assert found.chosen.notes == ("60 of these pictures trained the model: too good a figure",)


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
