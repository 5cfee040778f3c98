"""Holds receptive fields and numbers taken apart against networks themselves, and counts.

    export PYTHONPATH=tests
    python tests/contracts/receptive_fields.py                 # all stock nets, every layer
    python tests/contracts/receptive_fields.py 200             # random networks, every layer
    python tests/contracts/receptive_fields.py tinyvgg         # one of the stock nets

A field is proven twice. In the network as it is built, pictures that differ outside of the field
alone give the same number. In the same network with kernels above zero, no activation function
and averages in the place of maxima, a black picture gives zero, one that is white outside gives
zero, and one with a single white line gives more, for each of the four outermost lines inside.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from hypothesis import HealthCheck, given, settings
from torch import nn

from foveal.looking.fields import Field, receptive_field
from foveal.looking.steps import step
from foveal.looking.subject import NothingToSee, Subject, subject_of
from foveal.nets.blocks import Offset
from foveal.nets.build import build
from foveal.nets.layer import Layer
from foveal.nets.plan import Plan, plan, plan_network
from foveal.nets.planned import PlannedLayer
from foveal.nets.spec import Activation, AvgPool, Dropout, GlobalPool, MaxPool, Network
from foveal.nets.spec import Residual as ResidualLayer
from foveal.nets.stock import STOCK
from foveal.nets.tracing import trace, up_to
from support.networks import networks


@dataclass
class Counts:
    """How often fields and numbers agreed with the networks."""

    pixels: int = 0
    fields_agree: int = 0
    numbers: int = 0
    numbers_agree: int = 0
    farthest: float = 0.0
    """Largest difference of a number, as a share of the largest of its layer."""

    def __str__(self) -> str:
        return (
            f"{self.fields_agree:,} of {self.pixels:,} fields, "
            f"{self.numbers_agree:,} of {self.numbers:,} numbers (farthest {self.farthest:.1e})"
        )


def linear(layer: Layer) -> Layer:
    """Return a layer without activation function, and with an average for a maximum."""
    match layer:
        case ResidualLayer(inner):
            return ResidualLayer(tuple(map(linear, inner)))
        case MaxPool(window, stride=stride, padding=padding):
            return AvgPool(window, stride=stride, padding=padding)
        case GlobalPool():
            return GlobalPool()
        case Activation():
            return Dropout(0.0)
    if any(part.name == "activation" for part in fields(layer)):
        return replace(layer, activation=None)
    return layer


def positive(planned: Plan) -> tuple[Plan, nn.Sequential]:
    """Build the network that adds up what it sees: nothing is lost, and nothing cancels out."""
    layers = tuple(linear(one.layer) for one in planned.layers)
    added = plan_network(Network(layers, planned.input))
    network = build(added, seed=0).double().eval()
    for module in network.modules():
        for name, one in module.named_parameters(recurse=False):
            nothing = name == "bias" or isinstance(module, Offset)
            one.data.fill_(0.0 if nothing else 1 / one[0].numel())
    return added, network


def lines(field: Field, shape: tuple[int, ...]) -> torch.Tensor:
    """Draw black; white outside; and each of the four outermost lines inside, (6, c, h, w)."""
    pictures = torch.zeros(6, *shape, dtype=torch.float64)
    down, across = slice(field.top, field.bottom), slice(field.left, field.right)
    pictures[1] = 1
    pictures[1, :, down, across] = 0
    pictures[2, :, field.top, across] = 1
    pictures[3, :, field.bottom - 1, across] = 1
    pictures[4, :, down, field.left] = 1
    pictures[5, :, down, field.right - 1] = 1
    return pictures


def at(made: torch.Tensor, row: int, column: int) -> torch.Tensor:
    """Return all channels at one place, (n, c)."""
    return made[:, :, row, column] if made.ndim == 4 else made


class Judge:
    """A network, as it is and as one that adds up what it sees."""

    def __init__(self, planned: Plan) -> None:
        self.planned = planned
        self.network = build(planned, seed=0).double().eval()
        self.added, self.adding = positive(planned)
        generator = torch.Generator().manual_seed(0)
        self.pictures = torch.randn(2, *planned.input, generator=generator, dtype=torch.float64)

    def made(self, positive: bool, pictures: torch.Tensor, number: str) -> torch.Tensor:
        network, planned = (self.adding, self.added) if positive else (self.network, self.planned)
        with torch.inference_mode():
            shorter, cut = up_to(network, planned, number)
            return trace(shorter, cut, pictures, (number,))[1][number].outputs

    def agrees(self, layer: PlannedLayer, row: int, column: int) -> bool:
        """Whether a field is what the networks say; of an unknown one whether it is all."""
        field = receptive_field(self.planned, layer.number, row, column)
        if field.unknown:
            return (*field.size,) == self.planned.input[1:]
        inside = self.pictures[:1].clone()
        outside = self.pictures[1:].clone()
        down, across = slice(field.top, field.bottom), slice(field.left, field.right)
        outside[:, :, down, across] = inside[:, :, down, across]
        one, other = at(self.made(False, torch.cat([inside, outside]), layer.number), row, column)
        same = torch.allclose(one, other, rtol=1e-9, atol=1e-12)
        if min(field.size) == 0:
            return same
        black, away, *edges = at(
            self.made(True, lines(field, self.planned.input), layer.number), row, column
        )
        nothing_else = bool(same and not black.any() and not away.any())
        if field.whole:  # of all numbers together: one that was laid out by itself sees less
            return nothing_else
        return nothing_else and all(bool((edge > 0).any()) for edge in edges)


def places(layer: PlannedLayer, random: np.random.Generator, count: int) -> list[list[int]]:
    """Choose numbers of a layer: its first, its last and some between; channel, row, column."""
    shape = layer.out_shape if len(layer.out_shape) == 3 else (*layer.out_shape, 1, 1)
    drawn = random.integers(0, shape, (count, 3)).tolist()
    return [[0, 0, 0], [side - 1 for side in shape], *drawn][:count]


def judge_fields(planned: Plan, layers: list[PlannedLayer], count: int, counts: Counts) -> None:
    """Hold the fields of some pixels of layers against the networks."""
    judge, random = Judge(planned), np.random.default_rng(0)
    for layer in layers:
        for _, row, column in places(layer, random, count):
            counts.pixels += 1
            counts.fields_agree += judge.agrees(layer, row, column)


def judge_steps(subject: Subject, layers: list[PlannedLayer], count: int, counts: Counts) -> None:
    """Hold some numbers of layers, taken apart, against those of the network."""
    random = np.random.default_rng(0)
    pictures = torch.randn(1, *subject.plan.input, generator=torch.Generator().manual_seed(0))
    for layer in layers:
        made = subject.traced(pictures, (layer.number,))[1][layer.number].outputs[0].double()
        scale = float(made.abs().max()) or 1.0
        for channel, row, column in places(layer, random, count):
            try:
                found = step(subject, pictures, layer.number, channel, row, column)
            except NothingToSee:
                break
            says = float(made[channel, row, column] if made.ndim == 3 else made[channel])
            off = abs(found.output - says) / scale
            counts.numbers += 1
            counts.numbers_agree += off <= 1e-5
            counts.farthest = max(counts.farthest, off)


def main() -> None:
    """Judge all stock nets, or as many random networks as are asked for."""
    counts, start = Counts(), time.perf_counter()
    for name, judged in _judged(counts):
        judged()
        print(f"{name}: {counts}, {time.perf_counter() - start:.0f} s", flush=True)


def _judged(counts: Counts) -> Iterator[tuple[str, Callable[[], None]]]:
    if sys.argv[1:] and sys.argv[1].isdecimal():
        settings.register_profile("explore", deadline=None, derandomize=False)

        @settings(
            max_examples=int(sys.argv[1]), deadline=None, suppress_health_check=list(HealthCheck)
        )
        @given(networks())
        def random_networks(network: Network) -> None:
            judge_network(network, counts)

        yield f"{sys.argv[1]} random networks", random_networks
        return
    for name in sys.argv[1:] or STOCK:
        side = 32 if name.startswith("efficientnet") else None
        planned = plan(name, input=None if side is None else (3, side, side))
        layers = list(planned.walk())
        yield f"{name}, fields", lambda p=planned, ls=layers: judge_fields(p, ls, 3, counts)
        yield (
            f"{name}, numbers",
            lambda p=planned, ls=layers: judge_steps(subject_of(p), ls, 3, counts),
        )


def judge_network(network: Network, counts: Counts) -> None:
    """Judge two pixels and two numbers of every layer of a network."""
    planned = plan(network)
    layers = list(planned.walk())
    judge_fields(planned, layers, 2, counts)
    judge_steps(subject_of(planned), layers, 2, counts)


if __name__ == "__main__":
    main()
