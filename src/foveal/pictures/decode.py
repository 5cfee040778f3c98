"""From a file to a prepared uint8 picture. The one decoder of the project.

The order of the steps is that of cost and of correctness: the size is checked before any
pixel is read; a JPEG is reduced while it is decoded (``draft``) to no less than twice the
target; alpha is laid over white before resizing, lest invisible colours bleed in; colour
profiles are applied after resizing, on few pixels.
"""

from __future__ import annotations

import io
import stat
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from foveal.recipe import PictureRecipe

VERSION = 2
"""Raised whenever the same file and recipe would give other pixels: part of the store's key."""

MOST_PIXELS = 89_478_485
"""A picture with more pixels is left out as a decompression bomb (Pillow warns from there on)."""

FORMATS = (
    "AVIF",
    "BMP",
    "GIF",
    "JPEG",
    "JPEG2000",
    "PNG",
    "PPM",
    "TGA",
    "TIFF",
    "WEBP",
)
"""Formats that are tried; no other decoder of Pillow ever sees a file."""

DEEP_MODES = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")
UNMEASURED = (0.0, 65535.0)
"""Range of deep values where no pictures were surveyed."""
WHITES, GLARE = (1.0, 255.0, 65535.0), 1.5
"""Values that stand for white in pictures of floats, and how much more there may be."""
GREY_MODES = ("1", "L", "LA", "La", *DEEP_MODES)
_FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
_ORIENTATION = 0x0112
_SWAPS_SIDES = (5, 6, 7, 8)
WHITE = 255
GREY = 127
"""Fills the bars of a letterbox."""

PicturesHWC = np.ndarray[Any, np.dtype[np.uint8]]


class Unreadable(Exception):
    """A file that gives no picture; its text is the reason in the ledger."""


@lru_cache(maxsize=1)
def formats() -> tuple[str, ...]:
    """List the formats of `FORMATS` that this Pillow was built with."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def decode(path: Path, recipe: PictureRecipe) -> PicturesHWC:
    """Decode one file by a recipe.

    Parameters
    ----------
    path : Path
        The file.
    recipe : PictureRecipe
        Size, channels, resize rule.

    Returns
    -------
    numpy.ndarray
        uint8, (height, width, channels), values 0-255.

    Raises
    ------
    Unreadable
        With the reason, for whatever a file may be that is not a whole picture.
    MemoryError
        Where the memory does not suffice.
    """
    with _opened(path) as picture:
        try:
            return _prepared(picture, recipe)
        except MemoryError:
            raise
        except Exception as error:  # codecs raise what they like: SyntaxError, struct.error, ...
            raise Unreadable(_reason(error)) from error


def look(path: Path) -> tuple[int, int, str]:
    """Read height, width (as a person sees them) and mode from the head of a file.

    Raises
    ------
    Unreadable
        As for `decode`; a file that passes may still prove truncated.
    """
    with _opened(path) as picture:
        width, height = picture.size
        if _lies_on_its_side(picture):
            width, height = height, width
        return height, width, picture.mode


def _lies_on_its_side(picture: Image.Image) -> bool:
    """Whether EXIF says that width and height of an opened picture are to be swapped.

    Reads what the head holds and no pixels; of TIFF, Pillow tells the sides turned already.
    """
    raw = picture.info.get("exif")
    if picture.format == "TIFF" or not raw:
        return False
    exif = Image.Exif()
    try:
        exif.load(raw)
    except Exception:  # a broken EXIF block says nothing about the pixels
        return False
    return exif.get(_ORIENTATION) in _SWAPS_SIDES


def deep_range(path: Path) -> tuple[float, float]:
    """Read the smallest and the largest value of a picture of more than 8 bits."""
    with _opened(path) as picture:
        try:
            values = np.asarray(picture, dtype=np.float64)
        except MemoryError:
            raise
        except Exception as error:
            raise Unreadable(_reason(error)) from error
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)


def _opened(path: Path) -> Image.Image:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable("not a regular file")
        if status.st_size == 0:
            raise Unreadable("empty file")
        picture = Image.open(path, formats=formats())
    except Unreadable:
        raise
    except UnidentifiedImageError as error:
        raise Unreadable("not a picture, or of a format that is not read") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Unreadable(f"more than {MOST_PIXELS:,} pixels") from error
    except MemoryError:
        raise
    except Exception as error:
        raise Unreadable(_reason(error)) from error
    if picture.size[0] * picture.size[1] > MOST_PIXELS:
        picture.close()
        raise Unreadable(f"more than {MOST_PIXELS:,} pixels")
    return picture


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, PermissionError):
        return "no permission to read it"
    text = " ".join(str(error).split()) or type(error).__name__
    if "truncated" in text or "Truncated" in text or "broken data stream" in text:
        return f"truncated or damaged ({text})"
    return text[:200]


def _prepared(picture: Image.Image, recipe: PictureRecipe) -> PicturesHWC:
    turned = _lies_on_its_side(picture)
    target = (recipe.width, recipe.height)
    if picture.format in ("JPEG", "MPO"):
        side = (2 * target[1], 2 * target[0]) if turned else (2 * target[0], 2 * target[1])
        picture.draft(None, side)
    profile = picture.info.get("icc_profile")
    flat = _flat(ImageOps.exif_transpose(picture), recipe)
    small = brought_to_size(flat, recipe)
    wanted: Literal["L", "RGB"] = "L" if recipe.channels == 1 else "RGB"
    small = _standard_colours(small, profile, wanted)
    pixels = np.asarray(small, dtype=np.uint8)
    return pixels.reshape(recipe.height, recipe.width, recipe.channels)


def _flat(picture: Image.Image, recipe: PictureRecipe) -> Image.Image:
    """Bring any mode to L, RGB or CMYK: deep values scaled, no palette, no alpha."""
    if picture.mode in DEEP_MODES:
        values = np.asarray(picture, dtype=np.float64)
        low, high = recipe.deep_low, recipe.deep_high
        if picture.mode == "F" and (low, high) == UNMEASURED:
            high = _white(values)
        levels = np.nan_to_num((values - low) * (255.0 / max(high - low, 1e-12)))
        return Image.fromarray(np.clip(np.rint(levels), 0, 255).astype(np.uint8))
    if "transparency" in picture.info or picture.mode in ("LA", "La", "PA", "RGBA", "RGBa"):
        clear = picture.convert("RGBA")
        ground = Image.new("RGBA", clear.size, (WHITE, WHITE, WHITE, 255))
        return Image.alpha_composite(ground, clear).convert("RGB")
    if picture.mode == "1":
        return picture.convert("L")
    if picture.mode in ("L", "RGB", "CMYK"):
        return picture
    return picture.convert("RGB")


def _white(values: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    """Guess which value is white, where no range was measured: floats have several customs.

    A little more than white is glare, and cut off.
    """
    brightest = float(np.max(values, initial=0.0, where=np.isfinite(values)))
    return next((white for white in WHITES if brightest <= GLARE * white), UNMEASURED[1])


def brought_to_size(picture: Image.Image, recipe: PictureRecipe) -> Image.Image:
    """Resize a flat picture (L, RGB, CMYK, or F from 0 to 1) by the recipe's rule."""
    target = (recipe.width, recipe.height)
    method = _FILTERS[recipe.interpolation]
    if recipe.resize == "crop":
        margin = (1 - recipe.kept) / 2
        return ImageOps.fit(picture, target, method, bleed=margin)
    if recipe.resize == "letterbox":
        fills: dict[str, Any] = {"L": GREY, "F": GREY / 255, "CMYK": (0, 0, 0, 255 - GREY)}
        fill = fills.get(picture.mode, (GREY,) * 3)
        return ImageOps.pad(picture, target, method, color=fill)
    return picture if picture.size == target else picture.resize(target, method)


def _standard_colours(
    picture: Image.Image, profile: bytes | None, wanted: Literal["L", "RGB"]
) -> Image.Image:
    if profile and picture.mode in ("RGB", "CMYK") and not _is_standard(profile):
        try:
            converted = ImageCms.profileToProfile(
                picture, io.BytesIO(profile), _srgb(), outputMode="RGB"
            )
        except (ImageCms.PyCMSError, OSError):
            converted = None  # a broken profile is no reason to lose the picture
        picture = converted or picture
    return picture if picture.mode == wanted else picture.convert(wanted)


@lru_cache(maxsize=256)
def _is_standard(profile: bytes) -> bool:
    try:
        name = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile)))
    except (ImageCms.PyCMSError, OSError):
        return True
    return "sRGB" in name


@lru_cache(maxsize=1)
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
