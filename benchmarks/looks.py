"""What each look costs: seconds and memory of `foveal look`, each look a process of its own.

    python benchmarks/looks.py PICTURES [--of imagenet] [--count 10000] [--only maps,way]

PICTURES has photographs in folders. So many as `--count` are made of them, by shifts and mirrors
that repeat none, at 256 pixels. Told are wall seconds, seconds of the processor, and the largest
memory of the process (its resident set).
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from machine import describe, foveal
from PIL import Image, ImageOps

from foveal.cli.look import NAMES
from foveal.pictures.sources import gather

SIDE = 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--of", default="imagenet")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--only", default=",".join((*NAMES, "page")))
    asked = parser.parse_args()
    print(describe(), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder, "pictures")
        make(asked.pictures, made, asked.count)
        for name in asked.only.split(","):
            place = Path(folder, "look.html" if name == "page" else name)
            only = [] if name == "page" else ["--only", name]
            print(f"{name:<12} {cost(foveal('look', asked.of, made, '--to', place, *only))}")
            sys.stdout.flush()


def make(source: Path, to: Path, count: int) -> None:
    """Make photographs of photographs, in two folders."""
    paths = [Path(name) for name in gather(str(source)).with_whole_names().names]
    generator = np.random.default_rng(0)
    for index in range(count):
        folder = to / "ab"[index % 2]
        folder.mkdir(parents=True, exist_ok=True)
        with Image.open(paths[index % len(paths)]) as opened:
            picture = ImageOps.fit(opened.convert("RGB"), (SIDE + 32, SIDE + 32))
        left, top = generator.integers(0, 33, 2).tolist()
        picture = picture.crop((left, top, left + SIDE, top + SIDE))
        if index // len(paths) % 2:
            picture = ImageOps.mirror(picture)
        picture.save(folder / f"{index:05d}.jpg", quality=90)


def cost(arguments: list[str]) -> str:
    """Run a command; tell its seconds and memory, or how it ended."""
    began = time.perf_counter()
    running = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert running.stderr is not None
    said = running.stderr.read().decode()
    _, status, used = os.wait4(running.pid, 0)
    running.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - began
    if running.returncode:
        return f"ended with {running.returncode}: {said.strip().splitlines()[-1:]}"
    return f"{seconds:7.1f} s  {_processor(used):7.1f} s of processor  {_memory(used):6.0f} MB"


def _processor(used: resource.struct_rusage) -> float:
    return used.ru_utime + used.ru_stime


def _memory(used: resource.struct_rusage) -> float:
    return used.ru_maxrss * (1 if sys.platform == "darwin" else 1_024) / 1e6  # bytes, or KiB


if __name__ == "__main__":
    main()
