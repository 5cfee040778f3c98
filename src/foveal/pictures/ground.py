"""What transparent pictures are laid over: white, unless nothing would be seen of them there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from foveal.pictures.remarks import Remark

WHITE, BLACK, GREY = 255, 0, 127
NAMES = {WHITE: "white", BLACK: "black", GREY: "grey"}
NEAR = 25
"""How far from the ground a value may be and not be seen on it, a tenth of the range."""
LOOKED_AT = 512
"""Points looked at along the longer side."""
ALL = 0.95
"""Share of the visible parts that has to be seen badly for a picture to be lost."""
OFTEN = 0.05
"""Share of a data set's pictures that are lost on white for another ground to be taken."""


def lost_on(clear: Image.Image, ground: int) -> bool:
    """Whether nothing would be seen of an RGBA picture on a ground.

    A picture that is opaque, or of which nothing is visible at all, is not lost by its ground.
    """
    if not _has_clear(clear):
        return False
    step = max(max(clear.size) // LOOKED_AT, 1)
    pixels = np.asarray(clear)[::step, ::step]
    weights = pixels[:, :, 3].astype(np.float64)
    if not weights.any():
        return False
    near = (np.abs(pixels[:, :, :3].astype(np.int16) - ground) <= NEAR).all(axis=2)
    return float(weights[near].sum()) >= ALL * float(weights.sum())


def ground_for(lost: Sequence[tuple[bool, bool]]) -> int | None:
    """Choose one ground for all transparent pictures of a data set; None where there are none.

    White, black where a part of them is lost on white and none on black, else grey.

    Parameters
    ----------
    lost : sequence of (bool, bool)
        Of each picture, whether nothing would be seen of it on white, and on black.
    """
    if not lost:
        return None
    on_white, on_black = np.mean(lost, axis=0)
    if on_white <= OFTEN:
        return WHITE
    return BLACK if on_black <= OFTEN else GREY


def laid(clear: Image.Image, ground: int | None, remarks: list[Remark]) -> Image.Image:
    """Lay an RGBA picture over its ground; None is white, or black where white shows nothing."""
    lost = lost_on(clear, WHITE if ground is None else ground)
    chosen = (BLACK if lost else WHITE) if ground is None else ground
    if lost and ground is not None:
        remarks.append(Remark(f"of its visible parts nothing is seen on {named(chosen)}"))
    elif chosen != WHITE and _has_clear(clear):
        remarks.append(Remark(f"transparent parts are laid over {named(chosen)}"))
    below = Image.new("RGBA", clear.size, (chosen, chosen, chosen, 255))
    return Image.alpha_composite(below, clear).convert("RGB")


def as_rgba(picture: Image.Image) -> Image.Image:
    """Bring a picture of any mode to RGBA; there is no straight way from greys multiplied."""
    return (picture.convert("LA") if picture.mode == "La" else picture).convert("RGBA")


def named(ground: int) -> str:
    """Return the name of a ground."""
    return NAMES.get(ground, f"grey {ground}")


def is_clear(picture: Any) -> bool:
    """Whether parts of an opened picture may be transparent."""
    return "transparency" in picture.info or picture.mode in ("LA", "La", "PA", "RGBA", "RGBa")


def _has_clear(clear: Image.Image) -> bool:
    """Whether a part of an RGBA picture is not opaque."""
    return clear.getchannel("A").getextrema() != (255, 255)
