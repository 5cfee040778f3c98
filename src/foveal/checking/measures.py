"""What each picture is like, in one pass: its head, its light, its sharpness, its content.

Axes: n picture, h height, w width, c channel.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from foveal.arrays import Array, Doubles, Floats, Hashes, Rows
from foveal.checking.views import View, Viewer, viewer
from foveal.errors import DataError
from foveal.pictures import depth
from foveal.pictures.by_content import ContentCache, kept_as, key_of
from foveal.pictures.collection import Pictures, evenly
from foveal.pictures.content import Content, Head
from foveal.pictures.copies import thumbnails
from foveal.pictures.decode import GREY_MODES
from foveal.pictures.hashing import ABSENT, content_hashes
from foveal.pictures.remarks import Remark, Remarks
from foveal.pictures.survey import MOST_LOOKED_AT
from foveal.pictures.workers import in_order
from foveal.recipe import LUMA

SIDE = 256
"""Longer side at which pictures are measured, at most: about what networks see of them."""
TILES = 4
"""Tiles down and across; of these the sharpest tells how sharp a picture is."""
ENDS = (0.1, 1, 99, 99.9)
"""Percentiles of a picture: what it spans, its darkest and its lightest; single pixels are none."""
SMALL = 64
"""Numbers of a picture's small copy."""
AT_ONCE = 500
"""Pictures that are looked up in the cache at once."""
VERSION = 1
"""Raised whenever the same picture would be measured otherwise."""
NUMBERS = ("dark", "light", "spread", "mean", "sharpness")
"""Measures that are single numbers, by their names."""
A_COLOUR = 0.02
"""Largest mean difference of red, green and blue in a picture that has no colours."""
AHEAD = 8
"""Pictures a thread may be ahead."""

Progress = Callable[[int, int], None]


class Measured(NamedTuple):
    """What one picture is like."""

    head: Head
    dark: float
    """Its lowest values, 0 to 1."""
    light: float
    """Its highest values."""
    spread: float
    """What its values span, a small thing on a plain ground included."""
    mean: float
    sharpness: float
    """Standard deviation of the Laplacian in the sharpest of its tiles."""
    coloured: bool
    """Whether it shows any colour."""
    hash: int
    """Of its pixels."""
    small: Floats
    """It in grey at 8x8, by `thumbnails`, (64,)."""
    remarks: Remarks


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Measures:
    """What pictures are like, (n,) each; of those that cannot be read nothing is known."""

    reasons: tuple[str, ...]
    """Why a picture cannot be read; empty where it can."""
    heights: Doubles
    widths: Doubles
    modes: tuple[str, ...]
    """Names of colour spaces and depths, in the words of `mode_name`."""
    formats: tuple[str, ...]
    """Names of the formats of files; empty for arrays."""
    dark: Doubles
    light: Doubles
    spread: Doubles
    mean: Doubles
    sharpness: Doubles
    coloured: Array
    hashes: Hashes
    small: Floats
    """(n, 64)."""
    remarks: tuple[Remarks, ...]

    @property
    def rows(self) -> Rows:
        """Pictures that can be read."""
        return np.flatnonzero([not reason for reason in self.reasons])


def measure(pictures: Pictures, threads: int, progress: Progress | None = None) -> Measures:
    """Measure pictures; each is decoded once, at `SIDE` pixels at most.

    Parameters
    ----------
    pictures : Pictures
        Files or an array.
    threads : int
        Decoding threads.
    progress : callable, optional
        Called now and then with pictures done and in all.
    """
    found = measured(pictures.content, viewer(pictures, side_of(pictures)), threads, progress)
    return gathered(len(pictures), enumerate(found))


def gathered(count: int, found: Iterable[tuple[int, Measured | str]]) -> Measures:
    """Gather what each of so many pictures is like, by their rows, in any order."""
    reasons, modes, formats = [""] * count, [""] * count, [""] * count
    remarks: list[Remarks] = [()] * count
    numbers = {name: np.full(count, np.nan) for name in ("heights", "widths", *NUMBERS)}
    coloured, hashes = np.zeros(count, dtype=bool), np.zeros(count, dtype=np.int64)
    small = np.zeros((count, SMALL), np.float32)
    for row, one in found:
        if isinstance(one, str):
            reasons[row] = one
            continue
        numbers["heights"][row], numbers["widths"][row] = one.head.height, one.head.width
        for name in NUMBERS:
            numbers[name][row] = getattr(one, name)
        modes[row], formats[row] = sys.intern(mode_name(one.head)), sys.intern(one.head.format)
        coloured[row], hashes[row], small[row] = one.coloured, one.hash, one.small
        remarks[row] = one.remarks
    return Measures(
        reasons=tuple(reasons),
        modes=tuple(modes),
        formats=tuple(formats),
        coloured=coloured,
        hashes=hashes,
        small=small,
        remarks=tuple(remarks),
        **numbers,
    )


def measured(
    content: Content, view: Viewer, threads: int, progress: Progress | None = None
) -> Iterator[Measured | str]:
    """Yield what each picture is like, in order; a text says why one cannot be read.

    What was measured of the same content is found in the cache, and nothing is decoded.

    Parameters
    ----------
    content : Content
        The pictures, or some of them.
    view : callable
        Looks at them; it may be made of all, so that each is measured as among all.
    threads : int
        Decoding threads.
    progress : callable, optional
        Called now and then with pictures done and in all.
    """
    keys = _keys(content, {**view.how, "side": view.side, "version": VERSION}, threads)

    def one(row: int) -> Measured | str:
        found = view(row)
        return found if isinstance(found, str) else described(found)

    with kept_as("measures") as kept:
        for start in range(0, len(content), AT_ONCE):
            rows = range(start, min(start + AT_ONCE, len(content)))
            known = _known(kept, keys, rows)
            new: dict[int, Measured] = {}
            for row, found in _block(rows, known, one, threads):
                if row not in known and not isinstance(found, str):
                    new[row] = found
                yield found
                if progress is not None:
                    progress(row + 1, len(content))
            kept.put({keys[row]: _packed(found) for row, found in new.items() if row in keys})


def _keys(content: Content, how: Mapping[str, Any], threads: int) -> dict[int, bytes]:
    """Return under which key each row is kept: of files, none of arrays, which are at hand."""
    if content.in_memory is not None:
        return {}
    ids = content.ids(threads)
    return {row: key_of(one, **how) for row, one in enumerate(ids) if one != ABSENT}


def _known(kept: ContentCache, keys: Mapping[int, bytes], rows: range) -> dict[int, Measured]:
    """Read what is kept of some rows."""
    found = kept.get([keys[row] for row in rows if row in keys])
    read = {row: _unpacked(found.get(keys.get(row, b""), b""), row) for row in rows}
    return {row: one for row, one in read.items() if one is not None}


def _block(
    rows: range,
    known: Mapping[int, Measured],
    measured: Callable[[int], Measured | str],
    threads: int,
) -> Iterator[tuple[int, Measured | str]]:
    """Yield some rows in order, measuring those that are not known."""
    missing = [row for row in rows if row not in known]
    made = in_order(lambda at: measured(missing[at]), len(missing), threads, AHEAD * threads)
    for row in rows:
        yield row, known[row] if row in known else next(made)
    made.close()


def _packed(one: Measured) -> bytes:
    """Write what a picture is like; numbers come back as they are."""
    facts = {**one._asdict(), "head": one.head[1:], "small": one.small.tobytes().hex()}
    return json.dumps(facts).encode()


def _unpacked(text: bytes, row: int) -> Measured | None:
    """Read what a picture is like; None for anything else."""
    try:
        facts = json.loads(text)
        small = np.frombuffer(bytes.fromhex(facts.pop("small")), np.float32).reshape(SMALL)
        remarks = tuple(Remark(kind, detail) for kind, detail in facts.pop("remarks"))
        head = Head(row, *facts.pop("head"))
        return Measured(**facts, head=head, small=small, remarks=remarks)
    except (ValueError, TypeError, LookupError, AttributeError):
        return None


def side_of(pictures: Pictures) -> int:
    """Choose the side at which all are measured: the sharpness of a large and a small one differ.

    The median of their longer sides, `SIDE` at most.
    """
    try:
        heads = pictures.content.heads(evenly(len(pictures), MOST_LOOKED_AT))
    except DataError:  # none can be read
        return SIDE
    return min(SIDE, round(float(np.median([max(one.height, one.width) for one in heads]))))


def described(view: View) -> Measured:
    """Describe one picture."""
    values_hwc = view.values_hwc
    colours = values_hwc.shape[2] == 3
    grey = values_hwc @ np.array(LUMA, np.float32) if colours else values_hwc.mean(axis=2)
    low, dark, light, high = np.percentile(grey, ENDS)
    differing = float(np.ptp(values_hwc, axis=2).mean()) if colours else 0.0
    return Measured(
        head=view.head,
        dark=float(dark),
        light=float(light),
        spread=float(high - low),
        mean=float(grey.mean()),
        sharpness=sharpness(grey),
        coloured=differing > A_COLOUR,
        hash=int(content_hashes(view.pixels_hwc[None])[0]),
        small=thumbnails(grey[None, ..., None], np.array([0]))[0],
        remarks=view.remarks,
    )


def sharpness(grey_hw: Array) -> float:
    """Compute how sharp a picture is where it is sharpest: a sharp thing may stand before a blur.

    The standard deviation of the Laplacian (Pech-Pacheco and others, 2000, "Diatom autofocusing in
    brightfield microscopy") in each of `TILES` x `TILES` tiles, of which the largest counts.
    """
    height, width = grey_hw.shape
    if min(height, width) < 3:
        return 0.0
    middle = grey_hw[1:-1, 1:-1]
    beside = grey_hw[1:-1, :-2] + grey_hw[1:-1, 2:] + grey_hw[:-2, 1:-1] + grey_hw[2:, 1:-1]
    rows = np.array_split(beside - 4 * middle, min(TILES, height - 2))
    tiles = (tile for row in rows for tile in np.array_split(row, min(TILES, width - 2), axis=1))
    return max(float(tile.std()) for tile in tiles)


def mode_name(head: Head) -> str:
    """Name colour space and depth of a file, as a person knows them; empty for arrays."""
    if not head.mode:
        return ""
    space = "CMYK" if head.mode == "CMYK" else "colour"
    space = "grey" if head.mode in GREY_MODES else space
    deep = head.mode in depth.MODES
    return space + ", more than 8 bits" * deep + ", transparent" * head.clear
