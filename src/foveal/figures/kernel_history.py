"""The kernels of the first convolution before training, after it and in between: strip and film."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from foveal.drawing.colours import CLASSES, FAINT, PALE
from foveal.drawing.figure import Figure, Frames
from foveal.drawing.layout import GRID, MARGIN, MEASURE, celled, page, stacked
from foveal.drawing.scales import diverging
from foveal.drawing.text import BODY, LABEL, number, shortened, words
from foveal.drawing.tiles import as_colours, tile_grid
from foveal.looking.convolutions import limit_of
from foveal.looking.kernels import KernelHistory, kernel_history
from foveal.looking.planes import channel_names
from foveal.looking.subject import subject_of
from foveal.parameters import Whole, check, optional
from foveal.shapes import written
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.arrays import Array
    from foveal.drawing.scales import Levels

MANY, MOST = 32, 128
"""Kernels that are drawn where nothing is asked, and at most: those that moved most."""
FEW_CHANNELS = 4
"""Input channels that are drawn one below the other; of more, norms."""
SIDE = 64
TRAINING = CLASSES[0]
"""Training is blue."""
PAUSE = 500
CAPTION = (
    "Above are kernels as they were, in the same colours at all times; below is what training had "
    "added to each, in colours of its own, since most kernels keep much of the noise they began "
    "with. What grows in the lower rows is what the network found worth looking for: edges, where "
    "one side is bright and the other dark, and colours."
)


def draw_kernel_history(model: Any, *, count: int | None = None) -> Figure[KernelHistory]:
    """Draw first-layer kernels over the epochs of a training, as a strip and as an animation.

    Parameters
    ----------
    model : FittedModel, or path of a model file
        The model; its training kept the kernels.
    count : int, optional
        Kernels that are drawn at most, those that moved most; 32 where left out,
        and never more than 128.

    Returns
    -------
    Figure of KernelHistory
        Its numbers are, at each time, each kernel's norm and how far it has moved; its `frames`
        are all times, and `save` writes them as WebP beside the strip.

    Raises
    ------
    NothingToSee
        Where training kept none.
    UsageError
        For a count below 1.
    """
    check({"count": count}, {"count": optional(Whole(1))})
    found = kernel_history(subject_of(model))
    rows = _moved_most(found, min(count or MANY, MOST))
    times = found.chosen()
    return Figure(
        values=found,
        image=page(
            "Kernels over the epochs", _facts(found, rows), _strip(found, times, rows), CAPTION
        ),
        caption=CAPTION,
        columns=("epoch", "kernel", "norm", "change", "moved"),
        rows=tuple(_numbers(found)),
        frames=Frames(lambda time: _frame(found, time, rows), len(found.epochs)),
        pause=PAUSE,
    )


def _moved_most(found: KernelHistory, count: int) -> list[int]:
    moved = np.nan_to_num(found.moved[-1], nan=-1.0)
    return sorted(np.argsort(-moved, kind="stable")[:count].tolist())


def _facts(found: KernelHistory, rows: Sequence[int]) -> list[str]:
    times, kernels = found.kernels.shape[:2]
    some = f", the {len(rows)} that moved most are drawn" if len(rows) < kernels else ""
    moved = found.moved[found.kept]
    known = moved[np.isfinite(moved)]
    middle, most = (np.median(known), known.max()) if known.size else (np.nan, np.nan)
    shape = written(found.kernels.shape[1:])
    return [
        f"{shortened(found.name, MEASURE, BODY, 'start')}, layer {found.layer}: {shape} weights"
        f"{some}",
        f"kept at {counted(times, 'time')}; the animation shows all",
        f"until {_kept(found)} kernels moved by {_share(middle)} of their norm "
        f"(median), the farthest by {_share(most)}",
    ]


def _kept(found: KernelHistory) -> str:
    return f"epoch {found.epochs[found.kept]:.4g}, whose weights were kept,"


def _share(value: Any) -> str:
    """Write a share in percent; a kernel that began at 0 has none."""
    return f"{100 * float(value):.1f} %" if np.isfinite(value) else "-"


def _strip(found: KernelHistory, times: Sequence[int], rows: Sequence[int]) -> list[Image.Image]:
    """Draw kernels at some times, and beneath what was added to each since the first."""
    faces = _faces(found, found.kernels[:, rows], found.limit)[list(times)]
    added = found.changes[:, rows]
    limit = limit_of(added)
    later = [time for time in times if time]
    moved = found.moved[found.kept]
    names = [[str(one)] for one in rows]
    ends = [[str(one), _share(moved[one])] for one in rows]
    titles = [found.title(time) for time in times]
    return [
        _headed(
            f"as they were; full colour from {number(found.limit)}{_how(found)}",
            tile_grid(faces, SIDE, rows=titles, columns=names),
        ),
        _headed(
            f"what was added since the start; full colour from {number(limit)}; beneath, how far "
            f"each had moved at epoch {found.epochs[found.kept]:.4g}",
            tile_grid(
                _faces(found, added, limit)[later],
                SIDE,
                rows=[found.title(time) for time in later],
                columns=ends,
            ),
        ),
    ]


def _headed(text: str, block: Image.Image) -> Image.Image:
    return stacked([words(text, LABEL, FAINT), block])


def _how(found: KernelHistory) -> str:
    """Say how a kernel's input channels are drawn."""
    channels = found.kernels.shape[2]
    if _in_colour(found):
        return ", in red, green and blue, grey where 0"
    if channels == 1:
        return ", orange above 0 and blue below"
    if channels <= FEW_CHANNELS:
        return ", orange above 0 and blue below, one input channel below the other"
    return f"; norms over {counted(channels, 'input channel')}"


def _in_colour(found: KernelHistory) -> bool:
    return found.channels == channel_names(3)


def _faces(found: KernelHistory, kernels_tkchw: Array, limit: float) -> Levels:
    """Colour kernels, one tile each: (t, k, h, w, 3)."""
    if _in_colour(found):
        return as_colours(kernels_tkchw, limit)
    times, count, channels, high, wide = kernels_tkchw.shape
    if channels <= FEW_CHANNELS:
        return diverging(kernels_tkchw.reshape(times, count, channels * high, wide), limit)
    norms = np.linalg.norm(kernels_tkchw.astype(np.float64), axis=2)
    return diverging(norms, float(np.nan_to_num(norms).max()))


def _frame(found: KernelHistory, time: int, rows: Sequence[int]) -> Image.Image:
    """Draw one time of the animation: all frames are of one size."""
    added = found.changes[:, rows]
    pair = np.concatenate(
        [
            _faces(found, found.kernels[time : time + 1, rows], found.limit),
            _faces(found, added[time : time + 1], limit_of(added)),
        ]
    )
    grid = tile_grid(pair, SIDE, rows=("kernels", "added"), columns=[[str(one)] for one in rows])
    bar = _progress(found.epochs[time] / max(found.epochs[-1], 1e-9), grid.width)
    title = celled(words(found.title(time), BODY), grid.width, 1, "left")
    whole = stacked([title, bar, grid], GRID)
    return celled(whole, whole.width + MARGIN, whole.height + MARGIN)


def _progress(share: float, width: int) -> Image.Image:
    """Draw how much of the training is over as a bar."""
    bar = Image.new("RGB", (width, GRID // 2), PALE)
    bar.paste(TRAINING, (0, 0, round(min(share, 1.0) * width), GRID // 2))
    return bar


def _numbers(found: KernelHistory) -> Iterator[tuple[Any, ...]]:
    flat = found.kernels.reshape(*found.kernels.shape[:2], -1).astype(np.float64)
    norms = np.linalg.norm(flat, axis=2)
    changes = np.linalg.norm(flat - flat[0], axis=2)
    for time, epoch in enumerate(found.epochs):
        for kernel in range(norms.shape[1]):
            moved = float(found.moved[time, kernel])
            yield (
                epoch,
                kernel,
                float(norms[time, kernel]),
                float(changes[time, kernel]),
                moved if np.isfinite(moved) else None,
            )
