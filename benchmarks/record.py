"""What trainings and commands give at a seed, as one JSON: compared before and after a change.

    python benchmarks/record.py before.json
    python benchmarks/record.py after.json --against before.json

Weights are equal to the bit only on one machine, with one version of torch and as many threads:
both records are made there. Paths and seconds, which no two runs share, are left out.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits, load_sample_images

NETS = ("fast", "lenet5", "tinyvgg", "resnet")
HEADS: dict[str, dict[str, Any]] = {
    "logistic": {},
    "dense": {"head": "dense 16 relu | dropout 0.3", "epochs": 2},
    "fine-tuned": {"fine_tune_epochs": 1, "cut": "3"},
    "two views": {"views": 2},
    "automatic cut": {"cut": "auto"},
}
AUTOENCODERS: dict[str, dict[str, Any]] = {
    "conv": {},
    "dense": {"kind": "dense", "loss": "bce", "noise": "masks"},
    "variational": {"variational": True, "loss": "l1"},
}
TIMES = re.compile(r"second|computing|judging$|^remaining$|took|saved")
"""Keys of what no two runs share."""


def digest(network: Any) -> str:
    """Hash names and bytes of all tensors of a network."""
    found = hashlib.sha256()
    for name, value in network.state_dict().items():
        found.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        found.update(np.ascontiguousarray(value.cpu().numpy()).tobytes())
    return found.hexdigest()


def trained() -> Iterator[tuple[str, str]]:
    """Train every kind of network on digits and hash its weights."""
    from foveal import Autoencoder, CNNClassifier, TransferClassifier

    digits = load_digits()
    images, labels = np.repeat(np.repeat(digits.images, 4, 1), 4, 2)[:400], digits.target[:400]
    common: dict[str, Any] = {"random_state": 0, "threads": 2}
    for net in NETS:
        learner = CNNClassifier(net, epochs=1, **common).fit(images, labels)
        yield f"cnn {net}", digest(learner.model_.network)
    backbone = CNNClassifier(epochs=2, **common).fit(images, labels % 5).model_
    for name, options in HEADS.items():
        transfer = TransferClassifier(backbone, **options, **common).fit(images, labels)
        yield f"transfer {name}", digest(transfer.model_.network)
    for name, options in AUTOENCODERS.items():
        learned = Autoencoder(code_size=8, epochs=2, **options, **common).fit(digits.images)
        yield f"autoencoder {name}", digest(learned.model_.network)
        yield (
            f"codes {name}",
            hashlib.sha256(learned.transform(digits.images[:50]).tobytes()).hexdigest(),
        )


def pictures(folder: Path) -> None:
    """Cut two photographs into small pictures, two classes, one file broken."""
    draws = np.random.default_rng(0)
    for name, image in zip(("china", "flower"), load_sample_images().images, strict=True):
        place = folder / name
        place.mkdir(parents=True)
        for row in range(30):
            top, left = draws.integers(0, 427 - 96), draws.integers(0, 640 - 96)
            Image.fromarray(image[top : top + 96, left : left + 96]).save(place / f"{row}.png")
    (folder / "china" / "broken.png").write_bytes(b"no picture")


COMMANDS: tuple[tuple[str, ...], ...] = (
    ("plan", "3x32x32 | conv 6 5x5 relu | maxpool 2 | flatten | dense 10"),
    (
        "train",
        "cnn",
        "photos",
        "cnn.safetensors",
        "--epochs",
        "2",
        "--size",
        "24",
        "--test-share",
        "0.3",
    ),
    ("train", "transfer", "photos", "transfer.safetensors", "--size", "96", "--test-share", "0.3"),
    (
        "train",
        "autoencoder",
        "photos",
        "coder.safetensors",
        "--epochs",
        "2",
        "--size",
        "24",
        "--code-size",
        "6",
    ),
    ("evaluate", "cnn.safetensors", "photos"),
    ("evaluate", "transfer.safetensors", "photos", "--include-training"),
    ("predict", "transfer.safetensors", "photos"),
    ("encode", "coder.safetensors", "photos", "--to", "codes.parquet"),
    ("decode", "coder.safetensors", "codes.parquet", "--to", "decoded"),
    ("reconstruct", "coder.safetensors", "photos", "--to", "gallery.png"),
    ("map", "coder.safetensors", "photos", "--to", "map.png"),
    ("similar", "transfer.safetensors", "photos", "photos/china/1.png"),
    ("anomalies", "coder.safetensors", "photos", "--false-alarms", "0.2"),
    ("anomalies", "imagenet", "photos/flower", "--usual", "photos/china"),
    (
        "interpolate",
        "coder.safetensors",
        "photos/china/1.png",
        "photos/flower/1.png",
        "--to",
        "strip.png",
    ),
    ("backbones",),
)


def commands(folder: Path) -> Iterator[tuple[str, Any]]:
    """Run commands with --json in a folder of their own."""
    pictures(folder / "photos")
    environment = {**os.environ, "FOVEAL_CACHE": str(folder / "cache"), "COLUMNS": "80"}
    for words in COMMANDS:
        call = [sys.executable, "-m", "foveal", *words, "--json"]
        done = subprocess.run(call, cwd=folder, env=environment, capture_output=True, text=True)
        said = json.loads(done.stdout) if done.stdout.strip() else done.stderr.splitlines()[-8:]
        yield " ".join(words), {"exit": done.returncode, "said": timeless(said)}
    for name in ("gallery.png", "map.png", "strip.png"):
        yield name, hashlib.sha256((folder / name).read_bytes()).hexdigest()


def timeless(value: Any) -> Any:
    """Leave out what no two runs share."""
    if isinstance(value, dict):
        return {key: timeless(one) for key, one in value.items() if not TIMES.search(key)}
    return [timeless(one) for one in value] if isinstance(value, list) else value


def differences(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """Name what differs between two records."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            yield from differences(before.get(key), after.get(key), f"{path} > {key}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from differences(one, other, f"{path}[{index}]")
    elif before != after:
        yield f"{path}: {str(before)[:200]} -> {str(after)[:200]}"


def main() -> None:
    """Write the record; with --against, name what differs and exit with 1 if anything does."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("to", type=Path)
    parser.add_argument("--against", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        os.environ["FOVEAL_CACHE"] = str(Path(place) / "cache")
        record = {"weights": dict(trained()), "commands": dict(commands(Path(place)))}
    asked.to.write_text(json.dumps(record, indent=1) + "\n")
    if asked.against is not None:
        found = list(differences(json.loads(asked.against.read_text()), record))
        print(
            "\n".join(found)
            or f"equal: {len(record['weights'])} networks, {len(COMMANDS)} commands"
        )
        sys.exit(bool(found))


if __name__ == "__main__":
    main()
