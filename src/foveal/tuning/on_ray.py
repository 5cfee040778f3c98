"""Trials that actors of Ray try, on this machine or on a cluster.

An actor is `foveal.tuning.trying.Worker`, opened once, and an item one more trial. All of them
share the study's database: over several machines that must be a server.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from foveal.actors import handed_out
from foveal.cluster import Cluster
from foveal.errors import UsageError
from foveal.tuning.search import Search
from foveal.tuning.trying import Worker
from foveal.wording import counted

if TYPE_CHECKING:
    from optuna import Study


@dataclass(frozen=True, slots=True)
class Trials:
    """Trials of a study, as a task of actors."""

    search: Search
    until: float
    """In seconds since the epoch."""

    def open(self, threads: int) -> Callable[[int], bool]:
        """Take part in the study, with this number of threads, until the actor ends."""
        machine = {**self.search.machine, "threads": threads}
        worker = Worker.enter(replace(self.search, machine=machine))

        def tried(_: int) -> bool:
            return worker.once(self.until)

        return tried


def on_ray(
    search: Search,
    until: float,
    trials: int | None,
    cluster: Cluster,
    after: Callable[[Study], None],
    study: Study,
) -> None:
    """Let actors try until time is up, as many as the cluster has cores for.

    Parameters
    ----------
    search, until, trials
        As in `foveal.tuning.trying.work`; the trials are those of all actors.
    cluster : Cluster
        Where Ray is; its machines see pictures and the model's folder under the same paths.
    after : callable
        Called with the study after each trial.

    Raises
    ------
    UsageError
        Where several machines would write into one file of SQLite.
    """
    threads = search.machine["threads"]
    with cluster.joined() as ray:
        _check_shared(ray, search)
        graphics = _graphics(search.machine["device"])
        task, numbers = Trials(search, until), _numbers(until, trials)
        with closing(
            handed_out(cluster, task, numbers, threads=threads, graphics=graphics)
        ) as ended:
            for _ in ended:
                after(study)


def _numbers(until: float, trials: int | None) -> Iterator[int]:
    """Count the trials that may begin."""
    for number in itertools.count():
        if number == trials or (number and time.time() >= until):
            return
        yield number


def _check_shared(ray: Any, search: Search) -> None:
    machines = sum(bool(one["Alive"]) for one in ray.nodes())
    if machines > 1 and search.storage is None:
        raise UsageError(
            "storage",
            needed=f"a database that all of {counted(machines, 'machine')} reach",
            came="a file of SQLite, which one machine may write into",
            remedy="give the address of a server, such as postgresql://name@machine/database",
        )


def _graphics(device: str) -> bool | None:
    """Whether an actor needs a graphics processor; None for where there is any."""
    return None if device == "auto" else device.startswith("cuda")
