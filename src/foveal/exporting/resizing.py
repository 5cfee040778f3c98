"""Resizing as Pillow does it, as a module of torch: pictures of any size, inside the file.

No operation of ONNX or OpenVINO is like Pillow's antialiased filters to the last bit (see
docs/tried.md). But these are separable: a row of output is a weighted sum of rows of input. So the
weights are computed from the size within the graph, as matrices, and the picture is multiplied by
them: across first, then down, each rounded to bytes.

Axes: n picture, h row, w column, c channel, i place of the output, x place of the input.
"""

from __future__ import annotations

import torch
from torch import nn

from foveal.pictures.ground import GREY
from foveal.recipe import PictureRecipe

LUMA = (19595.0, 38470.0, 7471.0)
"""Weights of red, green and blue in a grey picture, of 65,536 parts, as Pillow has them."""
SIDES = (2, 65_535)
"""Sides of pictures that a file with its resizing takes, in pixels."""


class Resized(nn.Module):
    """Brings pictures of bytes (n, h, w, 3) to the size and the channels of a recipe.

    Parameters
    ----------
    recipe : PictureRecipe
        Of 1 or 3 channels.
    """

    def __init__(self, recipe: PictureRecipe) -> None:
        super().__init__()
        self.recipe = recipe

    def forward(self, images_nhwc: torch.Tensor) -> torch.Tensor:
        """Return the pictures, (n, height, width, channels), whole numbers from 0 to 255."""
        there = images_nhwc.shape[1], images_nhwc.shape[2]
        height, width = (torch.full((), side, dtype=torch.float64) for side in there)
        rows, columns = self._spans(height, width)
        down_ih = _weights(there[0], height, rows, self.recipe.interpolation)
        across_iw = _weights(there[1], width, columns, self.recipe.interpolation)
        maps_nchw = images_nhwc.float().permute(0, 3, 1, 2)
        maps_nchw = _bytes(torch.matmul(maps_nchw, across_iw.t()))
        maps_nchw = _bytes(torch.matmul(down_ih, maps_nchw))
        if self.recipe.resize == "letterbox":
            inside = rows.inside()[:, None] & columns.inside()[None, :]
            maps_nchw = torch.where(inside, maps_nchw, torch.full_like(maps_nchw, float(GREY)))
        if self.recipe.channels == 1:
            maps_nchw = _grey(maps_nchw)
        return maps_nchw.permute(0, 2, 3, 1)

    def _spans(self, height: torch.Tensor, width: torch.Tensor) -> tuple[_Span, _Span]:
        """Find which part of each side becomes which part of the output."""
        recipe = self.recipe
        tall, wide = recipe.height, recipe.width
        if recipe.resize == "stretch":
            return _Span(tall, height / tall), _Span(wide, width / wide)
        if recipe.resize == "crop":
            scale = torch.minimum(height / tall, width / wide) * recipe.kept
            return _Span(tall, scale), _Span(wide, scale)
        ratio = width / height
        flat, steep = ratio > wide / tall, ratio < wide / tall
        rows = torch.where(flat, torch.round(height / width * wide), torch.full_like(height, tall))
        columns = torch.where(steep, torch.round(ratio * tall), torch.full_like(width, wide))
        return _Span(tall, height / rows, rows), _Span(wide, width / columns, columns)


class _Span:
    """One side of the output: how many pixels of input one of its pixels is wide.

    The middle of what is taken is the middle of the input. Of "letterbox", `filled` pixels of the
    output hold the picture.
    """

    def __init__(self, out: int, scale: torch.Tensor, filled: torch.Tensor | None = None) -> None:
        self.out, self.scale = out, scale
        self.places = torch.arange(out, dtype=torch.float64)
        self.filled = torch.full_like(scale, out) if filled is None else filled
        self.start = torch.round((out - self.filled) * 0.5)

    def inside(self) -> torch.Tensor:
        """Whether each place of the output holds the picture, (i,)."""
        return (self.places >= self.start) & (self.places < self.start + self.filled)

    def centres(self) -> torch.Tensor:
        """Return twice the distance of each place from the middle, in pixels of output, (i,)."""
        return 2 * (self.places - self.start) + 1 - self.filled


def _weights(there: int, side: torch.Tensor, span: _Span, interpolation: str) -> torch.Tensor:
    """Return what each pixel of input weighs in each of output, (i, x); rows add up to 1."""
    middles = 2 * torch.arange(there, dtype=torch.float64) + 1 - side
    apart_ix = (span.centres()[:, None] * span.scale - middles[None, :]) / 2
    if interpolation == "nearest":
        weights_ix = ((apart_ix >= -0.5) & (apart_ix < 0.5)).double()
    else:
        weights_ix = _FILTERS[interpolation](apart_ix / torch.clamp(span.scale, min=1.0))
    weights_ix = weights_ix / weights_ix.sum(dim=1, keepdim=True)
    inside = span.inside()[:, None]
    return torch.where(inside, weights_ix, torch.zeros_like(weights_ix)).float()


def _bilinear(apart: torch.Tensor) -> torch.Tensor:
    return torch.clamp(1 - apart.abs(), min=0.0)


def _bicubic(apart: torch.Tensor) -> torch.Tensor:
    """Cubic convolution of Keys (1981) with a = -0.5."""
    near = apart.abs()
    inner = (1.5 * near - 2.5) * near * near + 1
    outer = ((-0.5 * near + 2.5) * near - 4) * near + 2
    nothing = torch.zeros_like(near)
    return torch.where(near < 1, inner, torch.where(near < 2, outer, nothing))


def _lanczos(apart: torch.Tensor) -> torch.Tensor:
    """The sinc windowed by a sinc three times as wide (Duchon, 1979)."""
    near = apart.abs()
    return torch.where(near < 3, _sinc(near) * _sinc(near / 3), torch.zeros_like(near))


def _sinc(values: torch.Tensor) -> torch.Tensor:
    turned = values * torch.pi
    ones = torch.ones_like(turned)
    return torch.where(
        turned == 0, ones, torch.sin(turned) / torch.where(turned == 0, ones, turned)
    )


_FILTERS = {"bilinear": _bilinear, "bicubic": _bicubic, "lanczos": _lanczos}


def _bytes(values: torch.Tensor) -> torch.Tensor:
    return torch.clamp(torch.floor(values + 0.5), 0.0, 255.0)


def _grey(maps_nchw: torch.Tensor) -> torch.Tensor:
    red, green, blue = (maps_nchw[:, place : place + 1] for place in range(3))
    mixed = red * LUMA[0] + green * LUMA[1] + blue * LUMA[2]
    return torch.floor((mixed + 32768) / 65536)  # whole numbers below 2^24: exact
