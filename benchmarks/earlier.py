"""Training anew beside going on from a smaller training, at shares of the usual learning rate.

python benchmarks/earlier.py            # digits of scikit-learn, some minutes
python benchmarks/earlier.py --further  # eight of them first, then all ten
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

from foveal import CNNClassifier
from foveal.learning import classification

NET = (
    "conv 16 3x3 same | batchnorm | relu | conv 32 3x3 same | batchnorm | relu | maxpool 2 | "
    "flatten | dense"
)
SHARES = (1.0, 0.3, 0.1)


def main() -> None:
    """Print the accuracy on pictures that took no part, for each seed and number of epochs."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--further", action="store_true")
    arguments.add_argument("--seeds", type=int, default=2)
    arguments.add_argument("--epochs", type=float, nargs="*", default=[0, 15, 8, 4])
    asked = arguments.parse_args()
    digits = load_digits()
    X, y = digits.images, digits.target
    first = np.arange(900)[y[:900] < 8] if asked.further else np.arange(600)
    every = np.arange(900 if asked.further else 1_200)
    rest = np.arange(len(every), len(y))
    print("seed, epochs (0: as many as usual): anew, from the smaller at", *SHARES)
    for seed in range(asked.seeds):
        old = CNNClassifier(NET, random_state=seed, threads=1).fit(X[first], y[first]).model_
        for epochs in asked.epochs:
            options: dict[str, Any] = {"random_state": seed, "threads": 1, "epochs": epochs or None}
            made = [CNNClassifier(NET, **options).fit(X[every], y[every])]
            for classification.EASED in SHARES:
                made.append(CNNClassifier(earlier=old, **options).fit(X[every], y[every]))
            scores = [f"{100 * one.score(X[rest], y[rest]):.1f} %" for one in made]
            print(seed, epochs, *scores, flush=True)


if __name__ == "__main__":
    main()
