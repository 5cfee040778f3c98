"""Several labels a picture: garments of Fashion-MNIST laid out on one canvas, by the commands.

    python benchmarks/several_labels.py [--train 3000] [--test 1000] [--epochs 12] [--seeds 1]

Each picture of 64x64 holds none to three garments of ten kinds, at places of their own, some kinds
four times rarer than others; its labels are the kinds. A table names pictures, labels and parts:
test pictures are made of garments of the test set. Networks are judged beside baselines on pixels
(the most frequent labels, the nearest neighbour, a logistic regression); thresholds are chosen on
held-out training pictures.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import tempfile
from pathlib import Path

import numpy as np
from machine import describe, foveal, timed
from PIL import Image

DATA = Path("/usr/share/datasets/fashion-mnist")  # Debian's package dataset-fashion-mnist
KINDS = (
    *("shirt-short", "trousers", "pullover", "dress", "coat"),
    *("sandal", "shirt", "sneaker", "bag", "boot"),
)
SIDE, PIECE, FAINT = 64, 28, 16
RARE = 4
"""Times that the last three kinds are rarer."""
CORNERS = [(0, 0), (0, SIDE // 2), (SIDE // 2, 0), (SIDE // 2, SIDE // 2)]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--train", type=int, default=3_000)
    parser.add_argument("--test", type=int, default=1_000)
    parser.add_argument("--epochs", type=float, default=12)
    parser.add_argument("--seeds", type=int, default=1)
    wanted = parser.parse_args()
    print(describe(), flush=True)
    for seed in range(wanted.seeds):
        with tempfile.TemporaryDirectory() as folder:
            table = compose(Path(folder), wanted.train, wanted.test, seed)
            cnn = ("cnn", "--epochs", str(wanted.epochs))
            for name, *options in (cnn, ("transfer",)):
                judged(Path(folder), table, name, options, seed)


def compose(folder: Path, train: int, test: int, seed: int) -> Path:
    """Write pictures and the table of their labels; return the table."""
    generator = np.random.default_rng(seed)
    table = folder / "table.csv"
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "label", "split"))
        for part, stem, count in (("train", "train", train), ("test", "t10k", test)):
            images, kinds = read(stem)
            for number in range(count):
                canvas, labels = composed(images, kinds, generator)
                path = f"{part}-{number:05}.png"
                Image.fromarray(canvas).save(folder / path)
                writer.writerow((path, ";".join(labels) or ";", part))
    return table


def composed(
    images: np.ndarray, kinds: np.ndarray, generator: np.random.Generator
) -> tuple[np.ndarray, list[str]]:
    """Lay out none to three garments of different kinds, each in a quarter of its own."""
    canvas = generator.integers(0, FAINT, (SIDE, SIDE), dtype=np.uint8)  # no two are the same
    weights = np.where(np.arange(len(KINDS)) < len(KINDS) - 3, RARE, 1)
    count = generator.choice(4, p=(0.05, 0.3, 0.4, 0.25))
    chosen = generator.choice(len(KINDS), count, replace=False, p=weights / weights.sum())
    places = generator.permutation(len(CORNERS))[:count]
    for kind, place in zip(chosen.tolist(), places.tolist(), strict=True):
        piece = images[generator.choice(np.flatnonzero(kinds == kind))]
        top, left = (one + generator.integers(0, 5) for one in CORNERS[place])
        canvas[top : top + PIECE, left : left + PIECE] = piece
    return canvas, [KINDS[one] for one in sorted(chosen.tolist())]


def read(stem: str) -> tuple[np.ndarray, np.ndarray]:
    """Read pictures and their kinds."""
    with gzip.open(DATA / f"{stem}-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(), dtype=np.uint8, offset=16).reshape(-1, PIECE, PIECE)
    with gzip.open(DATA / f"{stem}-labels-idx1-ubyte.gz") as file:
        return images, np.frombuffer(file.read(), dtype=np.uint8, offset=8)


def judged(folder: Path, table: Path, name: str, options: list[str], seed: int) -> None:
    """Train one model, and tell how it fares beside baselines."""
    model = folder / f"{name}.safetensors"
    train = ("train", name, table, model, "--target", "labels", "--seed", seed, "--no-report")
    seconds, _ = timed(foveal(*train, "--json", *options))
    took, out = timed(foveal("evaluate", model, table, "--json"))
    found = json.loads(out)
    metrics = found["metrics"]
    told = "  ".join(
        f"{key.replace('_', ' ')} {written(metrics[key])}"
        for key in ("micro_f1", "macro_f1", "mean_average_precision", "exact_match")
    )
    print(f"train {name} {' '.join(options)}: {seconds:.0f} s, {took:.0f} s to judge; {told}")
    for one in found["baselines"]:
        print(f"    {one['name']:<30} {one['measure']} {written(one['estimate'])}")
    for one in metrics["labels"]:
        print(
            f"    {one['label']:<12} {one['pictures']:>4} pictures  threshold "
            f"{one['threshold']:.2f}  F1 {100 * one['f1']:.1f} %  average precision "
            f"{written(one['average_precision'])}",
            flush=True,
        )


def written(estimate: dict[str, float]) -> str:
    value, low, high = (100 * estimate[key] for key in ("value", "low", "high"))
    return f"{value:.1f} % ({low:.1f} to {high:.1f} %)"


if __name__ == "__main__":
    main()
