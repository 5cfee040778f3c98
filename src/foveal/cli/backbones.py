"""`foveal backbones`: which trained networks there are to start from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foveal.cli.options import Json, Threads
from foveal.cli.output import print_answer
from foveal.cli.words import quoted
from foveal.results import Result

if TYPE_CHECKING:
    from foveal.backbones.catalog import Backbone
    from foveal.backbones.listing import BackbonePreset


@dataclass(frozen=True, slots=True)
class BackboneListing(Result):
    """The backbones that are known by name."""

    backbones: tuple[BackbonePreset, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A place where a backbone can be cut."""

    stage: str
    """Its name."""
    layers: str
    """Its layers, as in "3-7"."""
    output: tuple[int, ...]
    parameters: int
    multiply_adds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BackboneStages(Result):
    """Where one backbone can be cut, and how fast it is here."""

    name: str
    source: str
    sha256: str
    stages: tuple[Stage, ...]
    pictures_a_second: Mapping[str, float] | None
    """By the engines that were timed; None where none was."""


def backbones(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
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
        print_answer(_listed(), _list_lines, as_json=json)
        return
    from foveal.backbones.catalog import DEFAULT
    from foveal.model.as_backbone import start_from

    backbone = start_from(name or DEFAULT, weights=weights, download=download)
    found = BackboneStages(
        name=backbone.name,
        source=backbone.source,
        sha256=backbone.sha256,
        stages=_stages(backbone),
        pictures_a_second=_measured(backbone, threads) if measure else None,
    )
    print_answer(found, lambda answer: _lines(answer, name or DEFAULT), as_json=json)


def _listed() -> BackboneListing:
    from foveal.backbones.listing import listed

    return BackboneListing(backbones=tuple(listed()))


def _list_lines(found: BackboneListing) -> Iterator[str]:
    from foveal.nets.table import short

    yield (
        f"{'name':<20} {'pictures':<11} {'parameters':>10} {'multiply-adds':>13} "
        f"{'features':>8}  {'engine':<11} weights"
    )
    for one in found.backbones:
        yield (
            f"{one.name:<20} {one.size:<11} {short(one.parameters):>10} "
            f"{short(one.multiply_adds):>13} {one.features:>8,}  {one.engine:<11} {one.note}"
        )
    yield "and any architecture of timm, with --weights FILE or --download,"
    yield "and any MODEL.safetensors of one's own"
    yield f"next: foveal backbones {found.backbones[0].name}"


def _stages(backbone: Backbone) -> tuple[Stage, ...]:
    from itertools import pairwise

    layers = backbone.plan.layers
    ends = [0, *(stage.end for stage in backbone.stages)]
    return tuple(
        Stage(
            stage=stage.name,
            layers=f"{start + 1}-{end}" if end > start + 1 else str(end),
            output=backbone.shape(stage),
            parameters=sum(one.parameters for one in layers[start:end]),
            multiply_adds=sum(one.multiply_adds for one in layers[start:end]),
        )
        for stage, (start, end) in zip(backbone.stages, pairwise(ends), strict=True)
    )


def _lines(found: BackboneStages, typed: str) -> Iterator[str]:
    from foveal.nets.table import short
    from foveal.shapes import written

    yield f"{found.name}: weights from a {found.source}, SHA-256 {found.sha256[:16]}..."
    yield ""
    yield f"{'--cut':<14} {'layers':<8} {'output':<12} {'parameters':>10} {'multiply-adds':>13}"
    for one in found.stages:
        yield (
            f"{one.stage:<14} {one.layers:<8} {written(one.output):<12} "
            f"{short(one.parameters) if one.parameters else '':>10} "
            f"{short(one.multiply_adds) if one.multiply_adds else '':>13}"
        )
    if found.pictures_a_second is None:
        named = quoted(typed)
        yield f"next: foveal train transfer PICTURES MODEL.safetensors --backbone {named}"
    else:
        yield ""
        yield from _rates(found, found.pictures_a_second)


def _rates(found: BackboneStages, rates: Mapping[str, float]) -> Iterator[str]:
    """Lay the measured engines out, the fastest first."""
    order = sorted(rates, key=lambda engine: -rates[engine])
    for engine in order:
        yield f"{engine:<12} {rates[engine]:>8,.1f} pictures a second"
    what = "networks of one's own" if found.source == "model" else found.name
    yield f"kept: {order[0]} runs {what} here from now on"


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
