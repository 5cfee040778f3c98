"""`fast` against the documented Keras convnet on Fashion-MNIST, interleaved in one run.

    python benchmarks/race_keras.py [--rounds 2] [--keras-epochs 10] [--epochs 2]

Makes the peer's environment (tensorflow-cpu, keras) in a folder of its own on first use.
Keras' seconds are those of ``fit`` alone, without import, data and judging; Foveal's are of the
whole process, imports included, and of training alone.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from fashion_mnist import DATA
from machine import describe, foveal, peer_python, timed

PEER = ("tensorflow-cpu==2.21.0", "keras==3.15.1")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--keras-epochs", type=int, default=10)
    parser.add_argument("--epochs", default="2")
    parser.add_argument("--data", default=DATA)
    parser.add_argument("--peer", type=Path, default=Path(tempfile.gettempdir()) / "peer-keras")
    wanted = parser.parse_args()
    print(describe())
    print(f"peer: {', '.join(PEER)}", flush=True)
    python = peer_python(wanted.peer, PEER)
    script = Path(__file__).parent / "peers" / "keras_convnet.py"
    for turn in range(wanted.rounds):
        epochs = wanted.keras_epochs if turn == 0 else 1
        _, out = timed([python, str(script), wanted.data, str(epochs)])
        for line in out.splitlines():
            told = json.loads(line)
            print(
                f"round {turn + 1}: Keras epoch {told['epoch']:>2}: {told['seconds']:.1f} s of "
                f"fit, test {100 * told['test']:.2f} %",
                flush=True,
            )
        with tempfile.TemporaryDirectory() as folder:
            model = Path(folder) / "model.safetensors"
            options = ["--epochs", wanted.epochs, "--seed", turn, "--json"]
            seconds, out = timed(foveal("train", "cnn", wanted.data, model, *options))
            training = sum(epoch["seconds"] for epoch in json.loads(out)["epochs"])
            _, out = timed(foveal("evaluate", model, wanted.data, "--no-baselines", "--json"))
        test = json.loads(out)["metrics"]["accuracy"]["value"]
        print(
            f"round {turn + 1}: fast, {wanted.epochs} epochs: {training:.1f} s of training, "
            f"{seconds:.1f} s of process, test {100 * test:.2f} %",
            flush=True,
        )


if __name__ == "__main__":
    main()
