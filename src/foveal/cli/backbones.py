"""`foveal backbones`: which trained networks there are to start from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foveal.cli.options import Json, Threads, print_json

if TYPE_CHECKING:
    from foveal.backbones.catalog import Backbone


def backbones(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            help="Show where this one can be cut: a listed name, an architecture of timm, or a "
            "model file of one's own.",
        ),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Weights of a timm architecture (.safetensors).")
    ] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Allow its weights to be fetched from its hub.")
    ] = False,
    measure: Annotated[
        bool,
        typer.Option("--measure", help="Time the engines here and keep the fastest as choice."),
    ] = False,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """List the trained networks to start from, or the stages of one of them."""
    if name is None and not measure:
        _list(json)
        return
    from foveal.backbones.catalog import DEFAULT
    from foveal.model.as_backbone import start_from

    backbone = start_from(name or DEFAULT, weights=weights, download=download)
    facts: dict[str, Any] = _stages(backbone)
    if measure:
        facts["pictures_a_second"] = _measured(backbone, threads)
    if json:
        print_json(facts)
        return
    typer.echo("\n".join(_lines(facts)))
    if not measure:
        typer.echo(f"next: foveal train transfer PICTURES MODEL.safetensors --backbone {name}")


def _list(json: bool) -> None:
    from foveal.backbones.listing import listed
    from foveal.nets.table import short

    found = list(listed())
    if json:
        print_json([{key: getattr(one, key) for key in one.__slots__} for one in found])
        return
    typer.echo(
        f"{'name':<20} {'pictures':<11} {'parameters':>10} {'multiply-adds':>13} "
        f"{'features':>8}  {'engine':<11} weights"
    )
    for one in found:
        typer.echo(
            f"{one.name:<20} {one.size:<11} {short(one.parameters):>10} "
            f"{short(one.multiply_adds):>13} {one.features:>8,}  {one.engine:<11} {one.note}"
        )
    typer.echo("and any architecture of timm, with --weights FILE or --download,")
    typer.echo("and any MODEL.safetensors of one's own")
    typer.echo(f"next: foveal backbones {found[0].name}")


def _stages(backbone: Backbone) -> dict[str, Any]:
    from itertools import pairwise

    layers = backbone.plan.layers
    rows, ends = [], [0, *(stage.end for stage in backbone.stages)]
    for stage, (start, end) in zip(backbone.stages, pairwise(ends), strict=True):
        rows.append(
            {
                "stage": stage.name,
                "layers": f"{start + 1}-{end}" if end > start + 1 else str(end),
                "output": list(backbone.shape(stage)),
                "parameters": sum(one.parameters for one in layers[start:end]),
                "multiply_adds": sum(one.multiply_adds for one in layers[start:end]),
            }
        )
    return {
        "name": backbone.name,
        "source": backbone.source,
        "sha256": backbone.sha256,
        "stages": rows,
    }


def _lines(facts: dict[str, Any]) -> list[str]:
    from foveal.nets.table import short
    from foveal.shapes import written

    lines = [
        f"{facts['name']}: weights from a {facts['source']}, SHA-256 {facts['sha256'][:16]}...",
        "",
        f"{'--cut':<14} {'layers':<8} {'output':<12} {'parameters':>10} {'multiply-adds':>13}",
    ]
    lines += [
        f"{row['stage']:<14} {row['layers']:<8} {written(tuple(row['output'])):<12} "
        f"{short(row['parameters']) if row['parameters'] else '':>10} "
        f"{short(row['multiply_adds']) if row['multiply_adds'] else '':>13}"
        for row in facts["stages"]
    ]
    rates = facts.get("pictures_a_second")
    if rates:
        best = max(rates, key=lambda engine: rates[engine])
        lines += [
            "",
            *(
                f"{engine:<12} {rate:>8,.1f} pictures a second"
                for engine, rate in sorted(rates.items(), key=lambda one: -one[1])
            ),
        ]
        what = "networks of one's own" if facts["source"] == "model" else facts["name"]
        lines.append(f"kept: {best} runs {what} here from now on")
    return lines


def _measured(backbone: Backbone, threads: int | None) -> dict[str, float]:
    from foveal import device as devices
    from foveal.backbones.cutting import cut
    from foveal.engines import choose
    from foveal.inference.session import described, measured_engines
    from foveal.pictures.scaling import of_bytes

    whole = cut(backbone, backbone.stages[-1], pooled=True)
    count = devices.choose("cpu", threads).threads
    recipe = backbone.recipe
    rates = choose.measure(described(whole, recipe, of_bytes(recipe)), threads=count)
    choose.keep(measured_engines(), backbone.engine_name, rates)
    return rates
