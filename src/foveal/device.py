"""Decides device, memory format and threads; everything below follows its input.

What torch holds once a process stands here too: its random state, which one drawing has at a
time, and its threads, which a forked process must not wait for.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import torch

from foveal.errors import UsageError
from foveal.parameters import did_you_mean
from foveal.vocabulary import Precision

MOST_THREADS = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """Where and how tensors are computed."""

    name: str
    """Torch's name of the device: "cpu", "cuda" or "mps"."""
    threads: int
    """Threads that torch uses on the processor."""
    dtype: torch.dtype = torch.float32
    """Number format of weights and activations."""
    memory_format: torch.memory_format = torch.channels_last
    """Order of the axes in memory; channels last runs 1.5 times as fast on a processor."""
    asked: int | None = None
    """Threads that were asked for, which an actor of a cluster has too; None where cores decide."""

    def computing(self, precision: Precision) -> AbstractContextManager[object]:
        """Let products within be of that precision; weights, sums and losses stay float32.

        Mixed precision as in Micikevicius et al., arXiv:1710.03740; bfloat16 has the range of
        float32, so that losses need not be scaled.
        """
        if precision == "float32":
            return nullcontext()
        return torch.autocast(self.name, dtype=torch.bfloat16)

    @contextmanager
    def private_randomness(self, seed: int) -> Iterator[None]:
        """Let torch draw from a seed within (dropout does), and give the caller's state back.

        One thread is within at a time; see `drawing`.
        """
        devices = [torch.cuda.current_device()] if self.name == "cuda" else []
        with drawing(seed, devices):
            if self.name == "cuda":
                torch.cuda.manual_seed(seed)
            elif self.name == "mps":
                torch.mps.manual_seed(seed)
            yield

    @contextmanager
    def _exact(self) -> Iterator[None]:
        """Convolve in float32 within; see `at_work`."""
        if self.name != "cuda":
            yield
            return
        convolutions = torch.backends.cudnn.conv  # type: ignore[attr-defined]
        before, convolutions.fp32_precision = convolutions.fp32_precision, "ieee"
        try:
            yield
        finally:
            convolutions.fp32_precision = before

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Let torch use this device's number of threads within, and the caller's after.

        Several threads may be within at a time: the first one in notes the caller's number. In
        the thread that a fork left it is one thread: those that torch had are gone, and it would
        wait for them for ever. A graphics processor convolves in float32 within, not in TF32:
        a model answers the same wherever it is asked.
        """
        before = _BASE.entered()
        torch.set_num_threads(1 if _left_by_fork() else self.threads)
        try:
            with self._exact():
                yield
        finally:
            _BASE.left()
            torch.set_num_threads(before)


class ThreadLock:
    """A lock among threads that a forked process finds open, whoever held it at the fork."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        _LOCKS.add(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def open(self) -> None:
        """Forget who holds it."""
        self._lock = threading.RLock()


_LOCKS: weakref.WeakSet[ThreadLock] = weakref.WeakSet()
_TURN = ThreadLock()
"""Held while anything draws from torch's random state, of which a process has one."""


@contextmanager
def drawing(seed: int | None = None, devices: Sequence[int] = ()) -> Iterator[None]:
    """Draw from torch's random state within, alone, and give the caller's state back.

    Fits in several threads take turns here, a forward pass at a time: each draws what it would
    have drawn alone. What else a program draws from that state in another thread is not held
    back.

    Parameters
    ----------
    seed : int, optional
        Where the processor's state begins; left as it is without one.
    devices : sequence of int
        Numbers of the graphics processors whose state is given back too.
    """
    with _TURN, torch.random.fork_rng(devices=devices):
        if seed is not None:
            torch.default_generator.manual_seed(seed)
        yield


class _Base:
    """The number of torch's threads outside of all work, and within the work of each thread."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.within = 0
        self.outside = 1
        self.mine = threading.local()

    def entered(self) -> int:
        """Note that work begins; return the number of threads to go back to."""
        nested: int = getattr(self.mine, "depth", 0)
        self.mine.depth = nested + 1
        with self.lock:
            if not self.within:
                self.outside = torch.get_num_threads()
            self.within += 1
            return torch.get_num_threads() if nested else self.outside

    def left(self) -> None:
        """Note that work is over; a stream left unread may end in another thread."""
        self.mine.depth = max(getattr(self.mine, "depth", 0) - 1, 0)
        with self.lock:
            self.within -= 1


_BASE = _Base()
_forked = False


def _left_by_fork() -> bool:
    """Whether this thread is the one that a fork left of its process."""
    return _forked and threading.current_thread() is threading.main_thread()


def _after_fork() -> None:
    """Begin anew in a forked process: other threads, and what they held, are gone."""
    global _BASE, _forked
    _BASE, _forked = _Base(), True
    for lock in list(_LOCKS):
        lock.open()
    torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def choose(name: str = "auto", threads: int | None = None) -> Device:
    """Choose a device.

    Parameters
    ----------
    name : {"auto", "cpu", "cuda", "mps"}
        "auto" takes a graphics processor where there is one.
    threads : int, optional
        Threads on the processor; OMP_NUM_THREADS, or else the cores this process may use, where
        left out.

    Raises
    ------
    UsageError
        Where the named device is not there.
    """
    there = available()
    if name == "auto":
        name = there[-1]
    if name not in there:
        raise UsageError(
            "device",
            needed=f"one of {', '.join(there)} on this machine",
            came=repr(name),
            remedy=did_you_mean(name, there) or "use 'auto'",
        )
    if threads is not None and not 1 <= threads <= MOST_THREADS:
        raise UsageError(
            "threads",
            needed=f"1 to {MOST_THREADS}",
            came=str(threads),
            remedy="leave `threads` out: the cores of this machine decide",
        )
    return Device(name=name, threads=threads or cores(), asked=threads)


def available() -> list[str]:
    """List the devices of this machine, the preferred one last."""
    found = ["cpu"]
    if torch.backends.mps.is_available():
        found.append("mps")
    if torch.cuda.is_available():
        found.append("cuda")
    return found


def cores() -> int:
    """Count the processor cores this process may use; OMP_NUM_THREADS says so where it is set."""
    asked = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    if asked.isdecimal() and 1 <= int(asked) <= MOST_THREADS:
        return int(asked)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
