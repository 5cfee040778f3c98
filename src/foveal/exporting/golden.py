"""Golden pictures: what goes into a file, beside what the model itself says of them.

Axes: n picture, h height, w width, c channel.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from foveal.arrays import Array, Doubles, Hashes, Rows
from foveal.errors import DataError
from foveal.exporting.program import Half, Program
from foveal.inference.session import at_once
from foveal.model.fitted import FittedModel
from foveal.pictures.collection import Pictures, evenly
from foveal.pictures.encoded import InMemory
from foveal.pictures.hashing import content_hashes
from foveal.pictures.preparing import batches
from foveal.pictures.ranges import in_range
from foveal.pictures.scaling import Scaling, scaling
from foveal.pictures.sources import gather
from foveal.randomness import generator
from foveal.recipe import PictureRecipe

MOST = 1_000
"""Pictures of the caller's that prove a file, evenly spaced, at most."""
MADE = 24
"""Pictures that are made where the caller gives none."""
LONGEST = 640
"""Longest side of those, in pixels."""
SHAPES = ((1.0, 1.0), (1.5, 1.5), (1.2, 1.6), (1.6, 1.2), (0.6, 0.8), (2.6, 1.9))
"""Their sides, in those of the model."""
NOT_BYTES = 1e-3
"""How far from whole a number may be that goes into a file as a byte."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Golden:
    """Pictures that a file is held against its model with."""

    pictures: Pictures
    made: bool
    """Whether they were made, since the caller gave none."""
    given: int
    """How many there were to choose from."""


@dataclass(frozen=True, eq=False, slots=True)
class Batch:
    """Some golden pictures."""

    rows: Rows
    """Which they are, (n,)."""
    inputs: Array
    """What goes into the file, (n, ...)."""
    wanted: Doubles
    """What the model says, (n, ...)."""
    hashes: Hashes
    """Of the prepared pictures, (n,), as those of pictures that taught a model."""


def golden(model: FittedModel, X: Any = None, most: int = MOST) -> Golden:
    """Gather the caller's pictures, evenly spaced where they are many, or make some.

    Raises
    ------
    DataError
        Where there are none.
    """
    if X is None:
        return Golden(pictures=_made(model.recipe), made=True, given=MADE)
    pictures = gather(X)
    rows = evenly(len(pictures), most)
    return Golden(pictures=pictures.take(rows.tolist()), made=False, given=len(pictures))


def asked(
    model: FittedModel, program: Program, half: Half | None, pictures: Pictures
) -> Iterator[Batch]:
    """Prepare pictures for a file, and ask the model the same, batch by batch.

    Pictures that cannot be read are left out.

    Raises
    ------
    DataError
        For pictures whose values a file does not take.
    """
    recipe = pictures.content.suited(model.recipe)
    by, size = scaling(pictures, recipe), at_once(recipe)
    ask = _asking(model, half)
    for start, images, reasons in batches(pictures, recipe, model.device.threads, size):
        there = np.flatnonzero([not reason for reason in reasons])
        if not len(there):
            continue
        codes, wanted = ask(images[there], by)
        rows, hashes = start + there, content_hashes(images[there])
        if "h" in program.input.shape:
            yield from _unsized(pictures, recipe, Batch(rows, images[there], wanted, hashes))
            continue
        inputs = codes if half == "decoder" else _stored(images[there], by, model.recipe, program)
        yield Batch(rows, inputs, wanted, hashes)


def _asking(model: FittedModel, half: Half | None) -> Callable[..., tuple[Array, Doubles]]:
    """Return what asks a model of prepared pictures: codes, where it has some, and answers."""
    if not model.autoencodes:
        target = model.answering()

        def answered(images: Array, by: Scaling) -> tuple[Array, Doubles]:
            outputs, _ = model.answers(images, by)
            return outputs, target.predicted(outputs, model.temperature)

        return answered

    def coded(images: Array, by: Scaling) -> tuple[Array, Doubles]:
        codes = model.session(model.plan.encoder_layers).prepared(images, by)
        wanted = codes if half == "encoder" else model.decode(codes)
        return codes, wanted.astype(np.float64)

    return coded


def _stored(images: Array, by: Scaling, recipe: PictureRecipe, program: Program) -> Array:
    """Bring prepared pictures to the numbers that a file takes."""
    if by.stored == program.input.dtype == "uint8":
        return images
    unit = (images.astype(np.float64) - by.black) / (by.white - by.black)
    values = in_range(unit, recipe)
    if program.input.dtype == "float32":
        return values.astype(np.float32)
    whole = np.rint(values)
    if np.abs(whole - values).max(initial=0.0) > NOT_BYTES:
        raise DataError(
            "pictures",
            needed="bytes, as the file takes them",
            came=f"{images.dtype} values between whole numbers",
            remedy="give files, or arrays of uint8",
        )
    return whole.astype(np.uint8)


def _unsized(pictures: Pictures, recipe: PictureRecipe, batch: Batch) -> Iterator[Batch]:
    """Read the pictures of a batch at their own size, one a batch."""
    for at, row in enumerate(batch.rows.tolist()):
        picture = pictures.content.upright(row, recipe)
        if isinstance(picture, str):
            raise DataError(
                "pictures",
                needed="files, or arrays of bytes, as a decoder gives them",
                came=picture,
                remedy="leave `raw` out, or give files",
            )
        mine = slice(at, at + 1)
        inputs = np.ascontiguousarray(picture)[None]
        yield Batch(batch.rows[mine], inputs, batch.wanted[mine], batch.hashes[mine])


def _made(recipe: PictureRecipe) -> Pictures:
    """Make pictures whose contrast is spread over all scales, as that of photographs is."""
    if recipe.channels in (1, 3):
        files = [InMemory(f"made-{number}.png", _png(recipe, number)) for number in range(MADE)]
        return Pictures.of_encoded(files, [one.name for one in files])
    made = [_scene(number, recipe.height, recipe.width, recipe.channels) for number in range(MADE)]
    return Pictures.of_array(in_range(np.stack(made), recipe).astype(np.float32))


def _png(recipe: PictureRecipe, number: int) -> bytes:
    tall, wide = SHAPES[number % len(SHAPES)]
    scale = min(1.0, LONGEST / max(tall * recipe.height, wide * recipe.width))
    sides = [max(2, round(one * scale)) for one in (tall * recipe.height, wide * recipe.width)]
    scene = _scene(number, sides[0], sides[1], 3)
    data = io.BytesIO()
    Image.fromarray(np.rint(scene * 255).astype(np.uint8)).save(data, "PNG", compress_level=1)
    return data.getvalue()


def _scene(number: int, height: int, width: int, channels: int) -> Array:
    """Draw noise at each scale, twice as strong where it is twice as coarse, (h, w, c), 0 to 1."""
    draws = generator(0, "golden", number)
    total = np.zeros((height, width, channels))
    side = 2
    while side <= max(height, width):
        for channel in range(channels):
            rough = Image.fromarray(draws.standard_normal((side, side)).astype(np.float32))
            smooth = rough.resize((width, height), Image.Resampling.BICUBIC)
            total[:, :, channel] += np.asarray(smooth) / side
        side *= 2
    low, high = total.min(), total.max()
    unit: Array = (total - low) / (high - low)
    return unit
