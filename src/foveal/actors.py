"""Work handed out to actors of Ray, on this machine or on a cluster.

Each actor opens a task once, and does one item after another; Ray Data starts actors, gives them
items as they are listed, and starts others where one ends (Moritz and others, OSDI 2018; Luan and
others, arXiv:2501.12407). An item may be done twice, where an actor ended just after it was done:
what is done must be the same then.
"""

from __future__ import annotations

import contextlib
import logging
import pickle
import socket
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from itertools import chain
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Protocol, TypeVar

from foveal.cluster import Cluster, cores_of, enter, on_this_machine
from foveal.errors import FovealError, ResourceError, UsageError
from foveal.wording import counted

WAITING = 8
"""Items that are listed before an actor asks for them, besides those that Ray Data prefetches."""
TRIES = 3
"""Times that an item is begun, where each actor that has it ends."""
MOST_THREADS = 4
"""Threads of an actor, at most, unless another number is asked for."""
PATIENCE = 0.2
"""Seconds after which it is looked again whether parts came back."""

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
    UsageError
        Where no machine has the cores or the graphics processor of an actor.
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


def needs_graphics(device: str) -> bool | None:
    """Whether an actor that computes there needs a graphics processor; None for where any is."""
    return None if device == "auto" else device.startswith("cuda")


class Actor:
    """One worker of many: it opens the task once, and does items.

    What is raised on purpose is an answer, so that Ray does not try it again. The task is opened
    with the first item, not before: an actor that ends while it starts is started again for ever,
    and one that ends at an item is counted.
    """

    def __init__(self, task: Task[Any, Any], threads: int, place: str, starts: Any) -> None:
        self.task, self.threads, self.place, self.starts = task, threads, place, starts
        self.do: Callable[[Any], Any] | None = None

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[bytes]]:
        """Do some items, each pickled."""
        return {"answer": [pickle.dumps(self._done(one)) for one in batch["item"]]}

    def _done(self, packed: bytes) -> Any:
        import ray

        number, item = pickle.loads(packed)
        if ray.get(self.starts.begun.remote(number)) > TRIES:
            return _deadly()
        try:
            if self.do is None:
                enter(self.place)
                self.do = self.task.open(self.threads)
            return self.do(item)
        except FovealError as error:
            return error
        except Exception as error:  # else Ray would tell of it, in words of its own
            return _failed(error)


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


def _failed(error: Exception) -> ResourceError:
    """Tell what went wrong on an actor that nobody foresaw."""
    said = (str(error).strip().splitlines() or ["no more is said"])[0][:200]
    return ResourceError(
        f"Ray, an actor on {socket.gethostname()}",
        needed="work that can be done there",
        came=f"{type(error).__name__}: {said}",
        remedy="look whether that machine has the same files, packages and room; what is done "
        "stays, and the same line goes on",
    )


class _Run:
    """Items on their way out and answers on their way back."""

    def __init__(
        self, ray: Any, task: Task[Any, Any], threads: int | None, graphics: bool | None
    ) -> None:
        self.ray, self.task = ray, task
        self.threads = threads or _threads(ray)
        there = ray.cluster_resources().get("GPU", 0) > 0
        self.graphics = int(there if graphics is None else graphics)
        check_fits(ray, self.threads, self.graphics)
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
                if not ray_data.is_alive():  # nobody asks for those that would be listed still
                    break
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

        return Queue(WAITING, {"num_cpus": 0, "scheduling_strategy": on_this_machine(self.ray)})

    def _dataset(self, queue: Any) -> Any:
        """Describe what Ray Data does: items as they come, each to an actor."""
        data = self.ray.data
        context = data.DataContext.get_current().copy()
        context.enable_progress_bars = context.print_on_execution_start = False
        context.target_max_block_size = 1  # one item a block, so that each goes out by itself
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        here = {"scheduling_strategy": on_this_machine(self.ray)}
        starts = self.ray.remote(num_cpus=0, **here)(Starts).remote()
        fit = max(int(self.ray.cluster_resources().get("CPU", 1)) // self.threads, 1)
        with warnings.catch_warnings(), data.DataContext.current(context):
            warnings.simplefilter("ignore")  # how Ray would have remote arguments named in 2.64
            return data.read_datasource(
                _source(queue),
                override_num_blocks=1,
                num_cpus=0,
                ray_remote_args={**here, "max_retries": 0},
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
    smallest = min(cores_of(ray), default=1)
    return max(1, min(MOST_THREADS, smallest // 2))


def check_fits(ray: Any, threads: int, graphics: int) -> None:
    """Refuse actors for which no machine has room: Ray would wait for one that has.

    So it should where machines come when they are asked for, and none is there yet.

    Raises
    ------
    UsageError
        Where each is too small.
    """
    if not cores_of(ray):
        return
    with_graphics = "a graphics processor and " * graphics
    most = max(cores_of(ray, graphics), default=0)
    if most < threads:
        raise UsageError(
            "threads",
            needed=f"a machine of the cluster with {with_graphics}{counted(threads, 'core')}, one "
            "for each thread of an actor",
            came=f"{counted(most, 'core')} at most" if most else "none with a graphics processor",
            remedy="give fewer `threads`" if most else "choose the processor (`device` cpu)",
        )
