"""How often an interval by cross-validation holds the truth, with and without what folds share.

    python benchmarks/coverage.py PICTURES [--repeats 300] [--seed 0]

PICTURES is a folder of two class folders of photographs. ImageNet features are made once; then
heads are fitted again and again, as `train transfer` fits them, on pictures drawn anew. "chance"
gives them labels at random, so that the truth is 50 %; "frames" the same, with five crops of each;
otherwise the labels are the folders', a share of them wrong, and the truth is how the head fares on
all pictures that were not drawn. "alone" is the interval as if folds did not teach one another.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from bursts import SIDE, lay_out
from machine import describe

from foveal import TransferClassifier
from foveal.evaluation.intervals import cross_validated_number, effective_number, wilson
from foveal.inference.extracting import Extraction
from foveal.inference.features import open_features
from foveal.model.fitted import FittedModel
from foveal.pictures.sources import gather
from foveal.targets.head import FittedHead
from foveal.targets.logistic import fit_head

FRAMES = 5
ANIMALS = 200
"""Photographs of which frames are made."""

Floats = np.ndarray[Any, np.dtype[np.float32]]
Rows = np.ndarray[Any, np.dtype[np.intp]]


@dataclass(frozen=True)
class Drawn:
    """One data set, and what is true of a head that was fitted on it."""

    features: Floats
    labels: Rows
    units: Rows
    truth: Callable[[FittedHead], float]


def features_of(model: FittedModel, folder: Path) -> tuple[Floats, list[str]]:
    """Return what the backbone makes of a folder, (n, d), and the names."""
    pictures = gather(str(folder))
    made = open_features(pictures, Extraction(session=model.feature_session()))
    rows = np.arange(len(pictures))
    return made.rows(rows).reshape(len(rows), -1), [str(name) for name in pictures.names]


def by_chance(features: Floats, animals: Rows, count: int, draws: np.random.Generator) -> Drawn:
    """Give some animals labels that have nothing to do with the pictures."""
    chosen = draws.choice(np.unique(animals), count, False)
    labels = draws.permutation(np.arange(count) % 2)
    rows = np.concatenate([np.flatnonzero(animals == one) for one in chosen])
    unit = np.concatenate([np.full((animals == one).sum(), at) for at, one in enumerate(chosen)])
    return Drawn(features[rows], labels[unit], unit, lambda head: 0.5)


def by_folder(
    features: Floats, labels: Rows, count: int, wrong: float, draws: np.random.Generator
) -> Drawn:
    """Draw pictures with their classes, a share of which is wrong, here and in the truth."""
    rows = draws.choice(len(labels), count, False)
    given = np.where(draws.random(count) < wrong, 1 - labels[rows], labels[rows])
    others = np.setdiff1d(np.arange(len(labels)), rows)

    def truth(head: FittedHead) -> float:
        called = (features[others] @ head.weight_kd.T + head.bias_k).argmax(axis=1)
        right = float((called == labels[others]).mean())
        return right * (1 - wrong) + (1 - right) * wrong

    return Drawn(features[rows], given, np.arange(count), truth)


def told(name: str, draw: Callable[[np.random.Generator], Drawn], repeats: int, seed: int) -> None:
    """Print claimed and true accuracy, and how often either interval holds the truth."""
    found = np.array([judged(draw(np.random.default_rng([seed, at])), at) for at in range(repeats)])
    claimed, truth, number, alone, shared, width, wider = found.T
    ratio = float(np.var(claimed - truth) / np.mean(truth * (1 - truth) / number))
    error = 100 * np.sqrt(alone.mean() * (1 - alone.mean()) / repeats)
    print(
        f"{name:<26} claims {100 * claimed.mean():.1f} %, true {100 * truth.mean():.1f} %; "
        f"variance {ratio:.2f} of independent answers'; interval holds the truth: alone "
        f"{100 * alone.mean():.1f} % (+-{error:.1f}), as given {100 * shared.mean():.1f} %; "
        f"width {100 * width.mean():.1f} and {100 * wider.mean():.1f} points",
        flush=True,
    )


def judged(drawn: Drawn, seed: int) -> tuple[float, ...]:
    """Fit a head, and hold its cross-validated accuracy against the truth."""
    head = fit_head(
        drawn.features[None],
        drawn.labels,
        drawn.units.astype(np.int64),
        classes=2,
        class_weights=None,
        seed=seed,
        threads=1,
    )
    right = head.held_out_outputs_nk.argmax(axis=1) == drawn.labels[head.held_out]
    share, truth = float(right.mean()), drawn.truth(head)
    number = effective_number(right, drawn.units[head.held_out])
    alone = wilson(share * number, number)
    worth = cross_validated_number(share, number)
    given = wilson(share * worth, worth)
    holds = [one.low <= truth <= one.high for one in (alone, given)]
    return (share, truth, number, *holds, *(one.high - one.low for one in (alone, given)))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--repeats", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    print(describe())
    model = TransferClassifier(size=SIDE, random_state=0).fit(asked.pictures).model_
    single, names = features_of(model, asked.pictures)
    folders = [Path(name).parent.name for name in names]
    labels = np.unique(folders, return_inverse=True)[1]
    files = sorted(asked.pictures.glob("*/*.jpg"))
    chosen = np.random.default_rng(asked.seed).choice(len(files), ANIMALS, False)
    with tempfile.TemporaryDirectory() as place:
        lay_out(Path(place), [files[row] for row in chosen], FRAMES, asked.seed)
        frames, of = features_of(model, Path(place))
    animals = np.array([int(Path(name).name.removeprefix("animal").split("_")[0]) for name in of])
    lone = np.arange(len(single))
    cases: dict[str, Callable[[np.random.Generator], Drawn]] = {
        "chance, 40": lambda draws: by_chance(single, lone, 40, draws),
        "frames, 40 of 5": lambda draws: by_chance(frames, animals, 40, draws),
        "chance, 100": lambda draws: by_chance(single, lone, 100, draws),
        "folders, 40": lambda draws: by_folder(single, labels, 40, 0.0, draws),
        "folders, 40, 20 % wrong": lambda draws: by_folder(single, labels, 40, 0.2, draws),
        "folders, 200": lambda draws: by_folder(single, labels, 200, 0.0, draws),
    }
    for name, draw in cases.items():
        told(name, draw, asked.repeats, asked.seed)


if __name__ == "__main__":
    main()
