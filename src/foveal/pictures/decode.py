"""From an encoded picture to a prepared uint8 one. The one decoder of the project.

The order of the steps is that of cost and of correctness: the size is checked before any
pixel is read; a JPEG is reduced while it is decoded (``draft``) to no less than twice the
target; alpha is laid over its ground before resizing, lest invisible colours bleed in; colour
profiles are applied after resizing, on few pixels.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np
import PIL
from PIL import Image, ImageCms, ImageOps
from PIL.ImageFile import ImageFile

from foveal.pictures import depth, extras
from foveal.pictures.encoded import Encoded, Page
from foveal.pictures.ground import BLACK, GREY, WHITE, as_rgba, is_clear, laid, lost_on
from foveal.pictures.heard import listening
from foveal.pictures.opening import MOST_PIXELS, codec, most_pixels, opened
from foveal.pictures.remarks import Remark
from foveal.recipe import PictureRecipe

VERSION = 4
"""Raised whenever the same file and recipe would give other pixels: part of the store's key."""

UNMEASURED = (0.0, 65535.0)
"""Range of deep values where no pictures were surveyed."""
DARK = 4096
"""Values of 16 bits below this are nearly black where no pictures were surveyed."""
PAGED = ("TIFF", "GIF", "WEBP", "PNG", "AVIF", "HEIF", "DICOM")
"""Formats of several pages, or of pictures that move."""
MOST_HALVINGS = 5
"""Halvings of a JPEG 2000 while it is read: encoders keep so many by custom."""
BOMB = "could be decompression bomb"
"""What Pillow warns of where a size was allowed."""
GREY_MODES = ("1", "L", "LA", "La", "LA;16", *depth.GREYS)
_FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
_ORIENTATION = 0x0112
_SWAPS_SIDES = (5, 6, 7, 8)
PicturesHWC = np.ndarray[Any, np.dtype[np.uint8]]


def identity() -> list[object]:
    """Say what else than file and recipe decides which pixels there are: for keys of caches."""
    allowed = most_pixels()
    return [VERSION, PIL.__version__, *[allowed] * (allowed != MOST_PIXELS), *extras.identity()]


class Look(NamedTuple):
    """What the head of a file says of its picture."""

    height: int
    width: int
    """Both as a person sees them."""
    mode: str
    """Pillow's name of its mode, or one of `depth.COLOURS`."""
    clear: bool
    """Whether parts of it may be transparent."""
    format: str
    """Pillow's name of its format."""


def decode(
    encoded: Encoded, recipe: PictureRecipe, remarks: list[Remark] | None = None
) -> PicturesHWC:
    """Decode one picture by a recipe.

    Parameters
    ----------
    encoded : Encoded
        The file, or the bytes.
    recipe : PictureRecipe
        Size, channels, resize rule.
    remarks : list of Remark, optional
        Gets what a reader should know of how this was read.

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
    noted: list[Remark] = []
    with listening() as heard, opened(encoded) as picture:
        with codec():
            pixels = _prepared(encoded, picture, recipe, noted)
        if window := picture.info.get("window"):
            noted.append(Remark(*window))
        noted.extend(_pages(encoded, picture))
    if remarks is not None:
        warnings = [Remark("read with a warning", text) for text in dict.fromkeys(heard)]
        remarks.extend([*noted, *(one for one in warnings if BOMB not in one.detail)])
    return pixels


def upright(encoded: Encoded, recipe: PictureRecipe) -> PicturesHWC:
    """Decode one picture as `decode` does, but for what comes from its resizing on.

    Parameters
    ----------
    encoded : Encoded
        The file, or the bytes.
    recipe : PictureRecipe
        To whose size a JPEG is reduced while it is read; what deep values and transparency become.

    Returns
    -------
    numpy.ndarray
        uint8, (h, w, 3), of its own size; colour profiles are not applied.

    Raises
    ------
    Unreadable
        As for `decode`.
    """
    with listening(), opened(encoded) as picture, codec():
        flat = _upright(encoded, picture, recipe, [])
        return np.asarray(flat.convert("RGB"), dtype=np.uint8)


def look(encoded: Encoded) -> Look:
    """Read size, mode and whether there is transparency from the head of a file.

    Raises
    ------
    Unreadable
        As for `decode`; a file that passes may still prove truncated.
    """
    with listening(), opened(encoded) as picture:
        width, height = picture.size
        if _lies_on_its_side(picture):
            width, height = height, width
        mode, kind = depth.mode_of(picture), picture.format or ""
        return Look(height, width, mode, is_clear(picture), kind)


def deep_range(encoded: Encoded) -> tuple[float, float]:
    """Read the smallest and the largest value of a picture of more than 8 bits."""
    with listening(), opened(encoded) as picture, codec():
        depth.mend(picture)
        return depth.span(depth.read(encoded, picture))


def lost(encoded: Encoded) -> tuple[bool, bool]:
    """Find out whether nothing would be seen of a transparent picture on white, and on black.

    Raises
    ------
    Unreadable
        As for `decode`.
    """
    with listening(), opened(encoded) as picture, codec():
        depth.mend(picture)
        if depth.mode_of(picture) in depth.COLOURS:
            clear = _in_levels(depth.read(encoded, picture), *UNMEASURED).convert("RGBA")
        else:
            clear = as_rgba(ImageOps.exif_transpose(picture))
        return lost_on(clear, WHITE), lost_on(clear, BLACK)


def pages(encoded: Encoded) -> int:
    """Count the pages of a picture, or the frames of one that moves.

    Raises
    ------
    Unreadable
        As for `decode`.
    """
    with listening(), opened(encoded) as picture:
        if picture.format not in PAGED:
            return 1
        try:
            return int(getattr(picture, "n_frames", 1))
        except Exception:  # a broken chain of pages says nothing about the first
            return 1


def _pages(encoded: Encoded, picture: ImageFile) -> Iterator[Remark]:
    """Say that there are more pages than the first; a camera's previews in a JPEG are none."""
    if isinstance(encoded, Page) or picture.format not in PAGED:
        return
    if (count := pages(encoded)) > 1:
        yield Remark("only the first page is used", f"of {count}")


def _lies_on_its_side(picture: ImageFile) -> bool:
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


def _prepared(
    encoded: Encoded, picture: ImageFile, recipe: PictureRecipe, remarks: list[Remark]
) -> PicturesHWC:
    profile = picture.info.get("icc_profile")
    small = brought_to_size(_upright(encoded, picture, recipe, remarks), recipe)
    wanted: Literal["L", "RGB"] = "L" if recipe.channels == 1 else "RGB"
    small = _standard_colours(small, profile, wanted)
    pixels = np.asarray(small, dtype=np.uint8)
    return pixels.reshape(recipe.height, recipe.width, recipe.channels)


def _upright(
    encoded: Encoded, picture: ImageFile, recipe: PictureRecipe, remarks: list[Remark]
) -> Image.Image:
    """Read an opened picture, upright and flat, no larger than resizing asks for."""
    turned = _lies_on_its_side(picture)
    target = (recipe.width, recipe.height)
    _reduce(picture, (2 * target[1], 2 * target[0]) if turned else (2 * target[0], 2 * target[1]))
    depth.mend(picture)
    return _flat(_sampled(encoded, picture, recipe, remarks), recipe, remarks)


def _reduce(picture: ImageFile, side: tuple[int, int]) -> None:
    """Let a picture be reduced while it is read, to no less than these sides, where it can be."""
    if picture.format in ("JPEG", "MPO"):
        picture.draft(None, side)
    elif picture.format == "JPEG2000" and math.prod(picture.size) > MOST_PIXELS:
        least = min(whole / wanted for whole, wanted in zip(picture.size, side, strict=True))
        picture.reduce = min(max(int(math.log2(max(least, 1))), 0), MOST_HALVINGS)  # type: ignore[method-assign,assignment]


def _sampled(
    encoded: Encoded, picture: ImageFile, recipe: PictureRecipe, remarks: list[Remark]
) -> Image.Image:
    """Read a picture of any mode, upright; values of more than 8 bits are brought to 8."""
    if bits := depth.reduced(picture):
        remarks.append(Remark("read with 8 bits a value", f"of {bits}"))
    if depth.mode_of(picture) not in depth.MODES:
        return ImageOps.exif_transpose(picture)
    floats = picture.mode == "F"
    samples = depth.read(encoded, picture)
    if missing := int(np.isnan(samples.values).sum()):
        whole = samples.values.size
        remarks.append(Remark("values that are no number are black", f"{missing:,} of {whole:,}"))
    low, high = recipe.deep_low, recipe.deep_high
    if (low, high) == UNMEASURED and floats:
        high = depth.white_of(samples.values)
    elif (low, high) == UNMEASURED and 0 < depth.span(samples)[1] < DARK:
        remarks.append(Remark(f"nearly black: no value reaches {DARK:,} of 65,535"))
    return _in_levels(samples, low, high)


def _in_levels(samples: depth.Samples, low: float, high: float) -> Image.Image:
    """Bring samples to 8 bits by a range."""
    found = Image.fromarray(depth.levels(samples.values, low, high))
    if samples.opacity is not None:
        found.putalpha(Image.fromarray(samples.opacity))
    return found


def _flat(picture: Image.Image, recipe: PictureRecipe, remarks: list[Remark]) -> Image.Image:
    """Bring any mode of 8 bits to L, RGB or CMYK: no palette, no alpha."""
    if is_clear(picture):
        return laid(as_rgba(picture), recipe.ground, remarks)
    if picture.mode == "1":
        return picture.convert("L")
    if picture.mode in ("L", "RGB", "CMYK"):
        return picture
    return picture.convert("RGB")


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
