"""Fixed against fine-tuned kernels on solar cells: grey pictures, unlike ImageNet.

    python benchmarks/solar_cells.py FOLDER [--epochs 6] [--seed 0] [--test]

FOLDER holds ``labels.csv`` and ``images/`` of the package elpv-dataset (2,624 grey cells of
300x300; Deitsch et al., arXiv:1807.02894; CC BY-NC-SA: measured with, never part of this project).
A cell is a defect where its probability is 0.5 or more. One seeded stratified split keeps 20 % for
the test; choices were made on validation pictures, and ``--test`` reads the rest once.
Without it only validation figures are printed.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path

from folders import Classes, count, lay_out, split
from machine import describe, foveal, timed

DEFECT = 0.5


def read_cells(folder: Path) -> Classes:
    """Sort the cells into good and defect."""
    found: Classes = {"good": [], "defect": []}
    for line in (folder / "labels.csv").read_text().splitlines():
        path, probability, _ = line.split()
        found["defect" if float(probability) >= DEFECT else "good"].append(folder / path)
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", default="6")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--test", action="store_true")
    parser.add_argument("--more", default="", help="more options of the fine-tuned training")
    wanted = parser.parse_args()
    print(describe(), flush=True)
    to_train, to_test = split(read_cells(wanted.folder), wanted.seed)
    print(f"{count(to_train):,} cells to train, {count(to_test):,} to test", flush=True)
    runs = {
        "fixed": ["--validation-share", "0.2"],
        "fine-tuned": ["--fine-tune-epochs", wanted.epochs, *wanted.more.split()],
    }
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        environment = {**os.environ, "FOVEAL_CACHE": str(root / "cache")}
        folder = lay_out(root / "cells", train=to_train, test=to_test)
        for name, options in runs.items():
            model = root / f"{name}.safetensors"
            command = foveal("train", "transfer", folder, model, "--seed", wanted.seed, "--json")
            seconds, out = timed([*command, *options], env=environment)
            told = json.loads(out)
            judged = told["validation_accuracy"]["value"]
            print(
                f"{name}: {seconds:.1f} s, validation {100 * judged:.1f} % of "
                f"{told['validation_pictures']}, best epoch {told['best_epoch']}",
                flush=True,
            )
            if wanted.test:
                command = foveal("evaluate", model, folder, "--no-baselines", "--json")
                found = json.loads(timed(command, env=environment)[1])["metrics"]
                accuracy = found["accuracy"]
                print(
                    f"{name}: test {100 * accuracy['value']:.1f} % "
                    f"({100 * accuracy['low']:.1f} to {100 * accuracy['high']:.1f}), balanced "
                    f"{100 * found['balanced_accuracy']['value']:.1f} %",
                    flush=True,
                )


if __name__ == "__main__":
    main()
