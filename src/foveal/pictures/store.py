"""Decoded pictures on disk: uint8, whole or absent.

A store is a folder in the cache, named by a fingerprint of its sources, the decoding part of
the recipe and the version of the decoder. It is made under another name and renamed at the
end, so that one either finds a whole store or none, also when two processes make it at once.
Where the pixels would be more than the cache may hold, a store keeps but their hashes and what
became of each file: pixels are decoded anew in every pass. Arrays are never copied into a store:
they are their own.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from foveal.array_files import ArrayFile
from foveal.arrays import Array, Hashes, RowsOfPictures
from foveal.cache import cache_folder, disk
from foveal.errors import ResourceError
from foveal.eviction import IN_USE, Hold, fits, hold
from foveal.files import flush
from foveal.pictures import decode
from foveal.pictures.adaptation import check_fits
from foveal.pictures.collection import Pictures
from foveal.pictures.content import Content
from foveal.pictures.hashing import content_hashes
from foveal.pictures.pixels import AHEAD, DecodedPixels, StoredPixels, streamed
from foveal.pictures.reading import read_in_order
from foveal.pictures.remarks import Remark, Remarks, summed
from foveal.pictures.scaling import Scaling
from foveal.pictures.survey import measure_scaling
from foveal.recipe import PictureRecipe

Progress = Callable[[int, int], None]
"""Called with pictures done and pictures in all."""

IMAGES, HASHES, FACTS = "images.npy", "hashes.npy", "store.json"
"""Files of a store: pixels, where it keeps them, and what is known of each row."""
LEFTOVER_AGE = 24 * 3600
"""Seconds after which an unfinished store of a killed process is removed."""


@dataclass(frozen=True, slots=True)
class Store:
    """Prepared pictures, one row each, in the order of their source."""

    images: RowsOfPictures
    """(n, height, width, channels); zeros where the picture could not be read."""
    reasons: Sequence[str]
    """Why a row could not be read; empty where it could."""
    hashes: Hashes
    """64-bit hash of the prepared pixels of each row: equal for equal pictures."""
    fingerprint: str
    """Says which pictures these are and how they were prepared."""
    warm: bool = False
    """Whether the pictures were found decoded already."""
    remarked: Mapping[int, Remarks] = field(default_factory=dict)
    """What a reader should know of single pictures, by row."""
    notes: tuple[str, ...] = ()
    """What a reader should know of the store."""

    @property
    def readable(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """True for each row that holds a picture."""
        return np.array([not reason for reason in self.reasons], dtype=bool)

    @property
    def views(self) -> tuple[RowsOfPictures]:
        """The pictures as they are: variations are made when they are needed."""
        return (self.images,)

    @property
    def remarks(self) -> list[str]:
        """The remarks on the store, and on single pictures, each kind once."""
        return [*self.notes, *summed(self.remarked)]

    def scaled_by(self, by: Scaling) -> Scaling:
        """Return this scaling: pixels are not yet a network's input."""
        return by

    def measured(self, recipe: PictureRecipe, rows: np.ndarray[Any, Any]) -> PictureRecipe:
        """Return the recipe with the range, mean and deviation of these rows."""
        return measure_scaling(self.images, rows, recipe)


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
    content = pictures.content
    if content.in_memory is not None:
        return _array_store(content, check_fits(content.in_memory, recipe))
    how = {"recipe": recipe.decoding, "decoder": decode.identity()}
    key = _fingerprint(content, json.dumps(how, sort_keys=True).encode())
    place = cache_folder() / "stores" / key
    known = _known(place, len(content))
    warm = known is not None
    size = _size(content, recipe)
    if known is None or (known.file is None and fits(size)):
        _make(place, content, recipe, threads, progress)
        known, warm = _known(place, len(content)), False
    if known is None:
        raise ResourceError(
            str(place),
            needed="a readable cache",
            came="a store that vanished while it was opened",
            remedy="set FOVEAL_CACHE to a folder on a local disk",
        )
    hashes = known.hashes
    return Store(
        DecodedPixels(content, recipe, hashes, pictures.names, threads)
        if known.file is None
        else StoredPixels(known.file, hashes, known.hold),
        known.reasons,
        hashes,
        key,
        warm,
        known.remarked,
        (streamed(size, len(content)),) if known.file is None else (),
    )


def glance(
    pictures: Pictures,
    recipe: PictureRecipe,
    side: int,
    *,
    threads: int,
    progress: Progress | None = None,
) -> RowsOfPictures:
    """Return pictures for what needs few pixels: decoded no larger than `side`, or as they are.

    See `open_store` for the parameters and the errors.
    """
    whole = pictures.content.in_memory
    if whole is not None:
        return whole
    small = replace(recipe, height=min(side, recipe.height), width=min(side, recipe.width))
    return open_store(pictures, small, threads=threads, progress=progress).images


def _array_store(content: Content, array: Array) -> Store:
    hashes = content_hashes(array)
    reasons = [content.reasons.get(row, "") for row in range(len(array))]
    return Store(array, reasons, hashes, _fingerprint(content, hashes.tobytes()))


def _fingerprint(content: Content, more: bytes) -> str:
    """Fingerprint what tells pictures from others, and what else matters."""
    digest = hashlib.blake2b(digest_size=16)
    for mark in content.marks():
        digest.update(mark)
    digest.update(more)
    return digest.hexdigest()


def decoded(
    content: Content, recipe: PictureRecipe, threads: int = 2
) -> Iterator[tuple[int, Array | str]]:
    """Decode pictures in order, a few ahead: (row, picture), or (row, reason) where unreadable."""
    rows = range(len(content))
    yield from enumerate(read_in_order(content, rows, recipe, threads, AHEAD * threads))


@dataclass(frozen=True, slots=True)
class _Known:
    """What a store on disk says."""

    file: ArrayFile | None
    """The pixels; None where it keeps none."""
    hashes: Hashes
    reasons: list[str]
    remarked: dict[int, Remarks]
    hold: Hold


def _known(place: Path, count: int) -> _Known | None:
    """Read what a store says of so many pictures; None where it is not there, or not whole."""
    kept = hold(place)
    if kept is None:
        return None
    try:
        said = json.loads((place / FACTS).read_text(encoding="utf-8"))
        text = (place / HASHES).read_bytes()
        facts = said["facts"]
        if said["digest"] != _digest(facts, text):
            return None
        hashes = np.load(io.BytesIO(text), allow_pickle=False)
        file = ArrayFile(place / IMAGES) if facts["pixels"] else None
        reasons = [""] * len(hashes)
        for row, reason in facts["reasons"].items():
            reasons[int(row)] = str(reason)
        remarked = {
            int(row): tuple(Remark(kind, detail) for kind, detail in several)
            for row, several in facts["remarks"].items()
        }
        whole = len(hashes) == count and facts["shape"][0] == count
        whole = whole and (file is None or list(file.shape) == facts["shape"])
    except Exception:  # a damaged head makes numpy raise TokenError, SyntaxError and the like
        return None
    return _Known(file, hashes, reasons, remarked, kept) if whole else None


def _digest(facts: Any, hashes: bytes) -> str:
    """Hash all that a store says but pixels: those are known by their hashes."""
    text = json.dumps(facts, sort_keys=True).encode()
    return hashlib.blake2b(text + hashes, digest_size=16).hexdigest()


def _size(content: Content, recipe: PictureRecipe) -> int:
    """Bytes of the decoded pictures."""
    return len(content) * recipe.height * recipe.width * recipe.channels


def _make(
    place: Path,
    content: Content,
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
            _fill(working, content, recipe, threads, progress)
            if place.exists():  # made meanwhile, or damaged: theirs if whole, else replaced
                theirs = _known(place, len(content))
                if theirs is not None and (theirs.file or not (working / IMAGES).exists()):
                    return
                place.replace(working / "replaced")
            with contextlib.suppress(FileExistsError, OSError):
                working.rename(place)
    finally:
        shutil.rmtree(working, ignore_errors=True)


def _fill(
    working: Path,
    content: Content,
    recipe: PictureRecipe,
    threads: int,
    progress: Progress | None,
) -> None:
    shape = (len(content), recipe.height, recipe.width, recipe.channels)
    kept = fits(_size(content, recipe))
    images = _allocated(working / IMAGES, shape) if kept else None
    hashes = np.zeros(len(content), dtype=np.int64)
    reasons: dict[int, str] = {}
    for row, picture in decoded(content, recipe, threads):
        if isinstance(picture, str):
            reasons[row] = picture
        else:
            if images is not None:
                images[row] = picture
            hashes[row] = content_hashes(picture[None])[0]
        if progress is not None and (row % 32 == 31 or row + 1 == len(content)):
            progress(row + 1, len(content))
    if images is not None:
        images.flush()
        del images
    table = io.BytesIO()
    np.save(table, hashes)
    (working / HASHES).write_bytes(table.getvalue())
    rows, of = range(len(content)), content.remarks
    remarked = {str(row): several for row in rows if (several := of(row))}
    facts = {
        "shape": list(shape),
        "pixels": kept,
        "reasons": {str(row): reason for row, reason in reasons.items()},
        "remarks": remarked,
    }
    said = {"facts": facts, "digest": _digest(facts, table.getvalue())}
    (working / FACTS).write_text(json.dumps(said), encoding="utf-8")
    (working / IN_USE).touch()
    for name in (*[IMAGES] * kept, HASHES, FACTS):
        flush(working / name)


def _allocated(path: Path, shape: tuple[int, ...]) -> np.memmap[Any, np.dtype[np.uint8]]:
    """Make the file of the pixels, with all the room that it takes."""
    images = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    if hasattr(os, "posix_fallocate"):  # a disk that fills up later would kill the process
        with path.open("rb+") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return images


def _sweep(folder: Path) -> None:
    """Remove what killed processes left unfinished a day ago."""
    for leftover in folder.glob("*.tmp"):
        with contextlib.suppress(OSError):
            if time.time() - leftover.stat().st_mtime > LEFTOVER_AGE:
                shutil.rmtree(leftover, ignore_errors=True)
