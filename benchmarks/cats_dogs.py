"""`train transfer` on a folder of class folders: cold, warm, and from a few pictures.

    python benchmarks/cats_dogs.py PICTURES [--splits 5] [--seed 0] [--few-shot]

Each split is stratified, 80 % to train and 20 % to test, with a fresh empty cache. Cold: seconds
of the whole process of ``train transfer``, from its start to the saved model. Warm: the same
pictures dealt at random into two other classes, so that features come from the cache by content
and all else is done again; "beyond imports" takes off the median of three processes that only
import ``foveal.estimators.transfer``. ``--few-shot`` instead trains on 2 to 200 pictures a class,
five draws each, and judges all on one held-out 20 %.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from statistics import mean, median

from folders import Classes, count, few, lay_out, read_classes, relabel, split
from machine import describe, foveal, timed

from foveal.evaluation.intervals import wilson

FEW = (2, 5, 10, 50, 200)
DRAWS = 5
IMPORTS = [sys.executable, "-c", "import foveal.estimators.transfer"]


def train(folder: Path, model: Path, seed: int, environment: dict[str, str]) -> float:
    """Train a model; gives the seconds of the process."""
    command = foveal("train", "transfer", folder, model, "--seed", seed, "--json")
    return timed(command, env=environment)[0]


def judge(folder: Path, model: Path, environment: dict[str, str]) -> tuple[float, int]:
    """Judge a model on the test part; gives accuracy and pictures."""
    command = foveal("evaluate", model, folder, "--no-baselines", "--json")
    metrics = json.loads(timed(command, env=environment)[1])["metrics"]
    return metrics["accuracy"]["value"], metrics["pictures"]


def one_split(found: Classes, seed: int) -> dict[str, float]:
    """Measure one split, cold and warm."""
    to_train, to_test = split(found, seed)
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        environment = {**os.environ, "FOVEAL_CACHE": str(root / "cache")}
        folder = lay_out(root / "pictures", train=to_train, test=to_test)
        other = lay_out(root / "relabelled", train=relabel(to_train, seed))
        timed(IMPORTS, env=environment)
        cold = train(folder, root / "model.safetensors", seed, environment)
        accuracy, pictures = judge(folder, root / "model.safetensors", environment)
        warm = train(other, root / "other.safetensors", seed, environment)
        imports = median(timed(IMPORTS, env=environment)[0] for _ in range(3))
    print(
        f"split {seed}: {count(to_train):,} to train, cold {cold:.2f} s, warm {warm:.2f} s, "
        f"imports {imports:.2f} s, accuracy "
        f"{wilson(round(accuracy * pictures), pictures).percent()}, {pictures:,} pictures",
        flush=True,
    )
    return {
        "cold s": cold,
        "warm s": warm,
        "imports s": imports,
        "warm beyond imports s": warm - imports,
        "accuracy %": 100 * accuracy,
    }


def few_shot(found: Classes, seed: int) -> None:
    """Judge models trained on a few pictures a class, all on the same held-out part."""
    pool, to_test = split(found, seed)
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        environment = {**os.environ, "FOVEAL_CACHE": str(root / "cache")}
        held_out = lay_out(root / "held-out", test=to_test)
        for each in FEW:
            if each > min(map(len, pool.values())):
                print(f"{each:>3} a class: left out, a class holds fewer", flush=True)
                continue
            found_n = []
            for draw in range(seed, seed + DRAWS):
                model = root / f"{each}-{draw}.safetensors"
                folder = lay_out(root / f"{each}-{draw}", train=few(pool, each, draw))
                train(folder, model, draw, environment)
                found_n.append(100 * judge(held_out, model, environment)[0])
            print(
                f"{each:>3} a class: accuracy mean {mean(found_n):.2f} %, "
                f"{min(found_n):.2f} to {max(found_n):.2f} %, {DRAWS} draws, "
                f"{count(to_test):,} pictures",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--few-shot", action="store_true")
    wanted = parser.parse_args()
    print(describe(), flush=True)
    found = read_classes(wanted.pictures)
    if wanted.few_shot:
        few_shot(found, wanted.seed)
        return
    rows = [one_split(found, wanted.seed + turn) for turn in range(wanted.splits)]
    for name in rows[0]:
        values = [row[name] for row in rows]
        print(f"{name:<22} mean {mean(values):.2f}, {min(values):.2f} to {max(values):.2f}")


if __name__ == "__main__":
    main()
