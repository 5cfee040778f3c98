"""Whether attributions point at what a network goes by: two checks on held-out photographs.

    OMP_NUM_THREADS=1 python benchmarks/attribution.py PICTURES [--held 50] [--size 160]

PICTURES has class folders. Some are held out, evenly over the classes; a transfer model is trained
on up to 400 others.

*Deletion* (Petsiuk, Das and Saenko, "RISE", 2018): a picture is cut into tiles, which get its
median colour one after another, those that a method marks most first. The smaller the area under
the curve of the probability, the more the method points at what the network goes by. Beside it
stand tiles in a random order, those nearest to the middle first, and the method's own map moved
to a random place: tiles that lie scattered do more harm than as many that lie together, so that a
map must be held against one of its own grain.

*Randomisation* (Adebayo et al., "Sanity checks for saliency maps", 2018): the rank correlation of
the values with those of the same network whose last layer, or all of whose weights, are drawn
anew (with the statistics of its normalisations taken anew too, or it would answer nothing). A
method that shows the picture rather than the network keeps near 1. Grad-CAM is tried on all
pictures, the slower methods on the first 20.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from machine import describe
from scipy.stats import spearmanr

from foveal import TransferClassifier
from foveal.backbones.cutting import filled
from foveal.looking.attribution import METHODS, Attributions, Method, attributions
from foveal.looking.attribution_methods import Scored, median_colour
from foveal.looking.subject import Subject, subject_of
from foveal.nets.build import build
from foveal.pictures.collection import Pictures
from foveal.pictures.sources import gather

TILE = 16
"""Side of a tile in pixels."""
SHARES = (0, 0.01, 0.02, 0.04, 0.06, 0.09, 0.13, 0.18, 0.25, 0.35, 0.5, 0.7, 1)
"""Shares of the tiles that are taken away."""
TRAINING = 200
"""Pictures of a class that train, at most."""
LAST, MOVED = "last layer", ", moved"
RANDOM = 2
"""Random orders of each picture, and random places of each map."""
SLOW = 20
"""Pictures on which the slower methods are held against weights drawn anew."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--held", type=int, default=50)
    parser.add_argument("--size", type=int, default=160)
    asked = parser.parse_args()
    print(describe())
    trained, held = split(asked.pictures, asked.held)
    learner = TransferClassifier(size=(asked.size, asked.size), random_state=0).fit(
        trained, [path.parent.name for path in trained]
    )
    subject = subject_of(learner)
    print(f"{len(trained)} trained, {len(held)} held out, {asked.size}x{asked.size}")
    areas: dict[str, list[float]] = {}
    ranks: dict[str, list[float]] = {}
    others = {LAST: redrawn(subject, last=True), "all weights": redrawn(subject)}
    settled(others["all weights"], gather(held[:: max(1, len(held) // 16)]))
    for row, path in enumerate(held):
        start = time.perf_counter()
        picture = gather([path])
        found = attributions(subject, picture)
        for name, value in deleted(subject, picture, found, row).items():
            areas.setdefault(name, []).append(value)
        methods = METHODS if row < SLOW else METHODS[:1]
        for name, value in correlated(others, picture, found, methods).items():
            ranks.setdefault(name, []).append(value)
        print(f"{row + 1}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
        if row % 10 == 9 or row + 1 == len(held):
            print(f"after {row + 1} pictures")
            told(areas, ranks)


def told(areas: dict[str, list[float]], ranks: dict[str, list[float]]) -> None:
    """Print means, each with its standard error."""
    print("area under the deletion curve; how much less than at random, than by its map elsewhere")
    for name, found in areas.items():
        elsewhere = areas.get(f"{name}{MOVED}", found)
        less = (mean(np.array(other) - np.array(found)) for other in (areas["random"], elsewhere))
        print(f"  {name:20} {mean(found)}   {'   '.join(less)}")
    print("rank correlation with the network redrawn")
    for name, found in ranks.items():
        print(f"  {name:28} {mean(found)}")


def mean(values: object) -> str:
    """Write a mean with its standard error; values that are no numbers are counted."""
    found = np.asarray(values, dtype=np.float64)
    there = found[np.isfinite(found)]
    error = there.std(ddof=1) / np.sqrt(len(there)) if len(there) > 1 else np.nan
    missing = f" ({len(found) - len(there)} without)" if len(there) < len(found) else ""
    return f"{there.mean():.3f} +- {error:.3f}{missing}"


def split(folder: Path, held: int) -> tuple[list[Path], list[Path]]:
    """Hold pictures out of each class folder, at random by a fixed seed."""
    folders = sorted(path for path in folder.iterdir() if path.is_dir())
    each = held // len(folders)
    trained: list[Path] = []
    out: list[Path] = []
    for one in folders:
        files = sorted(one.iterdir())
        order = np.random.default_rng(0).permutation(len(files))
        out += [files[place] for place in order[:each]]
        trained += [files[place] for place in order[each : each + TRAINING]]
    return trained, out


def redrawn(subject: Subject, *, last: bool = False) -> Subject:
    """Draw weights anew: those of the last layer, or all, with no statistics of normalisation."""
    state = dict(build(subject.plan, seed=1).state_dict())
    if last:
        number = subject.plan.layers[-1].number
        state |= {
            name: value
            for name, value in subject.network.state_dict().items()
            if not name.startswith(f"{number}_")
        }
    return replace(subject, network=filled(subject.plan, state), trained=False)


def settled(subject: Subject, pictures: Pictures) -> None:
    """Take the statistics of normalisations anew, from some pictures."""
    norms = [one for one in subject.network.modules() if isinstance(one, torch.nn.BatchNorm2d)]
    for one in norms:
        one.train()
        one.momentum = 1.0
    with torch.no_grad():
        subject.network(subject.seen(pictures).inputs)
    for one in norms:
        one.eval()


def deleted(
    subject: Subject, picture: Pictures, found: Attributions, seed: int
) -> dict[str, float]:
    """Compute the area under the deletion curve by each method, at random and middle first."""
    seen = subject.seen(picture)
    scored = Scored(subject)
    tiles = tiles_of(seen.inputs.shape[2:])
    count = int(tiles.max()) + 1
    orders = {
        str(method): np.argsort(-tile_means(maps[0], tiles), kind="stable")
        for method, maps in found.maps.items()
    }
    rows, columns = (axis - (axis.max() / 2) for axis in np.indices(tiles.shape))
    orders["middle"] = np.argsort(tile_means(np.hypot(rows, columns), tiles), kind="stable")
    areas = {
        name: area(subject, scored, seen.inputs, tiles, order, int(found.targets[0]))
        for name, order in orders.items()
    }
    draws = np.random.default_rng(seed)
    target = int(found.targets[0])
    chance: dict[str, list[np.ndarray]] = {
        "random": [draws.permutation(count) for _ in range(RANDOM)]
    }
    across = columns_of(tiles)
    grid = count // across, across
    for method, maps in found.maps.items():
        means = tile_means(maps[0], tiles).reshape(grid)
        moves = [
            (int(draws.integers(1, grid[0])), int(draws.integers(1, grid[1])))
            for _ in range(RANDOM)
        ]
        chance[f"{method}{MOVED}"] = [
            np.argsort(-np.roll(means, move, (0, 1)).ravel(), kind="stable") for move in moves
        ]
    for name, some in chance.items():
        found_areas = [area(subject, scored, seen.inputs, tiles, one, target) for one in some]
        areas[name] = float(np.mean(found_areas))
    return areas


def columns_of(tiles_hw: np.ndarray) -> int:
    """Count the tiles of a row."""
    return int(tiles_hw[0, -1]) + 1


def tiles_of(sides: torch.Size) -> np.ndarray:
    """Number the tiles of a picture, (h, w)."""
    down, across = (np.arange(side) // TILE for side in sides)
    found: np.ndarray = down[:, None] * (across.max() + 1) + across
    return found


def tile_means(values_hw: np.ndarray, tiles_hw: np.ndarray) -> np.ndarray:
    """Average values over each tile."""
    sums = np.bincount(tiles_hw.ravel(), values_hw.ravel().astype(np.float64))
    found: np.ndarray = sums / np.bincount(tiles_hw.ravel())
    return found


def area(
    subject: Subject,
    scored: Scored,
    inputs: torch.Tensor,
    tiles: np.ndarray,
    order: np.ndarray,
    target: int,
) -> float:
    """Take tiles away in an order; return the area under the probability of the class."""
    places = np.empty(len(order), dtype=np.int64)
    places[order] = np.arange(len(order))
    when = torch.from_numpy(places[tiles])
    empty = median_colour(inputs)
    with torch.inference_mode():
        pictures = [
            torch.where(when < round(share * len(order)), empty, inputs) for share in SHARES
        ]
        logits = scored.logits(torch.cat(pictures)) / subject.temperature
        chances = logits.softmax(dim=1)[:, target].double().numpy()
    return float(np.trapezoid(chances, SHARES))


def correlated(
    others: dict[str, Subject],
    picture: Pictures,
    mine: Attributions,
    wanted: tuple[Method, ...],
) -> dict[str, float]:
    """Compute rank correlations of the attributions with those of other weights."""
    ranks: dict[str, float] = {}
    for how, other in others.items():
        # a last layer drawn anew leaves all maps as they are: Grad-CAM alone is worth its time
        methods = METHODS[:1] if how == LAST else wanted
        theirs = attributions(other, picture, methods, target=mine.labels[0])
        for method in methods:
            values = (one.maps[method].ravel() for one in (mine, theirs))
            ranks[f"{method}, {how}"] = float(spearmanr(*values).statistic)
    return ranks


if __name__ == "__main__":
    main()
