"""What a classifier keeps of its training pictures, to tell pictures that are unlike all of them.

A softmax is sure of pictures that it never saw the like of (Nguyen, Yosinski and Clune,
arXiv:1412.1897). How far a picture lies from the training pictures nearest to it tells them (Sun
et al., "Out-of-Distribution Detection with Deep Nearest Neighbors", arXiv:2204.06507), and how far
is far is told by pictures that did not teach. Axes: n picture, r kept picture, m picture that sets
the threshold, d number of a vector, v view.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch

from foveal.arrays import Doubles, Floats, Integers
from foveal.evaluation.conformal import threshold_of, true_rate
from foveal.evaluation.intervals import Estimate
from foveal.model.appearance import appearance
from foveal.nearest import nearest, nearest_others, squared_lengths, unit_length
from foveal.nets.plan import Plan
from foveal.nets.spec import Dense
from foveal.pictures.scaling import of_bytes
from foveal.randomness import generator
from foveal.recipe import PictureRecipe
from foveal.shapes import volume

View = Literal["features", "pixels", "statistics"]
Views = Mapping[View, Floats]
"""What is compared of pictures, (n, d) each."""
VIEWS: tuple[View, ...] = ("features", "pixels", "statistics")

BYTES = 2_000_000
"""Bytes that are kept of training pictures, at most."""
MOST_KEPT, MOST_SETTING = 2_000, 5_000
"""Pictures that others are compared with, and pictures that set the threshold, at most."""
FEWEST = 9
"""Pictures that must set the threshold: fewer could not keep false alarms below one in ten."""
NEIGHBOURS = 5
"""Pictures that each is compared with: of 1 to 5 the more the better (docs/tried.md)."""
THREADS = 1
"""Of a search among so few: two wait for each other where another process works (docs/tried.md)."""
LONGEST = 2_048
"""Numbers of a vector, at most; longer ones are folded."""
FALSE_ALARMS = 0.01
"""Share of pictures of the kind that taught which may be called unfamiliar: a word beside a class
is read where it is rare."""
HIGH = 0.1
"""Share of usual pictures beyond the distance that counts as 1 in each view."""
LEAST = 1e-6
"""Least such distance."""
PREFIX = "familiar/"
SCALE, SCORES = f"{PREFIX}scale", f"{PREFIX}scores"


@dataclass(frozen=True, eq=False, repr=False)
class Familiar:
    """Training pictures as a classifier sees them, and how far others of their kind lie off.

    The distance in each view is brought to a scale on which it is 0 for the median of the pictures
    that set the threshold, and 1 for one in ten; the largest of the views counts.
    """

    kept: Mapping[View, np.ndarray[Any, np.dtype[np.float16]]]
    """(r, d) in each view."""
    scale: Floats
    """Median and extent of the distances in each view, (v, 2)."""
    scores: Floats
    """Largest distances, so scaled, of pictures that set the threshold, (m,)."""

    @property
    def false_alarms(self) -> float:
        """Rate of false alarms: `FALSE_ALARMS`, or the least that so few pictures can keep."""
        return max(FALSE_ALARMS, 1 / (len(self.scores) + 1))

    @property
    def rate(self) -> Estimate:
        """Share of further pictures of the same kind that lie above, and its 95 % interval."""
        return true_rate(len(self.scores), self.false_alarms)

    @cached_property
    def threshold(self) -> float:
        """Scaled distance above which a picture is unfamiliar."""
        return max(threshold_of(self.scores.astype(np.float64), self.false_alarms), LEAST)

    def unfamiliarity(self, views: Views) -> Doubles:
        """Measure how unfamiliar pictures are, (n,): above 1 beyond the threshold; NaN for NaN."""
        far = [one.distances(views[one.view], None) for one in self._compared]
        found: Doubles = np.maximum(_largest(far, self.scale) / self.threshold, 0)
        return found

    @property
    def sees_pixels(self) -> bool:
        """Whether pictures are compared by their pixels too."""
        return "pixels" in self.kept

    @property
    def sees_features(self) -> bool:
        """Whether pictures are compared by what the network makes of them."""
        return "features" in self.kept

    @cached_property
    def _compared(self) -> list[_Compared]:
        return [_Compared.of(view, self.kept[view]) for view in VIEWS if view in self.kept]

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return everything as tensors by name."""
        arrays: dict[str, np.ndarray[Any, Any]] = {SCALE: self.scale, SCORES: self.scores}
        arrays |= {PREFIX + view: values for view, values in self.kept.items()}
        return {name: torch.from_numpy(np.ascontiguousarray(one)) for name, one in arrays.items()}

    @classmethod
    def of_tensors(
        cls, tensors: Mapping[str, torch.Tensor], sizes: Mapping[View, int]
    ) -> Familiar | None:
        """Read tensors that `tensors` gave; None where there are none.

        Parameters
        ----------
        tensors : mapping of str to tensor
            All of a model file.
        sizes : mapping of view to int
            Numbers of a picture in each view that the model can have.

        Raises
        ------
        ValueError
            Where they do not belong together.
        """
        kept = {view: tensors[PREFIX + view] for view in VIEWS if PREFIX + view in tensors}
        scale, scores = tensors.get(SCALE), tensors.get(SCORES)
        if scale is None or scores is None or not kept:
            if kept or scale is not None or scores is not None:
                raise ValueError("some of what is kept of familiar pictures, but not all")
            return None
        count = len(next(iter(kept.values())))
        wanted = {view: (count, min(sizes.get(view, 0), LONGEST)) for view in kept}
        shapes = {view: tuple(one.shape) for view, one in kept.items()} == wanted
        measured = tuple(scale.shape) == (len(kept), 2) and bool((scale[:, 1] > 0).all())
        if not shapes or not measured or count <= NEIGHBOURS or scores.ndim != 1:
            raise ValueError("familiar pictures of other shapes")
        if len(scores) < FEWEST or ("pixels" in kept) != ("statistics" in kept):
            raise ValueError("familiar pictures without what belongs to them")
        return cls(
            kept={view: one.half().numpy() for view, one in kept.items()},
            scale=scale.float().numpy(),
            scores=scores.float().numpy(),
        )


@dataclass(frozen=True, eq=False, slots=True)
class _Compared:
    """One view, made ready to be compared."""

    view: View
    vectors: Floats
    squares: Doubles
    mean: Floats | None
    std: Floats | None

    @classmethod
    def of(cls, view: View, kept_rd: np.ndarray[Any, np.dtype[np.float16]]) -> _Compared:
        vectors = kept_rd.astype(np.float32)
        mean = std = None
        if view == "statistics":  # each counts as much as it varies among the kept
            mean, std = vectors.mean(axis=0), vectors.std(axis=0)
            std = np.maximum(std, 1e-3 * max(float(std.max()), LEAST))
            vectors = (vectors - mean) / std
        return cls(view, vectors, squared_lengths(vectors), mean, std)

    def distances(self, vectors_nd: Floats, labels: tuple[Integers, Integers] | None) -> Doubles:
        """Measure the mean distance to the nearest kept pictures, (n,).

        With `labels`, (r,) and (n,), to the nearest of another label.
        """
        queries = comparable(self.view, vectors_nd)
        if self.mean is not None and self.std is not None:
            queries = (queries - self.mean) / self.std
        there = np.isfinite(queries).all(axis=1)
        far = np.full(len(queries), np.nan)
        if labels is None:
            _, near = nearest(
                self.vectors, self.squares, queries[there], NEIGHBOURS, threads=THREADS
            )
        else:
            labels_r, labels_n = labels
            _, near = nearest_others(
                *(self.vectors, self.squares, labels_r, queries[there], labels_n[there]),
                k=NEIGHBOURS,
                threads=THREADS,
            )
        far[there] = near.mean(axis=1)
        return far


def comparable(view: View, vectors_nd: Floats) -> Floats:
    """Bring vectors to the form in which they are compared.

    Features are folded where they are long, and compared by their direction, which is what the
    last layer judges by; their length grows with contrast.
    """
    if view != "features":
        return vectors_nd.astype(np.float32)
    return unit_length(folded(vectors_nd.reshape(len(vectors_nd), -1)))


def folded(vectors_nd: Floats) -> Floats:
    """Fold long vectors to `LONGEST` numbers that keep their products on average.

    Each number is added to a random place with a random sign (Charikar, Chen and Farach-Colton,
    "Finding frequent items in data streams", 2002).
    """
    count, size = vectors_nd.shape
    if size <= LONGEST:
        return vectors_nd.astype(np.float32)
    draws = generator(0, "fold", size)
    signs = draws.choice(np.array([-1, 1], np.float32), size)
    order = draws.permutation(size)
    starts = np.linspace(0, size, LONGEST, endpoint=False).astype(np.int64)
    found: Floats = np.add.reduceat((vectors_nd * signs)[:, order], starts, axis=1)
    return found.reshape(count, LONGEST).astype(np.float32)


def sizes_of(plan: Plan, recipe: PictureRecipe) -> dict[View, int]:
    """Count the numbers of a picture in each view that a classifier can have.

    A network with fixed layers is asked by features alone: its pixels are not at hand, and
    features that others than these few pictures taught need no pixels beside them.
    """
    sizes: dict[View, int] = {}
    if not plan.encoder_layers and isinstance(plan.layers[-1].layer, Dense):
        sizes["features"] = volume(plan.layers[-1].in_shape)
    if not plan.fixed:
        blank = np.zeros((1, recipe.height, recipe.width, recipe.channels), dtype=np.uint8)
        pixels, statistics = appearance(blank, of_bytes(recipe))
        sizes |= {"pixels": pixels.shape[1], "statistics": statistics.shape[1]}
    return sizes


def drawn_evenly(strata_n: Integers, most: int, seed: int) -> Integers:
    """Draw rows, as many of each class as there are, in order: at most `most`, (r,)."""
    draws = generator(seed, "familiar")
    order = draws.permutation(len(strata_n))
    turn = np.empty(len(strata_n), dtype=np.int64)
    for one in np.unique(strata_n):
        rows = order[strata_n[order] == one]
        turn[rows] = np.arange(len(rows))
    chosen: Integers = np.sort(order[np.argsort(turn[order], kind="stable")][:most])
    return chosen


def room(sizes: Mapping[View, int]) -> int:
    """Count the pictures that are kept at most, of so many numbers in each view."""
    each = 2 * sum(min(size, LONGEST) for size in sizes.values())
    return max(NEIGHBOURS + 1, min(MOST_KEPT, BYTES // each))


def familiarised(
    usual: Views, labels_r: Integers, setting: Views, labels_m: Integers
) -> Familiar | None:
    """Keep pictures that taught, with a threshold that others of their kind set.

    Parameters
    ----------
    usual : mapping of view to array, (r, d)
        The pictures to keep, each content once.
    labels_r, labels_m : array of int64
        Equal for pictures of one origin: none is compared with another of its own.
    setting : mapping of view to array, (m, d)
        The pictures that set the threshold, in the same views. They may be among those that are
        kept, where these did not teach what is looked at: each is compared with the others.

    Returns
    -------
    Familiar or None
        None where there are too few pictures to say anything.
    """
    if min(len(labels_r), len(np.unique(labels_r))) <= NEIGHBOURS or len(labels_m) < FEWEST:
        return None
    kept = {view: comparable(view, usual[view]).astype(np.float16) for view in usual}
    compared = [_Compared.of(view, kept[view]) for view in VIEWS if view in kept]
    far = [one.distances(setting[one.view], (labels_r, labels_m)) for one in compared]
    finite = [bool(np.isfinite(one).all()) for one in far]
    if not all(finite + [bool(np.isfinite(one).all()) for one in kept.values()]):
        return None
    scale = np.array([_scale(one) for one in far], dtype=np.float32)
    return Familiar(kept=kept, scale=scale, scores=_largest(far, scale).astype(np.float32))


def _scale(distances_m: Doubles) -> tuple[float, float]:
    """Find median and extent: the threshold of one in ten above it."""
    median = float(np.median(distances_m))
    return median, max(threshold_of(distances_m, HIGH) - median, LEAST)


def _largest(far: Sequence[Doubles], scale: Floats) -> Doubles:
    """Bring the distances of each view to one scale, and take the largest, (n,)."""
    columns = [(one - median) / extent for one, (median, extent) in zip(far, scale, strict=True)]
    found: Doubles = np.max(columns, axis=0)
    return found
