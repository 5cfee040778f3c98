"""Many pictures into part files: seconds, memory and equal rows, whatever is killed or shared.

    python benchmarks/bulk.py --few 20000 --many 100000
    python benchmarks/bulk.py --few 2000 --many 8000 --part-size 500 --commands encode
    python benchmarks/bulk.py --names 100000

Colour pictures of 64x64 are made by the script (a stain on a ground), as a folder of JPEG files or
as tar shards, and a small network is trained for an epoch. Then each command runs over all of
them: plain, into one file; in parts; by two processes side by side, `--shards 1/2` and `2/2`; and
in parts while it is killed (SIGKILL) four times at random, and started again by the same line each
time. The rows of all of them are held against the plain ones. Memory is the most anonymous memory
(RssAnon and RssShmem) that the process had, and its decoders, looked at twenty times a second;
seconds are of whole processes, decoding included, by the clock and of the processor. With --names
it is measured alone how many bytes a picture of a folder takes that is listed, and no picture made.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from large import anonymous, below, written
from machine import describe, foveal

from foveal.bulk.pieces import pieces
from foveal.pictures.sources import gather_each

RAW = argparse.RawDescriptionHelpFormatter
SOURCES = ("folder", "tar shards")
COMMANDS = ("predict", "encode")
KILLED = 4
"""How often a run is killed."""


class Ran(NamedTuple):
    """What processes took that ran side by side."""

    seconds: float
    processor: float
    """Seconds of the processor, all of them together, decoders too."""
    megabytes: float
    """The most anonymous memory of one of them, without its decoders."""
    decoding: float
    """The most of the decoders of one of them."""


def ran(lines: Sequence[list[str]], ends: float | None = None) -> Ran | None:
    """Run processes side by side; with `ends` they are killed then, and the answer is None."""
    began, before = time.perf_counter(), os.times()
    with tempfile.TemporaryFile() as said:
        processes = [
            subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=said, start_new_session=True)
            for line in lines
        ]
        most, decoding, ended = [0.0], [0.0], threading.Event()

        def watch() -> None:
            last = 0.0
            while not ended.wait(0.05):
                most[0] = max(most[0], *(anonymous(one.pid) for one in processes))
                now = max(sum(map(anonymous, below(one.pid))) for one in processes)
                decoding[0] = max(decoding[0], min(last, now))  # one that forks is large, once
                last = now

        watcher = threading.Thread(target=watch)
        watcher.start()
        killed = False
        for one in processes:
            try:
                one.wait(None if ends is None else max(0.0, began + ends - time.perf_counter()))
            except subprocess.TimeoutExpired:
                os.kill(one.pid, signal.SIGKILL)
                one.wait()
                killed = True
        ended.set()
        watcher.join()
        if not killed and any(one.returncode for one in processes):
            said.seek(0)
            raise SystemExit(f"{' '.join(lines[0])}\n{said.read().decode()}")
    if killed:
        return None
    now = os.times()
    used = sum(now[2:4]) - sum(before[2:4])
    return Ran(time.perf_counter() - began, used, most[0], decoding[0])


def rows_of(place: Path) -> pa.Table:
    """Read the rows of a file, or of all parts."""
    files = sorted(place.glob("part-*.parquet")) if place.is_dir() else [place]
    return pa.concat_tables([pq.read_table(file) for file in files])


def difference(found: pa.Table, wanted: pa.Table) -> float:
    """Hold rows against others: the most that a number differs; infinity where rows do."""
    if found.column("path") != wanted.column("path") or len(found) != len(wanted):
        return float("inf")
    most = 0.0
    for name in wanted.column_names:
        one, other = found.column(name).combine_chunks(), wanted.column(name).combine_chunks()
        if one.equals(other):
            continue
        if not pa.types.is_floating(one.type) and not pa.types.is_fixed_size_list(one.type):
            return float("inf")
        pair = [np.nan_to_num(flat(column)) for column in (one, other)]
        most = max(most, float(np.abs(pair[0] - pair[1]).max()))
    return most


def flat(column: pa.Array) -> np.ndarray:
    """Return all numbers of a column."""
    if pa.types.is_fixed_size_list(column.type):
        column = column.flatten()
    found: np.ndarray = column.to_numpy(zero_copy_only=False).astype(np.float64)
    return found


def until_whole(line: list[str], seconds: float, draws: random.Random) -> Iterator[Ran]:
    """Start a line again and again, killed at random; yields its last, whole run."""
    for _ in range(KILLED):
        found = ran([line], ends=seconds * draws.uniform(0.15, 0.35))
        if found is not None:
            break
    found = ran([line])
    assert found is not None
    yield found


def compared(command: str, pictures: Path, model: Path, asked: argparse.Namespace) -> None:
    """Run a command in all ways, and print what each took and how far its rows are off."""
    work, draws = model.parent, random.Random(0)
    size = ("--part-size", asked.part_size)

    def line(to: Path, *more: object) -> list[str]:
        end = "" if to.suffix else "/"
        return foveal(command, model, pictures, "--to", f"{to}{end}", "--threads", 1, *more)

    plain = work / "plain.parquet"
    whole = ran([line(plain)])
    assert whole is not None
    told("plain", whole, 0.0)
    wanted = rows_of(plain)
    parts = ran([line(work / "parts", *size)])
    assert parts is not None
    told("parts", parts, difference(rows_of(work / "parts"), wanted))
    shared = ran([line(work / "shared", *size, "--shards", f"{one}/2") for one in (1, 2)])
    assert shared is not None
    told("two shards", shared, difference(rows_of(work / "shared"), wanted))
    began = time.perf_counter()
    (last,) = until_whole(line(work / "killed", *size), parts.seconds, draws)
    took = last._replace(seconds=time.perf_counter() - began)
    told(f"killed {KILLED} times", took, difference(rows_of(work / "killed"), wanted))
    again = ran([line(work / "parts", *size)])
    assert again is not None
    told("all there", again, difference(rows_of(work / "parts"), wanted))
    shares = [one.processor / whole.processor - 1 for one in (parts, shared)]
    print(f"processor over plain: parts {shares[0]:+.1%}, two shards {shares[1]:+.1%}", flush=True)
    for name in ("parts", "shared", "killed"):
        shutil.rmtree(work / name)


def told(how: str, took: Ran, off: float) -> None:
    """Print a line."""
    print(
        f"  {how:<16}{took.seconds:>9.1f}{took.processor:>11.1f}{took.megabytes:>8.0f}"
        f"{took.decoding:>10.0f}{off:>12.2g}",
        flush=True,
    )


def measured(source: str, count: int, asked: argparse.Namespace) -> None:
    """Make pictures and a network, and run all commands on them."""
    with tempfile.TemporaryDirectory(dir=asked.work) as name:
        work = Path(name)
        os.environ["FOVEAL_CACHE"] = str(work / "cache")
        few = written("folder", 200, work / "few")
        model = work / "model.safetensors"
        taught = ran([foveal("train", "cnn", few, model, "--epochs", 1, "--no-report")])
        assert taught is not None
        pictures = written(source, count, work)
        for command in asked.commands:
            print(f"{command}, {count:,} pictures, {source}", flush=True)
            compared(command, pictures, model, asked)


def listed(count: int, asked: argparse.Namespace) -> None:
    """List so many empty files, and print the bytes that each takes while pieces are made."""
    with tempfile.TemporaryDirectory(dir=asked.work) as name:
        for row in range(count):
            place = Path(name) / "ab"[row % 2]
            place.mkdir(exist_ok=True)
            (place / f"picture-{row:07d}.jpg").touch()
        gc.collect()
        before = anonymous(os.getpid())
        most = max(
            anonymous(os.getpid()) * bool(piece.names)
            for piece in pieces(gather_each(name), asked.part_size)
        )
    print(f"{count:,} pictures listed: {1e6 * (most - before) / count:.0f} bytes a picture")


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=RAW)
    parser.add_argument("--few", type=int, default=20_000)
    parser.add_argument("--many", type=int, default=100_000)
    parser.add_argument("--part-size", type=int, default=4_096)
    parser.add_argument("--sources", nargs="+", choices=SOURCES, default=SOURCES)
    parser.add_argument("--commands", nargs="+", choices=COMMANDS, default=COMMANDS)
    parser.add_argument("--work", type=Path, help="where pictures are made")
    parser.add_argument("--names", type=int, help="list so many files, and nothing else")
    asked = parser.parse_args()
    print(describe())
    if asked.names:
        listed(asked.names, asked)
        return
    head = f"{'seconds':>9}{'processor':>11}{'MB':>8}{'decoders':>10}{'differs by':>12}"
    print(f"  {'':<16}{head}")
    for source in asked.sources:
        for count in (asked.few, asked.many):
            measured(source, count, asked)


if __name__ == "__main__":
    main()
