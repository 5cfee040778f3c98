"""Where the seconds of an epoch go, and how near the network comes to the machine's peak.

    python benchmarks/pace.py [fast tinyvgg resnet] [--epochs 2]

"outside" is the share of an epoch (validation apart) not spent in forward, backward and
optimizer: fetching, augmenting, normalising, events, checkpoints. The peak is that of
``torch.mm`` of two 2048x2048 matrices in single precision, measured in the same run; a training
step counts three times the forward pass's multiply-adds, two operations each.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import torch
from fashion_mnist import DATA
from machine import describe, foveal, timed

from foveal import plan

SIDE, ROUNDS = 2048, 20


def peak() -> float:
    """Operations a second of the best of several matrix multiplications."""
    left, right = torch.rand(SIDE, SIDE), torch.rand(SIDE, SIDE)
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.perf_counter()
        torch.mm(left, right)
        best = min(best, time.perf_counter() - began)
    return 2 * SIDE**3 / best


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("nets", nargs="*", default=["fast", "tinyvgg"])
    parser.add_argument("--epochs", default="2")
    parser.add_argument("--data", default=DATA)
    wanted = parser.parse_args()
    print(describe(), flush=True)
    for net in wanted.nets:
        before = peak()
        with tempfile.TemporaryDirectory() as folder:
            model = Path(folder) / "model.safetensors"
            options = ["--net", net, "--epochs", wanted.epochs, "--json"]
            _, out = timed(foveal("train", "cnn", wanted.data, model, *options))
            ledger = (model.with_suffix(".run") / "ledger.csv").read_text().splitlines()
        pictures = sum(line.split(",")[2] == "train" for line in ledger)
        top = max(before, peak())
        epoch = json.loads(out)["epochs"][-1]
        training = epoch["seconds"] - epoch["judging"]
        adds = plan(net, input=(1, 28, 28), classes=10).multiply_adds
        speed = 6 * adds * pictures / epoch["computing"]
        print(
            f"{net}: epoch {epoch['seconds']:.2f} s, judging {epoch['judging']:.2f} s, outside "
            f"{100 * (1 - epoch['computing'] / training):.1f} %, "
            f"{pictures / training:,.0f} pictures a second, {speed / 1e9:.0f} of "
            f"{top / 1e9:.0f} GFLOP/s ({100 * speed / top:.0f} %)",
            flush=True,
        )


if __name__ == "__main__":
    main()
