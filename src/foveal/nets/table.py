"""A plan as the table that a person reads."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from foveal.nets import notation
from foveal.nets.spec import Residual
from foveal.shapes import written

if TYPE_CHECKING:
    from foveal.nets.plan import Plan, PlannedLayer


def short(number: float) -> str:
    """Write a count with three significant digits: 456, 12.2 k, 1.23 M.

    >>> short(456), short(12226), short(1_234_567)
    ('456', '12.2 k', '1.23 M')
    """
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= 0.9995 * size:
            return f"{number / size:#.3g} {unit}".replace(". ", " ")
    return f"{number:.3g}"


def table(plan: Plan) -> str:
    """Lay a plan out as the table that a person reads."""
    head = ("", "layer", "output", "weights", "parameters", "multiply-adds", "sees")
    rows = [head, ("0", "input", written(plan.input), "", "", "", "")]
    for layer in plan.walk():
        weight = layer.weights.get("weight")
        rows.append(
            (
                layer.number,
                _clipped(layer),
                written(layer.out_shape),
                written(weight) if weight else "",
                short(layer.parameters) if layer.parameters else "",
                short(layer.multiply_adds) if layer.multiply_adds else "",
                _sees(plan, layer),
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = ["  ".join(_aligned(row, widths)).rstrip() for row in rows]
    total = (
        f"{short(plan.parameters)} parameters, {short(plan.multiply_adds)} multiply-adds "
        f"a picture, {short(plan.activation_bytes)}B of activations a picture in training"
    )
    return "\n".join([*lines, total])


def _clipped(layer: PlannedLayer) -> str:
    if isinstance(layer.layer, Residual):
        mended = "projection" if "weight" in layer.weights else "identity"
        return f"residual, shortcut: {mended}"
    return ("  " if "." in layer.number else "") + notation.write_layer(layer.layer)


def _sees(plan: Plan, layer: PlannedLayer) -> str:
    if layer.fields is None:
        return "all"
    down, across = layer.fields
    share = 100 * plan.share(layer)
    return f"{_pixels(down.size)}x{_pixels(across.size)} ({share:.1f} %)"


def _pixels(size: Fraction) -> str:
    return str(int(size)) if size.denominator == 1 else f"{float(size):.1f}"


def _aligned(row: tuple[str, ...], widths: list[int]) -> list[str]:
    numbers = (4, 5)
    return [
        text.rjust(width) if column in numbers else text.ljust(width)
        for column, (text, width) in enumerate(zip(row, widths, strict=True))
    ]
