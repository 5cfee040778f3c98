"""`foveal plan`: what a network will be, before there is any data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from foveal.cli.options import Device, Json, Threads, print_json
from foveal.errors import UsageError

if TYPE_CHECKING:
    from foveal.nets.plan import Plan


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
        str | None, typer.Option(help="Channels x height x width, where NET does not say it.")
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
    pictures: Annotated[
        int, typer.Option(min=1, help="Training pictures, for the seconds of an epoch.")
    ] = 10_000,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Pictures a step; derived where left out.")
    ] = None,
    device: Device = "auto",
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Plan a network: shapes, weights, parameters, costs, receptive fields. Needs no pictures."""
    from foveal.nets.calls import source
    from foveal.nets.plan import plan as make_plan
    from foveal.nets.table import short

    if as_ not in (None, "torch"):
        raise UsageError("--as", needed="torch", came=repr(as_), remedy="write --as torch")
    planned = make_plan(net, input=input, classes=classes)
    if as_ == "torch":
        typer.echo(source(planned), nl=False)
        return
    facts: dict[str, Any] = planned.to_dict()
    lines = [str(planned)]
    if planned.name is not None and input is None:
        lines.append(
            f"assumed: {planned.text.split(' | ')[0]} pictures, {planned.output[0]} classes"
        )
    batch = batch_size or _default_batch(pictures)
    memory = batch * planned.activation_bytes
    lines.append(f"a batch of {batch}: {short(memory)}B of activations")
    facts |= {"batch_size": batch, "activation_bytes_of_a_batch": memory}
    if measure:
        measured = _measured(planned, pictures, batch, device, threads)
        facts["measured"] = measured
        lines.append(
            f"measured on {measured['device']}, {measured['threads']} threads: "
            f"{1000 * measured['seconds_a_step']:.3g} ms a step of {batch}, "
            f"{measured['pictures_a_second']:,.0f} pictures a second, "
            f"{measured['seconds_an_epoch']:.3g} s an epoch of {pictures:,} pictures"
        )
    if json:
        print_json(facts)
    else:
        typer.echo("\n".join(lines))


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
