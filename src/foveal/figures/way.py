"""The whole way from a picture to the prediction, as one tall figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from foveal.arrays import Array
from foveal.drawing.colours import FAINT, INK, PALE, WHITE
from foveal.drawing.figure import Figure
from foveal.drawing.layout import GRID, abreast, celled, page, stacked
from foveal.drawing.scales import viridis
from foveal.drawing.text import BODY, LABEL, number, shortened, words
from foveal.drawing.thumbnails import drawn, fitted, hairlined, thumbnail
from foveal.drawing.vectors import BLUE, LEAST, bars, binned, strip
from foveal.figures.one_picture import OnePicture
from foveal.looking.maps import Maps
from foveal.looking.stages import Stage
from foveal.looking.subject import Subject
from foveal.looking.way import Softmax, StageSeen, Way, whole_way
from foveal.nets.spec import Flatten
from foveal.parameters import Whole, check, optional
from foveal.shapes import written
from foveal.wording import counted

MOST_STAGES = 40
DEEP = 12
"""Rows from which on they are set into parts."""
MOST_MAPS = 10
MOST_CLASSES = 10
TILE, PICTURE = 72, 128
"""Longer sides of maps and of pictures, in pixels."""
NAME = 336
"""Width of the words of a row."""
ROW = 10 * (TILE + GRID)
"""Width of a row of numbers."""
BAR = 200
"""Width of a bar that stands for certainty."""
TALL = 48
"""Height of bars; a strip is half as high."""
EDGE = 8
"""Width of the mark at the left of a row: solid where training updates it, hatched where not."""
CAPTION = (
    "From above to below the picture becomes numbers that say ever less of where and ever more of "
    "what: each row is what a layer makes of the row before. What stands at the end is all that "
    "the network says of the picture."
)


def draw_way(model: Any, X: Any, *, count: int | None = None) -> Figure[Way]:
    """Draw the whole way of a picture through a network, from its pixels to the prediction.

    Parameters
    ----------
    model : FittedModel, Plan or str
        The network; see `foveal.looking.subject.subject_of`.
    X : path, sequence of paths, or array
        The pictures, of which the first is followed.
    count : int, optional
        Maps of a layer that are shown, the most active first where there are more; 10 where left
        out.

    Returns
    -------
    Figure of Way
        Its numbers are the shapes of all rows, and the likeliest classes with their logits,
        exponentials and probabilities.
    """
    check({"count": count}, {"count": optional(Whole(1))})
    shown = OnePicture.of(model, X)
    found = whole_way(
        shown.subject,
        shown.seen,
        most_stages=MOST_STAGES,
        most_maps=count or MOST_MAPS,
        most_classes=MOST_CLASSES,
    )
    return Figure(
        values=found,
        image=page("The whole way", _facts(shown, found), _blocks(shown.subject, found), CAPTION),
        caption=CAPTION,
        columns=("row", "what", "shape", "parameters", "logit", "exponential", "probability"),
        rows=tuple(_numbers(found)),
    )


def _facts(shown: OnePicture, found: Way) -> list[str]:
    plan = shown.subject.plan
    facts = [
        shown.fact,
        f"{counted(len(plan.layers), 'layer')}, {counted(plan.parameters, 'parameter')}",
    ]
    if found.left_out:
        facts.append(
            f"{len(found.stages)} of "
            f"{counted(len(found.stages) + found.left_out, 'row')} are drawn, evenly "
            "spaced over the depth"
        )
    return facts


def _blocks(subject: Subject, found: Way) -> list[Image.Image]:
    plan = subject.plan
    blocks = [_key()] if plan.fixed else []
    blocks += [words("encoder", BODY, FAINT)] if plan.encoder_layers else []
    shape = written(plan.input)
    blocks.append(_row(["picture", shape], hairlined(drawn(found.image, PICTURE, PICTURE)), None))
    headings = _headings(found.stages)
    for place, seen in enumerate(found.stages):
        blocks += [words(headings[place], BODY)] if place in headings else []
        is_code = bool(plan.encoder_layers) and seen.stage.last.number == str(plan.encoder_layers)
        blocks.append(_stage(seen, is_code))
        if is_code:
            blocks.append(words("decoder", BODY, FAINT))
    if found.reconstruction is not None:
        picture = hairlined(drawn(found.reconstruction, PICTURE, PICTURE))
        blocks.append(_row(["reconstruction", shape], picture, None))
    if found.softmax is not None:
        blocks.append(_row(_softmax_words(found.softmax), _table(found.softmax), None))
    return [stacked(blocks, 2 * GRID)]


def _headings(rows: Sequence[StageSeen]) -> dict[int, str]:
    """Name the parts of a deep network, each by the size of its maps, by the row it begins with.

    Empty where there are few rows: their shapes tell enough.
    """
    if len(rows) < DEEP:
        return {}
    sizes = [one.stage.last.out_shape[1:] for one in rows]
    starts = [at for at, size in enumerate(sizes) if not at or size != sizes[at - 1]]
    found = {}
    for part, (start, end) in enumerate(zip(starts, [*starts[1:], len(rows)], strict=True), 1):
        first, last = rows[start].stage.layers[0].number, rows[end - 1].stage.last.number
        layers = f"layer {first}" if first == last else f"layers {first} to {last}"
        made = f"maps of {written(sizes[start])}" if sizes[start] else "vectors, without places"
        found[start] = f"Part {part}: {made}, {layers}"
    return found


def _key() -> Image.Image:
    meanings = ((True, "fixed"), (False, "updated"))
    marks = [[_mark(2 * GRID, fixed), words(text, LABEL)] for fixed, text in meanings]
    return abreast([abreast(mark, align="center") for mark in marks], 3 * GRID)


def _stage(seen: StageSeen, is_code: bool) -> Image.Image:
    stage = seen.stage
    shape = written(stage.last.out_shape)
    learned = f", {counted(stage.parameters, 'parameter')}" if stage.parameters else ""
    which = f"{'layers' if len(stage.layers) > 1 else 'layer'} {stage.numbers}"
    lines = [f"code, {which}" if is_code else which, stage.text, f"{shape}{learned}"]
    return _row(lines, _made(seen), stage.fixed)


def _row(lines: list[str], shown: Image.Image, fixed: bool | None) -> Image.Image:
    """Set words beside what they are about, behind the mark of a layer."""
    inks = [INK, *[FAINT] * len(lines)]
    text = stacked(
        [
            words(shortened(line, NAME, LABEL, keep="start"), LABEL, ink)
            for line, ink in zip(lines, inks, strict=False)
        ],
        0,
    )
    height = max(text.height, shown.height)
    mark = Image.new("RGB", (EDGE, height), WHITE) if fixed is None else _mark(height, fixed)
    return abreast([mark, celled(text, NAME, height, "left"), celled(shown, 1, height, "left")])


def _mark(height: int, fixed: bool) -> Image.Image:
    """Draw a bar: solid for a layer that is updated, hatched grey for one that is fixed."""
    if not fixed:
        return Image.new("RGB", (EDGE, height), INK)
    rows, columns = np.indices((height, EDGE))
    hatched = ((rows + columns) % 6 < 2)[..., None]
    return Image.fromarray(np.where(hatched, FAINT, PALE).astype(np.uint8))


def _made(seen: StageSeen) -> Image.Image:
    if seen.maps is not None:
        return _maps(seen.maps)
    assert seen.vector is not None
    return _vector(seen.stage, seen.vector)


def _maps(found: Maps) -> Image.Image:
    height, width = found.maps.shape[1:]
    size = fitted(height, width, TILE)
    tiles = [hairlined(thumbnail(viridis(one, *found.limits) / 255.0, size)) for one in found.maps]
    low, high = (number(one) for one in found.limits)
    more = f"and {counted(found.left_out, 'more map')}; " if found.left_out else ""
    note = words(f"{more}{low} to {high}", LABEL, FAINT)
    return stacked([abreast(tiles), note], GRID // 2)


def _vector(stage: Stage, values: Array) -> Image.Image:
    flat = isinstance(stage.last.layer, Flatten)
    shown, each = binned(values, ROW if flat else ROW // LEAST)
    block = strip(values, ROW, TALL // 2) if flat else bars(shown, ROW, TALL)
    some = f"of {each} numbers in a row the one farthest from 0; " if each > 1 else ""
    ends = f"{number(float(values.min()))} to {number(float(values.max()))}"
    return stacked([block, words(f"{some}{ends}", LABEL, FAINT)], GRID // 2)


def _softmax_words(found: Softmax) -> list[str]:
    lines = [
        "softmax",
        "exponentials, divided by their sum",
        f"{counted(found.classes, 'class', 'classes')}",
    ]
    if found.temperature != 1.0:
        lines.append(f"logits divided by temperature {number(found.temperature)}")
    return lines


def _table(found: Softmax) -> Image.Image:
    """Draw the likeliest classes: logit z, exp(z - greatest), and the probability as a bar."""
    columns: list[list[Image.Image]] = [[words("class", LABEL, FAINT)]]
    columns += [[words(head, LABEL, FAINT)] for head in ("logit z", "exp(z - greatest)")]
    columns += [[words("probability", LABEL, FAINT)]]
    rows = zip(found.names, found.logits, found.exponentials, found.probabilities, strict=True)
    for name, logit, exponential, probability in rows:
        columns[0].append(words(shortened(name, 224, keep="start"), LABEL))
        columns[1].append(words(number(float(logit)), LABEL))
        columns[2].append(words(number(float(exponential)), LABEL))
        bar = Image.new("RGB", (max(1, round(200 * float(probability))), LABEL), BLUE)
        columns[3].append(
            abreast([bar, words(f"{100 * probability:.1f} %", LABEL)], align="center")
        )
    others = found.classes - len(found.names)
    if others:
        rest = found.total - float(found.exponentials.sum())
        columns[0].append(words(f"{others:,} others", LABEL, FAINT))
        columns[1].append(words("", LABEL))
        columns[2].append(words(number(rest), LABEL, FAINT))
        columns[3].append(words(f"{100 * rest / found.total:.1f} %", LABEL, FAINT))
    columns[2].append(words(f"sum {number(found.total)}", LABEL, FAINT))
    height = max(one.height for one in columns[3])
    even = [[celled(one, 1, height, "left") for one in column] for column in columns]
    return abreast([stacked(column, 0) for column in even], 3 * GRID)


def _numbers(found: Way) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = [
        (
            seen.stage.numbers,
            seen.stage.text,
            written(seen.stage.last.out_shape),
            seen.stage.parameters,
            None,
            None,
            None,
        )
        for seen in found.stages
    ]
    if found.softmax is not None:
        columns = (found.softmax.logits, found.softmax.exponentials, found.softmax.probabilities)
        classes = zip(found.softmax.names, *(one.tolist() for one in columns), strict=True)
        rows += [("class", name, "", None, *numbers) for name, *numbers in classes]
    return rows
