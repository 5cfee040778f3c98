"""A map of pictures in the plane, by the codes or features that a model makes of them.

Axes: n point, m point that is drawn as its picture, h height, w width, c channel.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from PIL import Image

from foveal.arrays import Array
from foveal.drawing import thumbnails
from foveal.drawing.colours import FAINT, PALE, Colour, class_colours
from foveal.drawing.figure import Figure
from foveal.drawing.layout import abreast, celled, page, stacked
from foveal.drawing.mosaic import EXTENT, Arrangement, arranged, mosaic
from foveal.drawing.panel import legend
from foveal.drawing.text import LABEL, words
from foveal.looking.pictures_in_plane import PicturesInPlane, pictures_in_plane
from foveal.looking.projection import Method, Projection
from foveal.looking.selection import seen
from foveal.pictures.sources import gather
from foveal.shapes import Shape, written
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.model.fitted import FittedModel
    from foveal.pictures.store import Progress

NO_LABEL = "no label"


def picture_map(
    model: FittedModel,
    pictures: Any,
    method: Method = "pca",
    seed: int = 0,
    thumbnail: int | None = None,
    progress: Progress | None = None,
) -> Figure[PicturesInPlane]:
    """Draw a map of pictures by an autoencoder's codes, or by a classifier's features.

    The classes of folders give the colours; a class of the model has its colour in every figure.

    Parameters
    ----------
    model : FittedModel
        An autoencoder, or a classifier that ends with a dense layer.
    pictures : path, sequence of paths, or array
        As in `fit`.
    method : {"pca", "tsne"}
        The two principal components, or t-SNE for 5,000 pictures at most.
    seed : int
        Of whatever is drawn at random.
    thumbnail : int, optional
        Longer side of a picture on the map, in pixels, 8 to 512; small pictures are enlarged by a
        whole factor. Where left out, the largest of 128, 96 and 64 that leaves room for half of
        the pictures; those without room are points.
    progress : callable, optional
        Called now and then with pictures done and in all.

    Returns
    -------
    Figure of PicturesInPlane
        Its `values` hold the points; `save` writes the map.

    Raises
    ------
    UsageError
        For another method, a thumbnail out of range, or a model without features.
    DataError
        For fewer than three pictures that can be read, or pictures that are all the same.
    """
    found = gather(pictures)
    placed = pictures_in_plane(model, found, method, seed, progress)
    how = model.recipe
    plane = arranged(placed.points, how.height, how.width, thumbnail)
    chosen = placed.projection.rows[plane.rows].tolist()
    shown = seen(model, found.take(chosen), max(plane.size))
    drawn = dict(zip(plane.rows.tolist(), shown, strict=True))
    known = set(map(str, model.classes)) & set(map(str, placed.labels))
    classes = model.classes.tolist() if known else ()
    return draw_map(placed, plane, drawn, shape=how.shape, classes=classes)


def draw_map(
    placed: PicturesInPlane,
    plane: Arrangement,
    pictures: Mapping[int, Array],
    *,
    shape: Shape,
    classes: Sequence[Any] = (),
) -> Figure[PicturesInPlane]:
    """Draw pictures in the plane, framed in the colour of their class.

    Of each cell one is drawn, with a point beneath it for each other one.

    Parameters
    ----------
    placed : PicturesInPlane
        What is where.
    plane : Arrangement
        From `arranged`: which of them are pictures.
    pictures : mapping
        From each row of `plane.rows` to its picture, (h, w, c).
    shape : tuple of int
        Channels, height and width of the pictures, as the model sees them.
    classes : sequence, optional
        All classes of the model, or of the folder, in order. Beyond ten there are no colours.
    """
    colours = class_colours(placed.labels, classes)
    hues = [colours.get(str(label), PALE if colours else FAINT) for label in placed.labels]
    images = {row: thumbnails.thumbnail(picture, plane.size) for row, picture in pictures.items()}
    canvas = mosaic(plane, images, hues)
    blocks = [_with_axes(canvas, placed.projection)]
    if any(label is not None for label in placed.labels):
        blocks.insert(0, _legend(colours, placed.labels))
    caption = _caption(placed.projection)
    facts = _facts(len(placed.points), plane, shape, placed.projection)
    return Figure(
        values=placed,
        image=page(f"A map of the {placed.projection.of}", facts, blocks, caption),
        caption=caption,
        columns=("path", "x", "y", "label", "drawn"),
        rows=_rows(placed, plane),
    )


def _rows(placed: PicturesInPlane, plane: Arrangement) -> tuple[tuple[Any, ...], ...]:
    drawn = set(plane.rows.tolist())
    names = [placed.names[row] for row in placed.projection.rows]
    return tuple(
        (str(name), float(x), float(y), None if label is None else str(label), row in drawn)
        for row, (name, (x, y), label) in enumerate(
            zip(names, placed.points, placed.labels, strict=True)
        )
    )


def _with_axes(canvas: Image.Image, projection: Projection) -> Image.Image:
    if projection.shares is None:
        return canvas
    first, second = (f"{100 * share:.1f} % of the variance" for share in projection.shares)
    across = words(f"first component: {first}", LABEL, FAINT)
    up = words(f"second component: {second}", LABEL, FAINT).rotate(90, expand=True)
    right = stacked([canvas, celled(across, canvas.width, 1)])
    return abreast([celled(up, up.width, canvas.height), right])


def _legend(colours: Mapping[str, Colour], labels: Sequence[Any]) -> Image.Image:
    counts = Counter(NO_LABEL if label is None else str(label) for label in labels)
    if not colours:
        several = len(counts) - (NO_LABEL in counts)
        text = f"{several} classes: more than the ten colours that can be told apart, so none"
        return words(text, LABEL, FAINT)
    known = [name for name in (*colours, NO_LABEL) if counts[name]]
    return legend([(name, colours.get(name, PALE), f"{counts[name]:,}") for name in known], EXTENT)


def _facts(count: int, plane: Arrangement, shape: Shape, projection: Projection) -> tuple[str, str]:
    size = f" of {written(shape)}" if projection.of == "codes" else ""
    drawn = len(plane.rows)
    told = [f"{drawn:,} drawn"]
    if drawn < count:
        each = "" if plane.each == 1 else f", a point for each {plane.each:,}"
        told.append(f"{count - drawn:,} as points beneath the nearest{each}")
    return (
        f"{counted(count, 'picture')}{size}, {projection.of} of "
        f"{counted(projection.code_size, 'number')}, {_how(projection)}",
        "; ".join([*told, *_left(projection)]),
    )


def _how(projection: Projection) -> str:
    if projection.shares is not None:
        return f"two principal components: {100 * sum(projection.shares):.1f} % of their variance"
    return f"t-SNE of perplexity {projection.perplexity:.3g}, seed {projection.seed}"


def _left(projection: Projection) -> list[str]:
    others = projection.codes - projection.missing - len(projection.rows)
    what = "a code" if projection.of == "codes" else projection.of
    missing = f"{counted(projection.missing, 'picture')} without {what}"
    return [
        *[f"{others:,} between them left out"] * bool(others),
        *[missing] * bool(projection.missing),
    ]


def _caption(projection: Projection) -> str:
    of = projection.of
    once = "where several would overlap, one is drawn, with a point beneath it for each other one"
    if projection.method == "pca":
        lies = "code lies" if of == "codes" else "features lie"
        return (
            f"Each picture stands where its {lies} in the two directions in which the {of} vary "
            f"most, to half a picture; {once}. Near pictures that look different differ in the "
            f"other directions; groups and outsiders show what the {of} know."
        )
    return (
        f"Each picture stands beside those with {of} most like its own; {once}. Groups show what "
        f"the {of} know, while the sizes of groups and the distances between them mean nothing."
    )
