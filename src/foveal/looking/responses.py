"""What activation functions make of the maps of each kernel, over pictures, in constant memory.

Axes: n picture, k kernel and its map, h height, w width.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from foveal.arrays import Array
from foveal.errors import DataError
from foveal.looking.convolutions import activation_modules
from foveal.looking.subject import Subject
from foveal.pictures.collection import Pictures, evenly

FEWEST = 8
"""Pictures below which maps are not judged: a map that is 0 on one picture is at work on others."""
MOST = 32
"""Pictures that maps are judged on, evenly spaced over those that are given."""
AT_ONCE = 8
FLAT = 0.005
"""Slope of an activation function, as a share of its steepest, below which it is flat: a kernel
there learns 200 times as slowly as one at work. Tanh is flat beyond 3.3, the sigmoid beyond 6.7;
leaky ReLU with its 0.01 never is."""
SILENT = 1e-6
"""Size of a value up to which a map is 0."""
REACH = 12.0
"""Activation functions are steepest within this distance of 0."""


@dataclass(eq=False, slots=True)
class Flatness:
    """Whether maps of one convolution are flat, after their activation function."""

    function: str
    """The activation function, by its name in torch, in small letters."""
    flat: Array = field(default_factory=lambda: np.empty(0, bool))
    """Whether all of a map, on all pictures, lies where the function is flat, (k,)."""
    silent: Array = field(default_factory=lambda: np.empty(0, bool))
    """Whether it is 0 as well, (k,)."""

    def add(self, flat: Array, silent: Array) -> None:
        """Add what further pictures say."""
        silent = flat & silent
        self.flat = flat if not self.flat.size else self.flat & flat
        self.silent = silent if not self.silent.size else self.silent & silent


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Responses:
    """What the maps of a network are on pictures."""

    pictures: int
    """How many."""
    unread: int
    """How many more were taken that cannot be read."""
    maps: Mapping[str, Flatness]
    """By number of the convolution; those whose maps have no activation function are left out."""


def responses(subject: Subject, pictures: Pictures | None) -> Responses | None:
    """Run pictures through a network and note which maps never leave the flat of their function.

    Parameters
    ----------
    subject : Subject
        The network.
    pictures : Pictures or None
        At least 8, of which 32 are taken; with fewer nothing is judged.

    Returns
    -------
    Responses or None
        None for too few pictures that can be read, and for an untrained network: training moves
        its maps.
    """
    if pictures is None or len(pictures) < FEWEST or not subject.trained:
        return None
    rows = evenly(len(pictures), MOST).tolist()
    functions = activation_modules(subject.network, subject.plan)
    found = {number: Flatness(type(one).__name__.lower()) for number, one in functions.items()}
    hooks = [
        one.register_forward_pre_hook(_noting(one, found[number]))
        for number, one in functions.items()
        if not isinstance(one, nn.Softmax)
    ]
    read = 0
    try:
        for inputs in _inputs(subject, pictures, rows):
            read += len(inputs)
            with subject.device.at_work(), torch.no_grad():
                subject.network(inputs)
    finally:
        for hook in hooks:
            hook.remove()
    if read < FEWEST:
        return None
    maps = {number: one for number, one in found.items() if one.flat.size}
    return Responses(pictures=read, unread=len(rows) - read, maps=maps)


def _inputs(subject: Subject, pictures: Pictures, rows: list[int]) -> Iterator[torch.Tensor]:
    """Prepare pictures some at a time; those that cannot be read are passed over."""
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        try:
            yield subject.seen(pictures.take(some)).inputs
        except DataError:
            for row in some:
                with suppress(DataError):
                    yield subject.seen(pictures.take([row])).inputs


def _noting(function: nn.Module, maps: Flatness) -> Any:
    def before(module: nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        values, slopes = _sloped(function, given[0])
        places = [axis for axis in range(values.dim()) if axis != 1]
        flat = (slopes.abs() < FLAT * _steepest(function, values)).all(dim=places[0])
        silent = (values.abs() <= SILENT).all(dim=places[0])
        maps.add(*(one.flatten(1).all(dim=1).cpu().numpy() for one in (flat, silent)))

    return before


def _sloped(function: nn.Module, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the values of a function and its slope, place by place."""
    with torch.enable_grad():
        at = inputs.detach().requires_grad_()
        values = function.forward(at)
        (slopes,) = torch.autograd.grad(values.sum(), at)
    return values.detach(), slopes


def _steepest(function: nn.Module, like: torch.Tensor) -> float:
    """Return the steepest slope of a function anywhere near 0."""
    line = torch.linspace(-REACH, REACH, 241, device=like.device, dtype=like.dtype)
    shape = (1, like.shape[1], 1, len(line))
    return float(_sloped(function, line.expand(shape).contiguous())[1].abs().max())
