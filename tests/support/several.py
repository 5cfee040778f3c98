"""Pictures that bear several labels: bright quarters, each a label of its own."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image

NAMES = ["bottom", "left", "right", "top"]
CORNERS = [(8, 0), (0, 0), (0, 8), (8, 8)]
SHARES = (0.5, 0.4, 0.3, 0.15)


def pictures(count: int, seed: int, noise: float = 40) -> tuple[np.ndarray, np.ndarray]:
    """Draw noise (n, 16, 16) with bright quarters, and which are there (n, 4), 0 and 1."""
    generator = np.random.default_rng(seed)
    there = generator.random((count, len(NAMES))) < SHARES
    images = generator.normal(60, noise, (count, 16, 16))
    for at, (top, left) in enumerate(CORNERS):
        images[there[:, at], top + 1 : top + 7, left + 1 : left + 7] += 80
    return np.clip(images, 0, 255).astype(np.uint8), there.astype(np.int64)


def named(there: np.ndarray) -> list[list[str]]:
    """Name the labels of each picture."""
    return [[NAMES[at] for at in np.flatnonzero(row)] for row in there]


def written(folder: Path, count: int, seed: int = 0, separator: str = ";") -> Path:
    """Write pictures, and a table of them with one column of labels and one for each label."""
    images, there = pictures(count, seed)
    table = folder / "table.csv"
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", *NAMES])
        for row, (image, names) in enumerate(zip(images, named(there), strict=True)):
            Image.fromarray(image).save(folder / f"{seed}-{row}.png")
            cell = separator.join(names) or separator
            writer.writerow([f"{seed}-{row}.png", cell, *there[row].tolist()])
    return table
