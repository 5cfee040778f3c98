"""What a graphics processor adds: training steps and frozen networks, beside the processor.

    python benchmarks/gpu.py [--epochs 3] [--only steps|frozen] [--batch-size N]

*Steps*: stock nets on made pictures, pictures a second in the last epoch (judging apart): on the
processor, on the GPU in float32 and in bfloat16, the same with the pictures sent batch by batch
instead of lying there, and with `torch.compile` (the seconds of its first epoch beside).

*Frozen*: ImageNet's EfficientNet-Lite0 on made pictures: pictures a second, and how far its
probabilities are from those of the processor in float32, and in bfloat16.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from machine import describe

import foveal
from foveal import CNNClassifier
from foveal.learning import descent
from foveal.pictures import tensors
from foveal.training.loop import start
from foveal.vocabulary import Precision

NETS = {"fast": (60_000, 28, 1), "tinyvgg": (20_000, 64, 3), "resnet": (20_000, 64, 3)}
"""Stock nets, each with pictures, their side, and their channels."""
FROZEN = 1_024
"""Pictures that go through the frozen network."""
VARIANTS: dict[str, dict[str, Any]] = {
    "float32": {"precision": "float32"},
    "bfloat16": {"precision": "bfloat16"},
    "bfloat16, sent": {"precision": "bfloat16", "share": 0.0},
    "bfloat16, compiled": {"precision": "bfloat16", "compiled": True},
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--only", choices=("steps", "frozen"))
    parser.add_argument("--nets", nargs="*", default=list(NETS))
    parser.add_argument("--batch-size", type=int, help="pictures a step; derived if left out")
    parser.add_argument("--side", type=int, help="side of the pictures, instead of the net's own")
    parser.add_argument("--pictures", type=int, help="how many, instead of the net's own")
    parser.add_argument("--variants", nargs="*", default=list(VARIANTS))
    parser.add_argument("--profile", action="store_true", help="where Python spends its time")
    wanted = parser.parse_args()
    print(describe(), flush=True)
    print(torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU", flush=True)
    if wanted.only != "frozen":
        for net in wanted.nets:
            steps(net, wanted)
    if wanted.only != "steps":
        frozen()


def made(pictures: int, side: int, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Make pictures of ten classes: a brighter row for each, in noise."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 200, (pictures, side, side, channels), dtype=np.uint8)
    classes = generator.integers(0, 10, pictures)
    for number in range(10):
        images[classes == number, 2 * number : 2 * number + 2] += 55
    return images, classes


def steps(net: str, wanted: argparse.Namespace) -> None:
    """Train a stock net in each way."""
    pictures, side, channels = NETS[net]
    images, classes = made(wanted.pictures or pictures, wanted.side or side, channels)
    few = len(images) // 8
    sized = {"batch_size": wanted.batch_size}
    train(f"{net} cpu", net, images[:few], classes[:few], 2, "cpu", precision="float32", **sized)
    if not torch.cuda.is_available():
        return
    for name in wanted.variants:
        profile = cProfile.Profile()
        with profile if wanted.profile else nullcontext():
            how = VARIANTS[name] | sized
            train(f"{net} cuda {name}", net, images, classes, wanted.epochs, "cuda", **how)
        if wanted.profile:
            pstats.Stats(profile).sort_stats("tottime").print_stats(25)


def train(
    said: str,
    net: str,
    images: np.ndarray,
    classes: np.ndarray,
    epochs: int,
    device: str,
    *,
    precision: Precision,
    batch_size: int | None = None,
    share: float = tensors.SHARE,
    compiled: bool = False,
) -> None:
    with patched(share, compiled=compiled):
        found = CNNClassifier(
            net,
            epochs=epochs,
            device=device,
            precision=precision,
            batch_size=batch_size,
            random_state=0,
        ).fit(images, classes)
    laps = [row["seconds"] - row["judging"] for row in found.history_]
    pace = 0.8 * len(images) / laps[-1]
    accuracy = found.history_[-1]["validation_accuracy"]
    print(
        f"{said:<32} {pace:>9.0f} pictures/s  first epoch {laps[0]:.1f} s  accuracy {accuracy:.3f}",
        flush=True,
    )


@contextmanager
def patched(share: float, *, compiled: bool) -> Iterator[None]:
    """Train otherwise than Foveal does."""

    def start_compiled(network: Any, config: Any) -> Any:
        network.compile()
        return start(network, config)

    begin = start_compiled if compiled else start
    with patch.object(tensors, "SHARE", share), patch.object(descent, "start", begin):
        yield


def frozen() -> None:
    """Run EfficientNet-Lite0 in each way."""
    images = made(FROZEN, 224, 3)[0]
    expected = foveal.imagenet(device="cpu").predict_proba(images[:128])
    if not torch.cuda.is_available():
        return
    model = foveal.imagenet(device="cuda")
    model.predict_proba(images)
    for name, half in (("float32", False), ("bfloat16", True)):
        with torch.autocast("cuda", dtype=torch.bfloat16) if half else nullcontext():
            model.predict_proba(images)
            began = time.perf_counter()
            found = model.predict_proba(images)
            seconds = time.perf_counter() - began
        off = np.abs(found[:128] - expected).max()
        agree = (found[:128].argmax(1) == expected.argmax(1)).mean()
        print(
            f"lite0 cuda {name:<10} {len(images) / seconds:>8.0f} pictures/s  "
            f"largest difference {off:.1e}, same class {agree:.1%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
