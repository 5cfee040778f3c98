"""Pictures a second of frozen pretrained-size networks: torch as it comes, and the engines.

    python benchmarks/engines.py [NETWORK ...] [--threads 2] [--rounds 3] [--seconds 3]

Networks are timm's, without their last layer, with random weights (speed does not depend on
them), at 224x224. "eager" is plain torch in evaluation mode on normalised float pictures, axes
(n, c, h, w), batches of 8. The engines get uint8 pictures (n, h, w, c) and normalise themselves.
Rounds take all ways in turn; the figure is the median of the rounds. "default" is what the
shipped table names. The peak is that of ``torch.mm`` of two 2048x2048 matrices in single
precision at the same number of threads, the best of this run; a multiply-add counts as two
operations.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version

import timm
import torch
from machine import describe
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from foveal.engines import choose
from foveal.engines.engine import Frozen

NETWORKS = ("tf_efficientnet_lite0", "resnet18", "mobilenetv3_large_100", "convnext_atto")
SIDE, EAGER_BATCH, MATRIX = 224, 8, 2048
Way = Callable[[float], float]


def peak() -> float:
    """Operations a second of the best of several matrix multiplications."""
    left, right = torch.rand(MATRIX, MATRIX), torch.rand(MATRIX, MATRIX)
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        torch.mm(left, right)
        best = min(best, time.perf_counter() - began)
    return 2 * MATRIX**3 / best


def operations(network: nn.Module) -> int:
    """Operations for one picture."""
    counter = FlopCounterMode(display=False)
    with counter, torch.inference_mode():
        network(torch.zeros(1, 3, SIDE, SIDE))
    return int(counter.get_total_flops())


def eager(network: nn.Module) -> Way:
    """Plain torch."""
    images_nchw = torch.randn(EAGER_BATCH, 3, SIDE, SIDE)

    def run(seconds: float) -> float:
        with torch.inference_mode():
            network(images_nchw)
            began, pictures = time.perf_counter(), 0
            while time.perf_counter() - began < seconds:
                network(images_nchw)
                pictures += EAGER_BATCH
        return pictures / (time.perf_counter() - began)

    return run


def ways(network: nn.Module, threads: int) -> dict[str, Way]:
    """Every way to run a network."""
    frozen = Frozen(
        network=network,
        picture=(SIDE, SIDE, 3),
        dtype="uint8",
        scale=(1 / 58,) * 3,
        shift=(-2.0,) * 3,
    )
    found: dict[str, Way] = {"eager": eager(network)}
    for name in choose.available():
        engine = choose.make(name, frozen, threads=threads)
        found[name] = lambda seconds, engine=engine: choose.rate(engine, seconds)  # type: ignore[misc]
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("networks", nargs="*", default=NETWORKS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    wanted = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(wanted.threads)
    print(describe())
    packages = ("timm", "openvino", "onnxruntime")
    print(", ".join(f"{name} {version(name)}" for name in packages), flush=True)
    top, lines = peak(), []
    for name in wanted.networks:
        network = timm.create_model(name, pretrained=False, num_classes=0).eval()
        each = ways(network, wanted.threads)
        rounds: dict[str, list[float]] = {way: [] for way in each}
        for _ in range(wanted.rounds):
            top = max(top, peak())
            for way, run in each.items():
                rounds[way].append(run(wanted.seconds))
        rates = {way: statistics.median(found) for way, found in rounds.items()}
        lines.append((name, rates, operations(network)))
        print(name, {way: [round(one) for one in found] for way, found in rounds.items()})
    report(lines, top)


def report(lines: list[tuple[str, dict[str, float], int]], top: float) -> None:
    """Print the table."""
    columns = list(lines[0][1])
    print(f"\npeak {top / 1e9:.0f} GFLOP/s; pictures a second, median")
    head = [*columns, "default", "default/best", "default/eager", "GFLOP", "share of peak"]
    print("network".ljust(24), *(word.rjust(13) for word in head))
    gains = []
    for name, rates, count in lines:
        taken = choose.default(name, columns)
        engines = {way: rate for way, rate in rates.items() if way != "eager"}
        gains.append(rates[taken] / rates["eager"])
        cells = [
            *(f"{rates[way]:.0f}" for way in columns),
            taken,
            f"{rates[taken] / max(engines.values()):.2f}",
            f"{gains[-1]:.2f}",
            f"{count / 1e9:.2f}",
            f"{rates[taken] * count / top:.0%}",
        ]
        print(name.ljust(24), *(cell.rjust(13) for cell in cells))
    mean = math.exp(statistics.fmean(map(math.log, gains)))
    print(f"default/eager, geometric mean: {mean:.2f}")


if __name__ == "__main__":
    main()
