"""Work handed out to actors of Ray, on this machine or on a cluster.

Each actor opens a task once, and does one item after another; Ray Data starts actors, gives them
items as they are listed, and starts others where one ends (Moritz and others, OSDI 2018; Luan and
others, arXiv:2501.12407). An item may be done twice, where an actor ended just after it was done:
what is done must be the same then.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import socket
import sys
import tempfile
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Protocol, TypeVar

from foveal.errors import FovealError, ResourceError, UsageError, without_extra
from foveal.wording import counted

WAITING = 8
"""Items that are listed before an actor asks for them, besides those that Ray Data prefetches."""
TRIES = 3
"""Times that an item is begun, where each actor that has it ends."""
STORE = 200 << 20
"""Bytes of the store of a Ray that is started here: items are names, and small."""
MOST_THREADS = 4
"""Threads of an actor, at most, unless another number is asked for."""
PATIENCE = 0.2
"""Seconds after which it is looked again whether parts came back."""
SECONDS = 10.0
"""Time in which the address of a cluster must answer."""
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is sent to anybody
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_COLOR_PREFIX": "0",
    "RAY_worker_niceness": "0",  # actors are what the command does
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
"""Environment of Ray, unless it says otherwise."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where Ray is: an address, or none for the one of this machine, else one started here."""

    address: str | None = None

    @classmethod
    def read(cls, text: str) -> Cluster:
        """Read what is typed: "ray", or "ray://" and the address that `ray start --head` tells.

        Raises
        ------
        UsageError
            For any other text.
        """
        if cls.named(text):
            return cls(text.partition("://")[2] or None)
        raise UsageError(
            "engine",
            needed="ray, or ray://HOST:PORT",
            came=repr(text[:80]),
            remedy="name the address that 'ray start --head' told, as ray://10.0.0.1:6379",
        )

    @classmethod
    def named(cls, text: object) -> bool:
        """Whether a text names one."""
        engine, _, address = str(text).partition("://")
        host, _, port = address.rpartition(":")
        return engine == "ray" and (not address or bool(host and port.isdecimal()))

    @contextlib.contextmanager
    def joined(self) -> Iterator[Any]:
        """Connect to it meanwhile, unless this process is connected already; gives ray.

        Raises
        ------
        UsageError
            Where Ray is not installed.
        ResourceError
            Where nothing answers at the address.
        """
        os.environ.update({name: value for name, value in QUIET.items() if name not in os.environ})
        ray = imported()
        if ray.is_initialized():
            yield ray
            return
        address = self.address or _running()
        if address is not None:
            _check_answers(address)
        # Ray tells on standard output of workers that ended: there the answer goes.
        with contextlib.redirect_stdout(sys.stderr):
            self._join(ray, address)
            try:
                yield ray
            finally:
                ray.shutdown()

    def _join(self, ray: Any, address: str | None) -> None:
        quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
        if address is None:
            cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
            here = {"include_dashboard": False, "object_store_memory": STORE, "num_cpus": cores}
            ray.init(address="local", **here, **quiet)
            return
        try:
            ray.init(address=self.address, **quiet)
        except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            raise _unreachable(address, str(error)) from error


@dataclass(frozen=True, slots=True)
class OnCluster:
    """The rule of what names a cluster; see `foveal.parameters.Rule`."""

    def accepts(self, value: object) -> bool:
        """Whether the value names one."""
        return Cluster.named(value)

    def sentence(self) -> str:
        """Say the rule."""
        return "ray, or ray://HOST:PORT"

    def example(self) -> str:
        """Say the shortest."""
        return "'ray'"

    def known(self) -> tuple[str, ...]:
        """Return the one word."""
        return ("ray",)


def imported() -> Any:
    """Import Ray.

    Raises
    ------
    UsageError
        Where it is not installed.
    """
    try:
        import ray.data
    except ImportError:
        raise without_extra("engine ray", "Ray", "scale") from None
    return ray


Item = TypeVar("Item")
Answer = TypeVar("Answer")
Item_contra = TypeVar("Item_contra", contravariant=True)
Answer_co = TypeVar("Answer_co", covariant=True)


class Task(Protocol[Item_contra, Answer_co]):
    """What actors do: it can be pickled, as its items and answers can."""

    def open(self, threads: int) -> Callable[[Item_contra], Answer_co]:
        """Make ready to do items by so many threads, in whichever process."""
        ...


def handed_out(
    cluster: Cluster,
    task: Task[Item, Answer],
    items: Iterator[Item],
    *,
    threads: int | None = None,
    graphics: bool | None = False,
) -> Generator[Answer, None, None]:
    """Let actors do items, as many actors as the cluster has cores for.

    What the task and its items name must lie under the same paths on all machines.

    Parameters
    ----------
    cluster : Cluster
        Where Ray is; without any items it is left alone.
    task : Task
        What is done; each actor opens it once.
    items : iterator
        Gone through in this thread, no faster than they are done.
    threads : int, optional
        Threads of an actor, for each of which it reserves a core; where left out half the cores of
        the smallest machine, at most `MOST_THREADS`.
    graphics : bool, optional
        Whether an actor has a graphics processor; None for where there is any.

    Yields
    ------
    answers
        One for each item, in any order.

    Raises
    ------
    ResourceError
        Where nothing answers at the address, and where actors end again and again.
    FovealError
        What the task raises.
    """
    first = next(items, None)
    if first is None:
        return
    with cluster.joined() as ray:
        run = _Run(ray, task, threads, graphics)
        with contextlib.closing(run.answers(chain([first], items))) as found:
            yield from found


class Actor:
    """One worker of many: it opens the task once, and does items.

    What is raised on purpose is an answer, so that Ray does not try it again.
    """

    def __init__(self, task: Task[Any, Any], threads: int, place: str, starts: Any) -> None:
        self.starts = starts
        self.refused: FovealError | None = None
        try:
            _enter(place)
            self.do = task.open(threads)
        except FovealError as error:
            self.refused = error

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[bytes]]:
        """Do some items, each pickled."""
        return {"answer": [pickle.dumps(self._done(one)) for one in batch["item"]]}

    def _done(self, packed: bytes) -> Any:
        import ray

        number, item = pickle.loads(packed)
        if ray.get(self.starts.begun.remote(number)) > TRIES:
            return _deadly()
        try:
            return self.refused or self.do(item)
        except FovealError as error:
            return error


class Starts:
    """Counts how often each item was begun, on the machine of the command.

    Ray gives an item out again as often as it takes until a machine that ended is known to have
    ended; what ends each actor that begins it is known here.
    """

    def __init__(self) -> None:
        self.counts: Counter[int] = Counter()

    def begun(self, number: int) -> int:
        """Count a start of an item; returns how many there were."""
        self.counts[number] += 1
        return self.counts[number]


def _deadly() -> ResourceError:
    return ResourceError(
        "Ray",
        needed="work that does not end the process that does it",
        came=f"items at which {counted(TRIES, 'actor')} ended, one after another",
        remedy="where memory is short, give each actor more `threads`, so that there are fewer of "
        "them; what is done stays, and the same line goes on",
    )


def _enter(place: str) -> None:
    """Go where the command was typed, so that relative paths mean the same."""
    try:
        os.chdir(place)
    except OSError as error:
        raise ResourceError(
            f"{place} on {socket.gethostname()}",
            needed="the folder in which the command was typed, on every machine of the cluster",
            came=error.strerror or str(error),
            remedy="work in a folder that all of them share",
        ) from error


class _Run:
    """Items on their way out and answers on their way back."""

    def __init__(
        self, ray: Any, task: Task[Any, Any], threads: int | None, graphics: bool | None
    ) -> None:
        self.ray, self.task = ray, task
        self.threads = threads or _threads(ray)
        there = ray.cluster_resources().get("GPU", 0) > 0
        self.graphics = int(there if graphics is None else graphics)
        self.out = self.done = 0
        """Items given out, and answers that came."""
        self.back: SimpleQueue[Any] = SimpleQueue()
        """What came back."""
        self.failed: BaseException | None = None
        """What ended Ray Data."""

    def answers(self, items: Iterator[Any]) -> Generator[Any, None, None]:
        """Give items out as they are listed, and yield answers as they come back."""
        queue = self._queue()
        ray_data = threading.Thread(target=self._collect, args=(queue,), daemon=True)
        ray_data.start()
        try:
            for item in items:
                packed = pickle.dumps((self.out, item))
                self.out += 1
                yield from self._given(queue, packed, ray_data)
            yield from self._given(queue, None, ray_data)
            while ray_data.is_alive():
                yield from self._came(wait=True)
            yield from self._came()
        finally:
            with contextlib.suppress(Exception):  # ends Ray Data, where it goes on
                queue.put(None, block=False)
        if self.failed is not None or self.done < self.out:
            raise self._lost(self.failed) from self.failed

    def _given(self, queue: Any, packed: bytes | None, ray_data: threading.Thread) -> Iterator[Any]:
        """Give an item out, once there is room for it; yield what comes back meanwhile."""
        from ray.util.queue import Full

        while ray_data.is_alive():
            yield from self._came()
            with contextlib.suppress(Full):
                queue.put(packed, timeout=PATIENCE)
                return

    def _came(self, *, wait: bool = False) -> Iterator[Any]:
        """Yield the answers that came back; raise what was refused."""
        with contextlib.suppress(Empty):
            while True:
                answer = self.back.get(block=wait, timeout=PATIENCE)
                if isinstance(answer, FovealError):
                    raise answer
                self.done += 1
                yield answer

    def _collect(self, queue: Any) -> None:
        """Go through what Ray Data gives, in a thread of its own: it is waited for."""
        try:
            for batch in self._dataset(queue).iter_batches(batch_size=None, prefetch_batches=0):
                for one in batch["answer"]:
                    self.back.put(pickle.loads(one))
        except BaseException as error:
            self.failed = error

    def _queue(self) -> Any:
        from ray.util.queue import Queue

        return Queue(WAITING, {"num_cpus": 0, "scheduling_strategy": self._here()})

    def _here(self) -> Any:
        """Say that something runs on this machine: it lives as long as this process does."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        own = self.ray.get_runtime_context().get_node_id()
        return NodeAffinitySchedulingStrategy(own, soft=False)

    def _dataset(self, queue: Any) -> Any:
        """Describe what Ray Data does: items as they come, each to an actor."""
        data = self.ray.data
        context = data.DataContext.get_current().copy()
        context.enable_progress_bars = context.print_on_execution_start = False
        context.target_max_block_size = 1  # one item a block, so that each goes out by itself
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        starts = self.ray.remote(num_cpus=0, scheduling_strategy=self._here())(Starts).remote()
        fit = max(int(self.ray.cluster_resources().get("CPU", 1)) // self.threads, 1)
        with warnings.catch_warnings(), data.DataContext.current(context):
            warnings.simplefilter("ignore")  # how Ray would have remote arguments named in 2.64
            return data.read_datasource(
                _source(queue),
                override_num_blocks=1,
                num_cpus=0,
                ray_remote_args={"scheduling_strategy": self._here(), "max_retries": 0},
            ).map_batches(
                Actor,
                fn_constructor_args=(self.task, self.threads, str(Path.cwd()), starts),
                batch_size=1,
                compute=data.ActorPoolStrategy(min_size=1, max_size=None, initial_size=fit),
                num_cpus=self.threads,
                num_gpus=self.graphics,
                max_task_retries=-1,
            )

    def _lost(self, error: BaseException | None) -> ResourceError:
        told = str(error or "").strip().splitlines()
        return ResourceError(
            f"Ray, {self.done:,} of {counted(self.out, 'item')} done",
            needed="actors that stay alive, and the machine on which the command was typed",
            came=told[-1][:200] if told else "items that were lost on their way",
            remedy="the same line goes on; where memory is short, give each actor more `threads`, "
            "so that there are fewer of them",
        )


def _source(queue: Any) -> Any:
    """Make what Ray Data reads: items, pickled, from a queue until None comes."""
    import pyarrow as pa
    from ray.data import Datasource, ReadTask
    from ray.data.block import BlockMetadata

    def read() -> Iterator[pa.Table]:
        while (item := queue.get()) is not None:
            yield pa.table({"item": pa.array([item], pa.large_binary())})

    class Source(Datasource):  # type: ignore[misc]
        def estimate_inmemory_data_size(self) -> None:
            return None

        def get_read_tasks(self, *_: Any, **__: Any) -> list[Any]:
            return [ReadTask(read, BlockMetadata(None, None, None, None))]

    return Source()


def _threads(ray: Any) -> int:
    """Choose the threads of an actor."""
    cores = [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]]
    smallest = min(filter(None, cores), default=1)
    return max(1, min(MOST_THREADS, smallest // 2))


def _running() -> str | None:
    """Return the address of the cluster that this machine is part of; None for none."""
    asked = os.environ.get("RAY_ADDRESS", "")
    if asked:
        return None if asked == "local" else asked.rpartition("//")[2]
    place = Path(os.environ.get("RAY_TMPDIR", tempfile.gettempdir()))
    try:  # `ray start` leaves it there, `ray stop` takes it away
        return (place / "ray" / "ray_current_cluster").read_text().strip() or None
    except OSError:
        return None


def _check_answers(address: str) -> None:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=SECONDS).close()
    except (OSError, OverflowError) as error:
        raise _unreachable(address, str(error)) from error


def _unreachable(address: str, came: str) -> ResourceError:
    return ResourceError(
        f"engine ray://{address}",
        needed="a cluster of Ray that this machine is part of",
        came=came.strip().splitlines()[0][:200] if came.strip() else "no answer",
        remedy="start it with: ray start --head; join it on each machine, this one too, with: ray "
        "start --address=HOST:PORT; where it has a token, with RAY_AUTH_MODE=token on all of them; "
        "what is left of one that ended goes with: ray stop",
    )
