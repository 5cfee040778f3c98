"""A frozen network, opened once and asked many times; safe in threads.

One place decides which engine runs a call: by what it costs to have the engine ready against what
it saves. Axes: n picture, h height, w width, c channel.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import torch

from foveal.arrays import Array
from foveal.cache import cache_folder
from foveal.device import Device, ThreadLock
from foveal.engines import choose
from foveal.engines.engine import Frozen, batch_for
from foveal.inference.frozen import FrozenNetwork
from foveal.pictures.batches import normalised
from foveal.pictures.collection import Pictures
from foveal.pictures.preparing import batches
from foveal.pictures.scaling import Scaling, scaling
from foveal.pictures.tensors import as_tensor
from foveal.recipe import PictureRecipe

TORCH_PACE, ENGINE_PACE = 2.2e10, 6e10
"""Multiply-adds a second, by torch as it is and by a converted network: EfficientNet-Lite0 on two
cores. Only their ratio to the seconds below counts."""
LOADING, CONVERTING = 0.4, 2.5
"""Seconds until a network that is kept converted can run, and one that has to be converted."""
SMALL = 5e7
"""Multiply-adds up to which torch runs a call by one thread, where others are expected: several
would wait for each other longer than they compute, and keep the others from the processor."""
PIXELS, MOST = 128 * 64 * 64, 128
"""Pixels that go through torch at once, and pictures, at most."""

Seen = TypeVar("Seen")
Outputs = tuple[int, np.ndarray[Any, np.dtype[np.float64]], list[str]]
"""Row of the first picture, outputs (NaN where there is no picture), reasons."""


class Runner(Protocol):
    """Runs a frozen network over batches of pictures, in order."""

    @property
    def batch(self) -> int:
        """Pictures it takes at a time, at most."""
        ...

    @property
    def version(self) -> str:
        """Name and version, such as "openvino 2026.4.1"."""
        ...

    @property
    def note(self) -> str:
        """Why it is not the engine that was wished for; empty where it is."""
        ...

    def run(self, batches: Iterable[Array]) -> Iterator[Array]:
        """Answer batches (n, h, w, c), lazily."""
        ...


@dataclass(frozen=True, slots=True)
class Eager:
    """Torch as it is, on any device and for any dtype: an engine that needs no preparation."""

    network: FrozenNetwork
    scaling: Scaling
    device: str
    batch: int
    """Pictures it takes at a time, at most."""
    note: str = ""
    version: str = f"torch {torch.__version__}"

    def run(self, batches: Iterable[Array]) -> Iterator[Array]:
        """Answer batches (n, h, w, c), not normalised."""
        network = self.network.network.to(self.device)
        for images in batches:
            with torch.inference_mode():
                raw = as_tensor(images).to(self.device)
                answers: Array = network(normalised(raw, self.scaling)).float().cpu().numpy()
            yield answers


class Session:
    """A network that is asked: with its recipe, its device, and the engines it was opened by.

    Parameters
    ----------
    network : FrozenNetwork
        The network, on its device.
    recipe : PictureRecipe
        How pictures become its input.
    device : Device
        Where to compute, and by how many threads.
    engine : {"openvino", "onnxruntime", "torch"}, optional
        The engine that runs it; by cost where left out.
    """

    def __init__(
        self,
        network: FrozenNetwork,
        recipe: PictureRecipe,
        device: Device,
        *,
        engine: str | None = None,
    ) -> None:
        self.network, self.recipe, self.device, self.asked = network, recipe, device, engine
        self._lock = ThreadLock()
        self._engines: dict[tuple[str, Scaling, int], Runner] = {}
        """By the process they were opened in: a forked one has none of their threads."""
        self._saved: dict[Scaling, float] = {}
        """Seconds that an engine would have saved so far."""
        self._preferred = ""

    def __getstate__(self) -> dict[str, Any]:
        """Leave engines behind: another process opens its own."""
        names = ("network", "recipe", "device", "asked")
        return {name: getattr(self, name) for name in names}

    def __setstate__(self, state: dict[str, Any]) -> None:
        asked = state["asked"]
        self.__init__(state["network"], state["recipe"], state["device"], engine=asked)  # type: ignore[misc]

    def outputs(self, pictures: Pictures, *, some_of_many: bool = False) -> Iterator[Outputs]:
        """Run pictures through the network, in order, in bounded memory.

        Parameters
        ----------
        pictures : Pictures
            Files or an array.
        some_of_many : bool
            Whether they are some of so many that the fastest engine is worth its opening, however
            few these are: then all of them go through the same one.

        Yields
        ------
        tuple
            Row of the first picture, outputs (n, ...) with NaN where a picture cannot be read,
            and for each picture why it cannot; empty where it can.
        """
        looking = self.looking(pictures, lambda images, by: None, some_of_many=some_of_many)
        for start, values, reasons, _ in looking:
            yield start, values, reasons

    def looking(
        self,
        pictures: Pictures,
        look: Callable[[Array, Scaling], Seen],
        *,
        some_of_many: bool = False,
    ) -> Iterator[tuple[int, np.ndarray[Any, np.dtype[np.float64]], list[str], Seen]]:
        """Run pictures through the network, and look at them on the way.

        Parameters
        ----------
        pictures : Pictures
            As for `outputs`.
        look : callable
            Called with each batch (n, h, w, c) as it is prepared, black where there is no
            picture, and the scaling of its values.
        some_of_many : bool
            As for `outputs`.

        Yields
        ------
        tuple
            As `outputs`, and what `look` gave.
        """
        recipe, threads = pictures.content.suited(self.recipe), self.device.threads
        by = scaling(pictures, recipe)
        runner = self.runner_of_many(by) if some_of_many else self.runner(by, len(pictures))
        waiting: deque[tuple[int, list[str], Seen]] = deque()

        def feed() -> Iterator[Array]:
            for start, images, reasons in batches(pictures, recipe, threads, runner.batch):
                waiting.append((start, reasons, look(images, by)))
                yield images

        with self.device.at_work():
            for found in runner.run(feed()):
                start, reasons, seen = waiting.popleft()
                values = np.array(found, dtype=np.float64)
                values[[bool(reason) for reason in reasons]] = np.nan
                yield start, values, reasons, seen

    def prepared(self, images: Array, by: Scaling, *, at_hand: bool = True) -> Array:
        """Run pictures (n, h, w, c) that are prepared already, (n, ...); see `engine_for`."""
        runner = self.runner(by, len(images), at_hand=at_hand)
        starts = range(0, len(images), runner.batch)
        small = at_hand and len(images) * self.network.multiply_adds < SMALL
        device = replace(self.device, threads=1) if small else self.device
        with device.at_work():
            found = list(runner.run(images[start : start + runner.batch] for start in starts))
        return np.concatenate(found)

    def open_fastest(self, by: Scaling) -> None:
        """Open the engine that many pictures are worth, before the first of them come."""
        name = self.fastest(by)
        if name != "torch" or self.asked is not None:
            self.engine(name, by)

    def close(self) -> None:
        """Take its engines down, in this thread; whoever asks again opens them anew."""
        with self._lock:
            self._engines.clear()

    def runner(self, by: Scaling, pictures: int, *, at_hand: bool = True) -> Runner:
        """Choose and open what runs a call of so many pictures."""
        return self._opened(self.engine_for(pictures, by, at_hand=at_hand), by)

    def runner_of_many(self, by: Scaling) -> Runner:
        """Open what runs many pictures, however they are divided into calls."""
        return self._opened(self.fastest(by), by)

    def engine_of_many(self, pictures: Pictures) -> str:
        """Name what runs many pictures such as these, with its version and device."""
        by = scaling(pictures, pictures.content.suited(self.recipe))
        where = "" if self.device.name == "cpu" else f" on {self.device.name}"
        return f"{self.runner_of_many(by).version}{where}"

    def _opened(self, name: str, by: Scaling) -> Runner:
        if name == "torch" and self.asked is None:
            return Eager(self.network, by, self.device.name, at_once(self.recipe))
        return self.engine(name, by)

    def engine(self, name: str, by: Scaling) -> Runner:
        """Open an engine by name, once; on another device than the processor it is torch as it is.

        Raises
        ------
        UsageError
            For an engine that was asked for and cannot run the network.
        """
        if self.device.name != "cpu":
            return Eager(self.network, by, self.device.name, at_once(self.recipe))
        with self._lock:
            key = (name, by, os.getpid())
            found = self._engines.get(key)
            if found is None:
                found = self._engines[key] = choose.make(
                    name,
                    described(self.network, self.recipe, by),
                    threads=self.device.threads,
                    kept=self._conversion(name, by),
                    fallback=self.asked is None,
                )
        return found

    def engine_for(self, pictures: int, by: Scaling, *, at_hand: bool = False) -> str:
        """Name the engine for a call of so many pictures.

        That is torch as it is unless the preferred engine, opening included, is done sooner. Of
        many small calls none would pay for the opening by itself; with `at_hand` it is opened once
        they would have paid for it together, and engines that are open cost nothing to open.
        """
        name = self.fastest(by)
        if name == "torch" or self.asked is not None:
            return name
        batch = batch_for(self.recipe.height, self.recipe.width)
        padded = -(-pictures // batch) * batch
        cost = self.network.multiply_adds
        saved = pictures * cost / TORCH_PACE - padded * cost / ENGINE_PACE
        with self._lock:
            if at_hand and (name, by, os.getpid()) in self._engines:
                return name if saved > 0 else "torch"
            together = max(saved, 0.0) + (self._saved.get(by, 0.0) if at_hand else 0.0)
            if saved > 0 and together > self._opening(name, by):
                return name
            if at_hand:
                self._saved[by] = together
        return "torch"

    def fastest(self, by: Scaling) -> str:
        """Name the engine that is asked for, or else the one that is fastest once it is open."""
        if self.device.name != "cpu":
            return "torch"
        if self.asked is not None:
            return self.asked
        if by.stored == "own":
            return "torch"
        if not self._preferred:  # looks for packages and a file: longer than a small network runs
            self._preferred = preferred(self.network.name)
        return self._preferred

    def _opening(self, name: str, by: Scaling) -> float:
        """Estimate the seconds until an engine can run."""
        return LOADING if self._conversion(name, by).exists() else CONVERTING

    def _conversion(self, engine: str, by: Scaling) -> Path:
        """Return the file that keeps the network converted for an engine."""
        how = json.dumps([self.recipe.shape, by.affine, by.stored])
        digest = hashlib.blake2b(how.encode(), digest_size=8).hexdigest()
        name = f"{self.network.fingerprint[:32]}-{digest}-{engine}.safetensors"
        folder = cache_folder() / "engines"
        with contextlib.suppress(OSError):  # without it, it is converted anew each time
            folder.mkdir(parents=True, exist_ok=True)
        return folder / name


def at_once(recipe: PictureRecipe) -> int:
    """Choose how many pictures go through torch at once: fewer of large ones."""
    return max(1, min(MOST, PIXELS // (recipe.height * recipe.width)))


def described(network: FrozenNetwork, recipe: PictureRecipe, by: Scaling) -> Frozen:
    """Describe a network to an engine."""
    scale, shift = by.affine
    return Frozen(
        network=network.network,
        picture=(recipe.height, recipe.width, recipe.channels),
        dtype="uint8" if by.stored == "uint8" else "float32",
        scale=scale,
        shift=shift,
    )


def measured_engines() -> Path:
    """Return the file that keeps what `foveal backbones --measure` found here."""
    return cache_folder() / "engines" / "measured.json"


def preferred(architecture: str) -> str:
    """Name the fastest engine for an architecture: as measured here, else by the table."""
    measured = choose.kept_choice(measured_engines(), architecture)
    return measured or choose.default(architecture, choose.available())
