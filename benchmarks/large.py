"""Sets of many pictures: seconds and anonymous memory as they grow, from every kind of source.

    python benchmarks/large.py --few 20000 --many 200000
    python benchmarks/large.py --few 5000 --many 20000 --sources folder --net TEXT --stream

Colour pictures of 64x64 are made by the script (a stain on a ground) and written as a folder of
JPEG files, as tar shards or as a Parquet file, one after another, so that the disk holds one of
them at a time. Then the commands run: a network is trained for an epoch, an autoencoder for an
epoch, and the pictures are predicted. Memory is the most anonymous memory (RssAnon and RssShmem,
children included) that such a process had, looked at twenty times a second; seconds are of whole
processes, decoding included, by the clock and of the processor: on a busy machine the latter tell
whether they grow in proportion. With --stream the cache may hold next to nothing, so that pictures
are decoded anew in every epoch. `--commands "train transfer"` takes features of each picture by the
default backbone at 64x64, some milliseconds each, and keeps them in the cache.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from machine import describe, foveal
from sources import make, write_parquet, write_shards

RAW = argparse.RawDescriptionHelpFormatter
SOURCES = ("folder", "tar shards", "Parquet")
COMMANDS = ("train cnn", "train autoencoder", "predict")
TRANSFER = "train transfer"
"""Not by default: each picture goes through a backbone."""
SMALL = "10MB"
"""Room of the cache with --stream."""


class Ran(NamedTuple):
    """What a process took."""

    seconds: float
    processor: float
    """Seconds of the processor, all threads together."""
    megabytes: float
    """The most anonymous memory."""


def ran(arguments: list[str]) -> Ran:
    """Run a process, and watch its memory."""
    began = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=said)
        most, ended = [0.0], threading.Event()

        def watch() -> None:
            while not ended.is_set():
                most[0] = max(most[0], sum(map(anonymous, (process.pid, *below(process.pid)))))
                time.sleep(0.05)

        watcher = threading.Thread(target=watch)
        watcher.start()
        _, process.returncode, usage = os.wait4(process.pid, 0)
        ended.set()
        watcher.join()
        if process.returncode:
            said.seek(0)
            raise SystemExit(f"{' '.join(arguments)}\n{said.read().decode()}")
    used = usage.ru_utime + usage.ru_stime
    return Ran(time.perf_counter() - began, used, most[0])


def anonymous(process: int) -> float:
    """Return the anonymous megabytes of a process."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0.0
    kinds = ("RssAnon", "RssShmem")
    return sum(float(line.split()[1]) / 1e3 for line in lines if line.startswith(kinds))


def below(process: int) -> Iterator[int]:
    """Yield the children of a process, and theirs.

    One that has not begun its own program yet still shows the memory of its parent (`vfork`), which
    would count twice.
    """
    try:
        own = line(process)
        tasks = list(Path(f"/proc/{process}/task").iterdir())
        children = [int(one) for task in tasks for one in (task / "children").read_text().split()]
        children = [child for child in children if line(child) != own]
    except OSError:
        return
    for child in children:
        yield child
        yield from below(child)


def line(process: int) -> bytes:
    """Return the command line of a process; nothing of one that ended."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


def written(source: str, count: int, work: Path) -> Path:
    """Make so many pictures in a form."""
    folder = make(work / "pictures", count)
    if source == "folder":
        return folder
    files = sorted(folder.rglob("*.jpg"), key=lambda file: int(file.stem))
    labels = [file.parent.name for file in files]
    if source == "Parquet":
        found = write_parquet(files, labels, work / "pictures.parquet")
    else:
        found = write_shards(files, labels, work / "shards")
    shutil.rmtree(folder)
    return found


def line_of(command: str, pictures: Path, model: Path, net: str) -> list[str]:
    """Make the line of a command."""
    if command == "predict":
        return foveal("predict", model, pictures, "--to", model.with_suffix(".csv"))
    if command == TRANSFER:
        made = model.with_name("transfer.safetensors")
        return foveal(
            "train", "transfer", pictures, made, "--size", "64x64", "--no-report", "--threads", 2
        )
    own = ("--net", net) if command == "train cnn" else ()
    options = ("--epochs", 1, "--no-report", "--threads", 2)
    made = model if command == "train cnn" else model.with_name("codes.safetensors")
    return foveal(*command.split(), pictures, made, *own, *options)


def measured(source: str, count: int, asked: argparse.Namespace) -> dict[str, Ran]:
    """Run the commands on so many pictures of a source."""
    with tempfile.TemporaryDirectory(dir=asked.work) as name:
        work = Path(name)
        os.environ["FOVEAL_CACHE"] = str(work / "cache")
        pictures, model = written(source, count, work), work / "model.safetensors"
        found: dict[str, Ran] = {}
        for command in asked.commands:
            found[command] = ran(line_of(command, pictures, model, asked.net))
            one = found[command]
            print(
                f"{source:<11}{command:<19}{count:>9,}{one.seconds:>9.1f}{one.processor:>11.1f}"
                f"{one.megabytes:>8.0f}",
                flush=True,
            )
    return found


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=RAW)
    parser.add_argument("--few", type=int, default=20_000)
    parser.add_argument("--many", type=int, default=200_000)
    parser.add_argument("--sources", nargs="+", choices=SOURCES, default=SOURCES)
    parser.add_argument("--commands", nargs="+", choices=(*COMMANDS, TRANSFER), default=COMMANDS)
    parser.add_argument("--net", default="fast", help="of train cnn")
    parser.add_argument("--stream", action="store_true", help="keep no decoded pictures")
    parser.add_argument("--work", type=Path, help="where pictures are made")
    asked = parser.parse_args()
    if asked.stream:
        os.environ["FOVEAL_CACHE_LIMIT"] = SMALL
    print(describe())
    print(f"{'source':<11}{'command':<19}{'pictures':>9}{'seconds':>9}{'processor':>11}{'MB':>8}")
    for source in asked.sources:
        few = measured(source, asked.few, asked)
        many = measured(source, asked.many, asked)
        for command, one in many.items():
            grown = one.megabytes - few[command].megabytes
            times = one.processor / few[command].processor
            print(f"{source}, {command}: {grown:+.0f} MB, {times:.1f} times the processor's time")


if __name__ == "__main__":
    main()
