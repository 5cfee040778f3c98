"""Trials that actors of Ray try, on this machine or on a cluster.

An actor is `foveal.tuning.trying.Worker`, opened once, and an item one more trial. All of them
share the study's database: over several machines that must be a server.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from foveal.actors import handed_out, needs_graphics
from foveal.cluster import Cluster
from foveal.errors import UsageError
from foveal.tuning.choosing import most_repeats
from foveal.tuning.search import Search, Times
from foveal.tuning.trying import Worker
from foveal.wording import counted

if TYPE_CHECKING:
    from optuna import Study


Item = tuple[int, bool]
"""Its number, and whether one of the best is to be trained again."""


@dataclass(frozen=True, slots=True)
class Trials:
    """Trials of a study, as a task of actors."""

    search: Search
    times: Times

    def open(self, threads: int) -> Callable[[Item], bool]:
        """Take part in the study, with this number of threads, until the actor ends."""
        machine = {**self.search.machine, "threads": threads}
        worker = Worker.enter(replace(self.search, machine=machine))

        def tried(item: Item) -> bool:
            _, again = item
            return worker.again(self.times) if again else worker.once(self.times)

        return tried


def on_ray(
    search: Search,
    times: Times,
    trials: int | None,
    cluster: Cluster,
    after: Callable[[Study], None],
    study: Study,
) -> None:
    """Let actors try until time is up, as many as the cluster has cores for.

    Parameters
    ----------
    search, times, trials
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
        graphics = needs_graphics(search.machine["device"])
        task, items = Trials(search, times), _items(search, times, trials)
        with closing(handed_out(cluster, task, items, threads=threads, graphics=graphics)) as ended:
            for _ in ended:
                after(study)


def _items(search: Search, times: Times, trials: int | None) -> Iterator[Item]:
    """Count the trials that may begin, then what may be trained again."""
    number = 0
    while number != trials and (not number or time.time() < times.search):
        yield number, False
        number += 1
    for more in range(most_repeats(search.rounds)):
        if time.time() >= times.end:
            return
        yield number + more, True


def _check_shared(ray: Any, search: Search) -> None:
    machines = sum(bool(one["Alive"]) for one in ray.nodes())
    if machines > 1 and search.storage is None:
        raise UsageError(
            "storage",
            needed=f"a database that all of {counted(machines, 'machine')} reach",
            came="a file of SQLite, which one machine may write into",
            remedy="give the address of a server, such as postgresql://name@machine/database",
        )
