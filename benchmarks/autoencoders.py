"""Autoencoders on Fashion-MNIST beside PCA and the Keras blog's, interleaved in one run.

    python benchmarks/autoencoders.py [--rounds 2] [--only foveal,keras] [--budgets 11,60]
    python benchmarks/autoencoders.py --rounds 0 --sizes 2,8,64,128

Foveal is run by the command a person would type, with budgets of seconds; its seconds are those of
training, and of the whole process with imports, judging and PCA. Keras' are those of ``fit``
alone. The 10,000 test pictures are read at the end of each training, by nothing before; nets and
settings were chosen on a validation split (docs/tried.md).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from fashion_mnist import DATA
from machine import describe, foveal, peer_python, timed
from race_keras import PEER
from sklearn.decomposition import PCA

from foveal.pictures.sources import gather

KERAS = (("simple", 50), ("deep", 30))
RUNS = (
    ("conv", 11, "mse"),
    ("conv", 11, "bce"),
    ("dense", 11, "mse"),
    ("conv", 60, "mse"),
    ("dense", 60, "mse"),
    ("conv", 150, "mse"),
    ("dense", 150, "mse"),
)
"""Kind, budget in seconds, loss; the least leaves a fifth of Keras' time for training."""
SECONDS = 40
"""Seconds of training for codes of other sizes."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--only", default="pca,foveal,keras")
    parser.add_argument("--budgets", default="11,60,150", help="seconds of those to be run")
    parser.add_argument("--sizes", default="", help="also codes of these sizes, as 2,8,64,128")
    parser.add_argument("--data", default=DATA)
    parser.add_argument("--peer", type=Path, default=Path(tempfile.gettempdir()) / "peer-keras")
    wanted = parser.parse_args()
    only = wanted.only.split(",")
    print(describe(), flush=True)
    if "pca" in only:
        components(wanted.data, [32, *map(int, filter(None, wanted.sizes.split(",")))])
    for turn in range(wanted.rounds):
        if "keras" in only:
            race(wanted, turn)
        if "foveal" in only:
            budgets = set(map(int, wanted.budgets.split(",")))
            for kind, seconds, loss in (run for run in RUNS if run[1] in budgets):
                report(train(wanted.data, kind, 32, seconds, loss, turn), turn)
    for size in map(int, filter(None, wanted.sizes.split(","))):
        report(train(wanted.data, "conv", size, SECONDS, "mse", 0), 0)


def components(data: str, sizes: list[int]) -> None:
    """Judge PCA as scikit-learn gives it, unclipped; the commands give it clipped to 0 and 1."""
    pictures = gather(data)
    assert pictures.content.in_memory is not None
    flat = pictures.content.in_memory.reshape(len(pictures), -1) / np.float32(255)
    test = flat[pictures.rows("test")]
    for size in sizes:
        found = PCA(size, random_state=0).fit(flat[pictures.rows("train")])
        made = found.inverse_transform(found.transform(test))
        print(f"PCA({size}), unclipped: test MSE {((test - made) ** 2).mean():.5f}", flush=True)


def race(wanted: argparse.Namespace, turn: int) -> None:
    """Train the peer's two networks."""
    python = peer_python(wanted.peer, PEER)
    script = Path(__file__).parent / "peers" / "keras_autoencoders.py"
    for name, epochs in KERAS:
        _, out = timed([python, str(script), wanted.data, name, str(epochs)])
        told = json.loads(out.splitlines()[-1])
        print(
            f"round {turn + 1}: Keras {name}, {epochs} epochs: {told['seconds']:.1f} s of fit, "
            f"test MSE {told['mse']:.5f}, BCE {told['bce']:.4f}",
            flush=True,
        )


def train(data: str, kind: str, size: int, seconds: int, loss: str, seed: int) -> dict[str, Any]:
    """Train one autoencoder; seconds of training and of the whole process, and its figures."""
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model.safetensors"
        options = ["--kind", kind, "--code-size", size, "--seconds", seconds, "--loss", loss]
        command = foveal("train", "autoencoder", data, model, *options, "--seed", seed, "--json")
        process, out = timed(command)
        told = json.loads(out)
        return {
            "name": f"{kind}, code {size}, {loss}, {seconds} s",
            "training": sum(epoch["seconds"] for epoch in told["epochs"]),
            "process": process,
            "epochs": len(told["epochs"]),
            **told["reconstruction"],
        }


def report(row: dict[str, Any], turn: int) -> None:
    """Print one training."""
    ours, theirs = row["autoencoder"], row["pca"]
    print(
        f"round {turn + 1}: {row['name']}: {row['training']:.1f} s of training "
        f"({row['epochs']} epochs), {row['process']:.1f} s of process, {row['judged_by']} MSE "
        f"{ours['mse']:.5f}, BCE {ours['bce']:.4f}, SSIM {ours['ssim']:.3f}, "
        f"PSNR {ours['psnr']:.1f} dB; PCA MSE {theirs['mse']:.5f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
