"""Many pictures into part files by Ray: seconds, memory and equal rows, whoever is killed.

    python benchmarks/bulk_ray.py --pictures 100000
    python benchmarks/bulk_ray.py --pictures 5000 --part-size 250
    python benchmarks/bulk_ray.py --photographs PICTURES --ways shards actors --by-process
    python benchmarks/bulk_ray.py --photographs PICTURES --model imagenet --ways actors

Colour pictures of 64x64 are made by the script, as a folder of JPEG files, or copies of photographs
are, and encoded to the features of a small network, or of another model, by two threads in all: by
one process into parts; by two side by side (`--shards`); by two actors of a Ray that the command
starts; the same with an actor killed (SIGKILL) when half of the parts are there; with the command
itself killed then, and the same line once more; and on a cluster of two machines, both of them
here, of which one ends then. `--ways` asks for some of these alone. Rows are held against those of
one process. Seconds are by the clock, start of Ray and of the actors included, and of the
processor, of all processes that belong to the command, as is the most anonymous memory (RssAnon and
RssShmem), looked at five times a second; with `--by-process` it is told whose the seconds of the
processor were.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from large import anonymous, below, line, written
from machine import describe, foveal

from bulk import difference, rows_of

TICKS = os.sysconf("SC_CLK_TCK")
WAYS = ("shards", "actors", "actor-killed", "command-killed", "machine-ended")
RAW = argparse.RawDescriptionHelpFormatter


class Ran(NamedTuple):
    """What processes took."""

    seconds: float
    processor: float
    megabytes: float
    """All processes of a command together."""
    by_process: dict[str, float]
    """Seconds of the processor, by kind of process."""


def processor(process: int) -> float:
    """Return the seconds of the processor that a process took so far."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def kind_of(process: int) -> str:
    """Name what a process is, such as raylet; nothing of one that ended."""
    words = [one.decode(errors="replace") for one in line(process).split(b"\0")]
    first = Path(words[0]).name
    if first.startswith("python"):  # a program of Python's, by the file or the module that it runs
        first = next((Path(one).name for one in words[1:] if one[:1] != "-"), first)
    return first


def ran(
    lines: Sequence[list[str]],
    beside: Sequence[int] = (),
    halfway: Callable[[], bool] = lambda: False,
    then: Callable[[int], None] = lambda pid: None,
) -> Ran:
    """Run lines side by side, and do something once, halfway.

    Parameters
    ----------
    beside : sequence of int
        Further processes that work for them, such as those of a cluster.
    halfway, then : callable
        Whether it is time; what is done then with the first process.
    """
    began, most, over = time.perf_counter(), 0.0, False
    used, kinds = dict[int, float](), dict[int, str]()
    earlier = {pid: processor(pid) for one in beside for pid in (one, *below(one))}
    with tempfile.TemporaryFile() as said:
        running = [subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=said) for line in lines]
        while any(one.poll() is None for one in running):
            heads = {*beside, *(one.pid for one in running)}
            pids = heads.union(*map(below, heads))
            most = max(most, sum(map(anonymous, pids)))
            used |= {pid: max(used.get(pid, 0.0), processor(pid)) for pid in pids}
            kinds |= {pid: kind for pid in pids if (kind := kind_of(pid))}
            if not over and halfway():
                over = True
                then(running[0].pid)
            time.sleep(0.2)
        if any(one.returncode not in (0, -signal.SIGKILL) for one in running):
            said.seek(0)
            raise SystemExit(f"{' '.join(lines[0])}\n{said.read().decode()}")
    by_process = defaultdict[str, float](float)
    for pid, seconds in used.items():
        by_process[kinds.get(pid, "ended")] += seconds - earlier.get(pid, 0.0)
    taken = sum(used.values()) - sum(earlier.values())
    return Ran(time.perf_counter() - began, taken, most, by_process)


def an_actor(pid: int) -> None:
    """Kill one of the actors below a process."""
    for one in below(pid):
        if b"MapWorker" in Path(f"/proc/{one}/cmdline").read_bytes():
            os.kill(one, signal.SIGKILL)
            return
    raise SystemExit("there is no actor to be killed")


@contextmanager
def two_machines() -> Iterator[tuple[Any, Any]]:
    """Start a cluster of two machines, both of them here, of one core each."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        yield cluster, cluster.add_node(num_cpus=1)
    finally:
        cluster.shutdown()


def copied(photographs: Path, count: int, work: Path) -> Path:
    """Copy photographs, each as often as it takes for so many."""
    from foveal import list_pictures

    paths, _ = list_pictures(photographs)
    for number in range(count):
        source = Path(paths[number % len(paths)])
        place = work / "photographs" / f"{number // 1000:03d}"
        place.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, place / f"{number:07d}{source.suffix}")
    return work / "photographs"


def compared(
    pictures: Path,
    model: str | Path,
    work: Path,
    part_size: int,
    parts: int,
    *,
    ways: Sequence[str],
    by_process: bool,
) -> None:
    """Encode in all ways, and print what each took and how far its rows are off."""

    def encoding(name: str, *more: object) -> list[str]:
        size = ("--part-size", part_size)
        return foveal("encode", model, pictures, "--to", f"{work / name}/", *size, *more)

    def half(name: str) -> Callable[[], bool]:
        return lambda: len(list((work / name).glob("part-*"))) >= parts / 2

    one = ran([encoding("one", "--threads", 2)])
    told("one process", one, 0.0)
    wanted = rows_of(work / "one")
    on_ray = ("--threads", 1, "--engine", "ray")
    shards = [encoding("shards", "--threads", 1, "--shards", f"{n}/2") for n in (1, 2)]
    known: dict[str, tuple[list[list[str]], Callable[[int], None] | None]] = {
        "shards": (shards, None),
        "actors": ([encoding("actors", *on_ray)], None),
        "actor-killed": ([encoding("actor-killed", *on_ray)], an_actor),
        "command-killed": ([encoding("command-killed", *on_ray)], kill),
    }
    took = {"one process": one}
    for way, (lines, then) in known.items():
        if way not in ways:
            continue
        place = Path(lines[0][lines[0].index("--to") + 1])
        took[way] = ran(lines, (), half(place.name) if then else lambda: False, then or kill)
        if then is kill:
            first, again = took[way], ran(lines)
            took[way] = Ran(
                first.seconds + again.seconds,
                first.processor + again.processor,
                max(first.megabytes, again.megabytes),
                {
                    kind: first.by_process.get(kind, 0.0) + again.by_process.get(kind, 0.0)
                    for kind in {**first.by_process, **again.by_process}
                },
            )
        told(way, took[way], difference(rows_of(place), wanted))
    many = took.get("actors", one)
    for way in ("one process", "shards"):
        if way in took and "actors" in took:
            seconds = many.seconds / took[way].seconds - 1
            busy = many.processor / took[way].processor - 1
            print(f"actors over {way}: {seconds:+.1%} seconds, {busy:+.1%} of the processor")
    for kind, taken in (
        sorted(many.by_process.items(), key=lambda one: -one[1]) if by_process else ()
    ):
        print(f"    {kind:<30}{taken:>8.1f}")
    if "machine-ended" not in ways:
        return
    with two_machines() as (cluster, second):
        engine = f"ray://{cluster.address}"
        lines = [encoding("machine", "--threads", 1, "--engine", engine)]
        found = ran(
            lines, [os.getpid()], half("machine"), lambda _: cluster.remove_node(second, False)
        )
        told("machine-ended", found, difference(rows_of(work / "machine"), wanted))


def small(pictures: Path, work: Path) -> Path:
    """Train a small network."""
    model = work / "model.safetensors"
    line = foveal("train", "cnn", pictures, model, "--epochs", 1, "--no-report")
    subprocess.run(line, check=True, capture_output=True)
    return model


def kill(pid: int) -> None:
    """Kill a process."""
    os.kill(pid, signal.SIGKILL)


def told(how: str, took: Ran, off: float) -> None:
    """Print a line."""
    print(
        f"  {how:<16}{took.seconds:>9.1f}{took.processor:>11.1f}{took.megabytes:>8.0f}{off:>12.2g}",
        flush=True,
    )


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=RAW)
    parser.add_argument("--pictures", type=int, default=100_000)
    parser.add_argument("--part-size", type=int, default=4_096)
    parser.add_argument("--photographs", type=Path, help="a folder of those that are copied")
    parser.add_argument("--model", help="a model file, or imagenet; a small network is trained")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS, help="beside one process")
    parser.add_argument("--work", type=Path, help="where pictures are made")
    parser.add_argument("--by-process", action="store_true", help="whose the processor was")
    asked = parser.parse_args()
    print(describe())
    print(f"  {'':<16}{'seconds':>9}{'processor':>11}{'MB':>8}{'differs by':>12}")
    with tempfile.TemporaryDirectory(dir=asked.work, prefix="r") as name:
        work = Path(name)
        os.environ |= {
            "FOVEAL_CACHE": str(work / "cache"),
            "RAY_TMPDIR": str(work),  # a Ray of its own
            "RAY_AUTH_MODE": "disabled",
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_worker_niceness": "0",
        }
        given = asked.photographs
        model = asked.model or small(given or written("folder", 200, work / "few"), work)
        count = asked.pictures
        pictures = copied(given, count, work) if given else written("folder", count, work)
        parts = -(-count // asked.part_size)
        how = {"ways": asked.ways, "by_process": asked.by_process}
        compared(pictures, model, work, asked.part_size, parts, **how)


if __name__ == "__main__":
    main()
