"""Training from parts of features: seconds and memory, beside training on the pictures themselves.

    python benchmarks/part_training.py --counts 20000 200000
    python benchmarks/part_training.py --photos cats_dogs/

The first trains `foveal train transfer` on parts whose 1,280 features a row are drawn, about one
middle for each of ten classes, under the names of pictures that are not there, as `foveal encode
imagenet` writes them. The second encodes photographs into parts, trains from them and on the
photographs at the same size, with a cache for each of both, and holds the two models
against each other, which must be equal to the bit. One thread; memory is the peak of memory that
is no file of the process of the command, without those that decode for it.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from large import anonymous
from machine import describe

import foveal
from foveal.bulk.run import here, write_parts
from foveal.model.bulk_work import EncodeWork
from foveal.model.codec import Codes
from foveal.model.codes_file import codes_schema, codes_table
from foveal.pictures.collection import Pictures

RAW = argparse.RawDescriptionHelpFormatter
CLASSES, WIDTH, APART = 10, 1280, 0.04
"""Classes, features, and how far the middles of classes lie apart, in deviations."""


@dataclass(frozen=True)
class Drawing:
    """Draws features in the place of a network."""

    schema: pa.Schema

    def answers(self, pictures: Pictures, before: int = 0) -> Iterator[Codes]:
        """Draw features for each picture, a batch at a time."""
        middles = APART * np.random.default_rng(0).normal(size=(CLASSES, WIDTH))
        assert pictures.labels is not None
        for start in range(0, len(pictures), 256):
            labels = pictures.labels[start : start + 256].astype(int)
            drawn = np.random.default_rng([before, start]).normal(size=(len(labels), WIDTH))
            values = (drawn + middles[labels]).astype(np.float32)
            names = list(pictures.names[start : start + 256])
            hashes = np.array([_hash(name) for name in names], np.int64)
            yield Codes(names=names, values=values, reasons=[""] * len(names), hashes=hashes)

    def table(self, answers: Codes) -> pa.Table:
        """Return the rows of features."""
        return codes_table(answers, self.schema)

    def counts(self, answers: Codes) -> Mapping[str, int]:
        """Count nothing."""
        return {}

    def engine(self, pictures: Pictures) -> str:
        """Name nothing: no network was asked."""
        return ""


def _hash(name: str) -> int:
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def write(place: Path, count: int) -> None:
    """Write parts of so many rows."""
    model = foveal.load("imagenet", whole=True)
    pictures = Pictures.of_files(Path(f"photos/{row:09d}.jpg") for row in range(count))
    labels = np.array([str(row % CLASSES) for row in range(count)], object)
    doing = here(Drawing(codes_schema(model, WIDTH, hashed=True)))
    work = EncodeWork(model="imagenet", digest=model.digest())
    write_parts(place, work, [replace(pictures, labels=labels)], doing)


def measured(words: Sequence[str], cache: Path) -> tuple[float, float, str]:
    """Run a command: seconds, megabytes, and what it said of its accuracy."""
    env = os.environ | {"FOVEAL_CACHE": str(cache)}
    began, most = time.perf_counter(), 0.0
    with tempfile.TemporaryFile("w+") as said:
        running = subprocess.Popen(
            [sys.executable, "-m", "foveal", *words], env=env, stdout=said, stderr=said
        )
        while running.poll() is None:
            most = max(most, anonymous(running.pid))
            time.sleep(0.05)
        said.seek(0)
        text = said.read()
    if running.returncode:
        raise SystemExit(text)
    found = re.search(r"accuracy +([\d.]+ %)", text)
    return time.perf_counter() - began, most, found[1] if found else ""


def told(what: str, words: Sequence[str], cache: Path) -> None:
    """Run a command, and print what it took."""
    seconds, most, accuracy = measured([*words, "--threads", "1"], cache)
    print(f"{what}: {seconds:.1f} s, {most:,.0f} MB {accuracy}", flush=True)


def training(source: Path, model: Path, *more: str) -> list[str]:
    """Return the command that trains."""
    return ["train", "transfer", str(source), str(model), "--no-report", *more]


def drawn(counts: Sequence[int], place: Path) -> None:
    """Train on drawn features, of each count."""
    for count in counts:
        write(place / str(count), count)
        words = training(place / str(count), place / f"{count}.safetensors")
        told(f"{count:>9,} rows of {WIDTH}", words, place / "cache")


def photographs(photos: Path, place: Path) -> None:
    """Train from parts of photographs, and on them."""
    parts, models = place / "parts", [place / "a.safetensors", place / "b.safetensors"]
    told("encode", ["encode", "imagenet", str(photos), "--to", f"{parts}/"], place / "one")
    told("train transfer parts/", training(parts, models[0]), place / "one")
    told("again", training(parts, models[0], "--fresh"), place / "one")
    told("train transfer PHOTOS", training(photos, models[1], "--size", "224"), place / "other")
    one, other = (foveal.load(path) for path in models)
    assert one.digest() == other.digest(), "two models"
    print("the two models are equal to the bit")


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=RAW)
    parser.add_argument("--counts", type=int, nargs="*", default=[])
    parser.add_argument("--photos", type=Path)
    asked = parser.parse_args()
    print(describe())
    with tempfile.TemporaryDirectory() as name:
        if asked.photos:
            photographs(asked.photos, Path(name))
        drawn(asked.counts, Path(name))


if __name__ == "__main__":
    main()
