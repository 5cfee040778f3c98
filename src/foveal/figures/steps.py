"""One number of a layer, step by step: patch times kernel, their sum, bias, activation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

from foveal.arrays import Array
from foveal.drawing.cells import cells
from foveal.drawing.colours import FAINT, ORANGE
from foveal.drawing.figure import Figure
from foveal.drawing.layout import GRID, abreast, celled, page, stacked
from foveal.drawing.outlined import outlined
from foveal.drawing.scales import diverging, viridis
from foveal.drawing.text import LABEL, number, words
from foveal.figures.one_picture import OnePicture
from foveal.figures.step_captions import (
    BENT_CAPTION,
    SCALED_CAPTION,
    WINDOW_CAPTION,
    sum_caption,
)
from foveal.looking.contrast import worth_seeing
from foveal.looking.fields import Field, receptive_field
from foveal.looking.ladder import most_active
from foveal.looking.maps import unactivated
from foveal.looking.planes import COLOURS
from foveal.looking.steps import Pointwise, Step, WeightedSum, Window, step
from foveal.looking.subject import NothingToSee, Subject
from foveal.nets.planned import cut
from foveal.nets.spec import AvgPool, Conv, ConvTranspose, Dense, MaxPool
from foveal.nets.tracing import planned_layer
from foveal.parameters import Whole, check, optional
from foveal.shapes import written
from foveal.wording import counted

KINDS = (Conv | ConvTranspose, MaxPool | AvgPool, Dense)
"""Of each of these the first layer is shown, where none is named."""
CHANNELS = 4
"""Channels whose products are shown, those that count most."""
READABLE = 7
"""Longer side of a kernel, or window, up to which its numbers are written."""
CELL, SMALL_CELL = (66, 28), (12, 12)
LARGEST = 40
"""Longer side of a matrix, in its own numbers, that is drawn whole."""
SIDE = 224
MOST_ROWS = 50_000
AROUND = 0.7
"""Share of its brightness that is left to the picture around what a number sees."""


def draw_steps(
    model: Any,
    X: Any,
    *,
    layer: str | int | None = None,
    pixel: tuple[int, int] | None = None,
    channel: int | None = None,
    count: int | None = None,
) -> list[Figure[Step]]:
    """Draw how one number of a layer is made for a picture, step by step, with all numbers.

    Parameters
    ----------
    model : FittedModel, Plan or str
        The network; see `foveal.looking.subject.subject_of`.
    X : path, sequence of paths, or array
        The pictures, of which the first is taken.
    layer : str or int, optional
        Number of a layer in the plan; where left out, the first convolution, the first pooling
        and the first dense layer.
    pixel : tuple of int, optional
        Row and column in its maps, from 0; where left out, the most active one of those that
        see contrast, and neither padding nor even bars at the edges.
    channel : int, optional
        Number of the map, or of the node; the most active one where left out.
    count : int, optional
        Channels whose products are drawn, those that add the most, 4 where left out; the others
        are summed.

    Returns
    -------
    list of Figure of Step
        Of each layer one; its numbers are the patch, the kernel and the products.

    Raises
    ------
    NothingToSee
        For a layer of another kind, and a network without any.
    UsageError
        For a layer or a place that is not there, and a count below 1.
    """
    check({"count": count}, {"count": optional(Whole(1))})
    shown = OnePicture.of(model, X)
    subject = shown.subject
    numbers = _chosen(subject) if layer is None else [planned_layer(subject.plan, layer).number]
    figures = []
    for one in numbers:
        place = _place(subject, shown.inputs, one, pixel, channel)
        found = step(subject, shown.inputs, one, *place)
        figures.append(_drawn(shown, found, count or CHANNELS))
    return figures


def _chosen(subject: Subject) -> list[str]:
    """Choose the first layer of each kind, in the order of the plan."""
    layers = [one for one in subject.plan.walk() if not one.inner]
    found = [
        next((one.number for one in layers if isinstance(one.layer, kind)), None) for kind in KINDS
    ]
    chosen = [one for one in found if one is not None]
    if not chosen:
        raise NothingToSee(
            "the look",
            needed="a convolution, pooling or a dense layer",
            came="a network without one",
            remedy="name a layer",
        )
    return chosen


def _place(
    subject: Subject,
    inputs: Any,
    number_: str,
    pixel: tuple[int, int] | None,
    channel: int | None,
) -> tuple[int, int, int]:
    """Fill in what was not named by what is the most active where there is something to see.

    What was named is kept as it is.
    """
    made = unactivated(subject, inputs, number_)
    maps = made if made.ndim == 3 else made.reshape(-1, 1, 1)
    there = np.ones(maps.shape, bool)
    if pixel is None and made.ndim == 3:
        layer = planned_layer(subject.plan, number_)
        there &= worth_seeing(layer, inputs[0].float().cpu().numpy())
    if channel is not None and 0 <= channel < len(maps):
        there[np.arange(len(maps)) != channel] = False
    if pixel is not None and 0 <= pixel[0] < maps.shape[1] and 0 <= pixel[1] < maps.shape[2]:
        there[:, np.arange(maps.shape[1]) != pixel[0]] = False
        there[:, :, np.arange(maps.shape[2]) != pixel[1]] = False
    best, row, column = most_active(maps, there)
    return (best if channel is None else channel), *(pixel or (row, column))


def _drawn(shown: OnePicture, found: Step, count: int) -> Figure[Step]:
    subject = shown.subject
    layer = planned_layer(subject.plan, found.number)
    field = receptive_field(subject.plan, found.number, found.row, found.column)
    where = f"map {found.channel} at {found.row},{found.column}"
    facts = [
        shown.fact,
        f"{cut(found.layer)}: {written(layer.in_shape)} -> {written(layer.out_shape)}",
        where if len(layer.out_shape) == 3 else _node(subject, found),
    ]
    parts, caption = _parts(subject, found, count)
    return Figure(
        values=found,
        image=page(
            f"Layer {found.number}, step by step",
            facts,
            [_seen(shown.image, field), *parts],
            caption,
        ),
        caption=caption,
        columns=("channel", "row", "column", "input", "weight", "product"),
        rows=tuple(row for _, row in zip(range(MOST_ROWS), _rows(found), strict=False)),
    )


def _node(subject: Subject, found: Step) -> str:
    """Name a number of a vector; at the end of the network by its class."""
    last, classes = subject.plan.layers[-1], subject.classes
    known = found.number == last.number and last.out_shape == (len(classes),)
    named = f": {cut(classes[found.channel])}" if known else ""
    return f"number {found.channel} of the vector{named}"


def _seen(image: Array, field: Field) -> Image.Image:
    box = (field.top, field.bottom, field.left, field.right)
    seen = "not known" if field.unknown else f"{written(field.size)} pixels of the picture"
    return stacked(
        [outlined(image, box, SIDE, dimmed=AROUND), words(f"it sees: {seen}", LABEL, FAINT)],
        GRID // 2,
    )


def _parts(subject: Subject, found: Step, count: int) -> tuple[list[Image.Image], str]:
    match found:
        case WeightedSum():
            kind = planned_layer(subject.plan, found.number).layer
            drawn = _sum(found, _channel_names(subject, found), count)
            return drawn, sum_caption(kind, found)
        case Window():
            return _window(found), WINDOW_CAPTION
        case Pointwise():
            return [words(_point(found))], BENT_CAPTION if found.activation else SCALED_CAPTION
    raise AssertionError(f"no drawing for {type(found).__name__}")


def _sum(found: WeightedSum, names: list[str], count: int) -> list[Image.Image]:
    """Draw patch, kernel and products of the channels that count most, and the whole sum."""
    sums = found.sums
    chosen = np.sort(np.argsort(-np.abs(sums), kind="stable")[:count])
    rest = float(sums.sum() - sums[chosen].sum())
    if not found.patch.size:
        return [words("no number of the input reaches this one"), words(_equation(found, [], 0.0))]
    rows = [_channel(found, place, names[place]) for place in chosen.tolist()]
    if len(chosen) < len(sums):
        some = counted(len(sums) - len(chosen), "other")
        rows.append(words(f"{some} together: {number(rest)}", ink=FAINT))
    gap = GRID if found.kernel[0].size == 1 else 2 * GRID
    equation = _equation(found, chosen.tolist(), rest)
    return [stacked(rows, gap), *([words(equation)] if equation else [])]


def _channel(found: WeightedSum, place: int, title: str) -> Image.Image:
    least, most = float(min(found.patch.min(), 0)), float(max(found.patch.max(), 0))
    products = found.products
    patch, kernel = found.patch[place], found.kernel[place]
    blocks = [
        _titled(title, patch, viridis(patch, least, most)),
        words("x"),
        _titled("weights", kernel, diverging(kernel, float(np.abs(found.kernel).max()))),
        words("="),
        _titled("products", products[place], diverging(products[place], np.abs(products).max())),
        words(f"sum {number(float(found.sums[place]))}" if patch.size > 1 else ""),
    ]
    return abreast(blocks, 2 * GRID, "center")


def _channel_names(subject: Subject, found: WeightedSum) -> list[str]:
    """Name the channels of a layer's input; those of a picture by their colours."""
    layer = planned_layer(subject.plan, found.number)
    if len(layer.in_shape) == 1:
        return [f"input {one}" for one in found.channels.tolist()]
    colours = COLOURS.get(layer.in_shape[0], ()) if found.number == "1" else ()
    return [colours[one] if colours else f"channel {one}" for one in found.channels.tolist()]


def _titled(
    title: str, values: Array, colours: Any, marked: tuple[int, int] | None = None
) -> Image.Image:
    """Draw a matrix with its numbers where they can be read, and its title above."""
    readable = max(values.shape) <= READABLE
    texts = [[_short(float(one)) for one in row] for row in values] if readable else None
    some = colours[:LARGEST, :LARGEST]
    left_out = "" if some.shape == colours.shape else f", {LARGEST}x{LARGEST} of it drawn"
    shape = f", {written(values.shape)}{left_out}" if values.size > 1 else ""
    head = celled(words(f"{title}{shape}", LABEL, FAINT), CELL[0] + 2 * GRID, 1, "left")
    grid = cells(some, texts, CELL if readable else SMALL_CELL, marked)
    block = stacked([head, grid], GRID // 2)
    return celled(block, block.width, block.height + head.height)


def _short(value: float) -> str:
    return "pad" if np.isnan(value) else f"{value:.0f}" if value == 0 else number(value)


def _equation(found: WeightedSum, chosen: list[int], rest: float) -> str:
    sums = [number(float(found.sums[place])) for place in chosen]
    sums += [number(rest)] if 0 < len(chosen) < len(found.sums) else []
    sums += [f"{number(found.bias)} (bias)"] if found.bias else []
    parts = [f"{' + '.join(sums) or '0'} = {number(found.total)}"] if len(sums) != 1 else []
    if found.activation:
        parts.append(f"{found.activation}({number(found.total)}) = {number(found.output)}")
    return ",   ".join(parts).replace("+ -", "- ")


def _window(found: Window) -> list[Image.Image]:
    there = found.patch[~np.isnan(found.patch)]
    least, most = min(float(there.min()), 0.0), max(float(there.max()), 0.0)
    grid = _titled("window", found.patch, viridis(found.patch, least, most), found.taken)
    of = counted(len(there), "number")
    kind = "greatest" if found.taken is not None else "mean"
    line = words(f"{kind} of {of} = {number(found.output)}")
    mark = [words("framed: the one that is taken", LABEL, ORANGE)] if found.taken else []
    return [stacked([grid, line, *mark])]


def _point(found: Pointwise) -> str:
    total = found.input * found.factor + found.summand
    if found.activation:
        return f"{found.activation}({number(found.input)}) = {number(found.output)}"
    text = f"{number(found.input)} x {number(found.factor)} + {number(found.summand)}"
    return f"{text} = {number(total)}".replace("+ -", "- ")


def _rows(found: Step) -> Iterator[tuple[Any, ...]]:
    match found:
        case WeightedSum():
            for place, row, column in np.ndindex(found.patch.shape):
                value, weight = found.patch[place, row, column], found.kernel[place, row, column]
                channel = int(found.channels[place])
                where = (channel, int(found.rows[row]), int(found.columns[column]))
                yield *where, float(value), float(weight), float(value * weight)
        case Window():
            for row, column in np.ndindex(found.patch.shape):
                where = (found.channel, int(found.rows[row]), int(found.columns[column]))
                yield *where, float(found.patch[row, column]), None, None
        case Pointwise():
            yield found.channel, found.row, found.column, found.input, found.factor, found.output
