"""Would more pictures help, and what is reached where the least sure is refused: as figures.

    python benchmarks/curves.py --to FOLDER [--pictures FOLDER] [--cells FOLDER] [--seed 0]

``--pictures`` is a folder of class folders, such as cats and dogs; ``--cells`` that of the package
elpv-dataset (see `solar_modules.py`): a cell is a defect where its probability is 0.5 or more, and
cells of a module are held together. A fifth, of modules where there are any, is the test part.
`train transfer` learns from the others, which the learning curve deals out again and again; a curve
of every other one of them, or of every other module, foretells what twice as many reach, which the
test part then says. Refusing leaves the least sure tenth of held-out pictures to a person. Written
to the folder: NAME-curve.html, NAME-curve.svg, and NAME.html, the report with accuracy against
the share answered.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from folders import read_classes
from machine import describe, foveal, timed
from solar_modules import read_cells

TEST = 0.2
DEFECT = 0.5
SHARES = (1.0, 0.9, 0.75, 0.5)


@dataclass(frozen=True)
class Row:
    """A picture, with what is true of it and what it belongs to."""

    path: Path
    label: str
    group: str


def folder_rows(folder: Path) -> list[Row]:
    """Read a folder of class folders; each picture is of a group of its own."""
    found = read_classes(folder)
    return [Row(path, label, str(path)) for label, files in found.items() for path in files]


def cell_rows(folder: Path) -> list[Row]:
    """Read the cells."""
    return [
        Row(cell.path, "defect" if cell.probability >= DEFECT else "good", str(cell.module))
        for cell in read_cells(folder)
    ]


def write(rows: Iterable[Row], test: set[str], table: Path) -> Path:
    """Write a table of pictures, with groups and parts."""
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "label", "group", "split"))
        for row in rows:
            part = "test" if row.group in test else "train"
            writer.writerow((row.path.absolute(), row.label, row.group, part))
    return table


def percent(estimate: dict[str, float]) -> str:
    low, high = 100 * estimate["low"], 100 * estimate["high"]
    return f"{100 * estimate['value']:.1f} % ({low:.1f} to {high:.1f})"


def measured(name: str, rows: list[Row], to: Path, root: Path, seed: int) -> None:
    """Train, judge, and print all figures of some pictures."""
    generator = np.random.default_rng(seed)
    groups = sorted({row.group for row in rows})
    test = set(generator.permutation(groups)[: round(TEST * len(groups))].tolist())
    half = set(generator.permutation(sorted(set(groups) - test))[::2].tolist())
    whole = write(rows, test, root / f"{name}.csv")
    fewer = write([one for one in rows if one.group in half], test, root / f"{name}-half.csv")
    model = root / f"{name}.safetensors"

    def asked(*words: Any) -> tuple[float, dict[str, Any]]:
        environment = {**os.environ, "FOVEAL_CACHE": str(root / "cache")}
        seconds, out = timed(foveal(*words, "--json"), env=environment)
        return seconds, json.loads(out)

    seconds, _ = asked("train", "transfer", whole, model, "--seed", seed, "--no-report")
    print(f"{name}: {len(rows):,} pictures, {len(groups):,} groups, trained in {seconds:.0f} s")
    curve = ("evaluate", model, whole, "--learning-curve", "--to")
    seconds, found = asked(*curve, to / f"{name}-curve.html")
    asked(*curve, to / f"{name}-curve.svg")
    for point in found["points"]:
        recalls = zip(found["classes"], point["recalls"], strict=True)
        each = ", ".join(f"{one} {100 * share['value']:.1f} %" for one, share in recalls)
        print(f"  {point['pictures']:>5,} teach: {percent(point['accuracy'])}; recall {each}")
    ahead = found["forecast"]
    print(f"  forecast of {ahead['pictures']:,}: {percent(ahead['share'])}, {found['verdict']}")
    print(f"  the curve took {seconds:.0f} s")
    foretold = asked("evaluate", model, fewer, "--learning-curve")[1]["forecast"]
    report = ("--report", to / f"{name}.html")
    _, judged = asked("evaluate", model, whole, "--reject", "0.1", *report)
    print(f"  half of them foretold {percent(foretold['share'])} of {foretold['pictures']:,}")
    print(f"  the test part: {percent(judged['metrics']['accuracy'])}")
    for one in judged["baselines"]:
        print(f"    {one['name']}: {percent(one['estimate'])}")
    for share in SHARES:
        here = next(one for one in judged["answered"] if one["share"] >= share)
        print(f"  the surest {100 * here['share']:.0f} %: {percent(here['accuracy'])}")
    reached = judged["refusing"]
    told = f"{percent(reached['accuracy'])} right of {percent(reached['share'])} answered"
    print(f"  --reject 0.1: {told}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--cells", type=Path)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    wanted = parser.parse_args()
    print(describe(), flush=True)
    wanted.to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        if wanted.pictures is not None:
            found = folder_rows(wanted.pictures)
            measured(wanted.pictures.name, found, wanted.to, Path(place), wanted.seed)
        if wanted.cells is not None:
            measured("cells", cell_rows(wanted.cells), wanted.to, Path(place), wanted.seed)


if __name__ == "__main__":
    main()
