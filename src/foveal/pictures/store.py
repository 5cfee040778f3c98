"""Decoded pictures on disk: uint8, memory-mapped, whole or absent.

A store is a folder in the cache, named by a fingerprint of its sources, the decoding part of
the recipe and the version of the decoder. It is made under another name and renamed at the
end, so that one either finds a whole store or none, also when two processes make it at once.
Arrays are never copied into a store: they are their own.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import PIL

from foveal.cache import cache_folder, disk, room_for
from foveal.errors import ResourceError
from foveal.pictures import decode
from foveal.pictures.collection import Array, Pictures, check_fits
from foveal.recipe import PictureRecipe

Progress = Callable[[int, int], None]
"""Called with pictures done and pictures in all."""

Hashes = np.ndarray[Any, np.dtype[np.int64]]
AHEAD = 16
"""Pictures that a thread decodes ahead of whoever takes them."""
A_LEVEL = 1e-4
"""How far a number may lie from one of 256 levels and count as it: single precision is nearer."""
T = TypeVar("T")
LEFTOVER_AGE = 24 * 3600
"""Seconds after which an unfinished store of a killed process is removed."""


@dataclass(frozen=True, slots=True)
class Store:
    """Prepared pictures, one row each, in the order of their source."""

    images: Array
    """(n, height, width, channels); zeros where the picture could not be read."""
    reasons: Sequence[str]
    """Why a row could not be read; empty where it could."""
    hashes: Hashes
    """64-bit hash of the prepared pixels of each row: equal for equal pictures."""
    fingerprint: str
    """Says which pictures these are and how they were prepared."""
    warm: bool = False
    """Whether the pictures were found decoded already."""

    @property
    def readable(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """True for each row that holds a picture."""
        return np.array([not reason for reason in self.reasons], dtype=bool)


def open_store(
    pictures: Pictures,
    recipe: PictureRecipe,
    *,
    threads: int = 2,
    progress: Progress | None = None,
) -> Store:
    """Open the prepared pictures of a source, decoding them first where that was not done.

    Parameters
    ----------
    pictures : Pictures
        Files or an array.
    recipe : PictureRecipe
        Size and channels; arrays must have them already.
    threads : int
        Decoding threads.
    progress : callable, optional
        Called now and then with pictures done and in all.

    Raises
    ------
    DataError
        For an array of another size than the recipe's.
    ResourceError
        Where the disk is full.
    """
    if pictures.array is not None:
        return _array_store(pictures, recipe)
    assert pictures.files is not None
    key = _fingerprint(pictures.files, recipe)
    place = cache_folder() / "stores" / key
    found = _read(place, key, warm=True)
    if found is not None and len(found.reasons) == len(pictures):
        return found
    _make(place, pictures.files, recipe, threads, progress)
    made = _read(place, key, warm=False)
    if made is None:
        raise ResourceError(
            str(place),
            needed="a readable cache",
            came="a store that vanished while it was opened",
            remedy="set FOVEAL_CACHE to a folder on a local disk",
        )
    return made


def _array_store(pictures: Pictures, recipe: PictureRecipe) -> Store:
    assert pictures.array is not None
    array = check_fits(pictures.array, recipe)
    hashes = content_hashes(array)
    digest = hashlib.blake2b(f"{array.shape} {array.dtype}".encode(), digest_size=16)
    digest.update(hashes.tobytes())
    return Store(array, [""] * len(array), hashes, digest.hexdigest())


def content_hashes(images: Array) -> Hashes:
    """Hash the pixels of each picture to 64 bits (BLAKE2b); shapes and types do not enter.

    Collisions are expected once in 2**64 pairs: none among a million pictures.
    """
    rows = np.ascontiguousarray(images).reshape(len(images), math.prod(images.shape[1:]))
    digests = b"".join(
        hashlib.blake2b(plain(row).tobytes(), digest_size=8).digest() for row in rows
    )
    return np.frombuffer(digests, dtype=np.int64).copy()


def plain(pixels: Array) -> Array:
    """Give the numbers of a picture whatever they came as: of 8 bits where these suffice, else 64.

    They do for whole numbers from 0 to 255, and for 256 levels from 0 to 1.
    """
    if pixels.dtype == np.uint8:
        return pixels
    values: Array = pixels.astype(np.float64)
    for scale in (1, 255):
        with np.errstate(invalid="ignore"):
            levels = np.rint(values * scale)
            small: Array = levels.astype(np.uint8)
        if (small == levels).all() and (np.abs(levels - values * scale) < A_LEVEL).all():
            return small
    return values + 0  # 0 and -0 are one


def _fingerprint(files: Sequence[Path], recipe: PictureRecipe) -> str:
    """Fingerprint paths, sizes and times of files, the recipe and the decoder."""
    digest = hashlib.blake2b(digest_size=16)
    for file in files:
        try:
            status = file.stat()
            when = f"{status.st_mtime_ns} {status.st_ctime_ns}"  # ctime: permissions may change
            line = f"{file.absolute()}\0{status.st_size}\0{when}\n"
        except (OSError, ValueError):  # names that no file can have
            line = f"{file.absolute()}\0absent\n"
        digest.update(line.encode("utf-8", "surrogatepass"))
    how = {"recipe": recipe.decoding, "decoder": decode.VERSION, "pillow": PIL.__version__}
    digest.update(json.dumps(how, sort_keys=True).encode())
    return digest.hexdigest()


def _read(place: Path, key: str, *, warm: bool) -> Store | None:
    """Open a store; None where it is not there, or is not whole."""
    try:
        facts = json.loads((place / "store.json").read_text(encoding="utf-8"))
        images = np.load(place / "images.npy", mmap_mode="r", allow_pickle=False)
        hashes = np.load(place / "hashes.npy", allow_pickle=False)
        reasons = [""] * len(hashes)
        for row, reason in facts["reasons"].items():
            reasons[int(row)] = str(reason)
        whole = list(images.shape) == facts["shape"] and len(hashes) == len(images)
    except Exception:  # a damaged head makes numpy raise TokenError, SyntaxError and the like
        return None
    return Store(images, reasons, hashes, key, warm) if whole else None


def _make(
    place: Path,
    files: Sequence[Path],
    recipe: PictureRecipe,
    threads: int,
    progress: Progress | None,
) -> None:
    with disk():
        place.parent.mkdir(parents=True, exist_ok=True)
        _sweep(place.parent)
        working = Path(tempfile.mkdtemp(prefix=f"{place.name}.", suffix=".tmp", dir=place.parent))
    try:
        with disk():
            _fill(working, files, recipe, threads, progress)
            if place.exists():  # made meanwhile, or damaged: theirs if whole, else replaced
                if _read(place, place.name, warm=True) is not None:
                    return
                place.replace(working / "damaged")
            with contextlib.suppress(FileExistsError, OSError):
                working.rename(place)
    finally:
        shutil.rmtree(working, ignore_errors=True)


def _fill(
    working: Path,
    files: Sequence[Path],
    recipe: PictureRecipe,
    threads: int,
    progress: Progress | None,
) -> None:
    shape = (len(files), recipe.height, recipe.width, recipe.channels)
    room_for(int(np.prod(shape)), "decoded pictures", "choose a smaller size")
    path = working / "images.npy"
    images = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    if hasattr(os, "posix_fallocate"):  # a disk that fills up later would kill the process
        with path.open("rb+") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    hashes = np.zeros(len(files), dtype=np.int64)
    reasons: dict[int, str] = {}
    for row, picture in decoded(files, recipe, threads):
        if isinstance(picture, str):
            reasons[row] = picture
        else:
            images[row] = picture
            hashes[row] = content_hashes(picture[None])[0]
        if progress is not None and (row % 32 == 31 or row + 1 == len(files)):
            progress(row + 1, len(files))
    images.flush()
    del images
    np.save(working / "hashes.npy", hashes)
    facts = {"shape": list(shape), "reasons": reasons}
    (working / "store.json").write_text(json.dumps(facts), encoding="utf-8")
    for name in ("images.npy", "hashes.npy", "store.json"):
        with (working / name).open("rb+") as file:
            os.fsync(file.fileno())


def decoded(
    files: Sequence[Path], recipe: PictureRecipe, threads: int = 2, *, ahead: int | None = None
) -> Iterator[tuple[int, Array | str]]:
    """Decode files in order, a few ahead: (row, picture), or (row, reason) where unreadable."""

    def one(row: int) -> Array | str:
        try:
            return decode.decode(files[row], recipe)
        except decode.Unreadable as reason:
            return str(reason)

    yield from enumerate(in_order(one, len(files), threads, ahead or AHEAD * threads))


def in_order(work: Callable[[int], T], count: int, threads: int, ahead: int) -> Iterator[T]:
    """Do work for the numbers from 0 to count - 1 in threads; answers in order, so many ahead."""
    pool = ThreadPoolExecutor(threads, thread_name_prefix="pictures")
    try:
        waiting = [pool.submit(work, row) for row in range(min(ahead, count))]
        for row in range(count):
            yield waiting[row % ahead].result()
            if row + ahead < count:
                waiting[row % ahead] = pool.submit(work, row + ahead)
    finally:
        pool.shutdown(cancel_futures=True)


def _sweep(folder: Path) -> None:
    """Remove what killed processes left unfinished a day ago."""
    for leftover in folder.glob("*.tmp"):
        with contextlib.suppress(OSError):
            if time.time() - leftover.stat().st_mtime > LEFTOVER_AGE:
                shutil.rmtree(leftover, ignore_errors=True)
