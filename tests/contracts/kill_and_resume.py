"""Kills a training run at random moments, resumes it, and compares the models bit by bit.

    export PYTHONPATH=tests
    python tests/contracts/kill_and_resume.py 30             # thirty random SIGKILLs
    python tests/contracts/kill_and_resume.py 30 transfer    # of a fine-tuning, its cache empty
    python tests/contracts/kill_and_resume.py 30 autoencoder # of one that draws codes and noise

Each trial starts ``foveal train``, kills it after a random time, perhaps several times in a
row, lets ``--resume`` finish, and holds the model file and the loss of every step and epoch
against those of a run nobody killed. The losses are what tells: a model file has the weights of
the best epoch, which may have been over before the kill.
"""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from support.models import small_model
from support.warm import started

NET = (
    "conv 8 3x3 same | maxpool 2 | batchnorm | relu | flatten | dropout 0.2 | dense 16 relu | dense"
)
BACKBONE = (
    "conv 8 3x3 same | batchnorm | relu | conv 16 3x3 same | batchnorm | relu | maxpool 4 | "
    "flatten | dense"
)
ENCODER = "conv 8 3x3 same | maxpool 2 | batchnorm | relu | flatten | dropout 0.2"
KILLS_IN_A_ROW = 3


def make_pictures(folder: Path, count: int = 240) -> Path:
    """Draw pictures of two classes that take some learning to tell apart."""
    generator = np.random.default_rng(0)
    for index in range(count):
        label = "dark" if index % 2 else "light"
        (folder / label).mkdir(parents=True, exist_ok=True)
        pixels = generator.integers(0, 200, (16, 16, 3), dtype=np.uint8)
        pixels[4:12, 4:12] += 0 if index % 2 else 40
        Image.fromarray(pixels).save(folder / label / f"{index}.png")
    return folder


def command(pictures: Path, model: Path, *more: str) -> list[str]:
    options = ["--net", NET, "--epochs", "25", "--threads", "1", "--ema", "0.9"]
    options += ["--batch-size", "16", "--checkpoint-seconds", "0"]
    return ["train", "cnn", str(pictures), str(model), *options, *more]


def transfer_command(pictures: Path, model: Path, *more: str) -> list[str]:
    """Fix the first layers of a small network, fit a head, and fine-tune what is between."""
    backbone = model.parent / "backbone.safetensors"
    if not backbone.exists():
        small_model(BACKBONE, channels=3, side=16).save(backbone)
    options = [
        "--backbone",
        str(backbone),
        "--cut",
        "3",
        "--fine-tune-epochs",
        "10",
        "--threads",
        "1",
    ]
    options += ["--batch-size", "16", "--checkpoint-seconds", "0"]
    return ["train", "transfer", str(pictures), str(model), *options, *more]


def autoencoder_command(pictures: Path, model: Path, *more: str) -> list[str]:
    """Train an autoencoder with all that is random: drawn codes, noise, variations, dropout."""
    options = ["--encoder", ENCODER, "--code-size", "8", "--epochs", "25", "--threads", "1"]
    options += ["--variational", "--noise", "masks", "--augmentation", "light", "--flip"]
    options += ["--ema", "0.9", "--batch-size", "16", "--checkpoint-seconds", "0"]
    return ["train", "autoencoder", str(pictures), str(model), *options, *more]


COMMANDS = {"cnn": command, "transfer": transfer_command, "autoencoder": autoencoder_command}


def run(arguments: list[str], kill_after: float | None = None, cache: Path | None = None) -> int:
    """Run a command to its end, or kill it after some seconds; answers its exit code."""
    process = started(
        *arguments, env=os.environ if cache is None else {**os.environ, "FOVEAL_CACHE": str(cache)}
    )
    try:
        _, said = process.communicate(timeout=kill_after)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return -9
    if process.returncode != 0:
        raise RuntimeError(f"{arguments} ended with {process.returncode}:\n{said}")
    return process.returncode


def killed_at(arguments: list[str], model: Path, step: int) -> bool:
    """Run a command and kill it once it has taken a step; whether it was killed before its end."""
    process = started(*arguments)
    while process.poll() is None:
        if last_step(model) >= step:
            process.kill()
        time.sleep(0.002)
    _, said = process.communicate()
    if process.returncode not in (0, -9):
        raise RuntimeError(f"{arguments} ended with {process.returncode}:\n{said}")
    return process.returncode == -9


def last_step(model: Path) -> int:
    """Read the last step that a run under way has told; 0 for none."""
    try:
        told = (model.with_suffix(".run") / "events.jsonl").read_text()
    except OSError:
        return 0
    steps = re.findall(r'"step": ?([0-9]+)', told[-2_000:])
    return int(steps[-1]) if steps else 0


def events(model: Path) -> list[dict[str, Any]]:
    """Read what a run told, the events of all its processes."""
    lines = (model.with_suffix(".run") / "events.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def losses(model: Path) -> dict[tuple[str, int], tuple[float, float | None]]:
    """Read the losses of each step and epoch, as they were last told."""
    return {
        (one["kind"], one["step"]): (one["loss"], one.get("validation_loss"))
        for one in events(model)
        if one["kind"] in {"step", "epoch"}
    }


def resumed(model: Path) -> list[int]:
    """Read at which steps a run was gone on with."""
    return [one["step"] for one in events(model) if one["kind"] == "resumed"]


class Trials:
    """A reference run, and trials against it.

    Parameters
    ----------
    folder : Path
        Where all of it goes.
    make : callable
        Makes a command of pictures, model and further options.
    cold : bool
        Whether each trial begins with a cache of its own.
    """

    def __init__(
        self,
        folder: Path,
        make: Callable[..., list[str]] = command,
        *,
        cold: bool = False,
    ) -> None:
        self.folder, self.command, self.cold = folder, make, cold
        self.pictures = make_pictures(folder / "pictures")
        whole = folder / "reference.safetensors"
        caches = [folder / f"cache{name}" if cold else None for name in "ab"]
        run(make(self.pictures, whole), cache=caches[0])  # else it also fills the cache
        began = time.monotonic()
        run(make(self.pictures, whole), cache=caches[1])
        self.seconds = time.monotonic() - began
        self.expected = whole.read_bytes(), losses(whole)

    def trial(self, seed: int) -> tuple[int, bool]:
        """Kill and resume once; answers how often it was gone on with and whether all agrees."""
        chance = random.Random(seed)
        model = self.folder / f"trial{seed}.safetensors"
        cache = self.folder / f"cache{seed}" if self.cold else None
        kills, more = 0, ["--fresh"]
        for _ in range(chance.randint(1, KILLS_IN_A_ROW)):
            after = chance.uniform(0.3, 1.0) * self.seconds
            arguments = self.command(self.pictures, model, *more)
            if run(arguments, kill_after=after, cache=cache) == 0:
                break
            kills += 1
            more = ["--resume"]
        if kills:
            run(self.command(self.pictures, model, "--resume"), cache=cache)
        return len(resumed(model)), (model.read_bytes(), losses(model)) == self.expected

    def by_steps(self, seed: int) -> tuple[int, bool]:
        """Kill at drawn steps, each after the last, and resume; answers as `trial` does."""
        chance, steps = (
            random.Random(seed),
            len([one for one in self.expected[1] if one[0] == "step"]),
        )
        model = self.folder / f"trial{seed}.safetensors"
        line, more, step = self.command, "--fresh", 1
        for _ in range(chance.randint(1, KILLS_IN_A_ROW)):
            step = chance.randint(step, max(step, steps * 2 // 3))
            if not killed_at(line(self.pictures, model, more), model, step):
                break
            more = "--resume"
        if more == "--resume":
            run(line(self.pictures, model, more))
        return len(resumed(model)), (model.read_bytes(), losses(model)) == self.expected


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    kind = sys.argv[2] if len(sys.argv) > 2 else "cnn"
    same = kills = seed = 0
    with tempfile.TemporaryDirectory() as folder:
        trials = Trials(Path(folder), COMMANDS[kind], cold=kind == "transfer")
        print(f"an uninterrupted run takes {trials.seconds:.1f} s")
        while kills < count:
            killed, agreed = trials.trial(seed)
            seed += 1
            kills += killed
            same += agreed
            print(f"trial {seed}: {killed} kills, {'same bits' if agreed else 'DIFFERENT'}")
    print(f"{kills} kills in {seed} runs, {same} of {seed} models bit-identical")
    sys.exit(same != seed)


if __name__ == "__main__":
    main()
