"""`foveal check` on pictures of several labels, of which some are planted wrong.

    python benchmarks/check_labels.py [--count 3000] [--wrong 20] [--seeds 1] [--first 0]

Garments of Fashion-MNIST laid out as in `several_labels.py`, none to three a picture, of ten kinds.
Of some pictures one label is taken away, added, or exchanged for another. One is found where its
picture is named; whatever else is named is beside, though garments that look like another kind, or
are one, are among them: `--sure` lists all that are named with what is said of them.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import tempfile
from pathlib import Path

import numpy as np
from machine import describe, foveal, timed
from several_labels import KINDS, compose

RAW = argparse.RawDescriptionHelpFormatter
WAYS = ("taken away", "added", "exchanged")


def planted(table: Path, wrong: int, seed: int) -> dict[str, str]:
    """Make some labels of a table wrong; gives how, by the names of their pictures."""
    draws = np.random.default_rng((seed, 1))
    with table.open() as file:
        head, *rows = csv.reader(file)
    there = {row[0]: [one for one in row[1].split(";") if one] for row in rows}
    faults: dict[str, str] = {}
    for path in draws.permutation(sorted(there)).tolist():
        if len(faults) == wrong:
            break
        labels, way = there[path], WAYS[len(faults) % len(WAYS)]
        others = [kind for kind in KINDS if kind not in labels]
        if way != "added":
            if not labels:
                continue
            labels.remove(draws.choice(labels))
        if way != "taken away":
            labels.append(str(draws.choice(others)))
        faults[path] = way
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows([row[0], ";".join(there[row[0]]) or ";", row[2]] for row in rows)
    return faults


def main() -> None:
    """Plant and check, seed by seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=RAW)
    parser.add_argument("--count", type=int, default=3_000)
    parser.add_argument("--wrong", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--sure", action="store_true", help="list what is named")
    asked = parser.parse_args()
    print(describe())
    print(f"{'seed':>5}{'planted':>9}{'found':>7}{'missed':>8}{'beside':>8}{'seconds':>9}")
    for seed in range(asked.first, asked.first + asked.seeds):
        with tempfile.TemporaryDirectory() as place:
            os.environ["FOVEAL_CACHE"] = str(Path(place) / "cache")
            table = compose(Path(place), asked.count, 0, seed)
            faults = planted(table, asked.wrong, seed)
            seconds, out = timed(foveal("check", table, "--target", "labels", "--json"))
        kinds = {one["kind"]: one["items"] for one in json.loads(out)["findings"]}
        items = kinds.get("label", [])
        named = {Path(path).name: item["why"] for item in items for path in item["paths"]}
        found = len(faults.keys() & named.keys())
        counts = (len(faults), found, len(faults) - found, len(named) - found)
        print(f"{seed:>5}{counts[0]:>9}{counts[1]:>7}{counts[2]:>8}{counts[3]:>8}{seconds:>9.1f}")
        if asked.sure:
            for path, why in named.items():
                print(f"  {path}  {faults.get(path, '')}: {why}")


if __name__ == "__main__":
    main()
