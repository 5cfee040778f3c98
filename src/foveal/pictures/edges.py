"""How well the edges of two pictures correlate: shifted, mirrored, or one within the other.

Axes: h height, w width, c channel, s row or column of a small picture.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from foveal.arrays import Array, Doubles, Floats
from foveal.pictures.units import Pairs

SIDE = 64
"""Height and width of the pictures that are aligned, at most."""
SMALLEST = 16
"""Height and width below which edges say too little."""
COPY = 0.7
"""Least correlation of the edges of copies."""
EITHER = 0.5
"""Least correlation of edges down and across alone: two horizons share one of them."""
ALIKE = 0.3
"""Median correlation of the edges of a class from which its pictures are alike by kind."""
STRONGEST = 0.8
"""Share of the gradients that count as they are: stronger ones, as of frames, count no more."""
SHIFT = 0.3
"""Farthest shift, as a share of a side."""
PEAKS = 3
"""Shifts that are tried, besides none."""
MOST_EDGES = 400
"""Pictures whose edges are kept, 170 kB each: those asked for last."""
PARTS = (0.95, 0.9, 0.85, 0.8)
"""Shares of the sides of one picture that another may be."""
STEP = 0.04
"""By how much the share of one side is then changed, where pictures were cut unevenly."""


class Described(NamedTuple):
    """A small picture by its edges."""

    grey_ss: Doubles
    gradients: Gradients
    spectrum: Any
    """Of the whole, as `numpy.fft.rfft2` gives it."""


class Edges:
    """Edges of small pictures, made when they are asked for, and how well they correlate."""

    def __init__(self, picture_of: Callable[[int], Array | str]) -> None:
        self.picture_of = picture_of
        self.known: OrderedDict[int, Described] = OrderedDict()
        self.without: set[int] = set()
        """Rows that have no edges, of those that were asked for."""

    def tell_apart(self, pairs: Pairs) -> bool:
        """Whether most pictures of a class have edges of their own, by some pairs of it."""
        each = (self.correlation(*pair) for pair in pairs if pair[0] != pair[1])
        found = [one for one in each if one > -1]  # pictures without edges tell nothing
        return not found or float(np.median(found)) < ALIKE

    def copies(self, first: int, second: int) -> float:
        """Compute how well the edges of copies correlate; 0 where they are not the same.

        They are where they correlate down and across, at one shift.
        """
        pair = self._both(first, second)
        return 0.0 if pair is None else copied(*pair)

    def changed(self, first: int, second: int) -> float:
        """Compute the same where one may be mirrored, or a part of the other, enlarged."""
        pair = self._both(first, second)
        return 0.0 if pair is None else _mirrored(*pair) or _within(*pair) or _within(*pair[::-1])

    def correlation(self, first: int, second: int) -> float:
        """Compute the correlation of the edges of two pictures at the best of the likely shifts."""
        pair = self._both(first, second)
        return -1.0 if pair is None else max(both for both, _ in _tried(*pair))

    def _both(self, first: int, second: int) -> tuple[Described, Described] | None:
        one, other = self._of(int(first)), self._of(int(second))
        return None if one is None or other is None else (one, other)

    def _of(self, row: int) -> Described | None:
        """Return a picture by its edges; None where it has none."""
        found = self.known.get(row)
        if found is None and row not in self.without:
            picture = self.picture_of(row)
            found = None if isinstance(picture, str) else described(small_grey(picture))
        if found is None:
            self.without.add(row)
            return None
        self.known[row] = found
        self.known.move_to_end(row)
        if len(self.known) > MOST_EDGES:
            self.known.popitem(last=False)
        return found


def copied(one: Described, other: Described) -> float:
    """Compute how well edges of copies correlate, `COPY` to 1; 0 where they are no copies."""
    tried = _tried(one, other)
    return max((both for both, least in tried if both >= COPY and least >= EITHER), default=0.0)


def _mirrored(one: Described, other: Described) -> float:
    turned = described(other.grey_ss[:, ::-1])
    return 0.0 if turned is None else copied(one, turned)


def _within(part: Described, whole: Described) -> float:
    """Compute how well a picture correlates with what it is a part of; 0 where it is none.

    Both sides are first taken to be cut alike, then each by itself.
    """
    found = {share: _best(part, whole, (share, share)) for share in PARTS}
    middle = max(found, key=lambda share: found[share])
    if found[middle] < ALIKE:
        return 0.0
    near = [share for share in (middle - STEP, middle, middle + STEP) if share <= 1]
    cut = [_cut(whole, (down, across)) for down, across in product(near, near)]
    return max((copied(part, one) for one in cut if one is not None), default=0.0)


def _best(part: Described, whole: Described, shares: tuple[float, float]) -> float:
    cut = _cut(whole, shares)
    return -1.0 if cut is None else max(both for both, _ in _tried(part, cut))


def _cut(whole: Described, shares: tuple[float, float]) -> Described | None:
    """Cut the middle out of a picture, enlarged to its size; shares of its sides down, across."""
    down, across = (_enlarging(len(whole.grey_ss), share) for share in shares)
    return described(down @ whole.grey_ss @ across.T)


@lru_cache(maxsize=64)
def _enlarging(side: int, share: float) -> Doubles:
    """Make the matrix (s, s) that spreads the middle share of a line over all of it, linearly."""
    places = (np.arange(side) + 0.5 - side / 2) * share + side / 2 - 0.5
    distance = np.abs(np.clip(places, 0, side - 1)[:, None] - np.arange(side))
    found: Doubles = np.maximum(1 - distance, 0)
    return found


def _tried(one: Described, other: Described) -> Iterator[tuple[float, float]]:
    """Yield the correlation at each likely shift: of both directions, and the lesser of them."""
    for shift in _shifts(one.spectrum, other.spectrum):
        yield _correlations(one.gradients, other.gradients, *shift)


def small_grey(picture_hwc: Array) -> Doubles | None:
    """Make a picture grey and small, (s, s); None where it is too small."""
    height, width = picture_hwc.shape[:2]
    side = min(SIDE, height, width)
    if side < SMALLEST:
        return None
    grey: Doubles = averages(height, side) @ picture_hwc.mean(axis=2) @ averages(width, side).T
    return grey


def described(grey_ss: Doubles | None) -> Described | None:
    """Describe a small picture by its edges; None where they say nothing."""
    if grey_ss is None:
        return None
    gradients = np.stack([np.gradient(grey_ss, axis=axis) for axis in (0, 1)])
    most = float(np.quantile(np.abs(gradients), STRONGEST))
    if not np.isfinite(gradients).all() or not most:
        return None
    window = np.hanning(len(grey_ss) + 2)[1:-1]
    spectrum = np.fft.rfft2((grey_ss - grey_ss.mean()) * np.outer(window, window))
    edges = np.clip(gradients, -most, most).astype(np.float32)
    return Described(grey_ss, Gradients(edges.astype(np.float64)), spectrum.astype(np.complex64))


class Gradients:
    """Gradients of a picture, (2, s, s), and how strong they are within any of its rectangles."""

    def __init__(self, edges_2ss: Doubles) -> None:
        self.edges_2ss = edges_2ss
        side = edges_2ss.shape[1]
        self.sums = np.zeros((2, side + 1, side + 1))  # of squares, up to each row and column
        self.sums[:, 1:, 1:] = (edges_2ss**2).cumsum(axis=1).cumsum(axis=2)

    def squares(self, down: slice, right: slice) -> Doubles:
        """Sum the squares within a rectangle, (2,), by a table of sums (Crow, 1984)."""
        top, bottom, left, end = down.start, down.stop, right.start, right.stop
        sums = self.sums
        found: Doubles = (
            sums[:, bottom, end] - sums[:, top, end] - sums[:, bottom, left] + sums[:, top, left]
        )
        return found


def _shifts(one: Any, other: Any) -> Iterator[tuple[int, int]]:
    """Yield no shift, and the highest peaks of the phase correlation (Kuglin and Hines, 1975)."""
    yield 0, 0
    side = len(one)
    product = one * np.conj(other)
    product /= np.abs(product) + 1e-9
    peaks = np.fft.irfft2(product, s=(side, side)).ravel()
    for peak in np.argpartition(-peaks, PEAKS)[:PEAKS]:
        down, right = (at - side if at > side // 2 else at for at in divmod(int(peak), side))
        if max(abs(down), abs(right)) <= SHIFT * side:
            yield down, right


def _correlations(one: Gradients, other: Gradients, down: int, right: int) -> tuple[float, float]:
    """Correlate gradients where two pictures overlap: both directions, and the lesser of them."""
    side = one.edges_2ss.shape[1]

    def seen(by: int) -> slice:
        return slice(max(by, 0), side + min(by, 0))

    here, there = (seen(down), seen(right)), (seen(-down), seen(-right))
    ab = np.einsum("cij,cij->c", one.edges_2ss[:, *here], other.edges_2ss[:, *there])
    aa, bb = one.squares(*here), other.squares(*there)
    each = ab / np.sqrt(aa * bb + 1e-12)
    return float(ab.sum() / np.sqrt(aa.sum() * bb.sum() + 1e-12)), float(each.min())


def averages(long: int, short: int) -> Floats:
    """Make the matrix (short, long) that averages stretches of a line."""
    ends = np.linspace(0, long, short + 1)
    cells = np.arange(long)
    overlap = np.minimum(ends[1:, None], cells + 1) - np.maximum(ends[:-1, None], cells)
    matrix = np.maximum(overlap, 0.0)
    shares: Floats = (matrix / matrix.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares
