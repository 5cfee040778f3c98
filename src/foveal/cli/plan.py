"""`foveal plan`: what a network will be, before there is any data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foveal.cli.options import Device, Json, Threads
from foveal.cli.output import print_answer
from foveal.parameters import one_of
from foveal.results import plain
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.nets.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkPlan:
    """A plan, and what a training by it needs."""

    plan: Plan
    assumed: bool
    """Whether nobody said what the pictures and classes are."""
    batch_size: int
    """Pictures a step."""
    pictures: int
    """Pictures an epoch."""
    measured: Mapping[str, Any] | None
    """How fast real steps were; None where none were made."""

    @property
    def activation_bytes(self) -> int:
        """Memory of the layers' outputs for a batch."""
        return self.batch_size * self.plan.activation_bytes

    def to_dict(self) -> dict[str, Any]:
        """Return the plan's own facts, and these."""
        return {
            **self.plan.to_dict(),
            "batch_size": self.batch_size,
            "activation_bytes_of_a_batch": self.activation_bytes,
            "measured": plain(self.measured),
        }


@dataclass(frozen=True, slots=True)
class TorchCode:
    """A plan as a program."""

    plan: Plan

    @property
    def code(self) -> str:
        """The program, which defines `network`."""
        from foveal.nets.calls import source

        return source(self.plan).rstrip("\n")

    def to_dict(self) -> dict[str, Any]:
        """Return the network and the program."""
        return {"network": self.plan.text, "torch": self.code}


def plan(
    net: Annotated[
        str,
        typer.Argument(
            metavar="NET",
            help="A network, as in '3x32x32 | conv 6 5x5 | maxpool 2 | flatten | dense 10', "
            "or a stock net: fast, lenet5, tinyvgg, resnet.",
        ),
    ],
    input: Annotated[
        str | None,
        typer.Option(help="Channels x height x width, as 3x32x32, where NET does not say it."),
    ] = None,
    classes: Annotated[
        int | None, typer.Option(help="Nodes of the last dense layer, where NET leaves them out.")
    ] = None,
    as_: Annotated[
        str | None, typer.Option("--as", help="'torch' prints the equivalent nn.Sequential.")
    ] = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Time five real training steps on this machine.")
    ] = False,
    epoch: Annotated[  # not pictures, which other commands read
        int,
        typer.Option("--pictures", min=1, help="Training pictures, for the seconds of an epoch."),
    ] = 10_000,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Pictures a step; derived where left out.")
    ] = None,
    device: Device = "auto",
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Plan a network: shapes, weights, parameters, costs, receptive fields. Needs no pictures."""
    from foveal.nets.plan import plan as make_plan

    if as_ is not None:
        one_of("--as", as_, ("torch",))
    planned = make_plan(net, input=input, classes=classes)
    if as_ == "torch":
        print_answer(TorchCode(planned), lambda found: found.code.splitlines(), as_json=json)
        return
    batch = batch_size or _default_batch(epoch)
    found = NetworkPlan(
        plan=planned,
        assumed=planned.name is not None and input is None,
        batch_size=batch,
        pictures=epoch,
        measured=_measured(planned, epoch, batch, device, threads) if measure else None,
    )
    print_answer(found, _lines, as_json=json)


def _lines(found: NetworkPlan) -> Iterator[str]:
    from foveal.nets.table import short

    planned, batch = found.plan, found.batch_size
    yield from str(planned).splitlines()
    if found.assumed:
        yield (
            f"assumed: {planned.text.split(' | ')[0]} pictures, "
            f"{counted(planned.output[0], 'class', 'classes')}"
        )
    yield f"a batch of {batch}: {short(found.activation_bytes)}B of activations"
    if found.measured is not None:
        measured = found.measured
        yield (
            f"measured on {measured['device']}, {counted(measured['threads'], 'thread')}: "
            f"{1000 * measured['seconds_a_step']:.3g} ms a step of {batch}, "
            f"{measured['pictures_a_second']:,.0f} pictures a second, "
            f"{measured['seconds_an_epoch']:.3g} s an epoch of {counted(found.pictures, 'picture')}"
        )


def _default_batch(pictures: int) -> int:
    from foveal.training.config import batch_size_for

    return batch_size_for(pictures)


def _measured(
    planned: Plan, pictures: int, batch: int, device: str, threads: int | None
) -> dict[str, Any]:
    from foveal.learning.timing import measure_plan

    return measure_plan(
        planned, pictures=pictures, batch_size=batch, device=device, threads=threads
    )
