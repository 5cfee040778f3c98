"""Searching an index of parts where it lies: seconds and memory, however many pictures it is of.

    python benchmarks/index_parts.py --counts 20000 200000 --size 128

The parts hold codes that are drawn, under the names of pictures that are not there, as `foveal
encode` writes them; the model is an autoencoder without any training. Ten drawn codes are searched
for, at once, by one thread, in a process of its own for each count: through the parts, and in the
same vectors as one array, whose answers must be equal. Memory is the peak of memory that is no file
(RssAnon) beyond what the process held when the model was open.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from large import anonymous
from machine import describe

import foveal
from foveal.bulk.run import here, write_parts
from foveal.model.bulk_work import EncodeWork
from foveal.model.codec import Codes
from foveal.model.codes_file import codes_schema, codes_table
from foveal.model.fitted import FittedModel
from foveal.pictures.collection import Pictures
from foveal.search.of_parts import vectors_of_parts

RAW = argparse.RawDescriptionHelpFormatter
QUERIES, NEIGHBOURS = 10, 10


@dataclass(frozen=True)
class Drawing:
    """Draws codes in the place of an encoder."""

    schema: pa.Schema
    size: int

    def answers(self, pictures: Pictures, before: int = 0) -> Iterator[Codes]:
        """Draw a code for each picture."""
        count = len(pictures)
        drawn = np.random.default_rng(before).normal(size=(count, self.size))
        values = drawn.astype(np.float32)
        yield Codes(names=list(pictures.names), values=values, reasons=[""] * count)

    def table(self, answers: Codes) -> pa.Table:
        """Return the rows of codes."""
        return codes_table(answers, self.schema)

    def counts(self, answers: Codes) -> Mapping[str, int]:
        """Count nothing."""
        return {}

    def engine(self, pictures: Pictures) -> str:
        """Name nothing: no network was asked."""
        return ""


def opened(size: int) -> FittedModel:
    """Make an autoencoder with codes of so many numbers."""
    images = np.random.default_rng(0).integers(0, 256, (2 * size, 16, 16), dtype=np.uint8)
    learner = foveal.Autoencoder(code_size=size, epochs=1, threads=1, random_state=0)
    found: FittedModel = learner.fit(images).model_
    return found


def write(place: Path, count: int, model: FittedModel, size: int) -> None:
    """Write parts of so many pictures."""
    pictures = Pictures.of_files(Path(f"photos/{row:09d}.jpg") for row in range(count))
    doing = here(Drawing(codes_schema(model), size))
    write_parts(place, EncodeWork(model="", digest=model.digest()), [pictures], doing)


def searched(place: Path, size: int) -> None:
    """Search, and print what it took."""
    model = opened(size)
    held, most, ended = anonymous(os.getpid()), [0.0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            most[0] = max(most[0], anonymous(os.getpid()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    began = time.perf_counter()
    parts = vectors_of_parts(model, place)
    assert parts is not None
    queries = np.random.default_rng(99).normal(size=(QUERIES, size)).astype(np.float32)
    rows, far = parts.nearest(queries, NEIGHBOURS, threads=1)
    names = parts.named(np.concatenate(rows))
    seconds = time.perf_counter() - began
    ended.set()
    watcher.join()
    told: Any = [f"photos/{row:09d}.jpg" for row in np.concatenate(rows)]
    assert names == told, "names of other rows"
    whole = parts.gathered().astype(np.float64)
    for query, found, distances in zip(queries, rows, far, strict=True):
        wanted = np.sqrt(np.square(whole - query).sum(axis=1))
        order = np.argsort(wanted, kind="stable")[:NEIGHBOURS]
        assert found.tolist() == order.tolist() and np.allclose(distances, wanted[order])
    print(
        f"{len(parts):>9,} codes of {size}: {seconds:.2f} s, {most[0] - held:,.0f} MB", flush=True
    )


def main() -> None:
    """Write parts of each count, and search them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=RAW)
    parser.add_argument("--counts", type=int, nargs="+", default=[20_000, 200_000])
    parser.add_argument("--size", type=int, default=128)
    asked = parser.parse_args()
    print(describe())
    with tempfile.TemporaryDirectory() as name:
        model = opened(asked.size)
        for count in asked.counts:
            place = Path(name) / str(count)
            write(place, count, model, asked.size)
            alone = multiprocessing.get_context("spawn").Process(
                target=searched, args=(place, asked.size)
            )
            alone.start()
            alone.join()
            if alone.exitcode:
                raise SystemExit(alone.exitcode)


if __name__ == "__main__":
    main()
