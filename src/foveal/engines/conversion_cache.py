"""Converted networks kept on disk, since a conversion takes seconds and reading one does not.

A kept form is taken only for the very network, engine version and batch it was made for, and an
engine only once it has given the same answers as plain torch.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from foveal.engines.engine import Engine, Frozen, Scaled, agree, plain
from foveal.errors import ModelFileError, ResourceError
from foveal.tensor_files import content_hash, read_tensors, write_tensors

Parts = dict[str, bytes]
"""The converted network as named pieces of bytes."""


def through(
    kept: Path | None,
    frozen: Frozen,
    version: str,
    *,
    convert: Callable[[Scaled], Parts],
    load: Callable[[Parts], Engine],
) -> Engine:
    """Load the kept form of a network, or convert it and keep that.

    Parameters
    ----------
    kept : pathlib.Path or None
        The file. One that is damaged, or of another network or version, is made anew; a folder
        that cannot be written to keeps nothing.
    frozen : Frozen
        The network.
    version : str
        Name and version of the engine.
    convert, load
        Make the converted form, and an engine of it.

    Raises
    ------
    ArithmeticError
        Where the converted network answers otherwise than in torch.
    """
    scaled = Scaled(frozen)
    facts = {"engine": version, "network": fingerprint(frozen, scaled)} if kept else {}
    if kept:
        parts = _read(kept, facts)
        with contextlib.suppress(Exception):  # whatever it is, a fresh conversion mends it
            if parts:
                return _tested(load(parts), frozen, scaled)
    parts = convert(scaled)
    made = _tested(load(parts), frozen, scaled)
    if kept:
        tensors = {name: _tensor(data) for name, data in parts.items()}
        with contextlib.suppress(ResourceError):
            write_tensors(kept, tensors, facts)
    return made


def fingerprint(frozen: Frozen, scaled: Scaled) -> str:
    """Hash all that decides a conversion: structure, weights, input and torch's version."""
    state = {**dict(scaled.named_parameters()), **dict(scaled.named_buffers())}
    facts = {
        "structure": repr(scaled),
        "input": [frozen.batch, *frozen.picture, frozen.dtype],
        "torch": torch.__version__,
    }
    return content_hash({name: value.detach() for name, value in state.items()}, facts)


def _tested(engine: Engine, frozen: Frozen, scaled: Scaled) -> Engine:
    images_nhwc = frozen.example(2)
    (answers,) = engine.run([images_nhwc])
    if not agree(answers, plain(scaled, images_nhwc)):
        raise ArithmeticError("its answers differ from torch's")
    return engine


def _read(path: Path, facts: dict[str, str]) -> Parts | None:
    try:
        tensors, written = read_tensors(path)
    except ModelFileError:
        return None
    if written != facts:
        return None
    return {name: value.numpy().tobytes() for name, value in tensors.items()}


def _tensor(data: bytes) -> torch.Tensor:
    return torch.from_numpy(np.frombuffer(data, dtype=np.uint8).copy())
