"""Prepared pixels by row: stored or decoded anew, the same, and never others than at first."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from foveal import CNNClassifier
from foveal.errors import DataError, PictureWarning, ResourceError
from foveal.pictures import decode, pixels
from foveal.pictures.pixels import DecodedPixels, StoredPixels
from foveal.pictures.sources import gather
from foveal.pictures.store import Store, open_store
from foveal.progress.events import EpochEnded
from foveal.recipe import PictureRecipe
from foveal.training.run import Run

RECIPE = PictureRecipe(height=6, width=5, channels=3)
ROWS = np.array([3, 0, 7, 7, 1])
Draw = Callable[..., np.ndarray]


@pytest.fixture
def folder(tmp_path: Path, draw_picture: Draw) -> Path:
    """Make eight readable pictures, and a wreck in the middle."""
    root = tmp_path / "photos"
    root.mkdir()
    for row in range(9):
        Image.fromarray(draw_picture(row)).save(root / f"{row}.png")
    (root / "4.png").write_bytes(b"no picture")
    return root


@pytest.fixture
def little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the cache hold nothing."""
    monkeypatch.setenv("FOVEAL_CACHE_LIMIT", "0")


def stored(folder: Path) -> Store:
    found = open_store(gather(folder), RECIPE)
    assert isinstance(found.images, StoredPixels)
    return found


# The same from both --------------------------------------------------------------------------


@pytest.mark.parametrize("waiting", [1, 200, 10**6])
def test_rows_are_the_same_from_a_store_and_decoded_anew(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, waiting: int
) -> None:
    pictures = gather(folder)
    wanted = np.stack(
        [
            np.zeros((6, 5, 3), np.uint8) if row == 4 else pictures.content.picture(row, RECIPE)
            for row in range(9)
        ]
    )
    one = stored(folder)
    monkeypatch.setenv("FOVEAL_CACHE_LIMIT", "0")
    monkeypatch.setattr(pixels, "WAITING", waiting)
    monkeypatch.setenv("FOVEAL_CACHE", str(tmp_path / "another"))
    other = open_store(gather(folder), RECIPE)
    assert isinstance(other.images, DecodedPixels)
    for images in (one.images, other.images):
        assert isinstance(images, pixels.Pixels)
        assert (images.shape, images.dtype, len(images)) == ((9, 6, 5, 3), np.uint8, 9)
        np.testing.assert_array_equal(np.array(images), wanted)
        np.testing.assert_array_equal(images[ROWS], wanted[ROWS])
        np.testing.assert_array_equal(images[2], wanted[2])
        np.testing.assert_array_equal(images[-1], wanted[-1])
        np.testing.assert_array_equal(images[2:8:3], wanted[2:8:3])
        np.testing.assert_array_equal(images[:, 0, 1:, 2], wanted[:, 0, 1:, 2])
        np.testing.assert_array_equal(images[3, 0], wanted[3, 0])
        parts = [ROWS, ROWS[:0], ROWS[1:], np.arange(9)]
        for part, found in zip(parts, images.parts(parts), strict=True):
            np.testing.assert_array_equal(found, wanted[part])
    assert one.fingerprint == other.fingerprint
    np.testing.assert_array_equal(one.hashes, other.hashes)
    assert list(one.reasons) == list(other.reasons)


def weights_of(source: Path) -> dict[str, np.ndarray]:
    learner = CNNClassifier(
        "conv 4 3x3 relu | globalpool | dense 2", epochs=2, batch_size=16, random_state=0, size=16
    ).fit(source)
    return {name: one.numpy() for name, one in learner.model_.network.state_dict().items()}


def test_a_training_on_pictures_decoded_anew_gives_the_same_weights(
    class_folders: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = weights_of(class_folders)
    shutil.rmtree(cache)
    monkeypatch.setenv("FOVEAL_CACHE_LIMIT", "5kB")
    found = weights_of(class_folders)
    assert not list(cache.glob("stores/*/images.npy"))
    assert set(found) == set(wanted)
    for name, one in wanted.items():
        np.testing.assert_array_equal(found[name], one)


def test_that_they_are_decoded_anew_is_said(folder: Path, little_room: None) -> None:
    (note,) = open_store(gather(folder), RECIPE).remarks
    assert "9 pictures would take 8.1e-07 GB, more than the cache may hold" in note
    assert "decoded anew in every epoch" in note


def test_the_first_pass_is_kept_where_pixels_are_not(
    folder: Path, little_room: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = open_store(gather(folder), RECIPE)
    passed: list[int] = []
    second = open_store(gather(folder), RECIPE, progress=lambda done, _: passed.append(done))
    assert (first.warm, second.warm, passed) == (False, True, [])
    monkeypatch.setenv("FOVEAL_CACHE_LIMIT", "1GB")  # now there is room
    third = open_store(gather(folder), RECIPE)
    assert isinstance(third.images, StoredPixels)
    assert not third.warm


def test_what_lies_in_the_cache_is_taken_whatever_the_limit(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(folder)
    monkeypatch.setenv("FOVEAL_CACHE_LIMIT", "0")
    assert stored(folder).warm


@pytest.mark.usefixtures("decoded_here")
def test_leaving_a_pass_early_ends_it(
    folder: Path, little_room: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pixels, "WAITING", 1)
    found = open_store(gather(folder), RECIPE).images
    assert isinstance(found, DecodedPixels)
    passing = found.parts([np.arange(9)] * 500)
    next(passing)
    decoded: list[Path] = []
    real = decode.decode

    def counted(path: Path, *rest: object) -> object:
        decoded.append(path)
        return real(path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(decode, "decode", counted)
    assert isinstance(passing, Iterator)
    passing.close()  # type: ignore[attr-defined]
    assert len(decoded) < 30


# Noticed -------------------------------------------------------------------------------------


def changed(folder: Path, row: int, draw_picture: Draw) -> None:
    Image.fromarray(draw_picture(77)).save(folder / f"{row}.png")


def test_a_picture_that_changes_while_it_is_decoded_anew_is_named(
    folder: Path, little_room: None, draw_picture: Draw
) -> None:
    found = open_store(gather(folder), RECIPE).images
    changed(folder, 7, draw_picture)
    (folder / "0.png").unlink()
    with pytest.raises(DataError, match=r"7\.png: needed the picture .* got another picture"):
        found[np.array([1, 7])]
    with pytest.raises(DataError, match=r"0\.png: needed the picture .* got no such file"):
        found[np.array([0])]
    assert found[np.array([1, 2])].any()


def damage_bytes(place: Path) -> None:
    """Change a pixel so that neither size nor time tell."""
    file = place / "images.npy"
    status = file.stat()
    with file.open("rb+") as opened:
        opened.seek(-1, os.SEEK_END)
        last = opened.read(1)[0]
        opened.seek(-1, os.SEEK_END)
        opened.write(bytes([last ^ 1]))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_pixels_that_are_not_those_that_were_written_are_never_served(
    folder: Path, cache: Path
) -> None:
    stored(folder)
    (place,) = (cache / "stores").iterdir()
    damage_bytes(place)
    found = stored(folder)
    assert found.warm
    with pytest.raises(ResourceError, match="got others than those that were written"):
        found.images[np.array([0, 8])]
    assert not place.exists()
    again = stored(folder)  # nobody is served from it any more
    assert not again.warm
    assert again.images[8].any()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda file: os.truncate(file, file.stat().st_size // 2), id="cut"),
        pytest.param(lambda file: file.write_bytes(bytes(file.stat().st_size)), id="overwritten"),
    ],
)
def test_a_store_that_changes_under_a_training_ends_it(
    class_folders: Path, cache: Path, change: Callable[[Path], object]
) -> None:
    def at_an_epoch(event: object) -> None:
        if isinstance(event, EpochEnded):
            (file,) = cache.glob("stores/*/images.npy")
            change(file)

    learner = CNNClassifier("conv 4 3x3 | globalpool | dense 2", epochs=3, random_state=0, size=16)
    with pytest.raises(ResourceError, match=r"got another size or time .*`resume`"):
        learner.fit(class_folders, run=Run(listeners=[at_an_epoch]))
    assert not list(cache.glob("stores/*/images.npy"))


def test_a_store_that_is_deleted_under_a_training_is_read_to_its_end(
    class_folders: Path, cache: Path
) -> None:
    net = "conv 4 3x3 | globalpool | dense 2"
    wanted = CNNClassifier(net, epochs=3, random_state=0, size=16).fit(class_folders)

    def at_an_epoch(event: object) -> None:
        if isinstance(event, EpochEnded):
            shutil.rmtree(cache / "stores", ignore_errors=True)

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = CNNClassifier(net, epochs=3, random_state=0, size=16)
        found.fit(class_folders, run=Run(listeners=[at_an_epoch]))
    (only,) = [one for one in told if issubclass(one.category, PictureWarning)]
    assert "were removed meanwhile" in str(only.message)
    for one, other in zip(
        wanted.model_.network.parameters(), found.model_.network.parameters(), strict=True
    ):
        assert (one == other).all()
