"""Numbers as targets, by the commands: how black a picture is, how far turned, how defect a cell.

    python benchmarks/number_targets.py [--cells FOLDER] [--only black,angle,cells] [--seed 0]

``black`` is the share of black of 600 drawn pictures of 48x48; ``angle`` is by how many degrees,
-45 to 45, 2,500 garments of Fashion-MNIST are turned, on their own squares of 40x40; ``cells`` is
the probability of defect of solar cells. FOLDER holds ``labels.csv`` and ``images/`` of the package
elpv-dataset (2,624 grey cells of 300x300; Deitsch et al., arXiv:1807.02894; CC BY-NC-SA: measured
with, never part of this project). Cells of one module are held together: see `solar_modules.py`.

A table names pictures, numbers, parts and groups. A fifth is never looked at before it judges a
network from scratch and a ridge regression on the features of EfficientNet-Lite0, beside the
median, the mean, the nearest neighbour and a ridge regression on pixels. Coverage is that of the
intervals, of which 90 % is stated.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from machine import describe, foveal, timed
from PIL import Image
from solar_modules import read_cells

DATA = Path("/usr/share/datasets/fashion-mnist")  # Debian's package dataset-fashion-mnist
DRAWN, SIDE = 600, 48
GARMENTS, SQUARE, MOST = 2_500, 40, 45
TEST = 0.2
LEARNERS = {"from scratch": "cnn", "transfer": "transfer"}

Rows = Iterator[tuple[str, float, int]]
"""File, number, and the group of each picture."""


def black(folder: Path, generator: np.random.Generator) -> Rows:
    """Draw black rectangles on white."""
    for at in range(DRAWN):
        values = np.full((SIDE, SIDE), 255, np.uint8)
        for _ in range(generator.integers(1, 7)):
            top, left = generator.integers(0, SIDE - 8, 2)
            height, width = generator.integers(3, 20, 2)
            values[top : top + height, left : left + width] = 0
        Image.fromarray(values).save(folder / f"{at}.png")
        yield f"{at}.png", float((values == 0).mean()), at


def angle(folder: Path, generator: np.random.Generator) -> Rows:
    """Turn garments."""
    with gzip.open(DATA / "train-images-idx3-ubyte.gz") as file:
        garments = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)
    for at, row in enumerate(generator.permutation(len(garments))[:GARMENTS].tolist()):
        turned = float(generator.uniform(-MOST, MOST))
        square = Image.new("L", (SQUARE, SQUARE))
        square.paste(Image.fromarray(garments[row]), ((SQUARE - 28) // 2,) * 2)
        square.rotate(turned, Image.Resampling.BILINEAR).save(folder / f"{at}.png")
        yield f"{at}.png", turned, at


def cells(source: Path, generator: np.random.Generator) -> Rows:
    """Read the cells."""
    for cell in read_cells(source):
        yield str(cell.path.absolute()), cell.probability, cell.module


TASKS = {"black": black, "angle": angle, "cells": cells}


def tabled(rows: Rows, table: Path, generator: np.random.Generator) -> int:
    """Write a table of pictures, a fifth of whose groups are the test part."""
    found = list(rows)
    groups = np.unique([group for *_, group in found])
    test = set(generator.permutation(groups)[: round(TEST * len(groups))].tolist())
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "number", "group", "split"))
        for path, number, group in found:
            writer.writerow((path, number, group, "test" if group in test else "train"))
    return len(found)


def judged(learner: str, table: Path, root: Path, seed: int) -> tuple[float, dict[str, Any]]:
    """Train and judge; gives the seconds of the training, and the figures."""
    model, environment = root / f"{learner}.safetensors", {**os.environ, "FOVEAL_CACHE": str(root)}
    asked = ("--target", "numbers", "--label", "number", "--seed", seed, "--no-report")
    seconds, _ = timed(foveal("train", learner, table, model, *asked), env=environment)
    command = foveal("evaluate", model, table, "--label", "number", "--json")
    return seconds, json.loads(timed(command, env=environment)[1])


def written(estimate: dict[str, float]) -> str:
    return f"{estimate['value']:.3g} ({estimate['low']:.3g} to {estimate['high']:.3g})"


def told(name: str, seconds: float, found: dict[str, Any]) -> None:
    metrics = found["metrics"]
    coverage = metrics["coverage"] and f"{100 * metrics['coverage']['value']:.1f} %"
    print(
        f"  {name:<28} error {written(metrics['mean_absolute_error'])}, "
        f"RMSE {metrics['root_mean_squared_error']['value']:.3g}, R2 {written(metrics['r2'])}, "
        f"rank correlation {metrics['spearman']['value']:.3f}, within intervals {coverage} of "
        f"{metrics['pictures']:,}, {seconds:.0f} s",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cells", type=Path)
    parser.add_argument("--only", default="black,angle,cells")
    parser.add_argument("--seed", type=int, default=0)
    wanted = parser.parse_args()
    print(describe(), flush=True)
    for task in wanted.only.split(","):
        if task == "cells" and wanted.cells is None:
            continue
        generator = np.random.default_rng(wanted.seed)
        with tempfile.TemporaryDirectory() as place:
            root = Path(place)
            rows = TASKS[task](wanted.cells if task == "cells" else root, generator)
            print(f"{task}: {tabled(rows, root / 'table.csv', generator):,} pictures", flush=True)
            for name, learner in LEARNERS.items():
                seconds, found = judged(learner, root / "table.csv", root, wanted.seed)
                told(name, seconds, found)
            for one in found["baselines"]:
                print(f"  {one['name']:<28} error {written(one['estimate'])}", flush=True)


if __name__ == "__main__":
    main()
