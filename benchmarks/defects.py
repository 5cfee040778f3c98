"""Anomaly scores on solar cells: an autoencoder that saw good ones, ImageNet's features, PCA.

    python benchmarks/defects.py FOLDER [--splits 3] [--options "--size 64 ..."] [--sheet worst.png]
    python benchmarks/defects.py FOLDER --choose

FOLDER holds ``labels.csv`` and ``images/`` of the package elpv-dataset (2,624 grey cells of
300x300; Deitsch et al., arXiv:1807.02894; CC BY-NC-SA: measured with, never part of this project).
The autoencoder, and PCA of as many components, are fitted on four fifths of the cells whose
probability of a defect is 0; neighbours are searched among the same cells. Judged are the last
fifth of those against one half of all others. With ``--choose`` the other half is judged, against
a fifth of the cells to be fitted on: choices are made by that. The area under the ROC curve is
given with its 95 % interval (bootstrap, 1,000 draws), and what a threshold of 5 % false alarms
finds and wrongly finds.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from pathlib import Path

import numpy as np
from folders import split
from machine import describe, foveal, timed
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score

from foveal.arrays import Array
from foveal.model.loading import load
from foveal.pictures.collection import Pictures
from foveal.pictures.store import open_store

DRAWS = 1_000
HALVES = 7
"""Seed by which the cells with defects fall into the half to choose by and the half to judge."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--options", default="", help="options of train autoencoder")
    parser.add_argument("--choose", action="store_true", help="judge what choices are made by")
    parser.add_argument("--sheet", type=Path, help="error pictures of the ten worst go here")
    wanted = parser.parse_args()
    print(describe(), flush=True)
    good, others = cells(wanted.folder)
    print(f"{len(good):,} cells without a defect, {len(others):,} others", flush=True)
    halves = split({"others": others}, HALVES, share=0.5)
    judged = halves[not wanted.choose]["others"]
    for seed in range(wanted.splits):
        taught, held_out = (part["good"] for part in split({"good": good}, seed))
        if wanted.choose:
            taught, held_out = (part["good"] for part in split({"good": taught}, seed))
        with tempfile.TemporaryDirectory() as place:
            one(Path(place), taught, held_out, judged, seed, wanted)


def cells(folder: Path) -> tuple[list[Path], list[Path]]:
    """List the cells that are certainly good, and the others."""
    found: tuple[list[Path], list[Path]] = ([], [])
    for line in (folder / "labels.csv").read_text().splitlines():
        path, probability, _ = line.split()
        found[float(probability) > 0].append(folder / path)
    return found


def one(
    root: Path,
    taught: list[Path],
    held_out: list[Path],
    others: list[Path],
    seed: int,
    wanted: argparse.Namespace,
) -> None:
    """Train on good cells and judge on the others."""
    for name, files in (("good", taught), ("judged", [*held_out, *others])):
        (root / name).mkdir()
        for file in files:
            (root / name / file.name).symlink_to(file.resolve())
    model = root / "good.safetensors"
    command = foveal("train", "autoencoder", root / "good", model, "--seed", seed)
    seconds, _ = timed([*command, *wanted.options.split()])
    sheet = wanted.sheet if seed == 0 else None
    files = [*held_out, *others]
    bad = np.array([0] * len(held_out) + [1] * len(others))
    scores: dict[str, Array] = {}
    told = [f"{seconds:.0f} s of process to train"]
    ways: dict[str, tuple[Path | str, str]] = {
        "reconstruction error": (model, "error"),
        "code distance": (model, "distance"),
        "neighbours of codes": (model, "neighbours"),
        "neighbours by ImageNet's features": ("imagenet", "neighbours"),
    }
    for name, (network, by) in ways.items():
        rows, spent = scored(root, network, by, sheet)
        scores[name] = np.array([float(rows[file.name]["score"]) for file in files])
        above = np.array([rows[file.name]["above"] == "True" for file in files])
        told.append(
            f"{name}: {spent:.0f} s, above the threshold {100 * above[bad == 1].mean():.0f} % of "
            f"the others and {100 * above[bad == 0].mean():.1f} % of the good"
        )
    scores[f"PCA({load(model).plan.code_size})"] = components(model, taught, files)
    print(f"split {seed}: {'; '.join(told)}", flush=True)
    for name, found in scores.items():
        print(f"    {name:<36}{interval(bad, found)}", flush=True)


def scored(
    root: Path, network: Path | str, by: str, sheet: Path | None
) -> tuple[dict[str, dict[str, str]], float]:
    """Score the judged cells; gives the rows of the table by file, and seconds of the process."""
    table = root / "scores.csv"
    command = foveal("anomalies", network, root / "judged", "--by", by, "--to", table)
    if by == "neighbours":
        command += ["--usual", str(root / "good")]
    if sheet is not None:
        command += ["--sheet", str(sheet.with_stem(f"{sheet.stem}-{Path(network).stem}-{by}"))]
    seconds, _ = timed(command)
    told = csv.DictReader(table.read_text().splitlines())
    return {Path(row["path"]).name: row for row in told}, seconds


def components(model: Path, taught: list[Path], files: list[Path]) -> Array:
    """Reconstruction errors of principal components fitted on the same pictures."""
    fitted = load(model)

    def prepared(paths: list[Path]) -> Array:
        pictures = Pictures.of_files(paths)
        images = open_store(pictures, fitted.recipe).images
        return np.asarray(images, np.float32).reshape(len(paths), -1) / 255

    found = PCA(fitted.plan.code_size, random_state=0).fit(prepared(taught))
    judged = prepared(files)
    made = found.inverse_transform(found.transform(judged))
    errors: Array = ((judged - made) ** 2).mean(axis=1)
    return errors


def interval(bad: Array, scores: Array) -> str:
    """Area under the ROC curve with its 95 % interval."""
    generator = np.random.default_rng(0)
    drawn = []
    for _ in range(DRAWS):
        rows = generator.integers(0, len(bad), len(bad))
        drawn.append(roc_auc_score(bad[rows], scores[rows]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"{roc_auc_score(bad, scores):.3f} ({low:.3f} to {high:.3f})"


if __name__ == "__main__":
    main()
