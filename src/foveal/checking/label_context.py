"""What speaks for each of several labels: the picture, and the picture's other labels.

A classifier that takes coats for pullovers gives half of the probability to each. Where a picture
bears one of them, the other is explained; where it bears neither, something is missing. So each
label is foretold anew, from what a head says of all of them, from how many labels there seem to be,
and from the other labels that the picture bears (a dependency network: Heckerman et al., 2000,
"Dependency networks for inference, collaborative filtering, and data visualization"). Nothing is
foretold of a picture by what was taught with it.
Axes: n picture, d feature, k label, f what a label is foretold from.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from foveal.arrays import Doubles, Floats, Hashes, Rows, Truths
from foveal.evaluation.label_regression import fit_regressions
from foveal.targets.head import LEAST_DEVIATION
from foveal.targets.label_logistic import fit_label_head
from foveal.targets.logistic import folds
from foveal.targets.ridge import fit_ridge

C = 3.0
"""Inverse of the penalty of what foretells a label; see `docs/tried.md`."""
ITERATIONS, TOLERANCE = 200, 1e-5


class InContext(NamedTuple):
    """What is said of each label of pictures."""

    rows: Rows
    """Which of the pictures these are, (m,)."""
    logits_mk: Doubles
    """For the label, given the picture and its other labels."""


def in_context(
    features_nd: Floats, truths_nk: Truths, units_n: Hashes, threads: int
) -> InContext | None:
    """Foretell each label of pictures from the picture and its other labels.

    Parameters
    ----------
    features_nd : array
        Of a network that never saw the labels.
    truths_nk : array of bool
        Which labels each picture bears.
    units_n : array of int64
        Pictures of one unit never teach of one another.
    threads : int
        Threads on the processor.

    Returns
    -------
    InContext or None
        None where there are too few pictures to hold any out.
    """
    seed, views = 0, features_nd[None]
    head = fit_label_head(
        views,
        truths_nk,
        units_n,
        label_weights=None,
        sample_weights_n=None,
        seed=seed,
        threads=threads,
    )
    sizes = truths_nk.sum(axis=1).astype(np.float64)
    alike = np.zeros(len(sizes), np.intp)
    count = fit_ridge(views, sizes, alike, units_n, weights_n=None, seed=seed, threads=threads)
    rows, by_head, by_count = np.intersect1d(head.held_out, count.held_out, return_indices=True)
    if not len(rows):
        return None
    outputs_nk = head.held_out_outputs_nk[by_head]
    said_nf = np.concatenate([outputs_nk, count.held_out_outputs_nk[by_count]], axis=1)
    fold_of = folds(alike[rows], units_n[rows], seed)
    return InContext(rows, _foretold(said_nf, truths_nk[rows], fold_of))


def _foretold(said_nf: Doubles, truths_nk: Truths, fold_of: Rows) -> Doubles:
    """Give logits of labels, each fold by what the others teach; never from the label itself."""
    from_nf = np.concatenate([said_nf, truths_nk], axis=1)
    deviation = from_nf.std(axis=0)
    deviation = np.maximum(deviation, LEAST_DEVIATION * max(float(deviation.max()), 1e-12))
    scaled_nf = ((from_nf - from_nf.mean(axis=0)) / deviation).astype(np.float32)
    labels = truths_nk.shape[1]
    said_kf = np.ones((labels, said_nf.shape[1]), dtype=bool)
    free_kf = np.concatenate([said_kf, ~np.eye(labels, dtype=bool)], axis=1)
    logits_nk = np.zeros(truths_nk.shape)
    for fold in range(int(fold_of.max(initial=-1)) + 1):
        taught, asked = fold_of != fold, fold_of == fold
        found = fit_regressions(
            scaled_nf[taught],
            truths_nk[taught],
            C=C,
            iterations=ITERATIONS,
            tolerance=TOLERANCE,
            free_kd=free_kf,
        )
        logits_nk[asked] = scaled_nf[asked] @ found[:, :-1].T + found[:, -1]
    return logits_nk
