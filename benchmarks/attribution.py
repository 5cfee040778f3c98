"""Whether attributions point at what a network goes by: two checks on held-out photographs.

    OMP_NUM_THREADS=1 python benchmarks/attribution.py PICTURES [--held 50] [--size 160]
        [--network transfer|imagenet] [--only deletion|randomisation]

PICTURES has class folders. Some are held out, evenly over the classes; a transfer model is trained
on up to 200 others of each. Or ImageNet's own classifier is asked, whose classes an empty picture
does not have: a network of two classes calls even that one of them, so that for half of the
pictures nothing that is taken away lowers the probability by much.

*Deletion* (Petsiuk, Das and Saenko, "RISE", 2018): a picture is cut into tiles, which get its
median colour one after another, those that a method marks most first. The smaller the area under
the curve of the probability, and of the log odds, the more the method points at what the network
goes by. Beside it stand tiles in a random order, those nearest to the middle first, and the
method's own map moved to a random place: tiles that lie scattered do more harm than as many that
lie together, so that a map must be held against one of its own grain.

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
from foveal.backbones.catalog import DEFAULT, open_backbone
from foveal.backbones.cutting import filled
from foveal.looking.attribution import METHODS, Attributions, Method, attributions
from foveal.looking.attribution_methods import Scored, log_odds, median_colour
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
MEASURES = ("probability", "log odds")
SLOW = 20
"""Pictures on which the slower methods are held against weights drawn anew."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--held", type=int, default=50)
    parser.add_argument("--size", type=int, default=160)
    parser.add_argument("--network", choices=("transfer", "imagenet"), default="transfer")
    parser.add_argument("--only", choices=("deletion", "randomisation"))
    asked = parser.parse_args()
    print(describe())
    trained, held = split(asked.pictures, asked.held)
    side = (asked.size, asked.size)
    subject = transferred(trained, side) if asked.network == "transfer" else own_classes(side)
    print(f"{asked.network}, {len(held)} pictures held out, {asked.size}x{asked.size}")
    areas: dict[str, list[float]] = {}
    ranks: dict[str, list[float]] = {}
    others = {LAST: redrawn(subject, last=True), "all weights": redrawn(subject)}
    settled(others["all weights"], gather(held[:: max(1, len(held) // 16)]))
    for row, path in enumerate(held):
        start = time.perf_counter()
        picture = gather([path])
        found = attributions(subject, picture)
        if asked.only != "randomisation":
            add(areas, deleted(subject, picture, found, row))
        if asked.only != "deletion":
            methods = METHODS if row < SLOW else METHODS[:1]
            add(ranks, correlated(others, picture, found, methods))
        print(f"{row + 1}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
        if row % 10 == 9 or row + 1 == len(held):
            print(f"after {row + 1} pictures")
            told(areas, ranks)
            sys.stdout.flush()


def add(to: dict[str, list[float]], values: dict[str, float]) -> None:
    """Add the values of one picture to those of all."""
    for name, value in values.items():
        to.setdefault(name, []).append(value)


def transferred(trained: list[Path], size: tuple[int, int]) -> Subject:
    """Train the head of a transfer model."""
    learner = TransferClassifier(size=size, random_state=0)
    return subject_of(learner.fit(trained, [path.parent.name for path in trained]))


def own_classes(size: tuple[int, int]) -> Subject:
    """Return EfficientNet-Lite0 with ImageNet's classes, for pictures of a size."""
    backbone = open_backbone(DEFAULT, size=size)
    network = filled(backbone.plan, backbone.weights)
    whole = subject_of(DEFAULT, device="cpu")
    return replace(whole, plan=backbone.plan, network=network, recipe=backbone.recipe)


def told(areas: dict[str, list[float]], ranks: dict[str, list[float]]) -> None:
    """Print means, each with its standard error."""
    for of in MEASURES if areas else ():
        print(f"area under the {of}; how much less than at random; than by its own map moved")
        for name in [name for name in areas if name.endswith(of)]:
            mine = np.array(areas[name])
            moved = name.replace(f", {of}", f"{MOVED}, {of}")
            others = areas[f"random, {of}"], areas.get(moved, areas[name])
            less = "   ".join(mean(np.array(other) - mine) for other in others)
            print(f"  {name:32} {mean(mine)}   {less}")
    if not ranks:
        return
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
    network = filled(subject.plan, state).to(subject.device.name)
    return replace(subject, network=network, trained=False)


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
    across, draws = columns_of(tiles), np.random.default_rng(seed)
    grid = count // across, across
    rows, columns = (axis - axis.max() / 2 for axis in np.indices(tiles.shape))
    orders = {
        "random": [draws.permutation(count) for _ in range(RANDOM)],
        "middle": [np.argsort(tile_means(np.hypot(rows, columns), tiles), kind="stable")],
    }
    for method, maps in found.maps.items():
        means = tile_means(maps[0], tiles).reshape(grid)
        moves = [
            (int(draws.integers(1, grid[0])), int(draws.integers(1, grid[1])))
            for _ in range(RANDOM)
        ]
        orders[method] = [marked_first(means)]
        orders[f"{method}{MOVED}"] = [marked_first(np.roll(means, one, (0, 1))) for one in moves]
    target = int(found.targets[0])
    areas: dict[str, float] = {}
    for name, some in orders.items():
        each = [area(subject, scored, seen.inputs, tiles, one, target) for one in some]
        for of, value in zip(MEASURES, np.mean(each, axis=0).tolist(), strict=True):
            areas[f"{name}, {of}"] = value
    return areas


def marked_first(means: np.ndarray) -> np.ndarray:
    """Order tiles by how much is marked in them, most first."""
    return np.argsort(-means.ravel(), kind="stable")


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
) -> tuple[float, float]:
    """Take tiles away in an order; return the areas under probability and log odds of the class."""
    places = np.empty(len(order), dtype=np.int64)
    places[order] = np.arange(len(order))
    when = torch.from_numpy(places[tiles]).to(inputs.device)
    empty = median_colour(inputs)
    with torch.inference_mode():
        pictures = [
            torch.where(when < round(share * len(order)), empty, inputs) for share in SHARES
        ]
        logits = torch.cat([scored.logits(one) for one in pictures])
        chances = (logits / subject.temperature).softmax(dim=1)[:, target].double().cpu().numpy()
        targets = torch.full((len(logits),), target, device=logits.device)
        odds = log_odds(logits, targets).double().cpu().numpy()
    return float(np.trapezoid(chances, SHARES)), float(np.trapezoid(odds, SHARES))


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
