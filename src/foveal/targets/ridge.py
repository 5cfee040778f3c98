"""The head for numbers: ridge regression on standardised features, its penalty cross-validated.

Hoerl and Kennard, Technometrics 12, 1970. Axes: n picture, v view, d feature, c penalty tried.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh, solve
from scipy.sparse.linalg import LinearOperator, lsqr
from threadpoolctl import threadpool_limits

from foveal.arrays import Doubles, Floats, Hashes, Rows
from foveal.pictures.splits import deal
from foveal.randomness import generator
from foveal.targets.blocks import FeatureBlocks
from foveal.targets.head import FittedHead, Vectors, standardised
from foveal.targets.logistic import FOLDS, MOST_TO_CHOOSE_BY

CANDIDATES = tuple(10.0 ** (step / 2) for step in range(-14, 1))
"""Inverse penalties that are tried, 1e-7 to 1: a weaker penalty blows rounding up."""
DEFAULT_C = 1e-3
"""Taken where there are too few pictures to choose."""
LARGEST = 4_096
"""Pictures or features, the fewer of both, up to which the solutions of all penalties are found at
once, exactly; beyond each is found by iterations."""
MOST_NUMBERS = 200_000_000
"""Features of all pictures up to which that is done."""
ITERATIONS = 300
CHUNK = 4_096
"""Pictures that are taken in double precision at once."""


def fit_ridge(
    features_vnd: Vectors,
    values_n: Doubles,
    strata_n: Rows,
    units_n: Hashes,
    *,
    weights_n: Doubles | None,
    seed: int,
    threads: int,
    C: float | None = None,
    judged: bool = True,
) -> FittedHead:
    """Choose the penalty by cross-validation and fit a head on all pictures.

    What is made small is the sum of the squared errors, plus 1 / C times the squared weights.

    Parameters
    ----------
    features_vnd : array or FeatureBlocks, (views, pictures, features)
        The first view is the picture as it is; it alone is judged.
    values_n : array of float, (n,)
        The numbers, in spreads from their middle.
    strata_n : array of int, (n,)
        Each fold gets its share of each stratum.
    units_n : array of int64, (n,)
        Pictures of one unit never stand on two sides of a fold.
    weights_n : array of float, (n,), optional
        Weight of each picture in the loss.
    seed : int
        Seed of the folds.
    threads : int
        Threads on the processor.
    C : float, optional
        Inverse of the penalty, where it is not to be chosen.
    judged : bool
        Whether to go through the folds; without, a given C is fitted at once.
    """
    began = time.perf_counter()
    count = len(values_n)
    weights = np.ones(count) if weights_n is None else weights_n.astype(np.float64)
    with threadpool_limits(threads):
        scaled, mean, deviation = standardised(features_vnd)
        examples = _Rows(scaled, values_n.astype(np.float64), weights)
        picked = np.arange(count)
        if count > MOST_TO_CHOOSE_BY:
            order = generator(seed, "choose").permutation(count)[:MOST_TO_CHOOSE_BY]
            picked = np.sort(order)
        fold_of = deal(strata_n[picked], units_n[picked], FOLDS, seed)
        several = int(fold_of.max(initial=-1)) > 0 and judged
        outputs = np.empty((0, 1))
        if several:
            C, outputs = _chosen(examples, picked, fold_of, C)
        chosen = DEFAULT_C if C is None else C
        weight, bias = examples.solved_by_all(chosen)
    return FittedHead(
        weight_kd=(weight / deviation)[None].astype(np.float32),
        bias_k=np.array([bias - weight @ (mean / deviation)], dtype=np.float32),
        C=chosen,
        folds=int(fold_of.max()) + 1 if several else 0,
        held_out_outputs_nk=outputs,
        held_out=picked[fold_of >= 0] if several else picked[:0],
        seconds=time.perf_counter() - began,
    )


def _chosen(
    examples: _Rows, picked: Rows, fold_of: Rows, asked: float | None
) -> tuple[float, Doubles]:
    """Find the C of the least held-out squared error, with the held-out outputs."""
    candidates = CANDIDATES if asked is None else (asked,)
    outputs = np.full((len(picked), len(candidates)), np.nan)
    for fold in range(int(fold_of.max()) + 1):
        judged = np.flatnonzero(fold_of == fold)
        weights, biases = examples.solved(picked[fold_of != fold], candidates)
        outputs[judged] = examples.features_vnd[0, picked[judged]] @ weights.T + biases
    known = np.flatnonzero(fold_of >= 0)
    rows = picked[known]
    errors = np.square(outputs[known] - examples.values_n[rows, None])
    shares = examples.weights_n[rows]
    losses = np.average(errors, axis=0, weights=shares if shares.any() else None)
    best = int(np.argmin(losses))
    return candidates[best], outputs[known][:, [best]]


@dataclass(frozen=True, eq=False, slots=True)
class _Rows:
    """Standardised features with their numbers, to be solved for some of the pictures."""

    features_vnd: Vectors
    values_n: Doubles
    weights_n: Doubles

    def solved_by_all(self, C: float) -> tuple[Doubles, float]:
        """Fit on all pictures; gives weights (d,) and the bias."""
        if isinstance(self.features_vnd, FeatureBlocks):
            return in_blocks(self.features_vnd, self.values_n, self.weights_n, C)
        (weight,), (bias,) = self.solved(np.arange(len(self.values_n)), (C,))
        return weight, float(bias)

    def solved(self, rows: Rows, candidates: tuple[float, ...]) -> tuple[Doubles, Doubles]:
        """Fit on some pictures for each C; gives weights (c, d) and biases (c,)."""
        views = len(self.features_vnd)
        features = np.concatenate([view[rows] for view in self.features_vnd])
        values = np.tile(self.values_n[rows], views)
        return solutions(features, values, np.tile(self.weights_n[rows], views) / views, candidates)


def in_blocks(
    features: FeatureBlocks, values_n: Doubles, weights_n: Doubles, C: float
) -> tuple[Doubles, float]:
    """Solve one ridge regression from the products of features, (d, d), summed block by block."""
    shares = weights_n / len(features)
    total = float(weights_n.sum()) or 1.0
    middle = float(weights_n @ values_n) / total
    centre, width = np.zeros(features.width), features.width
    for rows, block in features.blocks():
        centre += shares[rows] @ block / total
    products, sums = np.zeros((width, width)), np.zeros(width)
    for rows, block in features.blocks():
        part = (block - centre) * np.sqrt(shares[rows, None])
        products += part.T @ part
        sums += part.T @ (np.sqrt(shares[rows]) * (values_n[rows] - middle))
    weight = np.asarray(solve(products + np.eye(width) / C, sums, assume_a="pos"))
    return weight, middle - float(weight @ centre)


def solutions(
    features_nd: Floats, values_n: Doubles, weights_n: Doubles, candidates: tuple[float, ...]
) -> tuple[Doubles, Doubles]:
    """Solve ridge regressions of several penalties, by one decomposition where it is small.

    Returns
    -------
    tuple
        Weights (c, d) and biases (c,), of which neither is penalised.
    """
    total = float(weights_n.sum()) or 1.0
    shares = weights_n / total
    centre = sum(
        (shares[at] @ features_nd[at].astype(np.float64) for at in _chunks(len(values_n))),
        np.zeros(features_nd.shape[1]),
    )
    middle = float(shares @ values_n)
    side = _Side(features_nd, centre, np.sqrt(weights_n), values_n - middle)
    few = min(features_nd.shape) <= LARGEST and features_nd.size <= MOST_NUMBERS
    by = side.iterated if not few else side.by_features if _tall(features_nd) else side.by_pictures
    weights = by(candidates)
    return weights, middle - weights @ centre


def _tall(features_nd: Floats) -> bool:
    count, width = features_nd.shape
    return bool(count > width)


def _chunks(count: int) -> list[slice]:
    return [slice(at, at + CHUNK) for at in range(0, count, CHUNK)]


@dataclass(frozen=True, eq=False, slots=True)
class _Side:
    """Weighted least squares whose features and numbers are centred."""

    features_nd: Floats
    centre_d: Doubles
    roots_n: Doubles
    """Square roots of the weights."""
    values_n: Doubles

    def part(self, at: slice) -> Doubles:
        """Return some rows of the features, centred and weighted."""
        centred = self.features_nd[at] - self.centre_d
        return np.asarray(centred * self.roots_n[at, None])

    @property
    def wanted(self) -> Doubles:
        """The numbers, weighted."""
        return self.roots_n * self.values_n

    def by_features(self, candidates: tuple[float, ...]) -> Doubles:
        """Decompose the products of features, (d, d)."""
        width = self.features_nd.shape[1]
        products, sums = np.zeros((width, width)), np.zeros(width)
        for at in _chunks(len(self.values_n)):
            part = self.part(at)
            products += part.T @ part
            sums += part.T @ self.wanted[at]
        values, vectors = eigh(products)
        turned = vectors.T @ sums
        return np.stack([vectors @ (turned / (values.clip(0) + 1 / C)) for C in candidates])

    def by_pictures(self, candidates: tuple[float, ...]) -> Doubles:
        """Decompose the products of pictures, (n, n)."""
        whole = self.part(slice(None))
        values, vectors = eigh(whole @ whole.T)
        turned = vectors.T @ self.wanted
        each = [vectors @ (turned / (values.clip(0) + 1 / C)) for C in candidates]
        return np.asarray(np.stack(each) @ whole)

    def iterated(self, candidates: tuple[float, ...]) -> Doubles:
        """Solve one after the other by LSQR (Paige and Saunders, ACM TOMS 8, 1982)."""
        features, centre, roots = self.features_nd, self.centre_d, self.roots_n
        operator = LinearOperator(
            features.shape,
            matvec=lambda weight: roots * (features @ weight.ravel() - centre @ weight.ravel()),
            rmatvec=lambda error: features.T @ (roots * error) - centre * (roots @ error),
            dtype=np.float64,
        )
        found = [
            lsqr(operator, self.wanted, damp=C**-0.5, iter_lim=ITERATIONS)[0] for C in candidates
        ]
        return np.stack(found)
