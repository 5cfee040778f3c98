"""Where a classifier looked: the picture in grey, and over it what speaks for a class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from PIL import Image

from foveal.arrays import Array
from foveal.drawing.figure import Figure
from foveal.drawing.layout import page
from foveal.drawing.panel import panel, strength_bar
from foveal.drawing.text import number, shortened
from foveal.drawing.thumbnails import drawn, over_grey
from foveal.errors import UsageError
from foveal.looking.attribution import METHODS, Attributions, Method, attributions
from foveal.looking.subject import subject_of
from foveal.pictures.sources import gather
from foveal.shapes import written
from foveal.wording import counted

SIDE, MOST = 256, 384
"""Longer side, in pixels, to which small pictures are enlarged, and larger ones are reduced."""
OPAQUE = 99.5
"""Percentile of how much pixels speak for or against the class, in one drawing, that is opaque."""
TITLES: dict[Method, str] = {
    "gradcam": "Grad-CAM",
    "integrated": "integrated gradients",
    "occlusion": "occlusion",
}
CAPTION = (
    "Orange places speak for the class and blue ones against it, by three questions: which maps of "
    "a late layer raise the class (those that lower it are not asked), which pixels raise or lower "
    "it on the way from an empty picture to this one, and what is lost or won where a patch is "
    "covered. Where orange lies beside the object, the network may be right for a wrong reason."
)


CAPTION_OF_NUMBERS = (
    "Orange places raise the number and blue ones lower it, by three questions: which maps of a "
    "late layer raise it (those that lower it are not asked), which pixels raise or lower it on "
    "the way from an empty picture to this one, and what is lost or won where a patch is covered. "
    "Where colour lies beside the object, the network may be right for a wrong reason."
)


def draw_attribution(
    model: Any,
    X: Any,
    methods: Sequence[str] = METHODS,
    *,
    target: Any = None,
    layer: str | int | None = None,
    count: int = 8,
) -> Figure[Attributions]:
    """Draw where a classifier looked in pictures, by one or more methods.

    Parameters
    ----------
    model : FittedModel, learner that was fitted, Plan or str
        A classifier; see `foveal.looking.subject.subject_of`.
    X : path, sequence of paths, or array
        The pictures.
    methods : sequence of {"gradcam", "integrated", "occlusion"}
        See `foveal.looking.attribution_methods`.
    target : optional
        The class that is asked about; that which is predicted for each where left out.
    layer : int or str, optional
        Layer whose maps Grad-CAM takes, by its number in the plan; the last that has places where
        left out.
    count : int
        Pictures at most: the first ones.

    Returns
    -------
    Figure of Attributions
        Its `values.maps` are the attributions by method, (n, h, w).

    Raises
    ------
    UsageError
        For a network without classes, and a class, a method or a layer that there is not.
    DataError
        Where a picture cannot be read.
    """
    if count < 1:
        raise UsageError(
            "count", needed="at least 1 picture", came=str(count), remedy="leave it out"
        )
    pictures = gather(X)
    shown = pictures.take(range(min(count, len(pictures))))
    found = attributions(subject_of(model), shown, methods, target=target, layer=layer)
    return _drawn(found, len(pictures))


def _drawn(found: Attributions, pictures: int) -> Figure[Attributions]:
    images: list[Image.Image] = []
    captions: list[tuple[str, ...]] = []
    for row, (name, label, image) in enumerate(
        zip(found.names, found.labels, found.images, strict=True)
    ):
        images.append(drawn(image, SIDE, MOST))
        called = shortened(label, images[-1].width, keep="start")
        sure = () if found.numbers else (f"{100 * found.probabilities[row]:.1f} %",)
        captions.append((name, called, *sure))
        for method, maps in found.maps.items():
            images.append(over_grey(image, strengths(maps[row]), SIDE, MOST))
            captions.append((TITLES[method], _told(found, method, row)))
    sheet = panel(images, captions, across=1 + len(found.maps))
    ends = ("lowers the number", "raises it")
    ends = ends if found.numbers else ("speaks against the class", "speaks for it")
    caption = CAPTION_OF_NUMBERS if found.numbers else CAPTION
    bar = strength_bar(*ends, least=-1.0)
    return Figure(
        values=found,
        image=page("Where it looked", tuple(_facts(found, pictures)), [sheet, bar], caption),
        caption=caption,
        columns=("path", "class", "probability", "method", "least", "greatest", "sum"),
        rows=tuple(_numbers(found)),
    )


def strengths(values_hw: Array) -> Array:
    """Return how strongly each pixel is drawn, (h, w): to 1 for the class, to -1 against it."""
    sizes = np.abs(values_hw)
    limit = float(np.percentile(sizes, OPAQUE)) or float(sizes.max()) or 1.0
    return np.asarray(values_hw / limit)


def _told(found: Attributions, method: Method, row: int) -> str:
    """Say of one drawing what a reader should know."""
    values = found.maps[method][row]
    if not values.any():
        flat = not np.ptp(found.images[row], axis=(0, 1)).any()
        return "nothing to take away: one colour" if flat else "nothing matters to it"
    if method == "gradcam":
        return f"of layer {found.layer}"
    if method == "occlusion":
        return f"patches of {written((found.patch, found.patch))}"
    return f"add up to {number(float(values.sum()))}, due {number(found.differences[row])}"


def _facts(found: Attributions, pictures: int) -> Iterator[str]:
    shown = len(found.names)
    of = f"the first {shown} of {counted(pictures, 'picture')}"
    height, width, channels = found.images.shape[1:]
    size = written((channels, height, width))
    yield f"{of if shown < pictures else counted(shown, 'picture')} of {size}"
    asked = "the number" if found.numbers else "the log odds of the class"
    yield f"asked of {asked}; an empty picture has this one's median colour"
    if "integrated" in found.maps:
        yield "gradients should add up to what is due: its rise from an empty picture to this one"
    for method, why in found.left_out.items():
        yield f"{TITLES[method]} is left out: it {why}"


def _numbers(found: Attributions) -> Iterator[tuple[Any, ...]]:
    for row, name in enumerate(found.names):
        for method, maps in found.maps.items():
            values = maps[row].astype(np.float64)
            asked = (str(name), found.labels[row], float(found.probabilities[row]), method)
            yield (*asked, float(values.min()), float(values.max()), float(values.sum()))
