"""The kernels of all convolutions of a network, with alarms for those that are of no use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from foveal.drawing.colours import FAINT, INK
from foveal.drawing.figure import Figure
from foveal.drawing.layout import GRID, MEASURE, WIDEST, page, stacked
from foveal.drawing.panel import colour_bar
from foveal.drawing.scales import diverging, ramp
from foveal.drawing.text import BODY, LABEL, shortened, words
from foveal.drawing.tiles import tile_grid
from foveal.figures.kernel_tiles import dense, kernel_tiles
from foveal.looking.alarms import Alarm
from foveal.looking.convolutions import Kernels
from foveal.looking.kernels import NetworkKernels, network_kernels
from foveal.looking.subject import subject_of
from foveal.parameters import Whole, check, optional
from foveal.pictures.collection import evenly
from foveal.pictures.sources import gather
from foveal.shapes import written
from foveal.wording import counted

MOST = 2_000
"""Kernels on a sheet, all layers together, however many are asked for."""
MANY, FEW = 64, 32
"""Kernels of a layer on a sheet where nothing is asked; the first where there are few layers."""
FEW_LAYERS, MOST_LAYERS = 30, 60
"""Layers on a sheet, evenly spaced over all."""
DEEP, SPREAD = 8, 3
"""Of more layers than so many, so many are drawn where nothing is asked: the first among them."""
MOST_ROWS = 50_000
"""Kernels in the table of numbers, the first ones."""
MOST_LINES, MOST_NAMED = 5, 12
"""Alarms of a layer in words, and kernels that one line names."""
FIRST, DEEPER = 64, 32
"""Sides of tiles, in pixels, about: of kernels that see the picture, and of all others."""
BAR = 160
SHORT = {"broken": "NaN", "dead": "dead", "silent": "silent", "saturated": "flat"}
CAPTION = (
    "Each tile is a kernel, or what it has for one input channel: the weights, orange above 0 and "
    "blue below, that multiply whatever lies under them, so that its map is large where the input "
    "looks like the kernel. Untrained kernels are noise; training turns those of the first layer "
    "into edges and colours, and one that is framed, since it is dead or like another, does no "
    "work of its own."
)
COLUMNS = ("layer", "kernel", "norm", "mean", "least", "greatest", "alarm", "why")


def draw_kernels(
    model: Any, X: Any = None, *, layer: str | None = None, count: int | None = None
) -> Figure[NetworkKernels]:
    """Draw the kernels of a network, and mark those that are dead, saturated or duplicates.

    Parameters
    ----------
    model : FittedModel, Plan or str
        The network; see `foveal.looking.subject.subject_of`.
    X : path, sequence of paths, or array, optional
        Pictures on which the maps of kernels are judged too, where there are 8 or more and the
        network is trained.
    layer : str, optional
        The number of one layer in the plan, which is drawn in more detail; where neither it nor
        a count is given, three are drawn of more than 8: the first, one in the middle, the last.
    count : int, optional
        Kernels of a layer that are drawn at most, of all layers; 2,000 are in all, of 60 layers.

    Returns
    -------
    Figure of NetworkKernels
        Its numbers are those of each kernel of the layers drawn: norm, mean, least and greatest
        weight, and alarm; its values hold all layers.

    Raises
    ------
    NothingToSee
        Where there is no convolution.
    UsageError
        For a layer that the plan does not have, and a count below 1.
    """
    check({"count": count}, {"count": optional(Whole(1))})
    pictures = None if X is None else gather(X)
    found = network_kernels(subject_of(model), pictures, layer)
    layers = SPREAD if count is None and len(found.layers) > DEEP else MOST_LAYERS
    drawn = [found.layers[one] for one in evenly(len(found.layers), layers)]
    most = min(count or (MANY if len(drawn) <= FEW_LAYERS else FEW), MOST // len(drawn))
    blocks = [_layer(one, found, most, alone=len(found.layers) == 1) for one in drawn]
    return Figure(
        values=found,
        image=page("Kernels", _facts(found, drawn), [_key(), *blocks], CAPTION),
        caption=CAPTION,
        columns=COLUMNS,
        rows=tuple(row for _, row in zip(range(MOST_ROWS), _numbers(found, drawn), strict=False)),
    )


def _facts(found: NetworkKernels, drawn: Sequence[Kernels]) -> list[str]:
    kernels, listed = (sum(len(one.weights) for one in some) for some in (found.layers, drawn))
    left_out = len(drawn) < found.convolutions
    some = f", {len(drawn)} of them drawn" if left_out else ""
    state = "trained" if found.trained else "untrained: weights as they were drawn"
    table = f"; the first {MOST_ROWS:,} are in the table" if listed > MOST_ROWS else ""
    unread = f", {found.unread} more cannot be read" if found.unread else ""
    judged = (
        f"maps judged on {counted(found.judged_on, 'picture')}{unread}"
        if found.judged_on
        else "judged by weights alone; by their maps too, once trained and on 8 pictures or more"
    )
    others = ["for the others ask for a count (all layers) or for one layer"] if left_out else []
    return [
        f"{shortened(found.name, MEASURE, BODY, 'start')}, {state}",
        f"{counted(found.convolutions, 'convolution')}{some}, {counted(kernels, 'kernel')}{table}",
        *others,
        f"{_counted(found.alarms)}{' in all layers' if left_out else ''}; {judged}",
    ]


def _counted(alarms: Sequence[Alarm]) -> str:
    """Say how many kernels are of no use, by kind."""
    if not alarms:
        return "no alarm"
    kinds = Counter(one.kind for one in alarms)
    return ", ".join(
        counted(total, kind) if kind == "duplicate" else f"{total:,} {kind}"
        for kind, total in kinds.items()
    )


def _key() -> Image.Image:
    bar = ramp(diverging(np.linspace(-1, 1, BAR), 1))
    return colour_bar(bar, "negative weights", "positive weights")


def _layer(kernels: Kernels, found: NetworkKernels, most: int, *, alone: bool) -> Image.Image:
    """Draw one convolution: what it is, its kernels, its alarms in words."""
    mine = found.alarms_of(kernels.layer)
    rows = chosen(len(kernels.weights), most, list(mine))
    tiles = kernel_tiles(kernels, rows, alone=alone)
    grid = tile_grid(
        tiles.colours,
        FIRST if kernels.channels else DEEPER,
        rows=tiles.rows,
        columns=_captions(rows, mine),
        marked=[kernel in mine for kernel in rows],
        dense=dense(kernels),
    )
    heading = words(shortened(f"{kernels.layer}  {kernels.text}", WIDEST, BODY, "start"), BODY)
    facts = words(_described(kernels, len(rows), tiles.says), LABEL, FAINT, WIDEST)
    return stacked([stacked([heading, facts], 0), grid, *_said(list(mine.values()))], GRID // 2)


def chosen(total: int, most: int, alarmed: Sequence[int]) -> list[int]:
    """Choose kernels to draw: of many, half of them those with an alarm, the rest evenly."""
    if total <= most:
        return list(range(total))
    first = list(alarmed)[: max(1, most // 2)]
    rest = [one for one in range(total) if one not in set(first)]
    return sorted([*first, *(rest[at] for at in evenly(len(rest), most - len(first)))])


def _captions(kernels: Sequence[int], alarms: Mapping[int, Alarm]) -> list[list[str]]:
    """Name kernels, and where any of them has an alarm, in a word each that has."""
    names = [[str(one)] for one in kernels]
    if not any(one in alarms for one in kernels):
        return names
    return [
        [*name, _in_short(alarms[one]) if one in alarms else ""]
        for name, one in zip(names, kernels, strict=True)
    ]


def _in_short(alarm: Alarm) -> str:
    if alarm.cosine is None:
        return SHORT[alarm.kind]
    return f"= {'-' if alarm.cosine < 0 else ''}{alarm.other}"


def _described(kernels: Kernels, shown: int, said: str) -> str:
    """Say what a layer's tiles are: shape, limits, and what is left out."""
    total = len(kernels.weights)
    grouped = f" in {counted(kernels.groups, 'group')}" if kernels.groups > 1 else ""
    some = f"; {shown} of {total:,} kernels" if shown < total else ""
    return f"{written(kernels.weights.shape)} weights{grouped}, {said}{some}"


def _said(alarms: Sequence[Alarm]) -> list[Image.Image]:
    """Say alarms in words, those alike together; of many the first."""
    alike: dict[str, list[int]] = {}
    for one in alarms:
        alike.setdefault(one.why, []).append(one.kernel)
    lines = [told(kernels, why) for why, kernels in alike.items()]
    more = len(lines) - MOST_LINES
    if more > 0:
        lines = [*lines[:MOST_LINES], f"and {more:,} more, in the table"]
    return [words(line, LABEL, INK, WIDEST) for line in lines]


def told(kernels: Sequence[int], why: str) -> str:
    """Write one reason for one or several kernels, of many the first.

    >>> told([4], "is dead"), told([4, 5, 7], "is dead")
    ('kernel 4 is dead', 'kernels 4, 5 and 7: each is dead')
    """
    if len(kernels) == 1:
        return f"kernel {kernels[0]} {why}"
    some = [str(one) for one in kernels[:MOST_NAMED]]
    rest = len(kernels) - len(some)
    *first, last = [*some, f"{rest:,} more"] if rest else some
    return f"kernels {', '.join(first)} and {last}: each {why}"


def _numbers(found: NetworkKernels, drawn: Sequence[Kernels]) -> Iterator[tuple[Any, ...]]:
    for layer in drawn:
        flat = layer.weights.reshape(len(layer.weights), -1).astype(np.float64)
        with np.errstate(all="ignore"):  # weights may be no numbers
            facts = [np.linalg.norm(flat, axis=1), flat.mean(axis=1), flat.min(1), flat.max(1)]
        mine = found.alarms_of(layer.layer)
        for kernel, row in enumerate(np.stack(facts, axis=1).tolist()):
            alarm = mine.get(kernel)
            said = (alarm.kind, alarm.why) if alarm else ("", "")
            yield (layer.layer, kernel, *row, *said)
