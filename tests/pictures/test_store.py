"""The store: decoded once, whole or absent, the same for everybody who asks."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from foveal.errors import DataError, ResourceError
from foveal.pictures import decode, store
from foveal.pictures.encoded import Unreadable
from foveal.pictures.encoded_content import EncodedContent
from foveal.pictures.hashing import content_hashes
from foveal.pictures.pixels import DecodedPixels
from foveal.pictures.sources import gather
from foveal.pictures.store import Store, open_store
from foveal.recipe import PictureRecipe

RECIPE = PictureRecipe(height=6, width=5, channels=3)
Draw = Callable[..., np.ndarray]


@pytest.fixture
def folder(tmp_path: Path, draw_picture: Draw) -> Path:
    """Make two readable pictures, a twin of the first, and a wreck."""
    root = tmp_path / "photos"
    root.mkdir()
    for name, seed in (("1.png", 1), ("2.png", 2), ("3.png", 1)):
        Image.fromarray(draw_picture(seed)).save(root / name)
    (root / "4.png").write_bytes(b"no picture")
    return root


def stores(cache: Path) -> list[Path]:
    place = cache / "stores"
    return sorted(place.iterdir()) if place.exists() else []


def same(one: Store, other: Store) -> bool:
    return (
        one.fingerprint == other.fingerprint
        and list(one.reasons) == list(other.reasons)
        and np.array_equal(one.images, other.images)
        and np.array_equal(one.hashes, other.hashes)
    )


def refuse_to_decode(*_: object) -> None:
    raise AssertionError("decoded again")


# Content -----------------------------------------------------------------------------------


def test_rows_are_what_the_decoder_gives(folder: Path) -> None:
    pictures = gather(folder)
    found = open_store(pictures, RECIPE)
    assert found.images.shape == (4, 6, 5, 3)
    assert found.images.dtype == np.uint8
    for row in range(3):
        wanted = decode.decode(pictures.content.pictures[row], RECIPE)
        np.testing.assert_array_equal(found.images[row], wanted)
    assert found.hashes[0] == found.hashes[2] != found.hashes[1]
    np.testing.assert_array_equal(found.hashes[:3], content_hashes(found.images[:3]))


def test_unreadable_rows_have_a_reason_and_zeros(folder: Path) -> None:
    found = open_store(gather(folder), RECIPE)
    assert list(found.reasons[:3]) == [""] * 3
    assert "not a picture" in found.reasons[3]
    assert found.readable.tolist() == [True, True, True, False]
    assert not found.images[3].any()


@pytest.mark.usefixtures("decoded_here")
def test_the_second_opening_decodes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = open_store(gather(folder), RECIPE)
    monkeypatch.setattr(decode, "decode", refuse_to_decode)
    second = open_store(gather(folder), RECIPE)
    assert (first.warm, second.warm) == (False, True)
    assert same(first, second)


@pytest.mark.usefixtures("decoded_here")
def test_scaling_alone_needs_no_other_store(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_store(gather(folder), RECIPE)
    monkeypatch.setattr(decode, "decode", refuse_to_decode)
    scaled = RECIPE.scaled(low=1, high=2, mean=(0.1,), std=(0.2,))
    assert open_store(gather(folder), scaled).warm


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda folder: Image.new("RGB", (9, 9)).save(folder / "1.png"), id="content"),
        pytest.param(lambda folder: os.utime(folder / "1.png", ns=(0, 12345)), id="time"),
        pytest.param(lambda folder: (folder / "1.png").unlink(), id="gone"),
        pytest.param(lambda folder: (folder / "1.png").rename(folder / "0.png"), id="name"),
        pytest.param(lambda folder: shutil.copy(folder / "1.png", folder / "9.png"), id="more"),
    ],
)
def test_changed_files_make_another_store(folder: Path, change: Callable[[Path], object]) -> None:
    first = open_store(gather(folder), RECIPE)
    change(folder)
    second = open_store(gather(folder), RECIPE)
    assert second.fingerprint != first.fingerprint
    assert not second.warm


def test_a_file_that_vanishes_gives_a_reason(folder: Path) -> None:
    pictures = gather(folder)
    (folder / "2.png").unlink()
    assert open_store(pictures, RECIPE).reasons[1] == "no such file"


@pytest.mark.parametrize(
    "more", [{"resize": "crop"}, {"interpolation": "nearest"}, {"height": 7}, {"deep_high": 9.0}]
)
def test_another_recipe_makes_another_store(folder: Path, more: dict[str, object]) -> None:
    sides: dict[str, object] = {"height": 6, "width": 5, "channels": 3}
    other = PictureRecipe(**{**sides, **more})  # type: ignore[arg-type]
    pictures = gather(folder)
    assert open_store(pictures, other).fingerprint != open_store(pictures, RECIPE).fingerprint


@pytest.mark.parametrize("name", ["a\0b.png", "a\ud800b.png"])
def test_impossible_names_are_unreadable_rows(name: str) -> None:
    found = open_store(gather([name]), RECIPE)
    assert found.readable.tolist() == [False]


def test_names_that_are_not_utf8_are_read(tmp_path: Path, draw_picture: Draw) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.png")
    with path.open("wb") as file:
        Image.fromarray(draw_picture(0)).save(file, "PNG")
    assert open_store(gather([path]), RECIPE).readable.all()


def test_progress_ends_at_the_end(folder: Path) -> None:
    told: list[tuple[int, int]] = []
    open_store(gather(folder), RECIPE, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (4, 4)
    assert told == sorted(told)


# Whole or absent ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_nothing_is_left_of_an_unfinished_store(
    folder: Path, cache: Path, kind: type[BaseException]
) -> None:
    def stop(_: int, __: int) -> None:
        assert len(stores(cache)) == 1  # it is being made
        raise kind("stop here")

    with pytest.raises(kind, match="stop here"):
        open_store(gather(folder), RECIPE, progress=stop)
    assert stores(cache) == []
    assert not open_store(gather(folder), RECIPE).warm


@pytest.mark.usefixtures("decoded_here")
def test_a_fault_of_the_decoder_leaves_nothing(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError("no more")

    monkeypatch.setattr(decode, "decode", fail)
    with pytest.raises(MemoryError, match="no more"):
        open_store(gather(folder), RECIPE)
    assert stores(cache) == []


def test_a_store_made_meanwhile_is_taken(folder: Path, cache: Path) -> None:
    made: list[Store] = []

    def another(_: int, __: int) -> None:
        made.append(open_store(gather(folder), RECIPE))

    found = open_store(gather(folder), RECIPE, progress=another)
    assert same(found, made[0])
    assert len(stores(cache)) == 1


def test_a_store_made_in_the_last_moment_is_taken(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.rename

    def late(self: Path, target: Path) -> Path:
        shutil.copytree(self, target)
        return real(self, target)

    monkeypatch.setattr(Path, "rename", late)
    found = open_store(gather(folder), RECIPE)
    assert found.readable.tolist() == [True, True, True, False]
    assert len(stores(cache)) == 1


def test_two_processes_make_the_same_store(
    folder: Path, cache: Path, tmp_path: Path, draw_picture: Draw
) -> None:
    for seed in range(40):
        Image.fromarray(draw_picture(seed, 200, 200)).save(folder / f"more{seed}.png")
    script = textwrap.dedent(
        """
        import hashlib, sys, time
        import numpy as np
        from pathlib import Path
        from foveal.pictures.sources import gather
        from foveal.pictures.store import open_store
        from foveal.recipe import PictureRecipe
        folder, ready, go = map(Path, sys.argv[1:])
        ready.touch()
        while not go.exists():
            time.sleep(0.001)
        found = open_store(gather(folder), PictureRecipe(height=6, width=5, channels=3))
        assert not found.warm
        print(hashlib.sha256(np.array(found.images).tobytes() + found.hashes.tobytes()).hexdigest())
        """
    )
    go = tmp_path / "go"
    readies = [tmp_path / f"ready{index}" for index in range(2)]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(folder), str(ready), str(go)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for ready in readies
    ]
    while not all(ready.exists() for ready in readies):
        assert all(process.poll() is None for process in running)
        time.sleep(0.01)
    go.touch()
    answers = [process.communicate(timeout=60) for process in running]
    assert [process.returncode for process in running] == [0, 0], answers
    assert answers[0][0] == answers[1][0] != ""
    assert len(stores(cache)) == 1
    assert open_store(gather(folder), RECIPE).warm


def cut(path: Path, length: int) -> None:
    path.write_bytes(path.read_bytes()[:length])


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda place: cut(place / "images.npy", 200), id="images cut"),
        pytest.param(lambda place: cut(place / "images.npy", 20), id="head of images cut"),
        pytest.param(lambda place: cut(place / "images.npy", 0), id="images empty"),
        pytest.param(lambda place: (place / "images.npy").unlink(), id="no images"),
        pytest.param(lambda place: cut(place / "hashes.npy", 130), id="hashes cut"),
        pytest.param(lambda place: cut(place / "hashes.npy", 0), id="hashes empty"),
        pytest.param(lambda place: np.save(place / "hashes.npy", np.zeros(1)), id="other hashes"),
        pytest.param(lambda place: np.save(place / "images.npy", np.zeros(4)), id="other images"),
        pytest.param(lambda place: cut(place / "store.json", 9), id="facts cut"),
        pytest.param(lambda place: cut(place / "store.json", 0), id="facts empty"),
        pytest.param(lambda place: (place / "store.json").write_bytes(b"\xff\0"), id="no text"),
        pytest.param(lambda place: (place / "store.json").write_text("[]"), id="a list"),
        pytest.param(lambda place: (place / "store.json").write_text("null"), id="nothing"),
        pytest.param(
            lambda place: (place / "store.json").write_text('{"shape": [4, 6, 5, 3]}'),
            id="no reasons",
        ),
        pytest.param(
            lambda place: (place / "store.json").write_text(
                '{"shape": [4, 6, 5, 3], "reasons": {"7": "?"}}'
            ),
            id="a reason for no row",
        ),
        pytest.param(lambda place: shutil.rmtree(place) or place.write_text("x"), id="a file"),
    ],
)
def test_a_damaged_store_is_made_again(
    folder: Path, cache: Path, damage: Callable[[Path], object]
) -> None:
    first = open_store(gather(folder), RECIPE)
    wanted = Store(np.array(first.images), first.reasons, first.hashes, first.fingerprint)
    del first
    (place,) = stores(cache)
    damage(place)
    again = open_store(gather(folder), RECIPE)
    assert not again.warm
    assert same(again, wanted)
    assert stores(cache) == [place]
    assert open_store(gather(folder), RECIPE).warm


@pytest.mark.parametrize("name", ["images.npy", "hashes.npy"])
def test_no_flipped_bit_in_a_head_escapes(folder: Path, cache: Path, name: str) -> None:
    wanted = np.array(open_store(gather(folder), RECIPE).images)
    (place,) = stores(cache)
    whole = (place / name).read_bytes()
    for at in range(128):
        data = bytearray(whole)
        data[at] ^= 1 << at % 8
        (place / name).write_bytes(bytes(data))
        found = store._known(place, 4)
        if found is not None and found.file is not None:  # its bits beside what it says
            assert found.file.shape == wanted.shape
            np.testing.assert_array_equal(found.file.read(np.arange(4)), wanted)


def test_leftovers_of_killed_processes_are_swept(folder: Path, cache: Path) -> None:
    old, young = cache / "stores" / "a.x.tmp", cache / "stores" / "b.y.tmp"
    for leftover in (old, young):
        leftover.mkdir(parents=True)
        (leftover / "images.npy").write_bytes(b"x")
    os.utime(old, (0, 0))
    open_store(gather(folder), RECIPE)
    assert not old.exists()
    assert young.exists()


# Disk --------------------------------------------------------------------------------------

Usage = namedtuple("Usage", "total used free")


def test_on_too_small_a_disk_pictures_are_decoded_anew(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = 4 * 6 * 5 * 3
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9, needed - 1))
    found = open_store(gather(folder), RECIPE)
    assert isinstance(found.images, DecodedPixels)
    assert [path.name for path in stores(cache)[0].iterdir() if path.suffix == ".npy"] == [
        "hashes.npy"
    ]


ALWAYS = ((tempfile, "mkdtemp"), (Path, "write_bytes"), (Path, "write_text"), (Path, "touch"))
"""What writes of a store, whether pixels are kept or not."""
PIXELS = ((np.lib.format, "open_memmap"), (os, "posix_fallocate"))


@pytest.mark.parametrize(
    ("limit", "of", "write"),
    [
        *(("1GB", *one) for one in (*ALWAYS, *PIXELS, (os, "fsync"))),
        *(("0", *one) for one in (*ALWAYS, (os, "fsync"))),
    ],
)
def test_a_disk_that_is_full_at_any_write_is_named(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, of: Any, write: str, limit: str
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setenv("FOVEAL_CACHE_LIMIT", limit)
    with monkeypatch.context() as patch:
        patch.setattr(of, write, full)
        with pytest.raises(ResourceError, match="No space left on device"):
            open_store(gather(folder), RECIPE)
    assert stores(cache) == []
    assert not open_store(gather(folder), RECIPE).warm


def test_a_cache_that_is_no_folder_is_named(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FOVEAL_CACHE", str(tmp_path / "file"))
    with pytest.raises(ResourceError, match=r"cache .*file: needed a folder"):
        open_store(gather(folder), RECIPE)


def test_the_cache_is_where_the_environment_says(cache: Path) -> None:
    assert store.cache_folder() == cache


def test_the_cache_has_a_place_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FOVEAL_CACHE")
    assert store.cache_folder().name == "foveal"


# Arrays ------------------------------------------------------------------------------------


def grey(shape: tuple[int, ...]) -> PictureRecipe:
    return PictureRecipe(height=shape[1], width=shape[2], channels=1)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "bool"])
def test_arrays_are_not_copied(cache: Path, dtype: str) -> None:
    array = np.random.default_rng(0).integers(0, 2, (3, 4, 5)).astype(dtype)
    found = open_store(gather(array), grey(array.shape))
    assert np.shares_memory(found.images, array)
    assert found.images.dtype == dtype
    assert list(found.reasons) == ["", "", ""]
    assert len(found.reasons) == 3
    assert found.readable.all()
    assert stores(cache) == []


def test_an_array_of_another_size_is_refused() -> None:
    with pytest.raises(DataError, match="needed pictures of 4x4 with 1 channel"):
        open_store(gather(np.zeros((2, 5, 5))), grey((2, 4, 4)))


def test_an_empty_array_is_an_empty_store() -> None:
    array = np.zeros((0, 4, 4))
    found = open_store(gather(array), grey(array.shape))
    assert len(found.hashes) == len(found.readable) == 0


def test_other_arrays_have_other_fingerprints() -> None:
    base = np.arange(32, dtype=np.uint8).reshape(2, 4, 4)
    others = [
        base[::-1],
        base + 1,
        base.reshape(2, 2, 8),
        base.view(np.int8),
        base[:1],
    ]
    prints = [open_store(gather(array), grey(array.shape)).fingerprint for array in [base, *others]]
    assert len(set(prints)) == len(prints)
    assert open_store(gather(base.copy()), grey(base.shape)).fingerprint == prints[0]


@given(
    images=st.lists(st.lists(st.integers(0, 1), min_size=4, max_size=4), min_size=1, max_size=12)
)
def test_hashes_are_equal_where_pixels_are(images: list[list[int]]) -> None:
    array = np.array(images, dtype=np.float32).reshape(-1, 2, 2, 1)
    hashes = content_hashes(array)
    equal = (array[:, None] == array[None]).all(axis=(2, 3, 4))
    np.testing.assert_array_equal(hashes[:, None] == hashes[None], equal)


def test_hashes_do_not_hang_on_the_layout() -> None:
    array = np.random.default_rng(0).random((3, 4, 4, 2))
    np.testing.assert_array_equal(content_hashes(array), content_hashes(np.asfortranarray(array)))
    np.testing.assert_array_equal(content_hashes(array)[::-1], content_hashes(array[::-1]))


# Decoding ahead ----------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.usefixtures("decoded_here")
def test_decoding_ahead_keeps_order_and_bounds(
    monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    started = 0
    lock = threading.Lock()
    generator = np.random.default_rng(0)
    pauses = generator.uniform(0, 0.002, 200)

    def slow(path: Path, *_: object) -> object:
        nonlocal started
        with lock:
            started += 1
        row = int(path.name)
        time.sleep(pauses[row])
        if row % 7 == 3:
            raise Unreadable(f"reason {row}")
        return np.full((1, 1, 1), row)

    monkeypatch.setattr(decode, "decode", slow)
    files = [Path(str(row)) for row in range(200)]
    for count, (row, picture) in enumerate(
        store.decoded(EncodedContent(tuple(files)), RECIPE, threads)
    ):
        assert row == count
        assert picture == f"reason {row}" if row % 7 == 3 else picture[0, 0, 0] == row  # type: ignore[index]
        if row in (0, 50):
            time.sleep(0.2)  # time enough to decode all that was asked for
        assert started <= row + 1 + 16 * threads
    assert started == 200


def paths(count: int) -> EncodedContent:
    return EncodedContent(tuple(Path(str(row)) for row in range(count)))


@pytest.mark.usefixtures("decoded_here")
def test_leaving_early_decodes_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []

    def count(path: Path, *_: object) -> object:
        started.append(path.name)
        time.sleep(0.001)
        return np.zeros((1, 1, 1))

    monkeypatch.setattr(decode, "decode", count)
    rows = store.decoded(paths(500), RECIPE, 2)
    next(rows)
    rows.close()  # type: ignore[attr-defined]
    assert len(started) <= 33


@settings(max_examples=30)
@given(count=st.integers(0, 80), threads=st.integers(1, 4))
@pytest.mark.usefixtures("decoded_here")
def test_decoding_any_number(count: int, threads: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decode, "decode", lambda path, *_: np.full(1, int(path.name)))
        found = list(store.decoded(paths(count), RECIPE, threads))
    assert [(row, int(value[0])) for row, value in found] == [(row, row) for row in range(count)]


def test_facts_are_plain_json(folder: Path, cache: Path) -> None:
    open_store(gather(folder), RECIPE)
    (place,) = stores(cache)
    facts = json.loads((place / "store.json").read_text(encoding="utf-8"))["facts"]
    assert facts["shape"] == [4, 6, 5, 3]
    assert list(facts["reasons"]) == ["3"]
