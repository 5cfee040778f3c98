"""Kernels as tiles of colour: by colour of the picture, by input channel, or by norm.

Axes: r row, k kernel, c input channel, h height, w width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from foveal.drawing.scales import diverging
from foveal.drawing.text import number
from foveal.drawing.tiles import as_colours
from foveal.looking.convolutions import Kernels
from foveal.pictures.collection import evenly
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.arrays import Array
    from foveal.drawing.scales import Levels

MOST_CHANNELS, MOST_DENSE = 16, 32
"""Input channels that are drawn one by one; of 1x1 kernels, which are so many numbers, and of a
layer that stands alone."""
MOST_TILES = 4_096
"""Tiles of a layer by input channel: the more kernels are drawn, the fewer channels of each."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class KernelTiles:
    """Kernels of one layer, each a column of tiles."""

    colours: Levels
    """(r, k, h, w, 3)."""
    rows: Sequence[str]
    """A name for each row; empty where there is nothing to tell."""
    says: str
    """What the tiles are, and in what limits."""


def dense(kernels: Kernels) -> bool:
    """Whether kernels are single numbers for each input channel, and drawn as thin rows."""
    return kernels.weights.shape[2:] == (1, 1) and not kernels.channels


def kernel_tiles(kernels: Kernels, rows: Sequence[int], *, alone: bool) -> KernelTiles:
    """Colour some kernels of a layer.

    Parameters
    ----------
    kernels : Kernels
        The layer.
    rows : sequence of int
        Which of its kernels.
    alone : bool
        Whether the layer stands alone on its sheet, and has room for more input channels.
    """
    weights = kernels.weights[list(rows)]
    if kernels.channels:
        return _of_picture(kernels, weights)
    channels = weights.shape[1]
    most = MOST_DENSE if dense(kernels) or alone else MOST_CHANNELS
    some = evenly(channels, min(most, max(1, MOST_TILES // len(rows)))).tolist()
    if len(some) == channels or dense(kernels):
        return _by_channel(kernels, weights, some)
    norms = _by_norm(kernels, rows)
    if not alone:
        return norms
    each = _by_channel(kernels, weights, some)
    return KernelTiles(
        colours=np.concatenate([norms.colours, each.colours]),
        rows=["norm", *each.rows],
        says=f"{norms.says}; {each.says}",
    )


def _of_picture(kernels: Kernels, weights_kchw: Array) -> KernelTiles:
    """Colour kernels that see the picture: plane by plane, and in colour where it has any."""
    limit, rows, by = kernels.limit, [*kernels.channels], "plane"
    colours = diverging(weights_kchw, limit).swapaxes(0, 1)
    if kernels.in_colour:
        colours = np.concatenate([as_colours(weights_kchw, limit)[None], colours])
        rows, by = ["in colour", *rows], "colour of the picture"
    return KernelTiles(colours=colours, rows=rows, says=f"by {by}; {_full(limit)}")


def _by_channel(kernels: Kernels, weights_kchw: Array, some: Sequence[int]) -> KernelTiles:
    """Colour kernels with a row for each of some input channels."""
    channels, own = weights_kchw.shape[1], " of its group" if kernels.groups > 1 else ""
    part = f", {len(some)} of {channels:,}" if len(some) < channels else ""
    by = f"a row for each input channel{own}{part}" if channels > 1 else "of one input channel each"
    named = channels > 1 and not dense(kernels)
    return KernelTiles(
        colours=diverging(weights_kchw[:, some], kernels.limit).swapaxes(0, 1),
        rows=[f"input {one}" for one in some] if named else [],
        says=f"{by}; {_full(kernels.limit)}",
    )


def _by_norm(kernels: Kernels, rows: Sequence[int]) -> KernelTiles:
    """Colour the norms of kernels over their input channels."""
    norms = np.linalg.norm(kernels.weights, axis=1)
    finite = norms[np.isfinite(norms)]
    limit = float(finite.max()) if finite.size else 0.0
    return KernelTiles(
        colours=diverging(norms[None, list(rows)], limit),
        rows=[],
        says="each place the norm of its weights over "
        f"{counted(kernels.weights.shape[1], 'input channel')}: how large they are together, never "
        f"negative and so orange alone; {_full(limit)}",
    )


def _full(limit: float) -> str:
    return f"full colour from {number(limit)}"
