"""Stock nets on Fashion-MNIST, trained and judged by the commands a person would type.

    python benchmarks/fashion_mnist.py fast:4 fast:8 tinyvgg:8 resnet:12 [--seeds 3] [--test]

Each argument is a net and its epochs. Choices are made on the validation split that
``train cnn`` draws from the 60,000 training pictures; ``--test`` reads the 10,000 test
pictures, once a model.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from statistics import mean

from machine import describe, foveal, timed

DATA = "/usr/share/datasets/fashion-mnist"  # Debian's package dataset-fashion-mnist


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("nets", nargs="+")
    parser.add_argument("--data", default=DATA)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--test", action="store_true")
    parser.add_argument("--options", default="", help="more options of train cnn")
    wanted = parser.parse_args()
    print(describe(), flush=True)
    for net in wanted.nets:
        name, epochs = net.split(":")
        rows = [train(name, epochs, seed, wanted) for seed in range(wanted.seeds)]
        line = "  ".join(f"{key} {mean(row[key] for row in rows):.2f}" for key in rows[0])
        print(f"{net:<14} {len(rows)} seeds  {line}", flush=True)


def train(net: str, epochs: str, seed: int, wanted: argparse.Namespace) -> dict[str, float]:
    """Train one net with one seed; seconds are of the whole process."""
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model.safetensors"
        options = ["--net", net, "--epochs", epochs, "--seed", seed, "--json"]
        command = foveal("train", "cnn", wanted.data, model, *options, *wanted.options.split())
        seconds, out = timed(command)
        report = json.loads(out)
        row = {
            "process s": seconds,
            "training s": sum(epoch["seconds"] for epoch in report["epochs"]),
            "validation %": 100 * report["validation_accuracy"]["value"],
        }
        if wanted.test:
            _, out = timed(foveal("evaluate", model, wanted.data, "--no-baselines", "--json"))
            row["test %"] = 100 * json.loads(out)["metrics"]["accuracy"]["value"]
        return row


if __name__ == "__main__":
    main()
