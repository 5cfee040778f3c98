"""A network trained by workers of Ray Train, beside one process and two of torchrun.

    python benchmarks/ray_train.py [--epochs 10] [--copies 1]

The 1,797 digits of scikit-learn (each ``--copies`` times), by ``train cnn`` alone, by two processes
of ``torchrun``, and by two workers of Ray Train: at the same seed and the same batch, by one thread
each; then with a process killed (SIGKILL) once there is a checkpoint, and with a worker of Ray's
killed then. The net has no batch normalisation, so that a step is to be the same but for rounding.
Losses are held against those of one process; seconds are by the clock and of the processor, of all
processes that belong to the command, start of Ray included.
"""

from __future__ import annotations

import argparse
import os
import signal
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from bulk_ray import ran
from large import below
from machine import describe
from processes import PLAIN, epochs_of, line, losses_apart
from sklearn.datasets import load_digits

WORKER = b"RayTrainWorker"


def pictures(place: Path, copies: int) -> Path:
    """Write the digits with their classes."""
    images = np.rint(load_digits().images * 255 / 16).astype(np.uint8)
    np.savez(place, X=np.tile(images, (copies, 1, 1)), y=np.tile(load_digits().target, copies))
    return place


def a_process(pid: int) -> None:
    """Kill the second process of the training below a command."""
    for one in below(pid):
        if b"RANK=1" in Path(f"/proc/{one}/environ").read_bytes().split(b"\0"):
            os.kill(one, signal.SIGKILL)
            return
    raise SystemExit("there is no process to be killed")


def a_worker(pid: int) -> None:
    """Kill one of Ray's workers below a command."""
    for one in below(pid):
        if WORKER in Path(f"/proc/{one}/cmdline").read_bytes():
            os.kill(one, signal.SIGKILL)
            return
    raise SystemExit("there is no worker to be killed")


def main() -> None:
    """Train in all ways."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--copies", type=int, default=1)
    wanted = parser.parse_args()
    print(describe(), flush=True)
    with tempfile.TemporaryDirectory(prefix="r", dir="/tmp") as folder:
        root = Path(folder)
        os.environ |= {"FOVEAL_CACHE": str(root / "cache"), "RAY_TMPDIR": folder}
        data = pictures(root / "digits.npz", wanted.copies)
        first: Sequence[dict[str, float]] = ()

        def told(name: str, processes: int, then: Callable[[int], None] | None, *more: str) -> None:
            nonlocal first
            model = root / f"{name.replace(' ', '-')}.safetensors"
            asked = line(data, model, PLAIN, wanted.epochs, processes, 1, *more)
            run = model.with_suffix(".run")
            if then is None:
                took = ran([asked])
            else:
                took = ran([asked], (), lambda: any(run.glob("checkpoint-*")), then)
            found = epochs_of(model)
            first = first or found
            last, apart = found[-1], 100 * max(losses_apart(found, first))
            epochs = sum(one["seconds"] for one in found)
            print(
                f"{name}: {took.seconds:.1f} s, {took.processor:.1f} s of the processor, epochs "
                f"{epochs:.1f} s; loss {last['loss']:.6f}, validation loss "
                f"{last['validation_loss']:.6f}; at most {apart:.2g} % from the first",
                flush=True,
            )

        ray = ("--engine", "ray", "--workers", "2")
        told("one process", 1, None)
        told("torchrun 2", 2, None)
        told("Ray Train 2", 1, None, *ray)
        often = (*ray, "--checkpoint-seconds", "0.05")
        told("process killed", 1, a_process, *often)
        told("worker killed", 1, a_worker, *often)


if __name__ == "__main__":
    main()
