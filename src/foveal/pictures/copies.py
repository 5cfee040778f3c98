"""Near copies: pictures of one thing a moment apart, shifted, saved again, brighter or smaller.

Where it is asked for mirrored ones too, and parts of a picture, enlarged.

Found in two steps. Candidates are near by what is at hand, features or small pictures; they are
copies where their edges, aligned, correlate: in photographs those of strangers hardly do (at most
0.26 among the nearest of 1,399 photographs, copies shifted by a sixth 0.73 at least). Where all
pictures of a class share their edges, as digits and things before one background do, nothing is
said of that class.

Axes: n picture, d number that it is compared by, s row or column of a small picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from foveal.arrays import Array, Floats, Rows
from foveal.pictures.collection import Pictures, evenly
from foveal.pictures.edges import SIDE, SMALLEST, Edges, averages
from foveal.pictures.prepared import Prepared, RowsOfArrays
from foveal.pictures.ranges import parts_of
from foveal.pictures.small import SmallPictures
from foveal.pictures.units import NO_PAIRS, Pairs, units_of
from foveal.randomness import generator
from foveal.recipe import PictureRecipe
from foveal.wording import counted

NEAR = 0.6
"""Least cosine, about the mean, of what candidates are compared by."""
NEIGHBOURS = 6
"""Candidates of a picture, at most."""
ALIKE_PAIRS = 40
"""Pairs of a class that tell whether its pictures are alike by kind."""
MOST = 10_000
"""Pictures that are looked through."""
BLOCK = 100
"""Neighbours in the listing that are looked through together, where there are more."""
MOST_PAIRS = 4_000
"""Candidates that are aligned, the nearest first."""
CLOSE = 0.75
"""Least cosine of candidates that are tried mirrored and enlarged: copies have 0.77 and more."""
MOST_CHANGED = 400
"""Candidates that are tried so, the nearest first: each takes some 10 ms."""
WIDE = 128
"""Numbers to which longer vectors are projected, where pictures are many."""
MANY = 4_000
AT_ONCE = 1_000
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
    changed: bool = False
    """Whether mirrored ones and enlarged parts are looked for too."""

    def among(self, store: Prepared) -> NearCopies:
        """Find them among prepared pictures, unless that was done; by features where there are."""
        images = store.images
        rows = self.rows[np.isin(self.rows, _looked_at(len(self.pictures)))]
        if self.pictures.near is not None:
            return NearCopies(self.pictures.near, len(rows))
        if images is None:
            return self.by_features(store.views[0])
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
        vectors_nd = _features(features, rows)
        return near_copies(small, vectors_nd, self.strata, rows, small.fetch, changed=self.changed)


def near_copies(
    picture_of: Callable[[int], Array | str],
    vectors_nd: Floats,
    class_ids: Rows,
    rows: Rows,
    fetch: Callable[[Rows], None] = lambda rows: None,
    *,
    changed: bool = False,
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
    changed : bool
        Whether those that are very near are tried mirrored, and as parts of one another.
    """
    if len(rows) < 2:
        return NearCopies(NO_PAIRS, len(rows))
    near, cosines = _candidates(vectors_nd)
    candidates = rows[near]
    some = {
        code: _drawn_pairs(rows[class_ids[rows] == code])
        for code in np.unique(class_ids[candidates])
    }
    fetch(np.unique(np.concatenate([candidates, *some.values()])))
    edges = Edges(picture_of)
    telling = {code: edges.tell_apart(pairs) for code, pairs in some.items()}
    told = np.array([telling[class_ids[row]] for row in candidates.ravel()], dtype=bool)
    kept = told.reshape(-1, 2).all(axis=1)
    pairs = candidates[kept]
    alike = np.array([edges.copies(*pair) for pair in pairs], np.float32)
    close = np.flatnonzero((alike == 0) & (cosines[kept] >= CLOSE))[: MOST_CHANGED * changed]
    alike[close] = [edges.changed(*pair) for pair in pairs[close]]
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
            down = averages(grey.shape[1], side) @ grey @ averages(grey.shape[2], side).T
        parts.append(down.reshape(len(down), -1))
    flat = np.concatenate(parts) if parts else np.empty((0, side * side), np.float32)
    flat[~np.isfinite(flat).all(axis=1)] = 0
    flat -= flat.mean(axis=1, keepdims=True)
    return _unit(flat)


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


def _candidates(vectors_nd: Floats) -> tuple[Pairs, Floats]:
    """Find pairs of near vectors, each once, the nearest first, with their cosines."""
    unit_nd = _unit(vectors_nd - vectors_nd.mean(axis=0))
    if len(unit_nd) > MANY and unit_nd.shape[1] > WIDE:
        draws = generator(0, "projection").standard_normal((unit_nd.shape[1], WIDE))
        unit_nd = _unit(unit_nd @ draws.astype(np.float32))
    pairs, cosines = map(np.concatenate, zip(*_neighbours(unit_nd), strict=True))
    pairs, first = np.unique(np.sort(pairs, axis=1), axis=0, return_index=True)
    nearest = np.argsort(-cosines[first], kind="stable")[:MOST_PAIRS]
    return pairs[nearest], cosines[first][nearest]


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
