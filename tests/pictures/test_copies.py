"""Near copies: shifted, brighter, smaller ones are found; strangers and pictures of a kind not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits, load_sample_images

from foveal.pictures import decode
from foveal.pictures.collection import Pictures
from foveal.pictures.copies import (
    MOST,
    CopySearch,
    NearCopies,
    near_copies,
    thumbnails,
)
from foveal.pictures.sources import gather
from foveal.pictures.store import open_store
from foveal.pictures.survey import choose_recipe

SIDE, GAP = 100, 14


def scenes() -> list[tuple[np.ndarray, int, int]]:
    """Places in two photographs that do not overlap, with room around each for shifts."""
    step = SIDE + 2 * GAP
    return [
        (photo, top + GAP, left + GAP)
        for photo in load_sample_images().images
        for top in range(0, photo.shape[0] - step + 1, step)
        for left in range(0, photo.shape[1] - step + 1, step)
    ]


def taken(scene: tuple[np.ndarray, int, int], down: int = 0, right: int = 0) -> np.ndarray:
    photo, top, left = scene
    return photo[top + down : top + down + SIDE, left + right : left + right + SIDE]


def noisy(picture: np.ndarray, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 4, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def found_among(images: np.ndarray, class_ids: np.ndarray | None = None) -> set[tuple[int, int]]:
    rows = np.arange(len(images))
    ids = rows * 0 if class_ids is None else class_ids
    pairs = near_copies(images.__getitem__, thumbnails(images, rows), ids, rows).pairs
    return {(int(first), int(second)) for first, second in pairs}


CHANGES = {
    "shifted": lambda scene: taken(scene, GAP, -GAP),
    "brighter": lambda scene: np.clip(taken(scene) * 1.3, 0, 255).astype(np.uint8),
    "smaller": lambda scene: np.asarray(
        Image.fromarray(taken(scene)).resize((40, 40)).resize((SIDE, SIDE))
    ),
    "noisy": lambda scene: noisy(taken(scene), scene[1] * 1_000 + scene[2]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_copies_of_scenes_are_found_and_strangers_are_not(change: str) -> None:
    places = scenes()
    count = len(places)
    assert count >= 24
    copies = np.stack([CHANGES[change](place) for place in places])
    images = np.concatenate([np.stack([taken(place) for place in places]), copies])
    expected = {(row, row + count) for row in range(count)}
    found = found_among(images)
    assert found <= expected, "strangers are no copies"
    assert len(found) >= 0.6 * count  # clear skies have no edges to align


def test_it_is_said_how_alike_copies_are() -> None:
    places = scenes()
    count = len(places)
    fainter, shifted = 0.5 * taken(places[5]) + 20, taken(places[7], 0, 10)
    images = np.stack([*(taken(place) for place in places), fainter, shifted])
    rows = np.arange(len(images))
    found = near_copies(images.__getitem__, thumbnails(images, rows), rows * 0, rows)
    assert found.pairs.tolist() == [[5, count], [7, count + 1]]
    np.testing.assert_allclose(found.alike[0], 1, atol=1e-4)  # as edges of less contrast do
    assert 0.7 <= found.alike[1] < 0.99
    assert not set(found.untold.tolist()) & {5, 7, count, count + 1}


def test_strangers_alone_have_no_copies() -> None:
    assert not found_among(np.stack([taken(place) for place in scenes()]))


@pytest.mark.parametrize("side", [8, 28])
def test_digits_are_alike_but_no_copies(side: int) -> None:
    digits = load_digits()
    images = np.stack(
        [
            np.asarray(Image.fromarray((one * 15.9).astype(np.uint8)).resize((side, side)))
            for one in digits.images[:600]
        ]
    )[..., None]
    assert not found_among(images, digits.target[:600])
    assert not found_among(images)


def test_digits_in_blocks_many_of_them_without_edges_are_no_copies() -> None:
    digits = load_digits()
    images = np.repeat(np.repeat(digits.images[:400], 4, 1), 4, 2)[..., None]
    assert not found_among(images, digits.target[:400])


def test_things_before_one_background_are_a_kind_and_no_copies() -> None:
    generator = np.random.default_rng(0)
    background = taken(scenes()[0]).copy()
    images = np.repeat(background[None], 40, axis=0)
    for picture in images:
        top, left = generator.integers(0, SIDE - 30, 2)
        picture[top : top + 30, left : left + 30] = generator.integers(0, 255, (30, 30, 3))
    assert not found_among(images)
    rows = np.arange(len(images))
    found = near_copies(images.__getitem__, thumbnails(images, rows), rows * 0, rows)
    np.testing.assert_array_equal(found.untold, rows)


def test_copies_that_are_most_of_a_class_are_a_kind_and_it_is_said() -> None:
    places = scenes()
    copies = [taken(places[5], 0, 2 * shift) for shift in range(5)]
    images = np.stack([*copies, *(taken(place) for place in places[10:14])])
    rows = np.arange(len(images))
    found = near_copies(images.__getitem__, thumbnails(images, rows), rows * 0, rows)
    assert not len(found.pairs) and not len(found.alike)
    assert set(found.untold.tolist()) >= set(range(5))


@pytest.mark.usefixtures("decoded_here")
def test_files_are_compared_by_pixels_or_by_features(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = scenes()[:20]
    for index, place in enumerate(places):
        for frame, shift in enumerate((0, 6)):
            path = tmp_path / f"class{index % 2}" / f"{index:02d}-{frame}.png"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(taken(place, shift, shift)).save(path)
    pictures = gather(tmp_path)
    recipe = choose_recipe(pictures)
    store = open_store(pictures, recipe)
    class_ids = np.unique(pictures.labels.astype(str), return_inverse=True)[1]
    rows = np.arange(len(pictures))

    class Extracted:
        images = None
        views = (thumbnails(store.images, rows, 6),)

    for prepared in (store, Extracted()):
        found = CopySearch(pictures, recipe, class_ids, rows).among(prepared)
        named = {tuple(pictures.names[row][7:9] for row in pair) for pair in found.pairs}
        assert all(one == other for one, other in named) and len(named) >= 14
        assert found.named(pictures.names).count("class") == 2
    monkeypatch.setattr(decode, "decode", lambda *_: pytest.fail("decoded again"))
    again = CopySearch(pictures, recipe, rows % 3, rows[:-2]).among(Extracted())
    assert len(again.pairs), "other labels and fewer rows need no picture decoded again"


def test_thumbnails_average_and_equalise() -> None:
    images = np.random.default_rng(0).integers(0, 255, (3, 24, 16, 2)).astype(np.uint8)
    grey = images.mean(axis=3).reshape(3, 8, 3, 8, 2).mean(axis=(2, 4)).reshape(3, -1)
    grey -= grey.mean(axis=1, keepdims=True)
    expected = grey / np.linalg.norm(grey, axis=1, keepdims=True)
    np.testing.assert_allclose(thumbnails(images, np.arange(3)), expected, atol=1e-5)


def test_of_very_many_pictures_some_are_looked_at_and_counted() -> None:
    class Extracted:
        images = None
        views = (np.random.default_rng(0).normal(size=(3 * MOST, 4)).astype(np.float32),)

    pictures = Pictures.of_array(np.zeros((3 * MOST, 8, 8, 1), dtype=np.uint8))
    rows = np.arange(3 * MOST)
    found = CopySearch(pictures, choose_recipe(pictures), rows * 0, rows).among(Extracted())
    assert found.looked_at == MOST and not len(found.pairs)


def test_copies_under_two_labels_are_named() -> None:
    found = NearCopies(np.array([[0, 1], [2, 3], [0, 4]]), 5)
    names, labels = ["a.png", "b.png", "c.png", "d.png", "e.png"], ["cat", "dog"]
    (note,) = found.conflicts(np.array([0, 0, 0, 1, 1]), labels.__getitem__, names)
    assert note.startswith("near copies under two labels: 2 pairs, such as c.png (cat) and d.png")
    assert not list(found.conflicts(np.zeros(5, np.intp), labels.__getitem__, names))
    several = np.array([[0, 1], [0, 1], [1, 1], [0, 1], [0, 1]], dtype=bool)
    (note,) = found.conflicts(several, lambda value: str(value.sum()), names)
    assert "1 pair, such as c.png (2) and d.png (1)" in note
