"""Pictures made for tests that are as unlike as photographs are: blots of many sizes, in colour."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def photograph(seed: int, height: int = 48, width: int = 64) -> Image.Image:
    """Draw blots of 3 to 24 pixels, with sharp edges and a grain."""
    draws = np.random.default_rng(seed)
    pixels = np.full((height, width, 3), draws.integers(60, 200, 3), dtype=float)
    down, right = np.mgrid[:height, :width]
    for _ in range(25):
        y, x, radius = draws.uniform(0, height), draws.uniform(0, width), draws.uniform(3, 12)
        pixels[(down - y) ** 2 + (right - x) ** 2 < radius**2] = draws.integers(0, 256, 3)
    pixels += draws.normal(0, 6, pixels.shape)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def photographs(folder: Path, count: int, seed: int) -> list[Path]:
    """Write some of them, named by number."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number}.png" for number in range(count)]
    for number, path in enumerate(paths):
        photograph(1_000 * seed + number).save(path)
    return paths
