"""Exported files against their models: parity, eight bits, and lines of Python without Foveal.

    python benchmarks/export.py parity PICTURES [--pictures 1000] [--only NAME ...]
    python benchmarks/export.py int8 PICTURES [--weights FILE]        # of ResNet-18
    python benchmarks/export.py snippet PICTURES

PICTURES is a folder of class folders; a part of it trains, evenly spaced, and the rest is shown to
the files. Stock nets and autoencoders are trained for an epoch or two, which is enough for
answers that differ. Networks of timm have random weights, unless a file is named, beneath a head
that is fitted: what is compared is the file and its model, not how good both are. "raw" resizes
within the file; its pictures are read as a decoder gives them. `snippet` installs onnxruntime,
NumPy and Pillow alone, by pip, and shows a file 100 pictures there.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import safetensors.torch
import timm
from machine import describe
from PIL import Image, ImageOps

import foveal
from foveal.evaluation.intervals import wilson
from foveal.exporting.certificate import Certificate
from foveal.exporting.formats import FORMATS
from foveal.exporting.snippet import snippet
from foveal.model.predictions import Predictions
from foveal.pictures.collection import Pictures, evenly
from foveal.pictures.sources import gather

Make = Callable[[Pictures], foveal.FittedModel]
SIDE = 32
TIMM = ("resnet18", "mobilenetv3_large_100", "convnext_atto")


def stock(net: str) -> Make:
    """Train a stock net for two epochs."""

    def make(shown: Pictures) -> foveal.FittedModel:
        learner = foveal.CNNClassifier(net, epochs=2, size=SIDE, threads=2, random_state=0)
        return learner.fit(shown).model_

    return make


def coder(kind: Literal["dense", "conv"], *, variational: bool = False) -> Make:
    """Train an autoencoder for an epoch."""

    def make(shown: Pictures) -> foveal.FittedModel:
        learner = foveal.Autoencoder(
            kind=kind, epochs=1, size=SIDE, variational=variational, threads=2, random_state=0
        )
        return learner.fit(shown).model_

    return make


def transfer(name: str, weights: Path | None = None) -> Make:
    """Fit a head on a backbone: Lite0 as it is installed, or one of timm."""

    def make(shown: Pictures) -> foveal.FittedModel:
        file = weights
        with tempfile.TemporaryDirectory() as folder:
            if name in TIMM and file is None:
                file = Path(folder) / "random.safetensors"
                network = timm.create_model(name, pretrained=False)
                safetensors.torch.save_file(network.state_dict(), file)
            learner = foveal.TransferClassifier(name, weights=file, threads=2, random_state=0)
            return learner.fit(shown).model_

    return make


MODELS: dict[str, Make] = {
    "efficientnet_lite0": transfer("efficientnet_lite0"),
    **{name: stock(name) for name in ("fast", "lenet5", "tinyvgg", "resnet")},
    "autoencoder dense": coder("dense"),
    "autoencoder conv": coder("conv"),
    "autoencoder variational": coder("conv", variational=True),
    **{f"{name} (random weights)": transfer(name) for name in TIMM},
}


def parted(folder: Path, taught: int, shown: int) -> tuple[Pictures, Pictures]:
    """Part a folder into pictures to train on, and others to show, evenly spaced.

    Where it says which pictures are to test with, both are of those: a backbone may have been
    taught the rest.
    """
    pictures = gather(folder)
    if len(tests := pictures.rows("test")):
        pictures = replace(pictures.take(tests.tolist()), parts=None)
    first = evenly(len(pictures), min(taught, len(pictures) // 2))
    second = np.setdiff1d(np.arange(len(pictures)), first)
    return (
        pictures.take(first.tolist()),
        pictures.take(second[evenly(len(second), shown)].tolist()),
    )


def parity(taught: Pictures, shown: Pictures, only: list[str]) -> None:
    """Print how far each file is from its model, row by row."""
    print("| model | file | pictures | largest | mean | the same answer | seconds |")
    print("|---|---|---|---|---|---|---|")
    for name, make in MODELS.items():
        if only and not any(f"{name} ".startswith(f"{one} ") for one in only):
            continue
        model = make(taught)
        for suffix in FORMATS:
            for raw in (False, True):
                print(f"| {name} | {suffix}{' raw' * raw} | {_row(model, suffix, raw, shown)} |")
                sys.stdout.flush()
        if not model.autoencodes:
            print(f"| {name} | .pt2 raw, JPEG decoded whole | {_whole(model, shown)} |")


def _row(model: foveal.FittedModel, suffix: str, raw: bool, shown: Pictures) -> str:
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"m{suffix}"
        found = foveal.export(model, path, raw=raw, pictures=shown, tolerance=1.0).certificate
    apart, took = found.difference, time.perf_counter() - began
    agreed = "" if apart.agreement is None else apart.agreement.percent()
    return f"{apart.pictures} | {apart.largest:.1e} | {apart.mean:.1e} | {agreed} | {took:.0f}"


def _whole(model: foveal.FittedModel, shown: Pictures) -> str:
    """Show a file pixels of JPEG that were not reduced while they were read."""
    files = list(map(str, shown.with_whole_names().names))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.pt2"
        foveal.export(model, path, raw=True)
        run = FORMATS[".pt2"].open(path, 2)
        opened = (ImageOps.exif_transpose(Image.open(file)).convert("RGB") for file in files)
        found = np.concatenate([run(np.asarray(one)[None]) for one in opened])
    wanted = model.predictions(files).predicted
    apart = np.abs(found - wanted).max(axis=1)
    same = wilson(int((found.argmax(1) == wanted.argmax(1)).sum()), len(files))
    return f"{len(files)} | {apart.max():.1e} | {apart.mean():.1e} | {same.percent()} | "


def int8(taught: Pictures, shown: Pictures, weights: Path | None, only: list[str]) -> None:
    """Print what eight bits cost and gain."""
    print("| model | file | accuracy | the same answer | ms a picture (quartiles) | MB |")
    print("|---|---|---|---|---|---|")
    for name, file in (("efficientnet_lite0", None), ("resnet18", weights)):
        if only and name not in only:
            continue
        model = transfer(name, file)(taught)
        called = name + " (random weights)" * (name in TIMM and file is None)
        for suffix in (".onnx", ".xml"):
            with tempfile.TemporaryDirectory() as folder:
                found = foveal.export(
                    model,
                    Path(folder) / f"m{suffix}",
                    int8=True,
                    calibrate=taught,
                    pictures=shown,
                    tolerance=1.0,
                    force=True,
                ).certificate
            for row in _both(found):
                print(f"| {called} | {suffix} {row} |")
            sys.stdout.flush()


def _both(found: Certificate) -> Iterator[str]:
    """Lay out eight bits and single precision."""
    seen, agreed = found.quantized, found.difference.agreement
    assert seen is not None and agreed is not None
    for name, judged, speed, size, same in (
        ("int8", seen.int8, seen.int8_ms, seen.int8_bytes, agreed.percent()),
        ("fp32", seen.fp32, seen.fp32_ms, seen.fp32_bytes, ""),
    ):
        accuracy = "" if judged is None or judged.accuracy is None else judged.accuracy.percent()
        took = f"{speed.median:.1f} ({speed.low:.1f} to {speed.high:.1f})"
        yield f"{name} | {accuracy} | {same} | {took} | {size / 1e6:.2f}"


def alone(taught: Pictures, shown: Pictures) -> None:
    """Show a file pictures in a Python that has neither torch nor Foveal."""
    model = transfer("efficientnet_lite0")(taught)
    files = [str(one) for one in shown.with_whole_names().names]
    wanted = model.predictions(files)
    for raw in (False, True):
        with tempfile.TemporaryDirectory() as place:
            path, packages = Path(place) / "m.onnx", Path(place) / "packages"
            foveal.export(model, path, raw=raw)
            (Path(place) / "ask.py").write_text(snippet(model, path, raw=raw))
            names = ["onnxruntime", "numpy", "pillow"]
            install = [sys.executable, "-m", "pip", "install", "-q", "--target", str(packages)]
            subprocess.run([*install, *names], check=True)
            held = {one.name.split("-")[0].lower() for one in packages.iterdir()}
            assert not held & {"torch", "foveal"}
            start = (
                f"import sys; sys.path = [p for p in sys.path if 'site-packages' not in p]; "
                f"sys.path.insert(0, {str(packages)!r}); sys.argv.pop(0); "
                "exec(compile(open('ask.py').read(), 'ask.py', 'exec'))"
            )
            line = [sys.executable, "-I", "-c", start, "ask.py", *files]
            done = subprocess.run(line, cwd=place, check=True, capture_output=True, text=True)
        rows = list(csv.reader(done.stdout.splitlines(), delimiter=" "))
        _compare(rows, files, wanted, raw=raw)


def _compare(rows: list[list[str]], files: list[str], wanted: Predictions, raw: bool) -> None:
    """Print how many rows are equal, and the largest difference."""
    labels = list(map(str, wanted.classes))
    same, largest = 0, 0.0
    for row, file, probabilities in zip(rows, files, wanted.probabilities, strict=True):
        found = {cell.split("=")[0]: float(cell.split("=")[1]) for cell in row[-len(labels) :]}
        assert " ".join(row[: -len(labels)]) == file
        same += max(found, key=lambda one: found[one]) == labels[int(probabilities.argmax())]
        apart = (abs(found[one] - true) for one, true in zip(labels, probabilities, strict=True))
        largest = max(largest, *apart)
    named = "raw" if raw else "prepared"
    print(f"{named}: {same} of {len(files)} labels equal, probabilities differ by {largest:.1e}")


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("what", choices=("parity", "int8", "snippet"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pictures", type=int, default=1_000)
    parser.add_argument("--taught", type=int, default=300)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--weights", type=Path, default=None)
    asked = parser.parse_args()
    count = 100 if asked.what == "snippet" else asked.pictures
    taught, shown = parted(asked.folder, asked.taught, count)
    print(describe())
    print(f"{len(taught)} pictures train, {len(shown)} others are shown")
    if asked.what == "parity":
        parity(taught, shown, asked.only)
    elif asked.what == "int8":
        int8(taught, shown, asked.weights, asked.only)
    else:
        alone(taught, shown)


if __name__ == "__main__":
    main()
