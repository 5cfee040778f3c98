"""Milliseconds of a call that asks a model, for one picture or 64, by what the cache holds.

    python benchmarks/calls.py

The first call of a model is told apart from those that follow.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from typing import Any

import numpy as np


def milliseconds(model: Any, images: np.ndarray, calls: int) -> tuple[float, float, float]:
    """Give the first call, the median of the others, and the slowest of them."""
    taken = []
    for _ in range(calls):
        began = time.perf_counter()
        model.predict(images)
        taken.append(1000 * (time.perf_counter() - began))
    return taken[0], statistics.median(taken[1:]), max(taken[1:])


def main() -> None:
    """Ask ImageNet's classifier, small things first, since a large batch leaves a conversion."""
    with tempfile.TemporaryDirectory() as cache:
        os.environ["FOVEAL_CACHE"] = cache
        from foveal import imagenet

        draws = np.random.default_rng(0)
        images = draws.integers(0, 256, (512, 224, 224, 3), dtype=np.uint8)
        print(f"{'':<34}{'first':>9}{'median':>9}{'slowest':>9}  ms a call")
        for kept in ("fresh cache", "converted network in the cache"):
            for pictures, calls in ((1, 50), (64, 12)):
                model = imagenet(threads=2)
                first, median, slowest = milliseconds(model, images[:pictures], calls)
                name = f"{kept}, {pictures}"
                print(f"{name:<34}{first:>9.1f}{median:>9.1f}{slowest:>9.1f}", flush=True)
            imagenet(threads=2).predict(images)


if __name__ == "__main__":
    main()
