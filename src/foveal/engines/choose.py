"""Which engines there are, which of them is best for a network, and how to make one."""

from __future__ import annotations

import importlib.util
import itertools
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from foveal.cache import disk
from foveal.engines import eager, onnx, openvino
from foveal.engines.engine import Engine, Frozen
from foveal.errors import UsageError
from foveal.files import write_whole
from foveal.parameters import one_of

NEEDS: dict[str, tuple[str, ...]] = {
    openvino.NAME: ("openvino",),
    onnx.NAME: ("onnxruntime", "onnx", "onnxscript"),
    eager.NAME: (),
}
"""Packages each engine is made with; the order is that of preference."""
INSTALL = {openvino.NAME: "openvino", onnx.NAME: "'foveal[onnx]'"}
"""What pip installs them by."""
TABLE: tuple[tuple[str, tuple[str, ...]], ...] = (("", (openvino.NAME, onnx.NAME, eager.NAME)),)
"""Beginning of an architecture's name, and its engines from fast to slow."""


def available() -> list[str]:
    """List the engines that can be made here, by preference; torch is always the last."""
    return [name for name in NEEDS if not missing(name)]


def missing(name: str) -> list[str]:
    """List the packages of an engine that are not installed."""
    return [package for package in NEEDS[name] if not _installed(package)]


def default(architecture: str, installed: Sequence[str]) -> str:
    """Name the engine that should be the fastest for an architecture.

    Parameters
    ----------
    architecture : str
        Name of the network, such as "resnet18"; any other word gets the general choice.
    installed : sequence of str
        Engines to choose from.
    """
    order = next(order for beginning, order in TABLE if architecture.startswith(beginning))
    return next((name for name in order if name in installed), eager.NAME)


def make(
    name: str, frozen: Frozen, *, threads: int, kept: Path | None = None, fallback: bool = False
) -> Engine:
    """Make the engine of that name run a network.

    Parameters
    ----------
    name : {"torch", "openvino", "onnxruntime"}
        The engine.
    frozen : Frozen
        The network.
    threads : int
        Threads it may use.
    kept : pathlib.Path, optional
        File that holds the converted network between processes; one for each engine.
    fallback : bool
        Whether torch steps in where the engine cannot run the network; the engine's `note` says
        so then.

    Raises
    ------
    UsageError
        Where there is no such engine, it is not installed, or it cannot run this network.
    """
    _check(name)
    try:
        if name == openvino.NAME:
            return openvino.engine(frozen, threads=threads, kept=kept)
        if name == onnx.NAME:
            return onnx.engine(frozen, threads=threads, kept=kept)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        if not fallback:
            raise UsageError(
                "engine",
                needed=f"a network that {name} can run",
                came=reason,
                remedy="use 'torch', which runs every network",
            ) from error
        note = f"{name} could not run this network ({reason}); torch does"
        return replace(eager.engine(frozen, threads=threads), note=note)
    return eager.engine(frozen, threads=threads)


def measure(frozen: Frozen, *, threads: int, seconds: float = 1.0) -> dict[str, float]:
    """Measure each available engine on a network, in pictures a second.

    Each runs `seconds` in two turns, the engines one after the other; the better turn counts.
    Engines that cannot run the network are left out.
    """
    engines = [make(name, frozen, threads=threads, fallback=True) for name in available()]
    engines = [engine for engine in engines if not engine.note]
    rates = {engine.name: 0.0 for engine in engines}
    for _ in range(2):
        for engine in engines:
            rates[engine.name] = max(rates[engine.name], rate(engine, seconds / 2))
    return rates


def rate(engine: Engine, seconds: float) -> float:
    """Run an engine for a while on noise; gives pictures a second, the first batches apart."""
    images_nhwc = engine.frozen.example(engine.batch)
    for _ in engine.run(itertools.repeat(images_nhwc, engine.lanes)):
        pass  # warm
    began = time.perf_counter()
    pictures = sum(map(len, engine.run(_until(began + seconds, images_nhwc))))
    return pictures / (time.perf_counter() - began)


def keep(path: Path, architecture: str, rates: Mapping[str, float]) -> None:
    """Write down what was measured for an architecture, beside what the file holds of others.

    Raises
    ------
    ResourceError
        Where the file cannot be written.
    """
    known = {**_known(path), architecture: dict(rates)}
    with disk():
        path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, (json.dumps(known, indent=1, sort_keys=True) + "\n").encode())


def kept_choice(path: Path, architecture: str) -> str | None:
    """Name the engine that was measured as the fastest and is still there.

    Returns
    -------
    str or None
        None where nothing was measured, or the file is damaged.
    """
    rates = _known(path).get(architecture, {})
    there = [name for name in available() if name in rates]
    return max(there, key=lambda name: rates[name], default=None)


def _check(name: str) -> None:
    one_of("engine", name, tuple(NEEDS))
    absent = missing(name)
    if absent:
        raise UsageError(
            "engine",
            needed=f"{' and '.join(absent)} for {name}",
            came="a Python without",
            remedy=f"install it with: pip install {INSTALL[name]}; or use 'torch'",
        )


def _installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):  # a module that was switched off or half loaded
        return False


def _until(end: float, images_nhwc: np.ndarray) -> Iterator[np.ndarray]:
    while True:
        yield images_nhwc
        if time.perf_counter() >= end:
            return


def _known(path: Path) -> dict[str, dict[str, float]]:
    try:
        found = json.loads(path.read_bytes())
        return {
            str(architecture): {str(name): float(value) for name, value in rates.items()}
            for architecture, rates in found.items()
        }
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}
