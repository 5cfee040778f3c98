"""Random variations of training pictures, drawn for each picture, never once for a batch.

All draws come from a generator that belongs to (seed, step), so that a resumed run sees the
same pictures. Flip and shift are one gather of whole pixels; turning, zooming and colour run
on the normalised floats.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from foveal.vocabulary import Level

SHIFT = 1 / 16
"""Largest shift as a share of a side: 2 pixels of 28, 4 of 64."""
TURN = 15.0
"""Largest rotation of "strong", in degrees."""
ZOOM = 0.2
"""Largest enlargement or reduction of "strong", as a share."""
COLOUR = 0.2
"""Largest change of brightness, contrast and saturation of "strong", as a share."""
SMALLEST = 8
"""Pictures with a shorter side are not shifted: a pixel is too much of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """Which variations are drawn."""

    level: Level = "light"
    """none; light: shifts (and flips); strong: turns, zooms and colours too."""
    flip: bool = False
    """Whether half of the pictures are mirrored left to right."""


def gather_varied(
    images_nhwc: torch.Tensor, augmentation: Augmentation, generator: np.random.Generator
) -> torch.Tensor:
    """Flip and shift whole pixels of a batch, each picture by its own draw.

    Pixels moved in from outside repeat the border.

    Parameters
    ----------
    images_nhwc : torch.Tensor
        Any dtype, (batch, height, width, channels).
    """
    if augmentation.level == "none" and not augmentation.flip:
        return images_nhwc
    batch, height, width, _ = images_nhwc.shape
    down = _shifts(batch, height, augmentation, generator)
    across = _shifts(batch, width, augmentation, generator)
    rows = np.clip(np.arange(height) + down[:, None], 0, height - 1)
    columns = np.clip(np.arange(width) + across[:, None], 0, width - 1)
    if augmentation.flip:
        mirrored = generator.random(batch) < 0.5
        columns[mirrored] = columns[mirrored, ::-1]
    pixels = images_nhwc.reshape(batch * height * width, -1)
    firsts = (rows + height * np.arange(batch)[:, None]) * width  # of each row, among all pixels
    down_nh, across_nw = (torch.from_numpy(one).to(pixels.device) for one in (firsts, columns))
    places = down_nh[:, :, None] + across_nw[:, None, :]
    return pixels.index_select(0, places.reshape(-1)).view_as(images_nhwc)


def varied(
    images_nchw: torch.Tensor, augmentation: Augmentation, generator: np.random.Generator
) -> torch.Tensor:
    """Turn, zoom and recolour normalised float pictures, each by its own draw ("strong" only)."""
    if augmentation.level != "strong":
        return images_nchw
    return _recoloured(_turned(images_nchw, generator), generator)


def _shifts(
    batch: int, side: int, augmentation: Augmentation, generator: np.random.Generator
) -> np.ndarray[Any, np.dtype[np.int64]]:
    if augmentation.level == "none" or side < SMALLEST:
        return np.zeros(batch, dtype=np.int64)
    most = max(1, round(side * SHIFT))
    return generator.integers(-most, most + 1, size=batch)


def _turned(images_nchw: torch.Tensor, generator: np.random.Generator) -> torch.Tensor:
    batch, _, height, width = images_nchw.shape
    angle = np.deg2rad(generator.uniform(-TURN, TURN, batch))
    zoom = np.exp(generator.uniform(-np.log1p(ZOOM), np.log1p(ZOOM), batch))
    cosine, sine = np.cos(angle) / zoom, np.sin(angle) / zoom
    # affine_grid works in units of half sides: the aspect keeps a turn a turn.
    aspect = height / width
    matrix = np.zeros((batch, 2, 3), dtype=np.float32)
    matrix[:, 0, 0], matrix[:, 0, 1] = cosine, -sine * aspect
    matrix[:, 1, 0], matrix[:, 1, 1] = sine / aspect, cosine
    theta = torch.from_numpy(matrix).to(images_nchw)
    grid = F.affine_grid(theta, list(images_nchw.shape), align_corners=False)
    turned = F.grid_sample(
        images_nchw, grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    found: torch.Tensor = turned.contiguous(memory_format=torch.channels_last)
    return found


def _recoloured(images_nchw: torch.Tensor, generator: np.random.Generator) -> torch.Tensor:
    batch, channels = images_nchw.shape[:2]
    draws = generator.uniform(-COLOUR, COLOUR, (3, batch, 1, 1, 1)).astype(np.float32)
    brightness, contrast, saturation = torch.from_numpy(draws).to(images_nchw)
    middle = images_nchw.mean(dim=(1, 2, 3), keepdim=True)
    changed: torch.Tensor = middle + (images_nchw - middle) * (1 + contrast) + brightness
    if channels == 3:
        grey = changed.mean(dim=1, keepdim=True)
        changed = grey + (changed - grey) * (1 + saturation)
    return changed
