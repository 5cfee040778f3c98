"""What an engine is: a frozen network that turns arrays of pictures into answers.

Axes: n pictures, c channels, h rows, w columns; m pictures of one batch.
"""

from __future__ import annotations

import copy
import ctypes
import math
import os
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Literal, TypeVar

import numpy as np
import torch
from torch import nn

from foveal.errors import UsageError
from foveal.wording import counted

Lane = Callable[[np.ndarray], np.ndarray]
"""Answers one batch; used by one thread at a time."""
PIXELS, LARGEST = 4 * 224 * 224, 64
"""Pixels of a batch, and most pictures. OpenVINO ran four networks at 224x224 3 to 12 %
faster in batches of 4 than of 8 (two threads); small pictures need more to pay for the call."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frozen:
    """A network that will not change any more, and how arrays become its input."""

    network: nn.Module
    """Takes float32 (n, c, h, w), gives float32 (n, ...); on the processor; never changed."""
    picture: tuple[int, int, int]
    """Height, width and channels of one picture."""
    dtype: Literal["uint8", "float32"]
    """Type of the arrays the engine is given."""
    scale: tuple[float, ...]
    """One factor a channel: the network sees ``image * scale + shift``."""
    shift: tuple[float, ...]
    """One summand a channel."""

    def __post_init__(self) -> None:
        if self.dtype not in ("uint8", "float32"):
            raise UsageError(
                "dtype", needed="uint8 or float32", came=repr(self.dtype), remedy="convert first"
            )
        channels = self.picture[2]
        numbers = self.scale + self.shift
        if not len(self.scale) == len(self.shift) == channels or not all(
            map(math.isfinite, numbers)
        ):
            raise UsageError(
                "scale and shift",
                needed=f"a finite number for each of {counted(channels, 'channel')}",
                came=f"{self.scale} and {self.shift}",
                remedy="give one of each for each channel",
            )

    @property
    def batch(self) -> int:
        """Pictures an engine takes at a time."""
        return batch_for(*self.picture[:2])

    def example(self, pictures: int) -> np.ndarray:
        """Make arrays (n, h, w, c) of noise such as the network might see."""
        random = np.random.default_rng(0)
        shape = (pictures, *self.picture)
        if self.dtype == "uint8":
            return random.integers(0, 256, shape, dtype=np.uint8)
        scale = np.where(np.equal(self.scale, 0.0), 1.0, self.scale)
        return ((random.standard_normal(shape) - self.shift) / scale).astype(np.float32)


def batch_for(height: int, width: int) -> int:
    """Choose the pictures of a batch by their size."""
    return min(max(PIXELS // (height * width), 1), LARGEST)


class Scaled(nn.Module):
    """A copy of a frozen network that takes arrays as they come.

    The scaling stays an operation of its own, which an engine fuses with its neighbours: the
    first convolution pads with zeros *after* it, so its weights cannot take it in exactly.
    """

    scale: torch.Tensor
    shift: torch.Tensor

    def __init__(self, frozen: Frozen) -> None:
        super().__init__()
        self.network = copy.deepcopy(frozen.network)
        self.register_buffer("scale", torch.tensor(frozen.scale, dtype=torch.float32))
        self.register_buffer("shift", torch.tensor(frozen.shift, dtype=torch.float32))
        self.eval().requires_grad_(False)

    def forward(self, images_nhwc: torch.Tensor) -> torch.Tensor:
        """Return the answers to images (n, h, w, c)."""
        scaled_nhwc = images_nhwc.float() * self.scale + self.shift
        answers: torch.Tensor = self.network(scaled_nhwc.permute(0, 3, 1, 2))
        return answers


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Engine:
    """A frozen network ready to run."""

    name: str
    """"torch", "openvino" or "onnxruntime"."""
    version: str
    """Name and version, such as "openvino 2026.4.1"."""
    batch: int
    """Pictures it takes at a time, at most."""
    frozen: Frozen
    """What it runs."""
    lanes: int
    """Batches computed side by side."""
    start: Callable[[], Lane]
    """Makes one lane."""
    padded: bool = True
    """Whether a lane needs full batches; what is missing is padded and cut off again."""
    note: str = ""
    """Why it is not the engine that was wished for; empty where it is."""

    def run(self, batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Answer batches of pictures in their order, lazily.

        At most two batches a lane are under way: the next ones are taken from `batches` while
        earlier ones compute. An error in either ends the run; closing the iterator waits for
        the batches that have begun and drops the rest.

        Parameters
        ----------
        batches : iterable of numpy.ndarray
            Arrays (m, h, w, c) of the frozen network's dtype, 1 <= m <= batch. They are copied.

        Yields
        ------
        numpy.ndarray
            Answers (m, ...), float32.

        Raises
        ------
        UsageError
            Where an array has another shape or type.
        """
        idle: SimpleQueue[Lane] = SimpleQueue()
        for _ in range(self.lanes):
            idle.put(self.start())
        pending: deque[Future[np.ndarray]] = deque()
        with ThreadPoolExecutor(self.lanes, thread_name_prefix="foveal-engine") as pool:
            try:
                for images_nhwc in batches:
                    ready = self._taken(images_nhwc)
                    pending.append(pool.submit(_answer, idle, ready, len(images_nhwc)))
                    while pending and (pending[0].done() or len(pending) >= 2 * self.lanes):
                        yield pending.popleft().result()
                while pending:
                    yield pending.popleft().result()
            finally:
                pool.shutdown(wait=True, cancel_futures=True)

    def _taken(self, images_nhwc: np.ndarray) -> np.ndarray:
        """Copy a batch, so that its owner may overwrite it while it waits here."""
        count, frozen = len(images_nhwc), self.frozen
        right = images_nhwc.shape[1:] == frozen.picture and images_nhwc.dtype == frozen.dtype
        if not right or not 1 <= count <= self.batch:
            raise UsageError(
                "pictures",
                needed=f"1 to {self.batch} of {frozen.picture}, {frozen.dtype}",
                came=f"{count} of {images_nhwc.shape[1:]}, {images_nhwc.dtype}",
                remedy="cut, convert or resize them first",
            )
        own = np.zeros((self.batch if self.padded else count, *frozen.picture), frozen.dtype)
        own[:count] = images_nhwc
        return own


def _answer(idle: SimpleQueue[Lane], images_nhwc: np.ndarray, count: int) -> np.ndarray:
    lane = idle.get()
    try:
        return np.asarray(lane(images_nhwc)[:count], dtype=np.float32)
    finally:
        idle.put(lane)


def plain(scaled: nn.Module, images_nhwc: np.ndarray) -> np.ndarray:
    """Answer pictures by torch as it comes: what every engine is held against."""
    with torch.inference_mode():
        answers: np.ndarray = scaled(torch.from_numpy(images_nhwc)).numpy()
    return answers


def agree(left: np.ndarray, right: np.ndarray) -> bool:
    """Whether two engines' answers are the same but for rounding."""
    if left.shape != right.shape:
        return False
    largest = float(np.nanmax(np.abs(right), initial=0.0, where=np.isfinite(right)))
    return np.allclose(left, right, rtol=0.0, atol=TOLERANCE * largest + 1e-9, equal_nan=True)


_WITH_THREADS: weakref.WeakSet[Any] = weakref.WeakSet()
T = TypeVar("T")


def kept_in_forks(runtime: T) -> T:
    """Mark what an engine runs by as never to be taken down in a forked process.

    There its threads are gone: its end would wait for them, or end the process.
    """
    _WITH_THREADS.add(runtime)
    return runtime


def _keep() -> None:
    for runtime in list(_WITH_THREADS):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(runtime))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_keep)

TOLERANCE = 1e-3
"""Of the largest answer. On four networks rounding made 2e-6 at most, other weights 0.9."""
