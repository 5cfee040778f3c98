"""A plan as the table that a person reads, and as plain numbers and text."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import groupby
from typing import Any

from foveal.html_tables import html_lines, html_table
from foveal.nets import notation
from foveal.nets.planned import PlannedLayer, PlannedNetwork
from foveal.nets.spec import Residual
from foveal.shapes import channels_first, written
from foveal.wording import counted


def short(number: float) -> str:
    """Write a count with three significant digits: 456, 12.2 k, 1.23 M.

    >>> short(456), short(12226), short(1_234_567)
    ('456', '12.2 k', '1.23 M')
    """
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= 0.9995 * size:
            return f"{number / size:#.3g} {unit}".replace(". ", " ")
    return f"{number:.3g}"


NUMBERS = (4, 5)
"""Columns of the table that hold counts."""
MANY = 24
"""Updated layers above which they are condensed too, beside fixed ones."""


def table(plan: PlannedNetwork, *, brief: bool = False) -> str:
    """Lay a plan out as the table that a person reads, with its fixed layers condensed.

    With `brief` many layers are condensed though none is fixed.
    """
    rows = cells(plan, brief)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(_aligned(row, widths)).rstrip() for row in rows]
    return "\n".join([*lines, *_sums(plan)])


def table_in_html(plan: PlannedNetwork) -> str:
    """Lay a plan out as the same table in HTML."""
    head, *rows = cells(plan)
    return html_table(head, rows, numbers=NUMBERS) + html_lines(_sums(plan))


def cells(plan: PlannedNetwork, brief: bool = False) -> list[tuple[str, ...]]:
    """Write the cells of a plan's table, its head first."""
    head = ("", "layer", "output", "weights", "parameters", "multiply-adds", "sees")
    first = ("0", "input", written(plan.input), "", "", "", "")
    fixed = _condensed(plan, plan.layers[: plan.fixed])
    updated = [_row(plan, layer) for layer in plan.walk() if not is_fixed(plan, layer)]
    if (plan.fixed or brief) and len(updated) > MANY:
        rest = plan.layers[plan.fixed :]
        maps = [layer for layer in rest if len(layer.out_shape) == 3]
        vectors = [_row(plan, layer) for layer in rest[len(maps) :]]
        updated = [*_condensed(plan, rest[: len(maps)]), *vectors]
    rows: list[tuple[str, ...]] = [head, first, *fixed, *updated]
    if plan.fixed:
        said = ["training", "", *["fixed"] * len(fixed), *["updated"] * len(updated)]
        rows = [(*row, word) for row, word in zip(rows, said, strict=True)]
    if plan.encoder_layers and not plan.fixed:
        halves = ["half", "", *(half_of(plan, layer) for layer in plan.walk())]
        rows = [(*row, word) for row, word in zip(rows, halves, strict=True)]
    return rows


def _sums(plan: PlannedNetwork) -> list[str]:
    """Say what all layers cost together, and how the input is read."""
    lines = [
        f"{short(plan.parameters)} parameters, {short(plan.multiply_adds)} multiply-adds "
        f"a picture, {short(plan.activation_bytes)}B of activations a picture in training"
    ]
    if plan.fixed:
        kept = sum(layer.parameters for layer in plan.layers[: plan.fixed])
        lines.append(
            f"{short(kept)} parameters fixed, {short(plan.parameters - kept)} updated in training"
        )
    turned = channels_first(plan.input)
    if turned is not None:
        channels, height, width = plan.input
        lines.append(
            f"read as {counted(channels, 'channel')} of {height}x{width} pixels; pictures of "
            f"{channels}x{height} pixels in {width} channels are written {written(turned)}"
        )
    return lines


def facts(plan: PlannedNetwork) -> dict[str, Any]:
    """Return everything in the table, and more, as plain numbers and text."""
    return {
        "network": plan.text,
        "input": list(plan.input),
        "output": list(plan.output),
        "parameters": plan.parameters,
        "multiply_adds": plan.multiply_adds,
        "activation_bytes": plan.activation_bytes,
        "fixed": plan.fixed,
        "code_size": plan.code_size or None,
        "layers": [_facts_of(plan, layer) for layer in plan.walk()],
    }


def is_fixed(plan: PlannedNetwork, layer: PlannedLayer) -> bool:
    """Whether training keeps a layer of this plan as it is."""
    return int(layer.number.partition(".")[0]) <= plan.fixed


def half_of(plan: PlannedNetwork, layer: PlannedLayer) -> str:
    """Say to which half of an autoencoder a layer belongs."""
    number = int(layer.number.partition(".")[0])
    if number == plan.encoder_layers and "." not in layer.number:
        return "code"
    return "encoder" if number <= plan.encoder_layers else "decoder"


def _facts_of(plan: PlannedNetwork, layer: PlannedLayer) -> dict[str, Any]:
    seen = None
    if layer.fields is not None:
        down, across = layer.fields
        seen = {
            "size": [float(down.size), float(across.size)],
            "stride": [float(down.step), float(across.step)],
            "start": [float(down.start), float(across.start)],
        }
    return {
        "number": layer.number,
        "layer": notation.write_layer(layer.layer),
        "input": list(layer.in_shape),
        "output": list(layer.out_shape),
        "weights": {name: list(shape) for name, shape in layer.weights.items()},
        "parameters": layer.parameters,
        "multiply_adds": layer.multiply_adds,
        "activation_bytes": layer.activation_bytes,
        "receptive_field": seen,
        "share_of_picture": None if layer.unknown else plan.share(layer),
        "training": "fixed" if is_fixed(plan, layer) else "updated",
        "half": half_of(plan, layer) if plan.encoder_layers else None,
    }


def _condensed(plan: PlannedNetwork, layers: Sequence[PlannedLayer]) -> list[tuple[str, ...]]:
    """Lay out runs of layers whose outputs are equally high and wide; vectors make one run."""
    sides = groupby(layers, key=lambda layer: layer.out_shape[1:])
    runs = [tuple(run) for _, run in sides]
    return [_row(plan, run[0]) if len(run) == 1 else _run(plan, run) for run in runs]


def _run(plan: PlannedNetwork, run: tuple[PlannedLayer, ...]) -> tuple[str, ...]:
    last = run[-1]
    parameters = sum(layer.parameters for layer in run)
    multiply_adds = sum(layer.multiply_adds for layer in run)
    return (
        f"{run[0].number}-{last.number}",
        counted(len(run), "layer"),
        written(last.out_shape),
        "",
        short(parameters) if parameters else "",
        short(multiply_adds) if multiply_adds else "",
        _sees(plan, last),
    )


def _row(plan: PlannedNetwork, layer: PlannedLayer) -> tuple[str, ...]:
    weight = layer.weights.get("weight")
    return (
        layer.number,
        _clipped(layer),
        written(layer.out_shape),
        written(weight) if weight else "",
        short(layer.parameters) if layer.parameters else "",
        short(layer.multiply_adds) if layer.multiply_adds else "",
        _sees(plan, layer),
    )


def _clipped(layer: PlannedLayer) -> str:
    if isinstance(layer.layer, Residual):
        mended = "projection" if "weight" in layer.weights else "identity"
        return f"residual, shortcut: {mended}"
    return ("  " if "." in layer.number else "") + notation.write_layer(layer.layer)


def _sees(plan: PlannedNetwork, layer: PlannedLayer) -> str:
    if layer.fields is None:
        return "?" if layer.unknown else "all"
    down, across = layer.fields
    share = 100 * plan.share(layer)
    return f"{_pixels(down.size)}x{_pixels(across.size)} ({share:.1f} %)"


def _pixels(size: Fraction) -> str:
    return str(int(size)) if size.denominator == 1 else f"{float(size):.1f}"


def _aligned(row: tuple[str, ...], widths: list[int]) -> list[str]:
    return [
        text.rjust(width) if column in NUMBERS else text.ljust(width)
        for column, (text, width) in enumerate(zip(row, widths, strict=True))
    ]
