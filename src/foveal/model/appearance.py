"""What a picture looks like before any network: a small copy, and how its contrast is spread.

A network that learned from a few classes keeps of a picture what tells these apart, and little of
what would tell that it is none of them; its pixels say that. Axes: n picture, h height, w width,
c channel, p number of the small copy, s statistic.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F

from foveal.arrays import Array, Floats
from foveal.pictures.batches import normalised
from foveal.pictures.scaling import Scaling
from foveal.pictures.tensors import as_tensor

GLANCE = 32
"""Longest side of the copy that is looked at."""
SMALL = 8
"""Longest side of the copy that is kept."""
SCALES = 5
"""Scales of which the contrast is measured, each twice as coarse as the one before."""
SHADE = 1 / 255
"""Contrast that counts as none: one shade of a picture of bytes."""


def appearance(images_nhwc: Array, by: Scaling) -> tuple[Floats, Floats]:
    """Compute small copies and statistics of prepared pictures.

    The statistics are the mean of each channel, and the logarithms of colourfulness, of overall
    contrast, and of the contrast at each scale: natural pictures share a spectrum (Ruderman, "The
    statistics of natural images", 1994), and noise, blank and inverted ones do not.

    Parameters
    ----------
    images_nhwc : array, (n, h, w, c)
        Prepared pictures.
    by : Scaling
        What their values stand for.

    Returns
    -------
    tuple of arrays
        Copies of 8x8 pixels at most, (n, p), black = 0 and white = 1; and statistics, (n, s).
    """
    glance = _reduced(normalised(as_tensor(images_nhwc), by.unit), GLANCE)
    return _reduced(glance, SMALL).flatten(1).numpy(), torch.cat([*_statistics(glance)], 1).numpy()


def _reduced(values_nchw: torch.Tensor, side: int) -> torch.Tensor:
    """Average areas so that no side is longer than `side`."""
    height, width = values_nchw.shape[2:]
    return F.adaptive_avg_pool2d(values_nchw, (min(height, side), min(width, side)))


def _statistics(values_nchw: torch.Tensor) -> Iterator[torch.Tensor]:
    yield values_nchw.mean(dim=(2, 3))
    grey = values_nchw.mean(dim=1, keepdim=True)
    if values_nchw.shape[1] > 1:
        yield _contrast(values_nchw - grey)
    yield _contrast(grey - grey.mean(dim=(2, 3), keepdim=True))
    for _ in range(SCALES):
        height, width = grey.shape[2:]
        if min(height, width) < 2:
            return
        coarse = F.avg_pool2d(grey, 2, ceil_mode=True)
        again = coarse.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
        yield _contrast(grey - again[:, :, :height, :width])
        grey = coarse


def _contrast(differences_nchw: torch.Tensor) -> torch.Tensor:
    """Return the logarithm of the root mean square of each picture, (n, 1)."""
    return torch.log(differences_nchw.square().mean(dim=(1, 2, 3)).sqrt() + SHADE)[:, None]
