"""What each picture is like, in one pass: its head, its light, its sharpness, its content.

Axes: n picture, h height, w width, c channel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from foveal.arrays import Array, Doubles, Floats, Hashes, Rows
from foveal.checking.views import View, viewer
from foveal.errors import DataError
from foveal.pictures import depth
from foveal.pictures.collection import Pictures, evenly
from foveal.pictures.content import Head
from foveal.pictures.copies import thumbnails
from foveal.pictures.decode import GREY_MODES
from foveal.pictures.hashing import content_hashes
from foveal.pictures.remarks import Remarks
from foveal.pictures.survey import MOST_LOOKED_AT
from foveal.pictures.workers import in_order
from foveal.recipe import LUMA

SIDE = 256
"""Longer side at which pictures are measured, at most: about what networks see of them."""
TILES = 4
"""Tiles down and across; of these the sharpest tells how sharp a picture is."""
ENDS = (0.1, 1, 99, 99.9)
"""Percentiles of a picture: what it spans, its darkest and its lightest; single pixels are none."""
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
    found = list(_passed(pictures, threads, progress))
    known = [None if isinstance(one, str) else one for one in found]

    def numbers(of: Callable[[Measured], Any]) -> Doubles:
        return np.array([np.nan if one is None else of(one) for one in known], dtype=np.float64)

    def texts(of: Callable[[Measured], str]) -> tuple[str, ...]:
        return tuple("" if one is None else of(one) for one in known)

    nothing = np.zeros(64, np.float32)
    return Measures(
        reasons=tuple(one if isinstance(one, str) else "" for one in found),
        heights=numbers(lambda one: one.head.height),
        widths=numbers(lambda one: one.head.width),
        modes=texts(lambda one: mode_name(one.head)),
        formats=texts(lambda one: one.head.format),
        dark=numbers(lambda one: one.dark),
        light=numbers(lambda one: one.light),
        spread=numbers(lambda one: one.spread),
        mean=numbers(lambda one: one.mean),
        sharpness=numbers(lambda one: one.sharpness),
        coloured=np.array([one is not None and one.coloured for one in known], dtype=bool),
        hashes=np.array([0 if one is None else one.hash for one in known], dtype=np.int64),
        small=np.stack([nothing if one is None else one.small for one in known]),
        remarks=tuple(() if one is None else one.remarks for one in known),
    )


def _passed(
    pictures: Pictures, threads: int, progress: Progress | None
) -> Iterator[Measured | str]:
    """Yield what each picture is like, in order; a text says why one cannot be read."""
    view = viewer(pictures, _side(pictures))

    def one(row: int) -> Measured | str:
        found = view(row)
        return found if isinstance(found, str) else described(found)

    for row, found in enumerate(in_order(one, len(pictures), threads, AHEAD * threads)):
        yield found
        if progress is not None:
            progress(row + 1, len(pictures))


def _side(pictures: Pictures) -> int:
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
