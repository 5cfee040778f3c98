"""What a file holds: preparation of pictures, network and what follows it, as one module.

Axes: n picture, h height, w width, c channel, k output, code size.
"""

from __future__ import annotations

import copy
import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import torch
from torch import nn

from foveal.engines.engine import Scaled
from foveal.errors import UsageError
from foveal.exporting.resizing import SIDES, Resized
from foveal.inference.session import described
from foveal.model.codec import check_half
from foveal.model.contents import check_whole
from foveal.model.fitted import FittedModel
from foveal.nets.build import part
from foveal.pictures.ranges import WHOLE
from foveal.pictures.scaling import Scaling, of_bytes, of_values
from foveal.recipe import PictureRecipe

Half = Literal["encoder", "decoder"]
HALVES: tuple[Half, ...] = ("encoder", "decoder")
MOST_VALUES = 200
"""Characters of what outputs are; all their names are among the facts of a file."""
EXAMPLE = (2, 37, 53)
"""Pictures, and their sides, that a graph is traced with where these are free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """What goes into a file, or comes out of it."""

    name: str
    dtype: Literal["uint8", "float32"]
    shape: tuple[int | str, ...]
    """Sides; a name stands for one that is free."""
    values: str
    """What the numbers are."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Program:
    """A module that stands alone, with what it takes and gives."""

    module: nn.Module
    """On the processor, in single precision, in evaluation mode."""
    input: Port
    output: Port

    def example(self) -> torch.Tensor:
        """Make an input for tracing."""
        free = iter(EXAMPLE)
        shape = [next(free) if isinstance(side, str) else side for side in self.input.shape]
        draws = torch.Generator().manual_seed(0)
        if self.input.dtype == "uint8":
            return torch.randint(0, 256, shape, dtype=torch.uint8, generator=draws)
        return torch.rand(shape, generator=draws)

    @cached_property
    def traced(self) -> torch.export.ExportedProgram:
        """The module as a graph, its free sides left free.

        Raises
        ------
        Exception
            Of torch, of any kind, where it cannot be traced.
        """
        free: dict[int, Any] = {}
        for axis, side in enumerate(self.input.shape):
            if side == "n":
                free[axis] = torch.export.Dim("n", min=1)
            elif isinstance(side, str):
                free[axis] = torch.export.Dim(side, min=SIDES[0], max=SIDES[1])
        with warnings.catch_warnings(), torch.inference_mode(False), torch.no_grad():
            warnings.simplefilter("ignore")  # the tracer's own; nothing a user could act on
            return torch.export.export(self.module, (self.example(),), dynamic_shapes=(free,))


class _Rows(nn.Module):
    """Brings pictures (n, c, h, w) to (n, h, w, c)."""

    def forward(self, maps_nchw: torch.Tensor) -> torch.Tensor:
        return maps_nchw.permute(0, 2, 3, 1).contiguous()


def program_of(model: FittedModel, half: Half | None = None, *, raw: bool = False) -> Program:
    """Make what a file is to hold of a model.

    Parameters
    ----------
    model : FittedModel
        The model, loaded whole.
    half : {"encoder", "decoder"}, optional
        Of an autoencoder: what makes codes of pictures, or pictures of codes. Where left out, it
        makes pictures of pictures.
    raw : bool
        Whether pictures of any size are taken, as a decoder gives them.

    Raises
    ------
    UsageError
        For half of a classifier or of half a model, and for `raw` where no pictures are taken, or
        pictures of other channels than a file's.
    """
    check_whole(model.half)
    if half is not None:
        check_half(model, half)
    recipe = model.recipe
    if raw:
        _check_raw(recipe, half)
    by = of_bytes(recipe) if raw else stored_by(recipe)
    end = model.plan.encoder_layers if half == "encoder" else len(model.plan.layers)
    parts: list[nn.Module] = [Resized(recipe)] * raw
    if half == "decoder":
        parts.append(part(model.network, model.plan, model.plan.encoder_layers))
    else:
        parts.append(Scaled(described(model.first(end), recipe, by)))
    if half != "encoder":
        parts.append(model.target.predictor(model.temperature))
        parts += [_Rows()] * model.autoencodes
    return Program(
        module=settled(nn.Sequential(*parts)),
        input=_codes(model) if half == "decoder" else _images(recipe, by, raw=raw),
        output=_codes(model) if half == "encoder" else _answers(model),
    )


def settled(module: nn.Module) -> nn.Module:
    """Return a copy on the processor, in single precision and evaluation mode."""
    copied = copy.deepcopy(module).to(device="cpu", dtype=torch.float32)
    copied.to(memory_format=torch.contiguous_format)
    return copied.eval().requires_grad_(False)


def stored_by(recipe: PictureRecipe) -> Scaling:
    """Return what values of pictures at the model's size mean to a file.

    Bytes where black was 0 and white 255 in training; else numbers in the range of its arrays.
    """
    return of_bytes(recipe) if (recipe.low, recipe.high) == WHOLE else of_values(recipe)


def _check_raw(recipe: PictureRecipe, half: Half | None) -> None:
    """Refuse resizing within a file where no picture of a decoder goes in."""
    if half == "decoder":
        needed, came = "pictures to resize", "the decoder, which takes codes"
    elif recipe.channels not in (1, 3):
        needed, came = "a network of 1 or 3 channels, as decoders give", f"{recipe.channels}"
    else:
        return
    raise UsageError("raw", needed=needed, came=came, remedy="leave `raw` out")


def _images(recipe: PictureRecipe, by: Scaling, *, raw: bool) -> Port:
    if raw:
        said = "red, green and blue as a decoder gives them, 0 to 255, of any size"
        return Port(name="images", dtype="uint8", shape=("n", "h", "w", 3), values=said)
    said = f"black = {by.black:g}, white = {by.white:g}, prepared by the recipe"
    return Port(
        name="images",
        dtype="uint8" if by.stored == "uint8" else "float32",
        shape=("n", recipe.height, recipe.width, recipe.channels),
        values=said,
    )


def _codes(model: FittedModel) -> Port:
    return Port(
        name="codes", dtype="float32", shape=("n", model.plan.code_size), values="a code a row"
    )


def _answers(model: FittedModel) -> Port:
    if model.autoencodes:
        channels, height, width = model.plan.output
        return Port(
            name="pictures",
            dtype="float32",
            shape=("n", height, width, channels),
            values="black = 0, white = 1",
        )
    target = model.answering()
    said = target.predictor(model.temperature)(torch.zeros(1, *model.plan.output))
    first, last = target.columns()
    return Port(
        name="predictions",
        dtype="float32",
        shape=("n", *said.shape[1:]),
        values=", ".join(last or first)[:MOST_VALUES],
    )
