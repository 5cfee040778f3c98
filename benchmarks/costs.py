"""What a picture costs in each stage, what that foretells of whole runs, and how they went.

    python benchmarks/costs.py PICTURES --count 4000
    python benchmarks/costs.py PICTURES --processes 1 2 4 8 --carry 1000000000

PICTURES are repeated up to --count. Each process has one thread and one core to itself, so that
"a second" is a second of a core. First each stage alone, in this process and its decoders: reading
and decoding, the network, writing rows. They foretell the seconds of `foveal encode imagenet
PICTURES --to parts/ --shards i/n` by n processes: what starting takes, and the sum of the stages
for the n-th part of the pictures. Then these commands run. At the end the figures are carried to a
large archive; the price of a core's hour is yours to name.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq
from large import below
from machine import describe, foveal

from foveal.model.codec import Codes
from foveal.model.codes_file import write_codes
from foveal.model.fitted import FittedModel
from foveal.model.opening import load
from foveal.pictures.collection import Pictures
from foveal.pictures.preparing import batches
from foveal.pictures.scaling import scaling
from foveal.pictures.sources import gather

RAW = argparse.RawDescriptionHelpFormatter
STAGED = 1_000
"""Pictures through each stage."""
TICK = os.sysconf("SC_CLK_TCK")


class Costs(NamedTuple):
    """Seconds of one core a picture, and of a process before its first picture."""

    decode: float
    network: float
    write: float
    start: float

    @property
    def picture(self) -> float:
        """All stages together."""
        return self.decode + self.network + self.write

    def seconds(self, pictures: int, processes: int) -> float:
        """Foretell what so many processes take, each with a core of its own."""
        return self.start + -(-pictures // processes) * self.picture


def used() -> float:
    """Return the processor's seconds of this process and of those below it."""
    found = 0.0
    for process in (os.getpid(), *below(os.getpid())):
        words = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        found += (int(words[11]) + int(words[12])) / TICK
    return found


def cost(work: Callable[[], object], rows: int) -> float:
    """Return the processor's seconds a row; the second time counts, the first one warms up."""
    work()
    began = used()
    work()
    return (used() - began) / rows


def staged(model: FittedModel, pictures: Pictures, work: Path) -> tuple[float, float, float]:
    """Return the seconds a picture of each stage alone."""
    session, rows = model.feature_session(), len(pictures)
    recipe = pictures.content.suited(session.recipe)
    by = scaling(pictures, recipe)
    session.open_fastest(by)

    def decode() -> list[np.ndarray]:
        return [images for _, images, _ in batches(pictures, recipe, 1, 32)]

    images = np.concatenate(decode())
    values = session.prepared(images, by).reshape(rows, -1).astype(np.float32)

    def write() -> None:
        write_codes(work / "rows.parquet", model, some(), values.shape[1])

    def some() -> Iterator[Codes]:
        for start in range(0, rows, 32):
            names = list(pictures.names[start : start + 32])
            numbers = values[start : start + 32]
            yield Codes(names=names, values=numbers, reasons=[""] * len(names))

    found = cost(decode, rows), cost(lambda: session.prepared(images, by), rows), cost(write, rows)
    return found[0], found[1], found[2]


def parts(pictures: Path, to: Path, processes: int, core: int) -> float:
    """Run the command in so many processes, a core each; gives the seconds of all together."""
    cores = sorted(os.sched_getaffinity(0))
    began = time.perf_counter()
    running = []
    for one in range(processes):
        line = foveal("encode", "imagenet", pictures, "--to", f"{to}/", "--threads", 1)
        shard = ("--shards", f"{one + 1}/{processes}", "--part-size", "256")
        alone = ("taskset", "-c", str(cores[(core + one) % len(cores)]))
        words, nowhere = [*alone, *line, *shard], subprocess.DEVNULL
        running.append(subprocess.Popen(words, stdout=nowhere, stderr=nowhere))
    if any(process.wait() for process in running):
        raise SystemExit("a command failed")
    return time.perf_counter() - began


def repeated(pictures: Path, count: int, work: Path) -> Path:
    """Write a table that names pictures again and again, up to so many."""
    names = [str(Path(name).resolve()) for name in gather(str(pictures)).with_whole_names().names]
    table = work / "pictures.csv"
    table.write_text("path\n" + "".join(f"{names[row % len(names)]}\n" for row in range(count)))
    return table


def one_picture(table: Path, work: Path) -> float:
    """Return the seconds of the command for a single picture."""
    first = work / "first.csv"
    first.write_text("".join(table.read_text().splitlines(keepends=True)[:2]))
    parts(first, work / "warm", 1, 0)
    return min(parts(first, work / f"first-{number}", 1, 0) for number in range(3))


def carried(costs: Costs, asked: argparse.Namespace, read: float, written: float) -> Iterator[str]:
    """Tell what an archive takes."""
    hours = asked.carry * costs.picture / 3600
    yield f"{asked.carry:,} pictures: {hours:,.0f} hours of a core"
    yield f"on 1,000 cores {hours / 1000:,.1f} hours"
    terabytes = asked.carry * read / 1e12, asked.carry * written / 1e12
    yield f"{terabytes[0]:,.1f} TB read, {terabytes[1]:,.2f} TB written"
    million = 1e6 * costs.picture / 3600 * asked.price
    yield f"{million:.2f} a million pictures at {asked.price} a core's hour"
    yield f"1,000 cores read {1000 / costs.picture * read / 1e9:.2f} GB a second"


def main() -> None:
    """Measure the stages, foretell, run, carry on."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=RAW)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--count", type=int, default=4_000)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--carry", type=int, default=1_000_000_000)
    parser.add_argument("--price", type=float, default=0.04, help="of a core's hour")
    asked = parser.parse_args()
    print(describe())
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        table = repeated(asked.pictures, asked.count, work)
        model = load(Path("imagenet"), whole=True, threads=1)
        pictures = gather(str(table)).named_from_here()
        some = pictures.take(range(min(STAGED, len(pictures))))
        costs = Costs(*staged(model, some, work), one_picture(table, work))
        for stage, seconds in zip(("decode", "network", "write"), costs[:3], strict=True):
            print(f"{stage:<9}{1e3 * seconds:8.2f} ms {1 / seconds:10,.0f} pictures a second")
        print(f"start    {costs.start:8.2f} s")
        for processes in asked.processes:
            told, took = (
                costs.seconds(asked.count, processes),
                parts(table, work / f"by-{processes}", processes, 0),
            )
            print(
                f"{processes} processes: {told:.1f} s foretold, {took:.1f} s taken, "
                f"{100 * (took / told - 1):+.0f} %",
                flush=True,
            )
        written = sum(file.stat().st_size for file in (work / "by-1").glob("*.parquet"))
        rows = sum(pq.read_metadata(f).num_rows for f in (work / "by-1").glob("*.parquet"))
        read = np.mean([Path(one).stat().st_size for one in some.names])
        print(f"{rows:,} rows, {written / rows:,.0f} bytes a picture written, {read:,.0f} read")
        print("\n".join(carried(costs, asked, float(read), written / rows)))


if __name__ == "__main__":
    main()
