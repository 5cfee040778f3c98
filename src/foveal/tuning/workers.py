"""Processes that try side by side: here, or on the machines of a cluster of Ray.

Each is `foveal.tuning.trying.work` on the same study, whose database is all that they share beside
files; one that is lost costs the trial that it was at, which another tries again.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from subprocess import PIPE
from typing import TYPE_CHECKING

from foveal.cluster import Cluster
from foveal.errors import FovealError, ResourceError
from foveal.launched import end_with
from foveal.tuning.on_ray import on_ray
from foveal.tuning.search import Search, Times
from foveal.tuning.storage import address_in, reached
from foveal.tuning.study import Tried, all_tried, best_of, opened
from foveal.tuning.trying import work
from foveal.wording import counted

if TYPE_CHECKING:
    from optuna import Study

PROGRAM = "from foveal.tuning.workers import main; main()"
REFUSED = 70
"""Exit code of a worker that wrote the error that it was refused with."""
LOOK = 0.3
"""Seconds after which workers are looked after again."""
Tell = Callable[[Tried, bool], None]
Share = tuple[Search, Times, int | None]
"""What a worker is given: what is tuned, when what ends, and how many trials it may try."""


def tried_side_by_side(
    search: Search,
    times: Times,
    trials: int | None,
    workers: int,
    cluster: Cluster | None,
    tell: Tell | None,
) -> list[str]:
    """Try until time is up, in this process or in several.

    Parameters
    ----------
    search, times, trials
        As in `foveal.tuning.trying.work`; the trials are those of all workers.
    workers : int
        How many processes try side by side.
    cluster : Cluster, optional
        Where actors of Ray try instead.
    tell : callable, optional
        Told of each trial as it ends, whichever process tried it.

    Returns
    -------
    list of str
        What a reader should know: workers that were lost.
    """
    study, _ = opened(search)
    with reached(address_in(search.folder, search.storage)):
        teller = Teller(study, tell)
    if cluster is not None:
        on_ray(search, times, trials, cluster, teller, study)
        return []
    if workers == 1:
        work(search, times, trials, teller)
        return []
    with _started(shares(search, times, trials, workers)) as running:
        while any(one.poll() is None for one in running):
            time.sleep(LOOK)
            with reached(address_in(search.folder, search.storage)):
                teller(study)
            for one in running:
                _raise_its_error(one)
        for one in running:
            _raise_its_error(one)
        teller(study)
        return _lost([one.returncode for one in running])


def _lost(codes: Sequence[int]) -> list[str]:
    """Say which workers were ended before their end."""
    lost = [f"signal {-code}" if code < 0 else f"code {code}" for code in codes if code]
    if len(lost) == len(codes):
        raise ResourceError(
            "workers",
            needed="one at least that goes on to the end",
            came=f"{counted(len(lost), 'worker')} ended by {', '.join(lost)}",
            remedy="the same command goes on; use fewer `workers` if memory is short",
        )
    return [f"a worker was ended by {one}: its trial was tried again, or waits" for one in lost]


def shares(search: Search, times: Times, trials: int | None, workers: int) -> list[Share]:
    """Divide trials among workers; those that would have none are left out."""
    if trials is None:
        return [(search, times, None)] * workers
    each, more = divmod(trials, workers)
    counts = [each + (number < more) for number in range(workers)]
    return [(search, times, count) for count in counts if count]


class Teller:
    """Tells of each trial once it has ended, and whether it is the best so far."""

    def __init__(self, study: Study, tell: Tell | None) -> None:
        self.tell = tell
        done = [one for one in all_tried(study) if one.state != "running"]
        self.told = {one.number for one in done}
        self.best = best_of(done)

    def __call__(self, study: Study) -> None:
        """Tell of what has ended since."""
        for one in all_tried(study):
            if one.number in self.told or one.state == "running":
                continue
            self.told.add(one.number)
            better = one.complete and one.repeat_of is None
            better = better and (self.best is None or one.rank > self.best.rank)
            self.best = one if better else self.best
            if self.tell is not None:
                self.tell(one, better)


@contextmanager
def _started(given: Sequence[Share]) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Start workers; they end when the pipe to them closes, however this process ends."""
    running: list[subprocess.Popen[bytes]] = []
    try:
        for _ in given:
            line = [sys.executable, "-c", PROGRAM]
            running.append(subprocess.Popen(line, stdin=PIPE, stdout=PIPE))
        for process, share in zip(running, given, strict=True):
            assert process.stdin is not None
            with suppress(BrokenPipeError):  # it has ended, which is found out later
                pickle.dump(share, process.stdin)
                process.stdin.flush()
        yield running
    finally:
        for process in running:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):
                    if pipe is not None:
                        pipe.close()


def _raise_its_error(process: subprocess.Popen[bytes]) -> None:
    """Raise what a worker that has ended was refused."""
    if process.poll() == REFUSED and process.stdout is not None and not process.stdout.closed:
        data = process.stdout.read()
        process.stdout.close()
        error = pickle.loads(data)
        raise error


def main() -> None:
    """Take part in a study, as a process of its own does that `_started` started."""
    for name in {"SIGINT", "SIGHUP"} & vars(
        signal
    ).keys():  # whoever started it is interrupted, and ends it
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    answer = os.dup(1)
    os.dup2(2, 1)  # whatever else is printed is no answer, and nobody reads it before the end
    search, times, trials = pickle.load(sys.stdin.buffer)
    end_with(sys.stdin.fileno())
    try:
        work(search, times, trials)
    except FovealError as error:
        with os.fdopen(answer, "wb") as out:
            pickle.dump(error, out)
        os._exit(REFUSED)
