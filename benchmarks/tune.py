"""`foveal tune` beside all defaults and beside random search, on pictures that no trial saw.

    python benchmarks/tune.py PICTURES [--minutes 10] [--seeds 1] [--threads N] [--at-once 1]
        [--learner cnn] [--trials N] [--repeats N]
    python benchmarks/tune.py PICTURES --kill 10 [--trials 4] [--workers 2] [--postgres]

PICTURES is a folder of class folders, or one of the words `digits` (scikit-learn's) and `fashion`
(5,000 pictures of Fashion-MNIST). For each seed a share of every class is drawn to test on. Both
searches have the same time, begin with all defaults and go through the same command, led
(``--sampler tpe``, which ends what falls behind) or at random (``--sampler random``, each to its
end); both choose as the command does, by training the best few again beside all defaults. With
``--trials`` both end after as many. ``--at-once`` runs as many of them side by side, each with its
threads; then compare within one call alone.

Accuracies are of pictures: what is said of one in the tests of several seeds is averaged, so that
intervals count it once. They leave out what another search would have drawn; the range over seeds
shows some of that.

``--kill`` instead kills the search with SIGKILL at random moments as many times, and lets the same
command go on: no trial may be lost or run twice, and the model at its place is always one of the
best so far. With ``--postgres`` the study lies in a server of its own, whose password no file of
the search may hold (Debian's package postgresql, extra ``postgres``).
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import signal
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from folders import Classes, count, lay_out, read_classes, split
from machine import describe, foveal, timed
from PIL import Image
from postgres import server
from sklearn.datasets import load_digits

from foveal import evaluate, load
from foveal.evaluation.intervals import mean, wilson
from foveal.tuning.storage import imported
from foveal.tuning.study import AGAIN, MOST_TRIES, TRY

FASHION = Path("/usr/share/datasets/fashion-mnist")  # Debian's package dataset-fashion-mnist
PICTURES_OF_FASHION = 5_000
TEST_SHARE = 0.3
ARMS = ("tpe", "random")
Rights = dict[str, float]
"""Whether each picture was answered right, by its name."""


@dataclass(frozen=True)
class Search:
    """What a search left, judged on the pictures to test on."""

    arm: str
    seed: int
    best: Rights
    default: Rights
    found: dict[str, Any]

    def line(self) -> str:
        """Say what it tried and reached."""
        trials = [one for one in self.found["trials"] if one["repeat_of"] is None]
        states = [one["state"] for one in trials]
        again = len(self.found["trials"]) - len(trials)
        rounds = [
            f"trial {one['number']} {one['gain']:+.4f} ({_end(one['low'])} to {_end(one['high'])}) "
            f"in {one['rounds']}"
            for one in self.found["confirmed"]
        ]
        late = sum(one["why"] == "time was up" for one in trials)
        best = next(one for one in trials if one["number"] == self.found["best"])
        return (
            f"seed {self.seed} {self.arm:<6} {share(self.best)}, defaults {share(self.default)}; "
            f"{len(trials)} trials: {states.count('complete')} complete, "
            f"{states.count('pruned') - late} ended early, {late} when time was up, "
            f"{states.count('failed')} failed; {self.found['seconds']:.0f} s, the defaults "
            f"{trials[0]['seconds']:.0f} s; {again} again: {', '.join(rounds) or 'none'}\n"
            f"    trial {self.found['best']}: validation {100 * best['value']:.1f} %, "
            f"{best['options']}, {best['seconds']:.0f} s"
        )


def _end(value: float | None) -> str:
    """Write an end of an interval; of one round there is none."""
    return "?" if value is None else f"{value:+.4f}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("pictures")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="of each search")
    parser.add_argument("--at-once", type=int, default=1, help="searches side by side")
    parser.add_argument("--epochs", type=float, help="of each trial; derived if left out")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--kill", type=int, metavar="TIMES")
    parser.add_argument("--learner", default="cnn")
    parser.add_argument("--repeats", type=int, help="rounds of training the best few again")
    parser.add_argument("--trials", type=int, help="of a search; after the last kill, 4")
    parser.add_argument("--workers", type=int, default=1, help="processes at the search, with it")
    parser.add_argument("--postgres", action="store_true", help="the study in PostgreSQL, with it")
    wanted = parser.parse_args()
    print(describe(), flush=True)
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        os.environ["FOVEAL_CACHE"] = str(root / "cache")
        found = read_classes(pictures_of(wanted.pictures, root))
        if wanted.kill:
            with server() if wanted.postgres else nullcontext() as address:
                killed(found, root, wanted, address)
        else:
            compared(found, root, wanted)


def pictures_of(name: str, root: Path) -> Path:
    """Return a folder of class folders; one that a word stands for is made."""
    if name == "digits":
        digits = load_digits()
        images, kinds = np.round(digits.images * 255 / 16).astype(np.uint8), digits.target
    elif name == "fashion":
        images, kinds = fashion()
    else:
        return Path(name)
    for index, (image, kind) in enumerate(zip(images, kinds, strict=True)):
        file = root / name / str(kind) / f"{index:05}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(file)
    return root / name


def fashion() -> tuple[np.ndarray, np.ndarray]:
    """Read the first pictures of Fashion-MNIST."""
    most = PICTURES_OF_FASHION
    with gzip.open(FASHION / "train-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(), dtype=np.uint8, offset=16).reshape(-1, 28, 28)
    with gzip.open(FASHION / "train-labels-idx1-ubyte.gz") as file:
        return images[:most], np.frombuffer(file.read(), dtype=np.uint8, offset=8)[:most]


def compared(found: Classes, root: Path, wanted: argparse.Namespace) -> None:
    """Search both ways at every seed, and tell what came of it."""
    seeds = range(wanted.first_seed, wanted.first_seed + wanted.seeds)
    folders = {}
    for seed in seeds:
        to_train, to_test = split(found, seed, TEST_SHARE)
        folders[seed] = lay_out(root / f"pictures-{seed}", train=to_train, test=to_test)
        print(f"seed {seed}: {count(to_train):,} pictures, {count(to_test):,} to test on")
    with ThreadPoolExecutor(wanted.at_once) as pool:
        jobs = [(seed, arm) for seed in seeds for arm in ARMS]
        made = pool.map(lambda job: searched(folders[job[0]], root, job, wanted), jobs)
        searches = []
        for one in made:
            print(one.line(), flush=True)
            searches.append(one)
    summed_up(searches)


def command(
    folder: Path, model: Path, seed: int, arm: str, wanted: argparse.Namespace
) -> list[str]:
    """Make the line of a search."""
    line = ["tune", folder, model, "--sampler", arm, "--seed", seed, "--threads", wanted.threads]
    line += ["--device", wanted.device, "--json"]
    line += ["--learner", wanted.learner]
    line += [] if wanted.epochs is None else ["--epochs", wanted.epochs]
    line += [] if wanted.repeats is None else ["--repeats", wanted.repeats]
    return foveal(*line)


def searched(folder: Path, root: Path, job: tuple[int, str], wanted: argparse.Namespace) -> Search:
    """Search once, and judge what it left."""
    seed, arm = job
    model = root / f"{arm}-{seed}.safetensors"
    line = [*command(folder, model, seed, arm, wanted), "--minutes", str(wanted.minutes)]
    if wanted.trials is not None:
        line += ["--trials", str(wanted.trials)]
    _, out = timed(line)
    first = model.with_suffix(".tune") / "default.safetensors"
    return Search(arm, seed, rights(model, folder), rights(first, folder), json.loads(out))


def rights(model: Path, folder: Path) -> Rights:
    """Answer the pictures to test on, by their names."""
    judged = evaluate(load(model), folder, with_baselines=False)
    right = judged.answers.right
    assert right is not None
    paths = [Path(str(judged.ledger[row].path)) for row in judged.answers.rows.tolist()]
    names = [f"{path.parent.name}/{path.name.split('-', 1)[1]}" for path in paths]
    return dict(zip(names, map(float, right), strict=True))


def share(found: Rights) -> str:
    """Write a share of right answers, with its interval."""
    return wilson(sum(found.values()), len(found)).percent()


def summed_up(searches: Sequence[Search]) -> None:
    """Tell accuracies and differences, of all seeds together."""
    said = {arm: [one.best for one in searches if one.arm == arm] for arm in ARMS}
    said["defaults"] = [one.default for one in searches if one.arm == ARMS[0]]
    for arm, found in said.items():
        each = [100 * sum(one.values()) / len(one) for one in found]
        over = mean(np.array(list(averaged(found).values())), least=0.0, most=1.0)
        print(f"{arm:<9} {over.percent()}; over seeds {min(each):.1f} to {max(each):.1f} %")
    for one, other in (("tpe", "defaults"), ("random", "defaults"), ("tpe", "random")):
        apart = [
            {name: mine[name] - theirs[name] for name in mine}
            for mine, theirs in zip(said[one], said[other], strict=True)
        ]
        values = 100 * np.array(list(averaged(apart).values()))
        gained = mean(values)
        said_of = f"{gained.value:+.2f} points ({gained.low:+.2f} to {gained.high:+.2f})"
        print(f"{one} over {other}: {said_of if values.any() else 'right on the same pictures'}")


def averaged(found: Sequence[Rights]) -> Rights:
    """Average what is said of each picture by several."""
    all_of = defaultdict(list)
    for one in found:
        for name, value in one.items():
            all_of[name].append(value)
    return {name: sum(values) / len(values) for name, values in all_of.items()}


def killed(found: Classes, root: Path, wanted: argparse.Namespace, storage: str | None) -> None:
    """Kill a search again and again, and hold what it kept against what it had."""
    model = root / "killed.safetensors"
    folder = lay_out(root / "pictures", train=found)
    line = [*command(folder, model, 0, "random", wanted), "--minutes", "600"]
    line += ["--workers", str(wanted.workers)]
    line += [] if storage is None else ["--storage", storage]
    address = storage or f"sqlite:///{model.with_suffix('.tune') / 'study.db'}"
    drawn, began = random.Random(0), time.perf_counter()
    one, _ = timed([*line, "--trials", "1"])  # a whole command, to draw moments by
    before = kept(address)
    for turn in range(wanted.kill):
        process = subprocess.Popen(
            [*line, "--trials", "1000"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(drawn.uniform(0.4, 2.5) * one)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        now = kept(address)
        lost = [number for number, one in before.items() if now.get(number) != one]
        assert not lost, f"trials {lost} are not what they were"
        state = "no model yet" if not model.exists() else f"{load(model).plan.parameters:,} numbers"
        print(f"kill {turn + 1}: {len(now)} trials done, {state}", flush=True)
        before = now
    _, out = timed([*line, "--trials", str(wanted.trials or 4)])
    told(json.loads(out), before, model, study_at(address).trials)
    if storage is not None:
        secret = storage.split("@")[0].rsplit(":", 1)[1].encode()
        files = [one for one in root.rglob("*") if one.is_file() and secret in one.read_bytes()]
        assert not files and secret not in out.encode(), "the password was written"
    print(f"{time.perf_counter() - began:.0f} s in all")


def study_at(address: str) -> Any:
    """Open the study."""
    return imported().load_study(study_name="killed", storage=address)


def kept(address: str) -> dict[int, Any]:
    """Read the trials that a study says are done."""
    optuna = imported()
    try:
        study = study_at(address)
    except (KeyError, optuna.exceptions.StorageInternalError):  # killed before it had begun one
        return {}
    done = [one for one in study.trials if one.state.name in ("COMPLETE", "PRUNED")]
    return {one.number: (one.state.name, one.value, one.params) for one in done}


def told(found: dict[str, Any], before: dict[int, Any], model: Path, kept: Sequence[Any]) -> None:
    """Check a study that was killed, `kept` as optuna has it, and say what is in it."""
    trials = found["trials"]
    assert [one["number"] for one in trials] == list(range(len(trials)))
    assert all(trials[number]["state"] != "failed" for number in before)
    ended = [written(one) for one in trials if one["state"] in ("complete", "pruned")]
    assert len(set(ended)) == len(ended), "a trial was run to its end twice"
    stopped = [one for one in kept if one.state.name == "FAIL"]
    begun_again = {one.user_attrs.get(AGAIN) for one in kept}
    given_up = [one for one in stopped if one.user_attrs.get(TRY, 1) == MOST_TRIES]
    gone = [one for one in stopped if one.number not in begun_again and one not in given_up]
    lost = [one.number for one in gone if one.params]  # without, it had not begun
    assert not lost, f"trials {lost} were killed and not tried again"
    waiting = sum(one.state.name == "WAITING" for one in kept)
    best = trials[found["best"]]
    assert load(model).plan.parameters == best["parameters"]
    assert found["default_metrics"] is not None, "all defaults were never tried to their end"
    print(
        f"{len(trials)} trials: {len(ended)} done, none of them twice; {len(stopped)} killed, each "
        f"tried again, {len(given_up)} of them given up with the third; {waiting} wait; best "
        f"{best['number']}"
    )


def written(one: dict[str, Any]) -> str:
    """Write what a trial tried, on which split, for comparison."""
    return json.dumps([one["round"], one["options"]], sort_keys=True)


if __name__ == "__main__":
    main()
