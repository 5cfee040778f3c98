"""Galleries: their pixels, their words and their numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from foveal.drawing.colours import FAINT
from foveal.drawing.panel import difference_bar
from foveal.drawing.text import BODY, LABEL, number
from foveal.drawing.thumbnails import drawn, hairlined, over_grey
from foveal.errors import DataError, UsageError
from foveal.figures.gallery import draw_gallery, gallery
from foveal.model.codec import compared
from foveal.pictures.collection import evenly
from foveal.pictures.sources import gather
from support.models import small_autoencoder
from support.sheets import batch, contains, find, says


def test_a_gallery_shows_picture_reconstruction_difference_and_error_of_each() -> None:
    compared = batch(40)
    figure = draw_gallery([compared], 4)
    rows = [0, 13, 26, 39]
    assert [row[0] for row in figure.rows] == [f"p{row}" for row in rows]
    roots = np.abs(compared.originals[rows] - compared.reconstructions[rows])[..., 0]
    limit = np.percentile(roots, 99.5)
    places = []
    for row, (_, mse), root in zip(rows, figure.rows, roots, strict=True):
        oracle = float(np.mean((compared.originals[row] - compared.reconstructions[row]) ** 2))
        assert mse == pytest.approx(oracle, rel=1e-5)
        column = [
            drawn(compared.originals[row]),
            drawn(compared.reconstructions[row]),
            over_grey(compared.originals[row], root / limit),
        ]
        found = [find(figure.image, image) for image in column]
        assert None not in found
        lefts, tops = zip(*found, strict=True)
        assert len(set(lefts)) == 1 and np.diff(tops).tolist() == [138, 138]
        assert says(figure.image, number(oracle))
        places.append(lefts[0])
    assert np.diff(places).tolist() == [138] * 3
    assert says(figure.image, "4 pictures of 1x8x8, codes of 4 numbers", BODY, FAINT)
    assert figure.image.width % 8 == figure.image.height % 8 == 0


def test_a_gallery_takes_chosen_rows_in_their_order_over_batches() -> None:
    compared = batch(10)
    parts = (
        replace(
            compared,
            names=compared.names[start : start + 3],
            originals=compared.originals[start : start + 3],
            reconstructions=compared.reconstructions[start : start + 3],
            codes=compared.codes[start : start + 3],
            reasons=compared.reasons[start : start + 3],
        )
        for start in range(0, 10, 3)
    )
    figure = draw_gallery(parts, 2, rows=[9, 2, 2, 4])
    assert [row[0] for row in figure.rows] == ["p9", "p2", "p2", "p4"]


def test_a_gallery_leaves_out_what_cannot_be_read() -> None:
    figure = draw_gallery([batch(5, reasons=("", "broken", "", "empty file", ""))], 12)
    assert [row[0] for row in figure.rows] == ["p0", "p2", "p4"]
    assert np.isfinite([row[1] for row in figure.rows]).all()


def test_a_gallery_of_equal_pictures_has_no_orange_but_in_its_scale() -> None:
    compared = batch(3)
    same = replace(compared, reconstructions=compared.originals)
    assert coloured(draw_gallery([compared]).image) > 2 * coloured(draw_gallery([same]).image)
    assert coloured(draw_gallery([same]).image) == coloured(difference_bar(1.0, "difference")) > 0


def coloured(image: Image.Image) -> int:
    """Count pixels of the one hue; the ink of words is nearly grey."""
    return int((np.ptp(np.asarray(image).astype(int), axis=2) > 20).sum())


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 64, 1), (300, 7, 3), (9, 5, 2), (5, 9, 4)])
def test_galleries_of_odd_sizes(shape: tuple[int, int, int]) -> None:
    compared = batch(2, *shape)
    image = draw_gallery([compared]).image
    assert contains(image, drawn(compared.originals[1]))
    assert says(image, "difference", LABEL, FAINT) and says(image, number(compared.errors[1]))


def test_galleries_refuse_what_cannot_be_drawn() -> None:
    with pytest.raises(UsageError, match="count: needed at least 1 picture, got 0"):
        draw_gallery([batch(2)], 0)
    with pytest.raises(UsageError, match="row of 0 to 1, got 5"):
        draw_gallery([batch(2)], rows=[5])
    with pytest.raises(UsageError, match="row of 0 to 1, got -1"):
        draw_gallery([batch(2)], rows=[-1])
    with pytest.raises(UsageError, match="got none"):
        draw_gallery([batch(2)], rows=[])
    with pytest.raises(DataError, match="2, none of them readable"):
        draw_gallery([batch(2, reasons=("broken", "broken"))])
    with pytest.raises(DataError, match="got none"):
        draw_gallery([])


def test_white_pictures_of_a_gallery_end_at_hairlines() -> None:
    compared = batch(2)
    white = np.ones_like(compared.originals)
    image = draw_gallery([replace(compared, originals=white)]).image
    assert contains(image, hairlined(drawn(white[0])))


def test_a_gallery_of_a_folder_with_unreadable_files(class_folders: Path) -> None:
    (class_folders / "above" / "above.3.png").write_bytes(b"broken")
    model = small_autoencoder(4, (3, 16, 16))
    told: list[tuple[int, int]] = []
    figure = gallery(model, class_folders, 5, lambda *done: told.append(done))
    assert told[-1] == (60, 60)
    errors = figure.values.errors
    assert len(errors) == 60 and np.flatnonzero(np.isnan(errors)).tolist() == [3]
    readable = [row for row in range(60) if row != 3]
    chosen = [gather(class_folders).names[readable[row]] for row in evenly(59, 5)]
    assert [row[0] for row in figure.rows] == chosen
    assert figure.values.mse.value == pytest.approx(np.nanmean(errors))
    with pytest.raises(UsageError, match="count: needed at least 1"):
        gallery(model, class_folders, 0)
    with pytest.raises(DataError, match="1, none of them readable"):
        gallery(model, class_folders / "above" / "above.3.png")


def test_a_gallery_needs_both_halves(class_folders: Path) -> None:
    encoder = replace(small_autoencoder(4, (3, 16, 16)), half="encoder")
    with pytest.raises(UsageError, match="the decoder: needed a model loaded whole"):
        gallery(encoder, class_folders)


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
    figure = gallery(model, class_folders, 8)
    errors = figure.values.errors.astype(np.float64)
    assert figure.values.mse.value == pytest.approx(errors[54:].mean())
    assert figure.values.training_mse.value == pytest.approx(errors[:50].mean())
    names, _, marks = zip(*figure.rows, strict=True)
    assert list(names[:6]) == list(gather(class_folders).names[54:])
    assert marks == (False,) * 6 + (True, False)  # two more: the first, and the last that chose
    assert says(
        figure.image,
        "pictures with * taught the network: others have larger errors",
        BODY,
        FAINT,
    )

    taught = replace(model, trained_on=hashes, chosen_on=hashes[:0])
    figure = gallery(taught, class_folders, 8)
    found = figure.values
    assert found.chosen.judged_by == "training pictures" and found.training_mse is None
    assert found.mse.value == pytest.approx(errors.mean())
    assert all(row[2] for row in figure.rows)
    assert found.chosen.notes == ("60 of these pictures trained the model: too good a figure",)
