"""What an autoencoder keeps of pictures and what it loses.

Axes: n picture, h height, w width, c channel.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from foveal.anomaly.reconstruction import error_map
from foveal.anomaly.threshold import MEASURES, Anomalies, By
from foveal.errors import DataError, UsageError
from foveal.looking.chosen import joined, part
from foveal.looking.drawing import (
    BODY,
    FAINT,
    GRID,
    LABEL,
    ORANGE,
    PALE,
    WIDEST,
    Floats,
    abreast,
    celled,
    counted,
    drawn,
    number,
    over_grey,
    page,
    scale,
    shortened,
    stacked,
    words,
)
from foveal.looking.figure import Figure
from foveal.pictures.collection import evenly
from foveal.shapes import written

if TYPE_CHECKING:
    from foveal.model.codec import Reconstructions

ACROSS = 9
"""Pictures of a row in a gallery, at most."""
OPAQUE = 99.5
"""Percentile of the differences on a sheet from which on they are drawn opaque."""
LEAST_WIDTH, LEAST_HEIGHT = 104, 24
"""Room that the words beneath and beside a picture take at least."""
MARGINALS = 14 * GRID
WIDTH_OF_NAMES = 27 * GRID
ROWS = ("picture", "reconstruction", "difference")
MEANING = "MSE: mean squared error of a value, black = 0 and white = 1"
TAUGHT = " *"
"""Marks the error of a picture that taught the network."""
GALLERY = (
    "Each picture stands above what the network makes of its code, and above the difference of "
    "the two, in orange over the picture in grey. What is missing in the middle did not fit "
    "through the code, and nothing that uses the codes can know of it."
)
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


def gallery(
    batches: Iterable[Reconstructions],
    count: int = 12,
    *,
    rows: Sequence[int] | None = None,
    taught: Sequence[bool] | None = None,
) -> Figure:
    """Draw pictures, what an autoencoder makes of them, and where the two differ.

    Parameters
    ----------
    batches : iterable of Reconstructions
        From `FittedModel.comparing`; all of it is held in memory, unless rows are named.
    count : int
        Pictures drawn at most, evenly spaced over those that could be read.
    rows : sequence of int, optional
        Which pictures to draw instead, counted from 0, in this order.
    taught : sequence of bool, optional
        Whether each picture of the batches taught the network; it is marked then.

    Raises
    ------
    UsageError
        For a count below 1, and for rows that are not there.
    DataError
        Where no picture could be read.
    """
    if count < 1:
        raise UsageError(
            "count",
            needed="at least 1 picture",
            came=str(count),
            remedy="write 12, or leave it out",
        )
    found = joined(batches, rows)
    there = np.flatnonzero([not reason for reason in found.reasons])
    if not len(there):
        raise no_picture(found.reasons)
    picked = there if rows is not None else there[evenly(len(there), count)]
    shown = part(found, picked)
    marked = [taught is not None and taught[row] for row in picked.tolist()]
    triples, limit = _triples(shown)
    numbers = counted(shown.codes.shape[1], "number")
    facts = (
        f"{counted(len(triples), 'picture')} of {_shape(shown.originals)}, codes of {numbers}",
        MEANING,
        *([] if taught is None else [_taught_fact(marked)]),
    )
    errors = [number(error) + TAUGHT * one for error, one in zip(shown.errors, marked, strict=True)]
    blocks = [*_bands(triples, errors), _scale(limit)]
    return Figure(
        image=page("Pictures and their reconstructions", facts, blocks, GALLERY),
        caption=GALLERY,
        columns=("path", "mse", *["taught"] * (taught is not None)),
        rows=tuple(
            (str(name), float(error), *[one] * (taught is not None))
            for name, error, one in zip(shown.names, shown.errors, marked, strict=True)
        ),
    )


def _taught_fact(marked: Sequence[bool]) -> str:
    """Say which of the pictures taught, and what that means for their errors."""
    if not any(marked):
        return "none of them taught the network"
    which = "these pictures" if all(marked) else f"pictures with {TAUGHT.strip()}"
    return f"{which} taught the network: others have larger errors"


def error_sheet(
    found: Anomalies, batches: Iterable[Reconstructions], rows: Sequence[int]
) -> Figure:
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
    triples, limit = _triples(shown)
    caption = SHEET + WHY[found.threshold.by]
    return _sheet(found, rows, triples, ROWS, _shape(shown.originals), caption, _scale(limit))


def neighbour_sheet(
    found: Anomalies, pictures: Floats, neighbours: Floats, rows: Sequence[int]
) -> Figure:
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
        _cells([drawn(picture), drawn(near)])
        for picture, near in zip(pictures, neighbours, strict=True)
    ]
    return _sheet(found, rows, pairs, ("picture", "nearest usual"), _shape(pictures), BESIDE)


def _check_rows(rows: Sequence[int], count: int) -> None:
    if count != len(rows):
        raise UsageError(
            "rows",
            needed="one for each picture",
            came=f"{len(rows)} for {count} pictures",
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
) -> Figure:
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
    return [f"distance to {wanted} of {count:,} usual pictures, in the features of the network"]


def _cells(images: Sequence[Image.Image]) -> list[Image.Image]:
    """Return drawings of one size room for the words beneath and beside them."""
    width, height = images[0].size
    sides = max(width, LEAST_WIDTH), max(height, LEAST_HEIGHT)
    return [celled(image, *sides) for image in images]


def _triples(shown: Reconstructions) -> tuple[list[list[Image.Image]], float]:
    """Draw original, reconstruction and difference of each; also the difference that is opaque."""
    roots = np.sqrt(error_map(shown.originals, shown.reconstructions))
    limit = float(np.percentile(roots, OPAQUE)) or float(roots.max()) or 1.0
    triples = [
        [drawn(picture), drawn(made), over_grey(picture, root / limit)]
        for picture, made, root in zip(shown.originals, shown.reconstructions, roots, strict=True)
    ]
    return [_cells(triple) for triple in triples], limit


def _bands(triples: Sequence[Sequence[Image.Image]], errors: Sequence[str]) -> list[Image.Image]:
    """Set columns of picture, reconstruction and difference abreast, in bands of equal length."""
    width, height = triples[0][0].size
    most = max(1, min(ACROSS, (WIDEST - MARGINALS) // (width + GRID)))
    across = -(-len(triples) // -(-len(triples) // most))
    sides = [celled(words(text, LABEL, FAINT), MARGINALS, height, "left") for text in ROWS]
    sides.append(words("MSE", LABEL, FAINT))
    columns = [stacked(sides)] + [
        stacked([*triple, celled(words(error, LABEL), width, 1)])
        for triple, error in zip(triples, errors, strict=True)
    ]
    return [
        abreast([columns[0], *columns[start : start + across]])
        for start in range(1, len(columns), across)
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


def no_picture(reasons: Sequence[str]) -> DataError:
    """Make the error for pictures none of which can be read, by their reasons."""
    told = f", none of them readable: {', '.join(sorted(set(reasons))[:3])}" * bool(reasons)
    return DataError(
        "pictures",
        needed="at least 1 that can be read",
        came=f"{len(reasons)}{told}",
        remedy="check the files",
    )


def _scale(limit: float) -> Image.Image:
    return scale(limit, "difference")


def _shape(pictures: Floats) -> str:
    high, wide, channels = pictures.shape[1:]
    return written((channels, high, wide))
