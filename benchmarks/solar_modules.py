"""Solar cells of the package elpv-dataset, with the module that each is of.

FOLDER holds ``labels.csv`` and ``images/`` (2,624 grey cells of 300x300; Deitsch et al.,
arXiv:1807.02894; CC BY-NC-SA: measured with, never part of this project). The table says of each
cell whether its silicon is mono- or polycrystalline, not of which of the 44 modules it is (18 of
them mono). But cells stand in the order of their modules: the runs of one kind are 60, 300, 180,
360, 714, 530, 72, 180, 48 and 180 long, which are 1, 5, 3, 6, 12, 9, 1, 3, 1 and 3 modules of about
60 cells: 18 mono and 26 poly, as the paper counts. So each run is cut evenly; the cuts within 714
and 530 may be off by some cells.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

USUAL = 60
"""Cells of a module."""
MODULES = 44


@dataclass(frozen=True)
class Cell:
    """A solar cell, with its probability of defect and the number of its module."""

    path: Path
    probability: float
    module: int


def read_cells(folder: Path) -> list[Cell]:
    """Read all cells, in the order of the table."""
    lines = [line.split() for line in (folder / "labels.csv").read_text().splitlines()]
    modules = list(modules_of([kind for *_, kind in lines]))
    if modules[-1] + 1 != MODULES:
        raise SystemExit(f"{modules[-1] + 1} modules, not {MODULES}: is this elpv-dataset?")
    return [
        Cell(folder / path, float(probability), module)
        for (path, probability, _), module in zip(lines, modules, strict=True)
    ]


def modules_of(kinds: list[str]) -> Iterator[int]:
    """Number the modules that cells are of, by the kinds of their silicon in order."""
    first = 0
    for _, run in itertools.groupby(kinds):
        length = len(list(run))
        count = max(round(length / USUAL), 1)
        yield from (first + at * count // length for at in range(length))
        first += count
