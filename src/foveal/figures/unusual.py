"""Sheets of the most unusual pictures, each with what it was held against.

Axes: n picture, h height, w width, c channel.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from foveal.anomaly.threshold import MEASURES, Anomalies, By
from foveal.arrays import Array
from foveal.drawing.colours import FAINT, ORANGE, PALE
from foveal.drawing.figure import Figure
from foveal.drawing.layout import GRID, abreast, celled, page, stacked
from foveal.drawing.panel import difference_bar
from foveal.drawing.text import BODY, LABEL, number, shortened, words
from foveal.drawing.thumbnails import drawn
from foveal.errors import UsageError
from foveal.figures.gallery import ROWS, roomy, shape_of, triples
from foveal.looking.reconstructions import no_picture
from foveal.looking.selection import joined, seen
from foveal.model.codec import compared
from foveal.pictures.sources import gather
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.model.codec import Reconstructions
    from foveal.model.fitted import FittedModel

WIDTH_OF_NAMES = 27 * GRID
SHEET = (
    "Each picture stands beside its reconstruction and the difference of the two, in orange over "
    "the picture in grey, the most unusual first. "
)
WHY: Mapping[By, str] = {
    "error": "The network restores what it has learned to expect: where there is much orange, "
    "shapes, colours or brightness are others, or finer than its codes can hold.",
    "distance": "Their codes lie far from the mean of those that taught the network: it has seen "
    "few such shapes, colours or brightness.",
}
BESIDE = (
    "Each picture stands beside the usual picture that is most like it to the network, the most "
    "unusual first. What the network sees in one and not in the other sets the two apart; that "
    "need not be what a person sees first."
)


def unusual_sheet(
    model: FittedModel, pictures: Any, found: Anomalies, count: int = 10
) -> Figure[Anomalies]:
    """Draw the most unusual pictures, as many as asked for and as there are.

    Parameters
    ----------
    model : FittedModel
        The model that scored them.
    pictures : path, sequence of paths, or array
        Those that were judged.
    found : Anomalies
        What `foveal.anomalies` said of them.
    count : int
        Pictures drawn at most.

    Returns
    -------
    Figure of Anomalies
        `save` writes the sheet.

    Raises
    ------
    DataError
        Where no picture has a score.
    """
    rows = found.order[:count].tolist()
    shown = gather(pictures).take(rows)
    if found.nearest is None:
        return error_sheet(found, compared(model, shown), rows)
    near = found.nearest.pictures.take(found.nearest.rows[rows].tolist())
    return neighbour_sheet(found, seen(model, shown), seen(model, near), rows)


def error_sheet(
    found: Anomalies, batches: Iterable[Reconstructions], rows: Sequence[int]
) -> Figure[Anomalies]:
    """Draw unusual pictures, each with its reconstruction, the difference, and its score.

    Parameters
    ----------
    found : Anomalies
        From `foveal.anomaly.reconstruction.anomalies`.
    batches : iterable of Reconstructions
        The pictures to draw, beside their reconstructions, in this order.
    rows : sequence of int
        Their rows in `found`.
    """
    if not len(rows):
        raise no_picture(found.reasons)
    shown = joined(batches, None)
    _check_rows(rows, len(shown.reasons))
    drawings, limit = triples(shown)
    caption = SHEET + WHY[found.threshold.by]
    bar = difference_bar(limit, "difference")
    return _sheet(found, rows, drawings, ROWS, shape_of(shown.originals), caption, bar)


def neighbour_sheet(
    found: Anomalies, pictures: Array, neighbours: Array, rows: Sequence[int]
) -> Figure[Anomalies]:
    """Draw unusual pictures, each with the usual picture that is most like it, and its score.

    Parameters
    ----------
    found : Anomalies
        From `foveal.anomaly.neighbours.unusual`.
    pictures, neighbours : array, (n, h, w, c), black = 0 and white = 1
        The pictures to draw, and the usual picture nearest to each.
    rows : sequence of int
        Their rows in `found`.
    """
    if not len(rows):
        raise no_picture(found.reasons)
    _check_rows(rows, len(pictures))
    pairs = [
        roomy([drawn(picture), drawn(near)])
        for picture, near in zip(pictures, neighbours, strict=True)
    ]
    return _sheet(found, rows, pairs, ("picture", "nearest usual"), shape_of(pictures), BESIDE)


def _check_rows(rows: Sequence[int], count: int) -> None:
    if count != len(rows):
        raise UsageError(
            "rows",
            needed="one for each picture",
            came=f"{len(rows)} for {counted(count, 'picture')}",
            remedy="give the rows that were compared",
        )


def _sheet(
    found: Anomalies,
    rows: Sequence[int],
    drawings: Sequence[Sequence[Image.Image]],
    titles: Sequence[str],
    shape: str,
    caption: str,
    *beneath: Image.Image,
) -> Figure[Anomalies]:
    """Lay out unusual pictures, each with its drawings abreast and its verdict."""
    entries = [
        abreast([abreast(drawing), _verdict(found, row, place)], 2 * GRID)
        for place, (row, drawing) in enumerate(zip(rows, drawings, strict=True), start=1)
    ]
    half = len(entries) if len(entries) <= 4 else -(-len(entries) // 2)
    width = drawings[0][0].width
    heads = abreast([celled(words(one, LABEL, FAINT), width, 1) for one in titles])
    columns = [
        stacked([heads, *entries[start : start + half]]) for start in range(0, len(entries), half)
    ]
    bound = found.threshold
    total, above = int(np.isfinite(found.scores).sum()), int(found.above.sum())
    facts = (
        f"{above:,} of {counted(total, 'picture')} of {shape} above the threshold, "
        f"{MEASURES[bound.by]} {number(bound.value)}",
        f"of usual pictures {bound.rate.percent()} lie above",
        *_compared(found),
    )
    table = list(found.rows())
    kept = [place for place, name in enumerate(found.columns) if name != "error"]
    return Figure(
        values=found,
        image=page("Unusual pictures", facts, [abreast(columns, 4 * GRID), *beneath], caption),
        caption=caption,
        columns=tuple(found.columns[place] for place in kept),
        rows=tuple(tuple(table[row][place] for place in kept) for row in rows),
    )


def _compared(found: Anomalies) -> list[str]:
    """Describe what pictures were compared with, where it was others."""
    if found.nearest is None:
        return []
    count, near = found.nearest.compared, found.nearest.neighbours
    wanted = "the nearest" if near == 1 else f"the {near:,} nearest"
    return [
        f"distance to {wanted} of {counted(count, 'usual picture')}, in the features of the network"
    ]


def _verdict(found: Anomalies, row: int, place: int) -> Image.Image:
    """Say beside a picture which it is, its score, and on which side of the threshold it lies."""
    score = f"{MEASURES[found.threshold.by]} {number(found.scores[row])}"
    above = bool(found.above[row])
    mark = Image.new("RGB", (LABEL - 2, LABEL - 2), ORANGE if above else PALE)
    side = words("above the threshold" if above else "below the threshold", LABEL)
    title = shortened(str(found.names[row]), WIDTH_OF_NAMES - 4 * GRID)
    lines = [
        abreast([words(f"{place}.", LABEL, FAINT), words(title, LABEL)]),
        words(score, BODY),
        abreast([mark, side], align="center"),
        *(words(f"{name} {number(one[row])}", LABEL, FAINT) for name, one in found.others.items()),
    ]
    return celled(stacked(lines, GRID // 2), WIDTH_OF_NAMES, 1, "left")
