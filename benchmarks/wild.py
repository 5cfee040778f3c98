"""What damaged pictures cost: files by mutation, a folder of all kinds of bad files, and the guard.

    python benchmarks/wild.py [--count 3000] [--seed 0]      # files by mutation
    python benchmarks/wild.py --folder                       # the bad folder and its shards
    python benchmarks/wild.py --guard PICTURES               # decoding here and in processes

Files by mutation are good JPEG, PNG, TIFF and WebP pictures of 17 kinds, of which bits are flipped,
the end is cut off, pieces are exchanged or blanked and numbers of the head are made extreme, each
kind by each in turn. Each is looked at and decoded by itself, in a decoder as every command has it:
counted are decoders that ended over a file; seconds are by the clock, memory is the most that a
decoder ever held.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from machine import describe, foveal

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from foveal.pictures import decode, decoders
from foveal.pictures.encoded import InMemory
from foveal.pictures.encoded_content import EncodedContent
from foveal.pictures.reading import read_in_order
from foveal.pictures.workers import in_order
from foveal.recipe import PictureRecipe
from support.mutations import mutations  # type: ignore[import-not-found]
from support.wild import (  # type: ignore[import-not-found]
    wild_folder,
    wild_parquet,
    wild_shard,
)

HOW = PictureRecipe(height=64, width=64, channels=3)
TURNS = 7
"""Turns of decoding here and apart."""
LEARNERS = (
    ("cnn", ("--net", "conv 4 5x5 stride 2 relu | globalpool | dense 2", "--size", "16x16")),
    ("transfer", ("--size", "32x32")),
    ("autoencoder", ("--kind", "dense", "--code-size", "2", "--size", "16x16")),
)


def main() -> None:
    asked = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    asked.add_argument("--count", type=int, default=3_000)
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--folder", action="store_true")
    asked.add_argument("--guard", type=Path)
    options = asked.parse_args()
    print(describe())
    if options.folder:
        bad_folder()
    elif options.guard is not None:
        guard(options.guard)
    else:
        mutated(options.count, options.seed)


def mutated(count: int, seed: int) -> None:
    """Decode damaged pictures one by one."""
    reasons: Counter[str] = Counter()
    ended, slowest, memory = 0, (0.0, ""), 0
    decoders.ask("look", [InMemory("none", b"none")])
    began = time.perf_counter()
    for one in mutations(count, seed):
        before = decoders.running()
        start = time.perf_counter()
        picture = [InMemory(one.name, one.data)]
        answers = [*decoders.ask("look", picture), *decoders.ask("decoded", picture, HOW)]
        slowest = max(slowest, (time.perf_counter() - start, one.name))
        ended += decoders.running() != before
        memory = max(memory, *map(_most_memory, decoders.running()))
        last = answers[-1]
        reasons[re.sub(r"[\d,]+|b'.*'", "#", last) if isinstance(last, str) else "a picture"] += 1
    seconds = time.perf_counter() - began
    print(f"{count} files in {seconds:.0f} s, {ended} decoders ended")
    print(f"slowest {slowest[0]:.2f} s ({slowest[1]}), most memory {memory / 1e3:.0f} MB")
    for reason, times in reasons.most_common():
        print(f"{times:6}  {reason[:100]}")


def _most_memory(process: int) -> int:
    """Return the most memory that a process held, in kB."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1])  # type: ignore[index]


def bad_folder() -> None:
    """Train, predict and encode a folder of bad files, and the same as shards."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        (root / "folder").mkdir()
        sources = {
            "folder": wild_folder(root / "folder"),
            "wild.tar": wild_shard(root / "wild.tar"),
            "wild.parquet": wild_parquet(root / "wild.parquet"),
        }
        for name, told in sources.items():
            good = sum(reason == "good" for reason in told.values())
            print(f"{name}: {len(told)} files, {good} good, {len(told) - good} bad")
            for learner, more in LEARNERS:
                _account(root, name, learner, more)


def _account(root: Path, name: str, learner: str, more: tuple[str, ...]) -> None:
    model, table = root / f"{name}.{learner}.safetensors", root / "rows.jsonl"
    words = ("train", learner, root / name, model, "--seed", "0", *more)
    if learner != "transfer":
        words += ("--epochs", "1")
    trained = subprocess.run([*foveal(), *map(str, words)], capture_output=True, check=False)
    ledger = (model.with_suffix(".run") / "ledger.csv").read_text(errors="replace")
    word = "encode" if learner == "autoencoder" else "predict"
    codes = [*foveal(), word, str(model), str(root / name), "--to", str(table)]
    wrote = subprocess.run(codes, capture_output=True, check=False)
    strict = subprocess.run([*codes, "--strict"], capture_output=True, check=False)
    rows = [json.loads(line) for line in table.read_text(errors="replace").splitlines()]
    unread = sum(bool(row["error"]) for row in rows)
    print(
        f"  {learner:12} left out {ledger.count(',left out,')}; {word}: {len(rows)} rows, "
        f"{len(rows) - unread} good, {unread} bad; exit {trained.returncode}, "
        f"{wrote.returncode}, with --strict {strict.returncode}"
    )


def guard(pictures: Path) -> None:
    """Time the decoding of a folder in this process and in others, by turns."""
    files = sorted(path for path in pictures.rglob("*") if path.is_file())
    content = EncodedContent(tuple(files))

    def here(threads: int) -> Iterator[object]:
        return in_order(lambda row: decode.decode(files[row], how, []), len(files), threads, 32)

    def apart(threads: int) -> Iterator[object]:
        return read_in_order(content, range(len(files)), how, threads, 32)

    began = time.perf_counter()
    decoders.ask("look", files[:1])
    print(f"start of a decoder: {time.perf_counter() - began:.2f} s")
    for threads in (1, 2):
        for side in (64, 256):
            how = PictureRecipe(height=side, width=side, channels=3)
            took = np.array([[_timed(way, threads) for way in (here, apart)] for _ in range(TURNS)])
            least = took.min(axis=0) / len(files) * 1e3
            costs = 100 * (took[:, 1] / took[:, 0] - 1)
            print(
                f"{len(files)} pictures to {side}x{side}, {threads} at once: {least[0]:.3f} ms of "
                f"the processor a picture here, {least[1]:.3f} with decoders (least of {TURNS}); "
                f"{np.median(costs):+.1f} % (median of pairs)"
            )


def _timed(way: Callable[[int], Iterator[object]], threads: int) -> float:
    """Return seconds of all processors."""
    began = _processor()
    for _ in way(threads):
        pass
    return _processor() - began


def _processor() -> float:
    """Return seconds that this process and its decoders, of one thread each, took so far."""
    times = [Path(f"/proc/{one}/schedstat").read_text().split()[0] for one in decoders.running()]
    return time.process_time() + sum(map(int, times)) / 1e9


if __name__ == "__main__":
    main()
