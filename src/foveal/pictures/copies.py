"""Near copies: pictures of one thing a moment apart, shifted, saved again, brighter or smaller.

Found in two steps. Candidates are near by what is at hand, features or small pictures; they are
copies where their edges, aligned, correlate: in photographs those of strangers hardly do (at most
0.26 among the nearest of 1,399 photographs, copies shifted by a sixth 0.73 at least). Where all
pictures of a class share their edges, as digits and things before one background do, nothing is
said of that class.

Axes: n picture, d number that it is compared by, s row or column of a small picture.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from foveal.arrays import Array, Doubles, Floats, Rows
from foveal.pictures.collection import Pictures, evenly
from foveal.pictures.prepared import Prepared, RowsOfArrays
from foveal.pictures.ranges import parts_of
from foveal.pictures.small import SmallPictures
from foveal.pictures.units import NO_PAIRS, Pairs, units_of
from foveal.randomness import generator
from foveal.recipe import PictureRecipe
from foveal.wording import counted

SIDE = 64
"""Height and width of the pictures that are aligned, at most."""
SMALLEST = 16
"""Height and width below which edges say too little."""
NEAR = 0.6
"""Least cosine, about the mean, of what candidates are compared by."""
NEIGHBOURS = 6
"""Candidates of a picture, at most."""
COPY = 0.7
"""Least correlation of the edges of copies."""
EITHER = 0.5
"""Least correlation of edges down and across alone: two horizons share one of them."""
ALIKE = 0.3
"""Median correlation of the edges of a class from which its pictures are alike by kind."""
ALIKE_PAIRS = 40
"""Pairs of a class that tell whether its pictures are alike by kind."""
STRONGEST = 0.8
"""Share of the gradients that count as they are: stronger ones, as of frames, count no more."""
SHIFT = 0.3
"""Farthest shift, as a share of a side."""
PEAKS = 3
"""Shifts that are tried, besides none."""
MOST = 10_000
"""Pictures that are looked through."""
BLOCK = 100
"""Neighbours in the listing that are looked through together, where there are more."""
MOST_PAIRS = 4_000
"""Candidates that are aligned, the nearest first."""
WIDE = 128
"""Numbers to which longer vectors are projected, where pictures are many."""
MANY = 4_000
AT_ONCE = 1_000
MOST_EDGES = 400
"""Pictures whose edges are kept, 150 kB each: those asked for last."""
LARGEST = 0.5
"""Share of a class from which on a set of copies is rather a kind of picture."""


@dataclass(frozen=True, slots=True)
class NearCopies:
    """Pairs of near copies among pictures."""

    pairs: Pairs
    """(pairs, 2), the lower row first."""
    looked_at: int
    """Pictures that were looked through."""
    alike: Floats = field(default_factory=lambda: np.empty(0, np.float32))
    """How well the edges of each pair correlate, (pairs,), `COPY` to 1."""
    untold: Rows = field(default_factory=lambda: np.empty(0, np.intp))
    """Rows of which nothing can be said: most share their edges, or they have none."""

    def named(self, names: Sequence[str]) -> str:
        """Name the first pair."""
        first, second = self.pairs[0]
        return f"{names[first]} and {names[second]}"

    @property
    def rows(self) -> Rows:
        """Rows that have a near copy."""
        return np.unique(self.pairs)

    def conflicts(
        self, values_n: Array, written: Callable[[Any], str], names: Sequence[str]
    ) -> Iterator[str]:
        """Name near copies that are labelled in two ways, of which one may be wrong.

        Parameters
        ----------
        values_n : array, (n,) or (n, ...)
            What is true of each picture, such as the number of its class.
        written : callable
            Writes what is true of one.
        names : sequence of str, (n,)
            Names of the pictures.
        """
        unlike = values_n[self.pairs[:, 0]] != values_n[self.pairs[:, 1]]
        torn = self.pairs[unlike if unlike.ndim == 1 else unlike.any(axis=1)]
        if not len(torn):
            return
        named = " and ".join(f"{names[row]} ({written(values_n[row])})" for row in torn[0])
        yield (
            f"near copies under two labels: {counted(len(torn), 'pair')}, such as {named}: is one "
            "of the labels wrong?"
        )


@dataclass(frozen=True, eq=False, slots=True)
class CopySearch:
    """Looks for near copies among some pictures."""

    pictures: Pictures
    """All pictures."""
    recipe: PictureRecipe
    """How a network sees them."""
    strata: Rows
    """Number of the class of each picture, (n,), or of what else it is one of."""
    rows: Rows
    """Rows to look through."""
    threads: int = 2
    """Decoding threads."""

    def among(self, store: Prepared) -> NearCopies:
        """Find them among prepared pictures; where there are features, by these."""
        images = store.images
        if images is None:
            return self.by_features(store.views[0])
        rows = self.rows[np.isin(self.rows, _looked_at(len(self.pictures)))]
        if min(images.shape[1:3]) < SMALLEST:
            return NearCopies(NO_PAIRS, len(rows), untold=rows)
        return near_copies(images.__getitem__, thumbnails(images, rows), self.strata, rows)

    def by_features(self, features: RowsOfArrays) -> NearCopies:
        """Find them by what a network made of them; likely ones are seen small.

        Parameters
        ----------
        features : rows of arrays, (n, d) or (n, c, h, w)
            What the network made of all pictures.
        """
        rows = self.rows[np.isin(self.rows, _looked_at(len(self.pictures)))]
        side = min(SIDE, self.recipe.height, self.recipe.width)
        if side < SMALLEST:
            return NearCopies(NO_PAIRS, len(rows), untold=rows)
        by = replace(self.recipe, height=side, width=side, resize="stretch", adapts=True)
        small = SmallPictures(self.pictures, by, self.threads)
        return near_copies(small, _features(features, rows), self.strata, rows, small.fetch)


def near_copies(
    picture_of: Callable[[int], Array | str],
    vectors_nd: Floats,
    class_ids: Rows,
    rows: Rows,
    fetch: Callable[[Rows], None] = lambda rows: None,
) -> NearCopies:
    """Find near copies among pictures.

    Parameters
    ----------
    picture_of : callable
        Gives the picture of a row, (h, w, c), all of one size; a text where there is none.
    vectors_nd : array of float, (rows, d)
        What each of `rows` is compared by: features, or `thumbnails`.
    class_ids : array of int, (n,)
        Class number of each picture.
    rows : array of int
        Rows to look through.
    fetch : callable, optional
        Is told first which rows `picture_of` will be asked for.
    """
    if len(rows) < 2:
        return NearCopies(NO_PAIRS, len(rows))
    candidates = rows[_candidates(vectors_nd)]
    some = {
        code: _drawn_pairs(rows[class_ids[rows] == code])
        for code in np.unique(class_ids[candidates])
    }
    fetch(np.unique(np.concatenate([candidates, *some.values()])))
    edges = _Edges(picture_of)
    telling = {code: edges.tell_apart(pairs) for code, pairs in some.items()}
    told = np.array([telling[class_ids[row]] for row in candidates.ravel()], dtype=bool)
    pairs = candidates[told.reshape(-1, 2).all(axis=1)]
    alike = np.array([edges.copies(int(one), int(other)) for one, other in pairs], np.float32)
    pairs, alike = np.sort(pairs[alike > 0], axis=1), alike[alike > 0]
    kept = _no_kinds(pairs, class_ids, rows)
    kinds = [rows[class_ids[rows] == code] for code, tells in telling.items() if not tells]
    untold = np.concatenate([*kinds, pairs[~kept].ravel(), sorted(edges.without)]).astype(np.intp)
    return NearCopies(pairs[kept], len(rows), alike[kept], np.unique(untold))


def _features(view: RowsOfArrays, rows: Rows) -> Floats:
    """Return features as vectors (rows, d); maps are averaged over their places."""
    flat: list[Array] = []
    for at in range(0, len(rows), AT_ONCE):
        part = np.asarray(view[rows[at : at + AT_ONCE]])
        flat.append(part.mean(axis=(2, 3)) if part.ndim == 4 else part)
    return np.concatenate(flat).astype(np.float32) if flat else np.empty((0, 1), np.float32)


def thumbnails(images: Any, rows: Rows, side: int = 8) -> Floats:
    """Return grey pictures of `side` x `side` as vectors (rows, side * side), contrast equalised.

    Parameters
    ----------
    images : array, (n, h, w, c)
        In memory or on disk.
    """
    parts: list[Floats] = []
    for part in parts_of(rows, images.shape):
        grey = images[part].mean(axis=3, dtype=np.float32)
        with np.errstate(invalid="ignore", over="ignore"):  # what is no number is refused later
            down = _averages(grey.shape[1], side) @ grey @ _averages(grey.shape[2], side).T
        parts.append(down.reshape(len(down), -1))
    flat = np.concatenate(parts) if parts else np.empty((0, side * side), np.float32)
    flat[~np.isfinite(flat).all(axis=1)] = 0
    flat -= flat.mean(axis=1, keepdims=True)
    return _unit(flat)


def _averages(long: int, short: int) -> Floats:
    """Make the matrix (short, long) that averages stretches of a line."""
    ends = np.linspace(0, long, short + 1)
    cells = np.arange(long)
    overlap = np.minimum(ends[1:, None], cells + 1) - np.maximum(ends[:-1, None], cells)
    matrix = np.maximum(overlap, 0.0)
    shares: Floats = (matrix / matrix.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares


def _looked_at(count: int) -> Rows:
    """Choose evenly spaced blocks of neighbours, where not all can be looked through."""
    if count <= MOST:
        return np.arange(count)
    blocks = evenly(count // BLOCK, MOST // BLOCK)
    return (blocks[:, None] * BLOCK + np.arange(BLOCK)).ravel()


def _unit(vectors_nd: Floats) -> Floats:
    length = np.linalg.norm(vectors_nd, axis=1, keepdims=True)
    unit: Floats = (vectors_nd / np.maximum(length, 1e-12)).astype(np.float32)
    return unit


def _candidates(vectors_nd: Floats) -> Pairs:
    """Find pairs of near vectors, each once, the nearest first."""
    unit_nd = _unit(vectors_nd - vectors_nd.mean(axis=0))
    if len(unit_nd) > MANY and unit_nd.shape[1] > WIDE:
        draws = generator(0, "projection").standard_normal((unit_nd.shape[1], WIDE))
        unit_nd = _unit(unit_nd @ draws.astype(np.float32))
    pairs, cosines = map(np.concatenate, zip(*_neighbours(unit_nd), strict=True))
    pairs, first = np.unique(np.sort(pairs, axis=1), axis=0, return_index=True)
    nearest = np.argsort(-cosines[first], kind="stable")[:MOST_PAIRS]
    found: Pairs = pairs[nearest]
    return found


def _neighbours(unit_nd: Floats) -> Iterator[tuple[Pairs, Floats]]:
    """Yield the nearest vectors of each, those that are near enough, with their cosines."""
    count = min(NEIGHBOURS, len(unit_nd) - 1)
    for start in range(0, len(unit_nd), AT_ONCE):
        cosines = unit_nd[start : start + AT_ONCE] @ unit_nd.T
        own = np.arange(len(cosines))
        cosines[own, start + own] = -1
        values, near = (one.numpy() for one in torch.from_numpy(cosines).topk(count, dim=1))
        kept = values >= NEAR
        pairs = np.stack([np.broadcast_to(start + own[:, None], near.shape), near], axis=-1)
        yield pairs[kept].astype(np.intp), values[kept]


def _drawn_pairs(rows: Rows) -> Pairs:
    """Draw pairs of a class; none of one that is too small."""
    if len(rows) <= 2:
        return NO_PAIRS
    drawn: Pairs = generator(0, "alike", int(rows[0])).choice(rows, (ALIKE_PAIRS, 2))
    return drawn


class _Edges:
    """Edges of small pictures, made when they are asked for, and how well they correlate."""

    def __init__(self, picture_of: Callable[[int], Array | str]) -> None:
        self.picture_of = picture_of
        self.known: OrderedDict[int, tuple[Any, Any]] = OrderedDict()
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
        tried = self._tried(first, second)
        return max((both for both, least in tried if both >= COPY and least >= EITHER), default=0.0)

    def correlation(self, first: int, second: int) -> float:
        """Compute the correlation of the edges of two pictures at the best of the likely shifts."""
        return max((both for both, _ in self._tried(first, second)), default=-1.0)

    def _tried(self, first: int, second: int) -> Iterator[tuple[float, float]]:
        one, other = self._of(int(first)), self._of(int(second))
        if one is not None and other is not None:
            for shift in _shifts(one[1], other[1]):
                yield _correlations(one[0], other[0], *shift)

    def _of(self, row: int) -> tuple[Any, Any] | None:
        """Return gradients (2, s, s) and the spectrum of a picture; None where it has none."""
        found = self.known.get(row)
        if found is None and row not in self.without:
            picture = self.picture_of(row)
            found = None if isinstance(picture, str) else _described(picture)
        if found is None:
            self.without.add(row)
            return None
        self.known[row] = found
        self.known.move_to_end(row)
        if len(self.known) > MOST_EDGES:
            self.known.popitem(last=False)
        return found


def _described(picture_hwc: Array) -> tuple[Any, Any] | None:
    """Make gradients (2, s, s) and the spectrum of a picture; None where they say nothing."""
    height, width = picture_hwc.shape[:2]
    side = min(SIDE, height, width)
    if side < SMALLEST:
        return None
    grey = _averages(height, side) @ picture_hwc.mean(axis=2) @ _averages(width, side).T
    gradients = np.stack(np.gradient(grey))
    most = float(np.quantile(np.abs(gradients), STRONGEST))
    if not np.isfinite(gradients).all() or not most:
        return None
    window = np.hanning(side + 2)[1:-1]
    spectrum = np.fft.rfft2((grey - grey.mean()) * np.outer(window, window))
    edges = np.clip(gradients, -most, most).astype(np.float32)
    return _Gradients(edges.astype(np.float64)), spectrum.astype(np.complex64)


class _Gradients:
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


def _correlations(one: _Gradients, other: _Gradients, down: int, right: int) -> tuple[float, float]:
    """Correlate gradients where two pictures overlap: both directions, and the lesser of them."""
    side = one.edges_2ss.shape[1]

    def seen(by: int) -> slice:
        return slice(max(by, 0), side + min(by, 0))

    here, there = (seen(down), seen(right)), (seen(-down), seen(-right))
    ab = np.einsum("cij,cij->c", one.edges_2ss[:, *here], other.edges_2ss[:, *there])
    aa, bb = one.squares(*here), other.squares(*there)
    each = ab / np.sqrt(aa * bb + 1e-12)
    return float(ab.sum() / np.sqrt(aa.sum() * bb.sum() + 1e-12)), float(each.min())


def _no_kinds(pairs: Pairs, class_ids: Rows, rows: Rows) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Tell pairs of copies, (pairs,), from those of sets that hold most of a class: a kind."""
    if not len(pairs):
        return np.empty(0, dtype=bool)
    sets = units_of(np.arange(len(class_ids)), rows, None, pairs)
    members = np.unique(pairs)
    sizes = dict(zip(*np.unique(sets[members], return_counts=True), strict=True))
    wholes = np.bincount(class_ids[rows])
    firsts = pairs[:, 0]
    return np.array([sizes[sets[row]] <= LARGEST * wholes[class_ids[row]] for row in firsts])
