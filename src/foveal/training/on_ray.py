"""Training by workers of Ray Train, on this machine or on a cluster.

Each worker runs one process of the training (`foveal.training.ray_worker`), as torchrun would: Ray
Train finds places for them, starts all of them anew where one is lost (Moritz and others, OSDI
2018), and they go on from the last checkpoint.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foveal.cluster import Cluster, cores_of, on_this_machine
from foveal.errors import FovealError, ResourceError, UsageError
from foveal.launched import check_alone
from foveal.training.ray_worker import Board, work
from foveal.wording import counted

TRIES = 3
"""Times that all processes are begun anew, where one of them is lost."""
WAITS = 10
"""Minutes that workers wait for cores that others use."""
LOOK = 0.2
"""Seconds after which it is looked again what was said."""
STOPPING = 60.0
"""Seconds in which processes that are asked to stop may keep what they have."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What a training by workers said in the end."""

    code: int
    """What a process that was refused ended with; 0 where none was."""
    out: str
    """The answer of the first one."""
    err: str
    """Why it was refused."""


@dataclass(frozen=True, slots=True)
class Workers:
    """How many processes train together, and by how many threads each."""

    count: int
    threads: int
    graphics: bool = False
    """Whether each has a graphics processor."""

    @classmethod
    def fit(
        cls, cores: Sequence[int], count: int | None, threads: int | None, graphics: int = 0
    ) -> Workers:
        """Choose them for a cluster.

        Parameters
        ----------
        cores : sequence of int
            Those of each machine.
        count : int, optional
            Processes that are asked for; one a graphics processor, or else one a machine, where
            left out.
        threads : int, optional
            Threads of each; the cores of the smallest machine, divided among the processes there,
            where left out.
        graphics : int
            Graphics processors to be used.

        Raises
        ------
        UsageError
            For more than there is room for.
        """
        count = count or graphics or len(cores)
        each = -(-count // max(len(cores), 1))
        threads = threads or max(min(cores, default=1) // each, 1)
        most = sum(one // threads for one in cores)
        if graphics:
            most = min(most, graphics)
        if count > most:
            of = "graphics processors and cores" if graphics else "cores"
            raise UsageError(
                "workers",
                needed=f"{most} at most, of {counted(threads, 'thread')} each, for the {of} of "
                f"{counted(len(cores), 'machine')}",
                came=str(count),
                remedy="ask for fewer `workers` or fewer `threads`, or let more machines join",
            )
        return cls(count, threads, graphics > 0)

    def __str__(self) -> str:
        with_what = " and a graphics processor" if self.graphics else ""
        workers = f"{counted(self.count, 'worker')} of Ray Train"
        return f"{workers}, each with {counted(self.threads, 'thread')}{with_what}"


def train_on_ray(
    cluster: Cluster,
    words: Sequence[str],
    *,
    workers: int | None,
    threads: int | None,
    device: str,
    tell: Callable[[str], None],
) -> Answered:
    """Let workers run a command that trains, all of them the same.

    Parameters
    ----------
    cluster : Cluster
        Where Ray is; its machines see what the command names under the same paths.
    words : sequence of str
        The command, as it follows the word foveal.
    workers, threads
        See `Workers.fit`.
    device : {"auto", "cpu", "cuda"}
        Where each computes; "auto" takes the graphics processors of the cluster, if it has any.
    tell : callable
        Called with lines of progress as they come.

    Raises
    ------
    UsageError
        For more workers than there is room for.
    ResourceError
        Where nothing answers at the address, and where workers end again and again.
    """
    check_alone(os.environ, "engine ray")
    with cluster.joined() as ray:
        graphics = 0 if device == "cpu" else int(ray.cluster_resources().get("GPU", 0))
        group = Workers.fit(cores_of(ray), workers, threads, graphics)
        tell(str(group))
        board = ray.remote(num_cpus=0, scheduling_strategy=on_this_machine(ray))(Board).remote()
        asked = {
            "board": board,
            "words": list(words),
            "place": str(Path.cwd()),
            "launch": secrets.token_hex(8),
            "threads": group.threads,
            "graphics": group.graphics,
        }
        with _fitted(group, asked) as fitting:
            Watch(ray, board, fitting, tell).to_the_end()
        return answer(ray, board, fitting.failed, group)


class _Fitting(threading.Thread):
    """Ray Train at work, in a thread of its own: what is said is passed on meanwhile."""

    def __init__(self, trainer: Any) -> None:
        super().__init__(daemon=True)
        self.trainer = trainer
        self.failed: BaseException | None = None
        self.done = threading.Event()
        """Set at the end: a thread that is joined when Ctrl-C comes would seem to be over."""

    def run(self) -> None:
        try:
            self.trainer.fit()
        except BaseException as error:
            self.failed = error
        finally:
            self.done.set()


@contextlib.contextmanager
def _fitted(group: Workers, asked: dict[str, Any]) -> Iterator[_Fitting]:
    """Start Ray Train; what it would keep goes into a folder that is removed in the end."""
    from ray.train import FailureConfig, LoggingConfig, RunConfig, ScalingConfig
    from ray.train.v2.api.data_parallel_trainer import DataParallelTrainer

    logging.getLogger("ray.train").setLevel(logging.CRITICAL)
    resources = {"CPU": group.threads} | ({"GPU": 1} if group.graphics else {})
    with tempfile.TemporaryDirectory(prefix="foveal-") as own:
        trainer = DataParallelTrainer(
            work,
            train_loop_config=asked,
            scaling_config=ScalingConfig(
                num_workers=group.count,
                use_gpu=group.graphics,
                resources_per_worker=resources,
                placement_strategy="SPREAD",
            ),
            run_config=RunConfig(
                name=asked["launch"],
                storage_path=own,
                failure_config=FailureConfig(max_failures=TRIES, controller_failure_limit=WAITS),
                logging_config=LoggingConfig(log_level="CRITICAL"),
            ),
        )
        fitting = _Fitting(trainer)
        fitting.start()
        yield fitting


class Watch:
    """Passes on what workers say until all of them are done."""

    def __init__(
        self, ray: Any, board: Any, fitting: _Fitting, tell: Callable[[str], None]
    ) -> None:
        self.ray, self.board, self.fitting, self.tell = ray, board, fitting, tell
        self.starts = 1

    def to_the_end(self) -> None:
        """Wait; Ctrl-C asks workers to keep what they have, a second one waits no longer."""
        try:
            while not self.fitting.done.is_set():
                self._pass_on()
        except KeyboardInterrupt:
            self.ray.get(self.board.stop.remote())
            for _ in range(int(STOPPING / LOOK)):
                self._pass_on()
                if self.fitting.done.is_set():
                    break
            else:
                raise
        self._pass_on()

    def _pass_on(self) -> None:
        said, starts = self.ray.get(self.board.news.remote())
        for line in said.decode(errors="replace").splitlines():
            self.tell(line)
        if starts > self.starts:
            self.starts = starts
            self.tell("note: a process of the training was lost: all of them begin anew")
        self.fitting.done.wait(LOOK)


def answer(ray: Any, board: Any, failed: BaseException | None, group: Workers) -> Answered:
    """Say what came of it.

    Raises
    ------
    FovealError
        What a worker was refused, and what ended them again and again.
    """
    ended, err, out = ray.get(board.answer.remote())
    if failed is not None:
        raise _lost(failed, group) from failed
    if ended is None:
        return Answered(0, out.decode(), "")
    if ended.refused is not None:
        raise ended.refused
    why = err if ended.rank == 0 else ended.said
    return Answered(ended.code, "", why.decode(errors="replace"))


def _lost(error: BaseException, group: Workers) -> FovealError:
    """Say why Ray Train gave up."""
    workers: dict[int, BaseException] = getattr(error, "worker_failures", {})
    said = [line.strip() for one in workers.values() for line in str(one).splitlines()]
    ends = [line.rpartition("Error: ")[2] for line in said if " ended by " in line]
    told = ends or said or str(error).strip().splitlines() or [type(error).__name__]
    if not workers:
        return ResourceError(
            f"Ray, {group}",
            needed="cores that nothing else uses, and machines that stay",
            came=told[-1][:200],
            remedy="wait until others are done, or ask for fewer `workers`",
        )
    return ResourceError(
        f"Ray, {group}",
        needed=f"processes that stay alive: all of them began {TRIES + 1} times",
        came=told[-1][:200],
        remedy="where memory is short, ask for fewer `workers`; the same command goes on with "
        "`resume`",
    )
