"""Several processes that train one network, beside one: losses, seconds, and one of them killed.

    python benchmarks/processes.py [--pictures 6000] [--epochs 4] [--rounds 1] [--kill 3]

Pictures are the first of Fashion-MNIST, by ``train cnn`` alone and by ``torchrun`` (gloo), at the
same seed and the same batch: losses of each epoch side by side, seconds of the whole command and of
its epochs. A plain network without batch normalisation is held against one process too, since there
a step is to be the same but for rounding. ``--kill`` kills one of two processes with SIGKILL at
random moments as many times, goes on by ``--resume``, and compares losses with those of a training
that nobody killed.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np
from machine import describe, foveal, timed

DATA = Path("/usr/share/datasets/fashion-mnist")  # Debian's package dataset-fashion-mnist
PLAIN = (
    "conv 16 3x3 same | relu | maxpool 2 | conv 32 3x3 same | relu | maxpool 2 | flatten | dense"
)
WAYS = ((1, 1), (1, 2), (2, 1), (2, 2))
"""Processes and threads of each."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=6_000)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--net", default="fast")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--kill", type=int, default=3)
    wanted = parser.parse_args()
    print(describe(), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        os.environ["FOVEAL_CACHE"] = str(root / "cache")
        data = pictures(root / "pictures.npz", wanted.pictures)
        for net in (wanted.net, PLAIN):
            compared(root, data, net, wanted.epochs, wanted.rounds)
        if wanted.kill:
            killed(root, data, wanted.epochs, wanted.kill)


def pictures(place: Path, count: int) -> Path:
    """Write the first pictures of Fashion-MNIST with their classes."""
    with gzip.open(DATA / "train-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(), dtype=np.uint8, offset=16).reshape(-1, 28, 28)
    with gzip.open(DATA / "train-labels-idx1-ubyte.gz") as file:
        kinds = np.frombuffer(file.read(), dtype=np.uint8, offset=8)
    np.savez(place, X=images[:count], y=kinds[:count])
    return place


def line(
    data: Path, model: Path, net: str, epochs: int, processes: int, threads: int, *more: str
) -> list[str]:
    """Make the line of a training by so many processes."""
    train = foveal("train", "cnn", data, model, "--net", net, "--epochs", epochs, "--seed", 0)
    train += ["--threads", str(threads), "--no-report", *more]
    if processes == 1:
        return train
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    return [sys.executable, *torchrun, *train[1:]]


def epochs_of(model: Path) -> list[dict[str, float]]:
    """Read the epochs of a run."""
    lines = (model.with_suffix(".run") / "events.jsonl").read_text().splitlines()
    return [one for one in map(json.loads, lines) if one["kind"] == "epoch"]


def compared(root: Path, data: Path, net: str, epochs: int, rounds: int) -> None:
    """Train one network each way, and lay losses and seconds side by side."""
    print(f"\n{net}, {epochs} epochs, medians of {rounds} rounds")
    first: np.ndarray | None = None
    for processes, threads in WAYS:
        whole, steps = [], []
        for turn in range(rounds):
            model = root / f"{len(net)}-{processes}-{threads}-{turn}.safetensors"
            seconds, _ = timed(line(data, model, net, epochs, processes, threads))
            found = epochs_of(model)
            whole.append(seconds)
            steps.append(sum(one["seconds"] for one in found))
        losses = np.array([(one["loss"], one["validation_loss"]) for one in found])
        first = losses if first is None else first
        apart = 100 * np.abs(losses / first - 1).max()
        told = "  ".join(f"{taught:.4f}/{judged:.4f}" for taught, judged in losses)
        print(
            f"{processes} process{'es' * (processes > 1)}, {threads} thread{'s' * (threads > 1)}: "
            f"{median(whole):.1f} s, epochs {median(steps):.1f} s; losses {told}; at most "
            f"{apart:.3g} % from those of the first line",
            flush=True,
        )


def killed(root: Path, data: Path, epochs: int, times: int) -> None:
    """Kill one of two processes again and again, and hold it against a run that nobody killed."""
    whole = root / "whole.safetensors"
    seconds, _ = timed(line(data, whole, PLAIN, epochs, 2, 1))
    model, drawn, more = root / "killed.safetensors", random.Random(0), list[str]()
    for turn in range(times):
        asked = line(data, model, PLAIN, epochs, 2, 1, "--checkpoint-seconds", "0.2", *more)
        process = subprocess.Popen(
            asked, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        time.sleep(drawn.uniform(0.5, 0.9) * seconds)
        rank = drawn.choice((0, 1))
        found = of_rank(process.pid, rank)
        if found:
            os.kill(found, signal.SIGKILL)
        code = process.wait(timeout=120)
        print(f"kill {turn + 1}: process {rank}, torchrun ended with {code}", flush=True)
        more = ["--resume"] if model.with_suffix(".run").exists() else []
    timed(line(data, model, PLAIN, epochs, 2, 1, *more))
    apart = max(losses_apart(epochs_of(model), epochs_of(whole)))
    print(f"resumed {times} times: losses at most {100 * apart:.3g} % from those of a whole run")


def losses_apart(
    some: Sequence[dict[str, float]], others: Sequence[dict[str, float]]
) -> list[float]:
    """Compare losses, epoch by epoch, relative to those of the others."""
    assert len(some) == len(others), "an epoch was lost or run twice"
    return [
        abs(one[name] / other[name] - 1)
        for one, other in zip(some, others, strict=True)
        for name in ("loss", "validation_loss")
    ]


def of_rank(launcher: int, rank: int) -> int:
    """Find the process of a rank that a launcher started; 0 for none."""
    for place in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((place / "stat").read_text().rsplit(")", 1)[1].split()[1])
            ranked = f"RANK={rank}".encode() in (place / "environ").read_bytes().split(b"\0")
        except (OSError, IndexError):
            continue
        if parent == launcher and ranked:
            return int(place.name)
    return 0


if __name__ == "__main__":
    main()
