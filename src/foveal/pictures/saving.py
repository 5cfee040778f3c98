"""Pictures that a model made as PNG files, in a folder that is whole or absent."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

import numpy as np
from PIL import Image

from foveal.arrays import Floats
from foveal.files import whole_folder

MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
"""Kinds of pictures by their channels."""
COMPRESSION = 1
"""How hard PNG files are packed, 0 to 9: beyond this they shrink little and take long."""
LONGEST_NAME = 200
"""Bytes of one part of a name."""


@dataclass(frozen=True, repr=False, slots=True, kw_only=True)
class DecodedBatch:
    """Pictures that a model made, some of many."""

    pictures: Floats
    """(n, h, w, c), from 0 to 1: of those alone that could be read."""
    reasons: Sequence[str]
    """Of all, why a picture could not be read; empty where it could."""


def write_pictures(
    folder: Path, names: Sequence[str], batches: Iterable[DecodedBatch]
) -> tuple[int, int]:
    """Write pictures; the folder appears when all of them are there.

    Parameters
    ----------
    names : sequence of str
        Names of all rows that the batches hold, in order.

    Returns
    -------
    tuple of int
        Pictures written, and rows without one.
    """
    places = places_for(names)
    written = missing = start = 0
    with whole_folder(folder) as working:
        for place in {working / place.parent for place in places}:
            place.mkdir(parents=True, exist_ok=True)
        for batch in batches:
            there = [row for row, reason in enumerate(batch.reasons) if not reason]
            _write(batch.pictures, [working / places[start + row] for row in there])
            written, missing = written + len(there), missing + len(batch.reasons) - len(there)
            start += len(batch.reasons)
    return written, missing


def places_for(names: Sequence[str]) -> list[PurePosixPath]:
    """Choose a PNG file for each name: as its source lay, never outside, never twice.

    >>> [str(one) for one in places_for(["/a/b/1.jpg", "/a/c/1.jpg", "/a/c/1.gif"])]
    ['b/1.png', 'c/1.jpg.png', 'c/1.gif.png']
    """
    parts = [_parts(name) for name in names]
    shared = 0
    if parts:
        shortest = min(len(one) for one in parts) - 1
        while shared < shortest and len({one[shared] for one in parts}) == 1:
            shared += 1
    wholes = [PurePosixPath(*one[shared:]) for one in parts]
    stems = [one.with_suffix(".png") for one in wholes]
    often = Counter(map(_folded, stems))
    taken = {_folded(above) for one in wholes for above in one.parents}  # no file is a folder too
    places: list[PurePosixPath] = []
    for row, (whole, stem) in enumerate(zip(wholes, stems, strict=True)):
        place = stem if often[_folded(stem)] == 1 else whole.with_name(f"{whole.name}.png")
        while _folded(place) in taken:
            place = place.with_name(f"{place.stem}.{row}.png")
        taken.add(_folded(place))
        places.append(place)
    return places


def _folded(place: PurePosixPath) -> str:
    """Return what some disks hold for the same name."""
    return str(place).casefold()


def _parts(name: str) -> list[str]:
    """Split a name into parts that mean no other place than below a folder."""
    path: PurePath = PurePosixPath(name)
    if "\\" in name or PureWindowsPath(name).drive:
        path = PureWindowsPath(name)
    # Windows drops dots and spaces at the end of a part: ".. " would lead outside there.
    found = [part for part in path.parts if part != path.anchor and part.strip(". ")]
    return [_shortened(part.replace("\0", "_")) for part in found] or ["picture"]


def _shortened(part: str) -> str:
    return part.encode("utf-8", "replace")[:LONGEST_NAME].decode("utf-8", "ignore")


def as_png(picture_hwc: Floats) -> bytes:
    """Encode a picture of 0 to 1 as a PNG file of 8 bits."""
    levels = np.rint(picture_hwc * 255).astype(np.uint8)
    height, width, channels = levels.shape
    picture = Image.frombytes(MODES[channels], (width, height), levels.tobytes())
    data = io.BytesIO()
    picture.save(data, format="PNG", compress_level=COMPRESSION)
    return data.getvalue()


def _write(pictures_nhwc: Floats, places: Sequence[Path]) -> None:
    """Write pictures of 0 to 1 as PNG files of 8 bits."""

    def one(row: int) -> None:
        places[row].write_bytes(as_png(pictures_nhwc[row]))

    with ThreadPoolExecutor(2, thread_name_prefix="png") as pool:
        list(pool.map(one, range(len(places))))
