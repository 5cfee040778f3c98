"""Galleries: what an autoencoder keeps of pictures and what it loses.

Axes: n picture, h height, w width, c channel.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from foveal.anomaly.reconstruction import error_map
from foveal.arrays import Array
from foveal.drawing.colours import FAINT
from foveal.drawing.figure import Figure
from foveal.drawing.layout import GRID, WIDEST, abreast, celled, page, stacked
from foveal.drawing.panel import difference_bar
from foveal.drawing.text import LABEL, number, words
from foveal.drawing.thumbnails import drawn, hairlined, over_grey
from foveal.errors import UsageError
from foveal.looking.reconstructions import (
    ReconstructionErrors,
    no_picture,
    reconstruction_errors,
)
from foveal.looking.selection import joined, part
from foveal.model.codec import compared
from foveal.pictures.collection import evenly
from foveal.pictures.sources import gather
from foveal.shapes import written
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.model.codec import Reconstructions
    from foveal.model.fitted import FittedModel
    from foveal.pictures.store import Progress

ACROSS = 9
"""Pictures of a row in a gallery, at most."""
OPAQUE = 99.5
"""Percentile of the differences on a sheet from which on they are drawn opaque."""
LEAST_WIDTH, LEAST_HEIGHT = 104, 24
"""Room that the words beneath and beside a picture take at least."""
MARGINALS = 14 * GRID
ROWS = ("picture", "reconstruction", "difference")
TAUGHT = " *"
"""Marks the error of a picture that taught the network."""
MEANING = "MSE: mean squared error of a value, black = 0 and white = 1"
CAPTION = (
    "Each picture stands above what the network makes of its code, and above the difference of "
    "the two, in orange over the picture in grey. What is missing in the middle did not fit "
    "through the code, and nothing that uses the codes can know of it."
)


def gallery(
    model: FittedModel, pictures: Any, count: int = 12, progress: Progress | None = None
) -> Figure[ReconstructionErrors]:
    """Reconstruct all pictures and draw some of them, evenly spaced over those that can be judged.

    Where these are fewer, pictures that taught the model are drawn too, and marked.

    Parameters
    ----------
    model : FittedModel
        An autoencoder.
    pictures : path, sequence of paths, or array
        As in `fit`.
    count : int
        Pictures drawn at most.
    progress : callable, optional
        Called now and then with pictures done and in all.

    Returns
    -------
    Figure of ReconstructionErrors
        Its `values.errors` are those of all pictures, `values.mse` the mean of those judged with
        its interval, `values.variance` what share of their variance the codes keep; `save` writes
        the gallery.

    Raises
    ------
    UsageError
        For a count below 1, and a model that is no autoencoder.
    DataError
        Where no picture can be read.
    """
    _check_count(count)
    found = gather(pictures)
    errors = reconstruction_errors(model, found, progress)
    rows = errors.evenly(count)
    shown = compared(model, found.take(rows.tolist()))
    figure = draw_gallery(shown, count, taught=errors.taught[rows].tolist())
    return Figure(
        values=errors,
        image=figure.image,
        caption=figure.caption,
        columns=figure.columns,
        rows=figure.rows,
    )


def draw_gallery(
    batches: Iterable[Reconstructions],
    count: int = 12,
    *,
    rows: Sequence[int] | None = None,
    taught: Sequence[bool] | None = None,
) -> Figure[Reconstructions]:
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
    _check_count(count)
    found = joined(batches, rows)
    there = np.flatnonzero([not reason for reason in found.reasons])
    if not len(there):
        raise no_picture(found.reasons)
    picked = there if rows is not None else there[evenly(len(there), count)]
    shown = part(found, picked)
    marked = [taught is not None and taught[row] for row in picked.tolist()]
    drawings, limit = triples(shown)
    numbers = counted(shown.codes.shape[1], "number")
    facts = (
        f"{counted(len(drawings), 'picture')} of {shape_of(shown.originals)}, codes of {numbers}",
        MEANING,
        *([] if taught is None else [_taught_fact(marked)]),
    )
    errors = [number(error) + TAUGHT * one for error, one in zip(shown.errors, marked, strict=True)]
    bands = _bands(drawings, errors)
    blocks = [*bands, difference_bar(limit, "difference")]
    return Figure(
        values=shown,
        image=page("Pictures and their reconstructions", facts, blocks, CAPTION),
        caption=CAPTION,
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


def triples(shown: Reconstructions) -> tuple[list[list[Image.Image]], float]:
    """Draw original, reconstruction and difference of each; also the difference that is opaque."""
    roots = np.sqrt(error_map(shown.originals, shown.reconstructions))
    limit = float(np.percentile(roots, OPAQUE)) or float(roots.max()) or 1.0
    found = [
        [drawn(picture), drawn(made), over_grey(picture, root / limit)]
        for picture, made, root in zip(shown.originals, shown.reconstructions, roots, strict=True)
    ]
    return [roomy(triple) for triple in found], limit


def roomy(images: Sequence[Image.Image]) -> list[Image.Image]:
    """Set drawings of one size in hairlines, with room for the words beneath and beside them."""
    return [celled(hairlined(image), LEAST_WIDTH, LEAST_HEIGHT) for image in images]


def shape_of(pictures: Array) -> str:
    """Write the shape of pictures (n, h, w, c)."""
    high, wide, channels = pictures.shape[1:]
    return written((channels, high, wide))


def _check_count(count: int) -> None:
    if count < 1:
        raise UsageError(
            "count",
            needed="at least 1 picture",
            came=str(count),
            remedy="write 12, or leave it out",
        )


def _bands(drawings: Sequence[Sequence[Image.Image]], errors: Sequence[str]) -> list[Image.Image]:
    """Set columns of picture, reconstruction and difference abreast, in bands of equal length."""
    width, height = drawings[0][0].size
    most = max(1, min(ACROSS, (WIDEST - MARGINALS) // (width + GRID)))
    across = -(-len(drawings) // -(-len(drawings) // most))
    sides = [celled(words(text, LABEL, FAINT), MARGINALS, height, "left") for text in ROWS]
    sides.append(words("MSE", LABEL, FAINT))
    columns = [stacked(sides)] + [
        stacked([*triple, celled(words(error, LABEL), width, 1)])
        for triple, error in zip(drawings, errors, strict=True)
    ]
    return [
        abreast([columns[0], *columns[start : start + across]])
        for start in range(1, len(columns), across)
    ]
