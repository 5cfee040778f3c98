"""Maps of pictures: where each is, in which colour, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from foveal.drawing.colours import CLASSES, FAINT, PALE
from foveal.drawing.figure import Figure
from foveal.drawing.mosaic import FRAME, arranged
from foveal.drawing.text import BODY, LABEL
from foveal.drawing.thumbnails import drawn, framed
from foveal.errors import UsageError
from foveal.figures.picture_map import draw_map, picture_map
from foveal.looking.pictures_in_plane import PicturesInPlane
from foveal.looking.projection import Projection
from foveal.model.fitted import FittedModel
from support.models import small_autoencoder, small_model
from support.sheets import contains, random_pictures, says


def mapped(
    points: np.ndarray,
    pictures: np.ndarray,
    labels: Any = None,
    *,
    names: list[str] | None = None,
    classes: tuple[str, ...] = (),
    **more: object,
) -> Figure[PicturesInPlane]:
    """Draw a map of pictures (n, h, w, c) at these points."""
    count = len(points)
    facts = {"method": "pca", "rows": np.arange(count), "codes": count, "missing": 0}
    facts |= {"code_size": 4, "shares": (0.5, 0.25), **more}
    placed = PicturesInPlane(
        names=names or [str(row) for row in range(count)],
        reasons=[""] * count,
        points=points,
        labels=[None] * count if labels is None else labels,
        projection=Projection(**facts),  # type: ignore[arg-type]
    )
    _, high, wide, channels = pictures.shape
    plane = arranged(points, high, wide)
    shown = {row: pictures[row] for row in plane.rows.tolist()}
    return draw_map(placed, plane, shown, shape=(channels, high, wide), classes=classes)


def test_pictures_are_framed_in_the_colour_of_their_class() -> None:
    corners = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])
    pictures = random_pictures(4)
    figure = mapped(corners, pictures, ["b", "a", "b", None])
    colours = {"a": CLASSES[0], "b": CLASSES[1], "no label": PALE}
    for picture, name in zip(pictures, ("b", "a", "b", "no label"), strict=True):
        assert contains(figure.image, framed(drawn(picture), colours[name], FRAME))
        assert says(figure.image, name)
    assert says(figure.image, "first component: 50.0 % of the variance", LABEL, FAINT)
    assert says(figure.image, "4 drawn", BODY, FAINT)


def test_a_class_keeps_its_colour_where_others_are_missing() -> None:
    corners = np.eye(3)[:, :2]
    pictures = random_pictures(3)
    for labels in (["dog", "dog", "dog"], ["dog", "cat", "ant"]):
        figure = mapped(corners, pictures, labels, classes=("ant", "bee", "cat", "dog"))
        assert contains(figure.image, framed(drawn(pictures[0]), CLASSES[3], FRAME))


def test_every_row_is_in_the_table_and_hidden_ones_are_counted() -> None:
    points = np.random.default_rng(0).normal(size=(900, 2))
    figure = mapped(points, random_pictures(900))
    drawn_rows = sum(row[-1] for row in figure.rows)
    assert len(figure.rows) == 900 and 100 < drawn_rows < 900
    told = f"{drawn_rows} drawn; {900 - drawn_rows} as points beneath the nearest"
    assert says(figure.image, told, BODY, FAINT)
    assert max(figure.image.size) < 1800


def test_more_than_ten_classes_have_no_colours_and_it_is_said() -> None:
    labels: list[str | None] = [f"class {row % 11}" for row in range(22)]
    labels[3] = None
    points = np.random.default_rng(0).normal(size=(22, 2))
    image = mapped(points, np.zeros((22, 8, 8, 1)), labels).image
    pixels = {colour for _, colour in image.getcolors(1 << 16) or []}
    assert not pixels & set(CLASSES[:7])
    assert says(
        image, "11 classes: more than the ten colours that can be told apart, so none", LABEL, FAINT
    )


def test_maps_tell_what_is_left_out_and_what_tsne_means() -> None:
    points = np.array([[0.0, 0.0], [1.0, 1.0], [1.0, 1.0]])
    figure = mapped(
        points,
        random_pictures(3),
        names=[*"xyz"],
        method="tsne",
        shares=None,
        perplexity=0.667,
        codes=9,
        missing=2,
        seed=5,
    )
    told = (
        "2 drawn; 1 as points beneath the nearest; 4 between them left out; "
        "2 pictures without a code"
    )
    assert says(figure.image, told, BODY, FAINT)
    assert "mean nothing" in figure.caption and "variance" not in figure.caption
    assert [row[0] for row in figure.rows] == ["x", "y", "z"]
    assert [row[-1] for row in figure.rows] == [True, True, False]
    assert [row[3] for row in figure.rows] == [None] * 3


def test_labels_may_be_numbers_and_all_missing_labels_are_none() -> None:
    points, pictures = np.eye(3)[:, :2], random_pictures(3)
    figure = mapped(points, pictures, [7, 8, 7])
    assert [row[3] for row in figure.rows] == ["7", "8", "7"] and says(figure.image, "8")
    assert contains(figure.image, framed(drawn(pictures[1]), CLASSES[1], FRAME))
    assert not says(mapped(points, pictures).image, "no label")


def test_long_and_odd_names_of_classes_do_not_widen_the_map() -> None:
    labels = ["\u732b" * 300, "a" * 300, "b\udcff\n"]
    figure = mapped(np.eye(3)[:, :2], random_pictures(3), labels)
    assert figure.image.width < 1600
    assert says(figure.image, "b??")


def test_a_map_of_a_folder_with_an_unreadable_file(class_folders: Path) -> None:
    (class_folders / "above" / "above.3.png").write_bytes(b"broken")
    figure = picture_map(small_autoencoder(4, (3, 16, 16)), class_folders)
    assert figure.values.projection.missing == 1 and len(figure.rows) == 59
    assert sum(map(bool, figure.values.reasons)) == 1
    for name, _, _, label, there in figure.rows:
        assert label == name.split("/")[0]
        if there:
            pixels = np.asarray(Image.open(class_folders / name)) / 255
            colour = CLASSES[["above", "below"].index(label)]
            assert any(
                contains(figure.image, framed(drawn(pixels, side), colour, FRAME))
                for side in (128, 96, 64)
            )
    assert says(figure.image, "29", LABEL, FAINT)  # of those above, one is broken


def test_thumbnails_are_as_large_as_asked(class_folders: Path) -> None:
    model = small_autoencoder(4, (3, 16, 16))
    small, large = (picture_map(model, class_folders, thumbnail=side) for side in (32, 160))
    assert sum(row[-1] for row in small.rows) > sum(row[-1] for row in large.rows)
    name = next(row[0] for row in large.rows if row[-1])
    pixels = np.asarray(Image.open(class_folders / name)) / 255
    assert contains(large.image, drawn(pixels, 160))
    with pytest.raises(UsageError, match="thumbnail: needed 8 to 512 pixels, got 7"):
        picture_map(model, class_folders, thumbnail=7)


def test_a_class_of_the_model_has_its_place_among_all_of_them(class_folders: Path) -> None:
    (class_folders / "above").rename(class_folders / "c")
    (class_folders / "below").rename(class_folders / "b")
    model: FittedModel = small_model(channels=3, side=16)
    figure = picture_map(model, class_folders)
    pixels = {colour for _, colour in figure.image.getcolors(1 << 24) or []}
    assert {CLASSES[1], CLASSES[2]} <= pixels and CLASSES[0] not in pixels


def test_a_map_needs_no_decoder(class_folders: Path) -> None:
    encoder = replace(small_autoencoder(4, (3, 16, 16)), half="encoder")
    assert picture_map(encoder, class_folders).values.projection.codes == 60
