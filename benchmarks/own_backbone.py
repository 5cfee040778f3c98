"""Kernels of one's own reused: learned on five classes of Fashion-MNIST, used on the other five.

    python benchmarks/own_backbone.py [--data FOLDER] [--each 100] [--draws 5]

A `CNNClassifier` is trained from scratch on all pictures of classes 0 to 4. Of classes 5 to 9 a few
pictures each are drawn; `TransferClassifier` fits a head on the fixed kernels, a second
`CNNClassifier` learns from scratch on the same pictures, and a logistic regression sees their
pixels. All are judged on the 5,000 test pictures of classes 5 to 9.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from fashion_mnist import DATA
from machine import describe
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from foveal import CNNClassifier, TransferClassifier
from foveal.pictures.sources import gather

FIRST = 5
"""Classes below this number teach the kernels."""


def drawn(codes: np.ndarray[Any, Any], each: int, seed: int) -> np.ndarray[Any, Any]:
    """Draw so many pictures of each class."""
    random = np.random.default_rng(seed)
    rows = [
        random.choice(np.flatnonzero(codes == code), each, replace=False)
        for code in np.unique(codes)
    ]
    return np.concatenate(rows)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default=DATA)
    parser.add_argument("--each", type=int, default=100)
    parser.add_argument("--draws", type=int, default=5)
    wanted = parser.parse_args()
    print(describe(), flush=True)
    pictures = gather(Path(wanted.data))
    assert pictures.content.in_memory is not None and pictures.labels is not None
    images, codes = pictures.content.in_memory[..., 0], pictures.labels.astype(int)
    train, test = pictures.rows("train"), pictures.rows("test")
    low, high = train[codes[train] < FIRST], train[codes[train] >= FIRST]
    judged = test[codes[test] >= FIRST]
    began = time.perf_counter()
    backbone = CNNClassifier(random_state=0).fit(images[low], codes[low]).model_
    print(f"kernels learned on {len(low):,} pictures in {time.perf_counter() - began:.0f} s")
    learners: dict[str, Callable[[int], Any]] = {
        "own kernels, fixed": lambda seed: TransferClassifier(backbone, random_state=seed),
        "from scratch": lambda seed: CNNClassifier(random_state=seed),
        "logistic regression on pixels": lambda _: make_pipeline(
            StandardScaler(), LogisticRegression(C=0.01, max_iter=500)
        ),
    }
    scores: dict[str, list[float]] = {name: [] for name in learners}
    seconds: dict[str, list[float]] = {name: [] for name in learners}
    for seed in range(wanted.draws):
        rows = high[drawn(codes[high], wanted.each, seed)]
        for name, make in learners.items():
            flat = "pixels" in name
            X, T = images[rows], images[judged]
            if flat:
                X, T = X.reshape(len(X), -1) / 255, T.reshape(len(T), -1) / 255
            began = time.perf_counter()
            learner = make(seed).fit(X, codes[rows])
            seconds[name].append(time.perf_counter() - began)
            scores[name].append(float((learner.predict(T) == codes[judged]).mean()))
    for name, found in scores.items():
        print(
            f"{name}: {100 * mean(found):.1f} % ({100 * min(found):.1f} to "
            f"{100 * max(found):.1f}), {mean(seconds[name]):.1f} s"
        )


if __name__ == "__main__":
    main()
