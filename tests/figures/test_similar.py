"""Sheets of similar pictures: queries, what is nearest to them, distances, what is left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from foveal.drawing.colours import FAINT
from foveal.drawing.text import BODY, LABEL, number
from foveal.drawing.thumbnails import thumbnail
from foveal.errors import DataError, UsageError
from foveal.figures.similar import SIDE, similar_sheet
from foveal.looking.selection import seen
from foveal.pictures.sources import gather
from foveal.search.build import build
from foveal.search.similar import similar
from support.models import small_autoencoder
from support.sheets import contains, find, says

IMAGES = np.random.default_rng(0).integers(0, 256, (20, 8, 8)).astype(np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for row, image in enumerate(IMAGES):
        Image.fromarray(image).save(tmp_path / f"{row:02}.png")
    return tmp_path


def drawn(model, images) -> list[Image.Image]:
    return [thumbnail(one, (SIDE, SIDE)) for one in seen(model, gather(images))]


def test_each_query_stands_before_the_pictures_nearest_to_it() -> None:
    model = small_autoencoder(4)
    queries = 255 - IMAGES[:2]
    found = similar(model, IMAGES, queries, k=3)
    figure = similar_sheet(model, IMAGES, queries, found)
    pictures = drawn(model, IMAGES)
    for one, query in zip(found, drawn(model, queries), strict=True):
        left, top = find(figure.image, query)
        nearest = [
            find(figure.image.crop((0, top, 1536, top + SIDE)), pictures[r]) for r in one.rows
        ]
        columns = [x for x, _ in nearest]
        assert left < columns[0] < columns[1] < columns[2]
        assert all(says(figure.image, number(far), LABEL, FAINT) for far in one.distances)
    for fact in (
        "2 pictures searched for, beside each the 3 nearest",
        "Euclidean distance of codes",
    ):
        assert says(figure.image, fact, BODY, FAINT)
    assert figure.columns == ("query", "rank", "distance", "path")
    assert figure.rows == tuple((one.query, *near) for one in found for near in one.ranked())


def test_what_is_left_out_is_said() -> None:
    model = small_autoencoder(4)
    found = similar(model, IMAGES, IMAGES, k=12)
    figure = similar_sheet(model, IMAGES, IMAGES, found, count=2)
    assert says(
        figure.image,
        "18 more between them are not drawn; 10 of 12 found are drawn beside each",
        BODY,
        FAINT,
    )
    assert [row[:2] for row in figure.rows] == [(q, n) for q in ("0", "19") for n in range(1, 11)]
    assert contains(figure.image, drawn(model, IMAGES)[19])
    assert figure.image.width <= 1600


def test_wide_pictures_are_as_many_as_have_room() -> None:
    model = small_autoencoder(4, (1, 80, 80))
    images = np.random.default_rng(1).integers(0, 256, (12, 80, 80)).astype(np.uint8)
    figure = similar_sheet(model, images, images[:1], similar(model, images, images[:1], k=10))
    assert figure.image.width <= 1600 and len(figure.rows) == 7
    assert says(figure.image, "7 of 10 found are drawn beside it", BODY, FAINT)


def test_pictures_of_an_index_are_found_by_their_paths(folder: Path) -> None:
    model = small_autoencoder(4)
    place = folder.parent / "kept.index"
    build(model, gather(folder).with_whole_names(), place=place)
    query = folder / "03.png"
    found = similar(model, place, [query], k=3)
    fresh = similar_sheet(model, gather(folder).with_whole_names(), [query], found)
    assert similar_sheet(model, place, [query], found).image == fresh.image
    Path(found[0].names[1]).unlink()
    gone = similar_sheet(model, place, [query], found).image
    assert says(gone, "cannot be read", LABEL, FAINT)
    assert says(gone, number(found[0].distances[1]), LABEL, FAINT)
    for path in folder.glob("*.png"):
        if path != query:
            path.unlink()
    query.unlink()
    Image.fromarray(IMAGES[3]).save(folder.parent / "query.png")
    found = similar(model, place, [folder.parent / "query.png"], k=3)
    with pytest.raises(DataError, match="Go to the folder where the index was built"):
        similar_sheet(model, place, [folder.parent / "query.png"], found)


def test_unreadable_queries_are_counted_and_none_at_all_refused(folder: Path) -> None:
    model = small_autoencoder(4)
    (folder / "wreck.png").write_bytes(b"no picture")
    queries = [folder / "wreck.png", folder / "01.png"]
    found = similar(model, folder, queries, k=2)
    figure = similar_sheet(model, folder, queries, found)
    assert says(figure.image, "1 cannot be read", BODY, FAINT) and len(figure.rows) == 2
    with pytest.raises(DataError, match="1, none of them readable"):
        similar_sheet(model, folder, queries[:1], found[:1])


def test_several_sources_are_drawn_in_one_sheet(folder: Path) -> None:
    model = small_autoencoder(4)
    queries = [gather(IMAGES[:1]), gather([folder / "05.png"])]
    found = [one for source in queries for one in similar(model, folder, source, k=1)]
    figure = similar_sheet(model, folder, queries, found)
    assert [row[0] for row in figure.rows] == ["0", str(folder / "05.png")]


def test_other_queries_and_other_pictures_are_refused() -> None:
    model = small_autoencoder(4)
    found = similar(model, IMAGES, IMAGES[:2], k=3)
    with pytest.raises(UsageError, match="2 answers for 3 pictures"):
        similar_sheet(model, IMAGES, IMAGES[:3], found)
    with pytest.raises(UsageError, match="the pictures that were searched"):
        similar_sheet(model, IMAGES[:1], IMAGES[:2], found)
    with pytest.raises(UsageError, match="count"):
        similar_sheet(model, IMAGES, IMAGES[:2], found, count=0)
