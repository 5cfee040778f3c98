"""What two programs on one machine cost each other, by how OpenMP's threads wait.

    python benchmarks/contention.py [--rounds 3] [--pictures 50000] [--pass-pictures 4000]
        [--ways default 1000 3000 10000 passive] [--only one two pass budget]

Each round runs, for each way of waiting in turn: one training, two at once, one beside a pass of
pictures through EfficientNet-Lite0 by OpenVINO, and two with `--seconds`. Pictures are random,
32x32 in colour; a training is one epoch of `fast`. A way is "default" (GNU's own: what the
command did before), "passive" (OMP_WAIT_POLICY), or a number of spins (GOMP_SPINCOUNT).
Weights of all finished trainings of an epoch must be equal. Seconds are those of the epoch.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from machine import describe, foveal

from foveal import load
from foveal.openmp import SETTINGS

CASES = ("one", "two", "pass", "budget")
PASS = """
import sys, time
import numpy as np
from foveal import imagenet
from foveal.inference.session import Session
from foveal.pictures.scaling import of_values

model, count = imagenet(), int(sys.argv[1])
whole = model.first(len(model.plan.layers))
session = Session(whole, model.recipe, model.device, engine="openvino")
images = np.random.default_rng(0).random((64, *model.recipe.shape[1:], 3), dtype=np.float32)
session.prepared(images, of_values(model.recipe))
print("ready", flush=True)
began, done = time.perf_counter(), 0
while done < count:
    session.prepared(images, of_values(model.recipe))
    done += len(images)
print(done / (time.perf_counter() - began))
"""


def environment(way: str) -> dict[str, str]:
    """Return the environment of a way of waiting; the command's own default is kept out."""
    kept = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    if way == "passive":
        return {**kept, "OMP_WAIT_POLICY": "passive"}
    return {**kept, "GOMP_SPINCOUNT": "300000" if way == "default" else way}


def training(pictures: Path, model: Path, way: str, *more: object) -> subprocess.Popen[str]:
    """Begin a training in a process of its own."""
    more = more or ("--epochs", 1)
    command = foveal("train", "cnn", pictures, model, "--seed", 0, "--fresh", "--json", *more)
    return subprocess.Popen(
        command,
        env=environment(way),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def seconds_of(process: subprocess.Popen[str]) -> float:
    """Wait for a training; gives the seconds of its epochs."""
    out, _ = process.communicate()
    if process.returncode != 0:
        raise SystemExit(f"a training ended with {process.returncode}")
    return float(sum(epoch["seconds"] for epoch in json.loads(out)["epochs"]))


def one_case(case: str, pictures: Path, folder: Path, way: str, asked: Any) -> list[float]:
    """Run a case; gives its figures: seconds of each training, then pictures a second."""
    models = [folder / f"{case}-{number}.safetensors" for number in (0, 1)]
    if case == "one":
        return [seconds_of(training(pictures, models[0], way))]
    if case in ("two", "budget"):
        more = ("--seconds", asked.seconds) if case == "budget" else ()
        running = [training(pictures, model, way, *more) for model in models]
        return [seconds_of(process) for process in running]
    beside = subprocess.Popen(
        [sys.executable, "-c", PASS, str(asked.pass_pictures)],
        env=environment(way),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert beside.stdout is not None
    beside.stdout.readline()
    seconds = seconds_of(training(pictures, models[0], way))
    return [seconds, float(beside.communicate()[0])]


def same_weights(folder: Path) -> bool:
    """Whether all trainings of one epoch left the same weights."""
    states = [
        load(path).network.state_dict()
        for path in sorted(folder.glob("*/*.safetensors"))
        if not path.name.startswith("budget")
    ]
    return all(
        bool((state[name] == value).all()) for state in states for name, value in states[0].items()
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pictures", type=int, default=50_000)
    parser.add_argument("--pass-pictures", type=int, default=4_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--ways", nargs="*", default=["default", "1000", "3000", "passive"])
    parser.add_argument("--only", nargs="*", choices=CASES, default=list(CASES))
    asked = parser.parse_args()
    print(describe(), flush=True)
    found: dict[tuple[str, str], list[list[float]]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder, generator = Path(name), np.random.default_rng(0)
        labels = np.arange(asked.pictures) % 10
        images = generator.integers(0, 226, (asked.pictures, 32, 32, 3), dtype=np.uint8)
        images[..., 0] += (3 * labels[:, None, None]).astype(np.uint8)
        np.savez(folder / "pictures.npz", X=images, y=labels)
        for number in range(asked.rounds):
            for case in asked.only:
                for way in asked.ways:
                    place = folder / f"{number}-{way}"
                    place.mkdir(exist_ok=True)
                    began = time.perf_counter()
                    figures = one_case(case, folder / "pictures.npz", place, way, asked)
                    found.setdefault((case, way), []).append(figures)
                    told = ", ".join(f"{figure:.1f}" for figure in figures)
                    whole = time.perf_counter() - began
                    print(f"round {number + 1}, {case}, {way}: {told} ({whole:.0f} s)", flush=True)
        for (case, way), rounds in found.items():
            medians = ", ".join(
                f"{statistics.median(column):.1f}" for column in zip(*rounds, strict=True)
            )
            print(f"{case:<7} {way:<8} median {medians}")
        print("weights equal:", same_weights(folder))


if __name__ == "__main__":
    main()
