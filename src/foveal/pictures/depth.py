"""Pictures of more than 8 bits a value, read whole: whatever Pillow makes of their samples.

Pillow gives colours of 16 bits as the higher 8. Its decoders turn samples into bytes by a name,
the raw mode, and the name for the other byte order takes the lower 8 bits: two passes over such a
file give all 16. Where that cannot be (`reduced`), a reader is told.
Axes: h height, w width, c channel.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageOps, TiffImagePlugin
from PIL.ImageFile import ImageFile
from PIL.ImageFile import _Tile as Tile

from foveal.arrays import Array
from foveal.pictures.encoded import Encoded, stream
from foveal.pictures.opening import opened, tag

GREYS = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N", "I;8S")
"""Modes of grey pictures that need a range: Pillow's, and one for signed bytes."""
COLOURS = ("RGB;16", "RGBA;16", "LA;16")
"""Modes that Pillow does not have: as it names them, with the bits that it drops."""
MODES = (*GREYS, *COLOURS)
MOST = 65535
WHITES, GLARE = (1.0, 255.0, 65535.0), 1.5
"""Values that stand for white in pictures of floats, and how much more there may be."""
SCALES = (255, 1023, 4095, 16383, MOST)
"""Values that may stand for opaque: of 8, 10, 12, 14 and 16 bits."""
BITS, PHOTOMETRIC, PLANES, EXTRA, FORMAT = 258, 262, 284, 338, 339
"""Tags of a TIFF: bits of a sample, what it means, where it lies, what is more, its type."""
WHITE_IS_ZERO, APART, MULTIPLIED, SIGNED = 0, 2, 1, 2
"""Values of these tags."""

NATIVE = {
    **dict.fromkeys(("I;16", "I;16L", "I;16B"), "I;16N"),
    **dict.fromkeys(("I;16S", "I;16BS"), "I;16NS"),
    **dict.fromkeys(("I;32S", "I;32BS"), "I;32NS"),
    **dict.fromkeys(("F;32F", "F;32BF"), "F;32NF"),
    **{f"{mode};16{order}": f"{mode};16N" for mode in ("CMYK", "RGBX") for order in "LB"},
}
"""Raw modes by the order of bytes in a file, and the same in that of the machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """The values of a picture, black below white, without any range yet."""

    values: Array
    """(h, w) or (h, w, 3), integers or floats."""
    opacity: Array | None
    """(h, w), 0 to 255; None where all of it is opaque."""


def mode_of(picture: ImageFile) -> str:
    """Return Pillow's name of the mode; one of `COLOURS` where it drops bits of them."""
    mode = picture.mode
    if mode == "L" and _bits(picture) == 8 and _first(tag(picture, FORMAT, 1)) == SIGNED:
        return "I;8S"
    if mode not in ("RGB", "RGBA") or _bits(picture) <= 8 or reduced(picture):
        return mode
    return "LA;16" if _raw(picture) == "LA;16B" else f"{mode};16"


def reduced(picture: ImageFile) -> int | None:
    """Return the bits of a value where only 8 of them can be read; else None."""
    bits = _bits(picture)
    if bits <= 8 or picture.mode in GREYS:
        return None
    apart = tag(picture, PLANES, 1) == APART and _codec(picture) == "libtiff"
    whole = picture.format in ("TIFF", "PNG", "PPM") and picture.mode != "CMYK" and not apart
    return None if whole else bits


def read(encoded: Encoded, picture: ImageFile) -> Samples:
    """Read the values of an opened picture of one of `MODES`, upright.

    Parameters
    ----------
    encoded : Encoded
        Its file or bytes, for the second pass.
    picture : PIL.ImageFile.ImageFile
        The same, opened; of no use afterwards.
    """
    if mode_of(picture) in COLOURS:
        return _colours(encoded, picture)
    clear = picture.info.get("transparency")
    values = _greys(ImageOps.exif_transpose(picture), picture)
    opacity = None if clear is None else np.where(values == clear, 0, 255).astype(np.uint8)
    return Samples(values=values, opacity=opacity)


def levels(values: Array, low: float, high: float) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Bring values to 0 to 255, `low` and less to 0, `high` and more to 255, NaN to 0."""
    if values.dtype == np.uint16:
        table = levels(np.arange(MOST + 1, dtype=np.float64), low, high)
        found: np.ndarray[Any, np.dtype[np.uint8]] = table[values]
        return found
    scaled = np.nan_to_num((values - low) * (255.0 / max(high - low, 1e-12)))
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def span(samples: Samples) -> tuple[float, float]:
    """Find the smallest and the largest value that is seen; zeros where there is none."""
    values = samples.values
    if samples.opacity is not None:
        values = values[samples.opacity > 0]
    finite = values if values.dtype.kind in "ui" else values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)


def white_of(values: Array) -> float:
    """Guess which value is white, where no range was measured: floats have several customs.

    A little more than white is glare, and cut off.
    """
    brightest = float(np.max(values, initial=0.0, where=np.isfinite(values)))
    return next((white for white in WHITES if brightest <= GLARE * white), WHITES[-1])


def mend(picture: ImageFile) -> None:
    """Put right what Pillow would read wrongly of a TIFF.

    libtiff gives values in the order of the machine, which Pillow minds for 16 unsigned bits alone.
    Where planes lie apart and are not packed, Pillow takes the first letter of a raw mode for that
    of the samples, which is right for colours of 8 bits alone: libtiff reads these too.

    Raises
    ------
    ValueError
        For planes that lie apart whose letters Pillow mistakes.
    """
    if picture.format != "TIFF":
        return
    apart = tag(picture, PLANES, 1) == APART
    if apart and picture.mode in ("LAB", "LA", "La", "PA"):
        raise ValueError(f"planes of {picture.mode} that lie apart are not read")
    bytes_apart = picture.mode in ("RGB", "RGBA") or (picture.mode, _bits(picture)) == ("CMYK", 8)
    raw = _raw(picture)
    if apart and _codec(picture) == "raw" and not bytes_apart:
        raw = _raw_mode(picture)
    elif _codec(picture) != "libtiff":
        return
    arguments = (NATIVE.get(raw, raw), False, picture.tag_v2.offset)  # type: ignore[attr-defined]
    picture.tile = [Tile("libtiff", (0, 0, *picture.size), 0, arguments)]
    picture.use_load_libtiff = True  # type: ignore[attr-defined]


def _raw_mode(picture: ImageFile) -> str:
    """Look up how Pillow names the samples of a TIFF."""
    kind = (_first(tag(picture, FORMAT, 1)),)
    meaning = (_prefix(picture).encode(), tag(picture, PHOTOMETRIC, 0), kind, 1)
    of_samples = (tag(picture, BITS, (1,)), tag(picture, EXTRA, ()))
    return TiffImagePlugin.OPEN_INFO[*meaning, *of_samples][1]


def _greys(upright: Image.Image, picture: ImageFile) -> Array:
    """Return grey values, (h, w): signed where the file says so, black below white."""
    values = np.asarray(upright)
    kind = _first(tag(picture, FORMAT, 1))
    if picture.mode == "L" and kind == SIGNED:
        return values.view(np.int8).astype(np.float64)
    if picture.mode == "I" and _bits(picture) == 32 and kind == 1:
        values = values.view(np.uint32)
    wide = values.astype(np.float64)
    if tag(picture, PHOTOMETRIC, 1) == WHITE_IS_ZERO:
        return (white_of(wide) if picture.mode == "F" else MOST) - wide
    return wide


def _colours(encoded: Encoded, picture: ImageFile) -> Samples:
    """Return colours of 16 bits, and what they say of opacity."""
    clear = picture.info.get("transparency")
    multiplied = tag(picture, EXTRA, ()) == (MULTIPLIED,)
    values = _wide(encoded, picture)
    colours, alpha = values[:, :, :3], values[:, :, 3:]
    if values.shape[2] == 2:
        colours, alpha = values[:, :, 0], values[:, :, 1:]
    if clear is not None and not alpha.size:
        seen = (colours != np.array(clear, dtype=np.uint16)).any(axis=2)
        return Samples(values=colours, opacity=seen.astype(np.uint8) * 255)
    if not alpha.size:
        return Samples(values=colours, opacity=None)
    brightest = int(alpha.max())
    opaque = next(scale for scale in SCALES if brightest <= scale)
    if multiplied:
        whole = colours * (opaque / np.maximum(alpha, 1.0))
        colours = np.minimum(np.rint(whole), MOST).astype(np.uint16)
    return Samples(values=colours, opacity=levels(alpha[:, :, 0], 0, opaque))


def _wide(encoded: Encoded, picture: ImageFile) -> Array:
    """Return samples of 16 bits, (h, w, c), upright."""
    if picture.format == "PPM":
        return _of_ppm(encoded, picture)
    if _raw(picture) == "LA;16B":  # four bytes, as an RGBA of 8 bits
        picture.tile = [one._replace(args="RGBA") for one in picture.tile]
        pairs = np.asarray(ImageOps.exif_transpose(picture)).astype(np.uint16)
        found: Array = pairs[:, :, ::2] << 8 | pairs[:, :, 1::2]
        return found
    with opened(encoded) as again:
        high, low = (_bytes(one, lower=one is again) for one in (picture, again))
    return high.astype(np.uint16) << 8 | low


def _bytes(picture: ImageFile, *, lower: bool) -> Array:
    """Return the higher or the lower bytes of samples of 16 bits."""
    order = {"II": "L", "MM": "B"}.get(_prefix(picture), "B")
    other = {"L": "B", "B": "L", "N": "B" if sys.byteorder == "little" else "L"}

    def named(raw: str) -> str:
        whole = raw if ";16" in raw else f"{raw};16{order}"  # a plane that lies apart
        whole = whole.replace("RGBa", "RGBA")  # as they are stored, whatever that means
        return whole[:-1] + other[whole[-1]] if lower else whole

    def other_bytes(tile: Tile) -> Tile:
        name, *more = (tile.args,) if isinstance(tile.args, str) else tile.args or ("",)
        return tile._replace(args=(named(str(name)), *more) if more else named(str(name)))

    picture.tile = [other_bytes(one) for one in picture.tile]
    return np.asarray(ImageOps.exif_transpose(picture))


def _of_ppm(encoded: Encoded, picture: ImageFile) -> Array:
    """Return the colours of a PPM, scaled to 16 bits as Pillow scales its greys."""
    tile = picture.tile[0]
    count = picture.size[0] * picture.size[1] * 3
    with stream(encoded) as file:
        file.seek(tile.offset)
        data = file.read() if tile.codec_name == "ppm_plain" else file.read(2 * count)
    if tile.codec_name == "ppm_plain":
        numbers = re.sub(rb"#[^\r\n]*", b"", data).split()[:count]
        stored = np.array([int(one) for one in numbers], dtype=np.float64)
    else:
        stored = np.frombuffer(data, dtype=">u2").astype(np.float64)
    if len(stored) < count:
        raise ValueError("truncated picture")
    scaled = np.minimum(np.rint(stored * (MOST / _most(picture))), MOST)
    return scaled.astype(np.uint16).reshape(picture.size[1], picture.size[0], 3)


def _bits(picture: ImageFile) -> int:
    """Return the bits of a value in the file, 8 where nothing else is known."""
    if picture.format == "TIFF":
        return int(max(tag(picture, BITS, (1,))))
    if picture.format == "PNG":
        return 16 if ";16" in _raw(picture) else 8
    if picture.format == "PPM":
        return 16 if _most(picture) > 255 else 8
    if picture.format == "JXL":
        return int(picture.info.get("bits_per_sample", 8))
    return _of_head(picture)


def _of_head(picture: ImageFile) -> int:
    """Find the bits of a value in JPEG 2000 (ISO 15444-1, A.5.1), AVIF (av1C, 2.3.3) and HEIF.

    The last has them in hvcC, the decoder's configuration (ISO 14496-15, 8.3.3.1).
    """
    if picture.format not in ("JPEG2000", "AVIF", "HEIF"):
        return 8
    file = picture.fp
    if file is None:
        return 8
    place = file.tell()
    file.seek(0)
    head = file.read(1 << 16)
    file.seek(place)
    if picture.format == "JPEG2000":
        start = head.find(b"\xff\x4f\xff\x51")
        return (head[start + 42] & 0x7F) + 1 if 0 <= start < len(head) - 42 else 8
    if picture.format == "HEIF":
        start = head.find(b"hvcC")
        return (head[start + 21] & 7) + 8 if 0 <= start < len(head) - 21 else 8
    start = head.find(b"av1C")
    flags = head[start + 6] if 0 <= start < len(head) - 6 else 0
    return (12 if flags & 0x20 else 10) if flags & 0x40 else 8


def _most(picture: ImageFile) -> int:
    """Return the value that stands for white in a PPM."""
    arguments = picture.tile[0].args if picture.tile else None
    last = arguments[-1] if isinstance(arguments, tuple) else 255
    return last if isinstance(last, int) and last > 0 else 255


def _prefix(picture: ImageFile) -> str:
    prefix: bytes = picture.tag_v2.prefix if picture.format == "TIFF" else b""  # type: ignore[attr-defined]
    return prefix.decode()


def _codec(picture: ImageFile) -> str:
    return picture.tile[0].codec_name if picture.tile else ""


def _raw(picture: ImageFile) -> str:
    """Return how Pillow names the samples of a file; nothing where it has no such names."""
    return _raw_of(picture.tile[0]) if picture.tile else ""


def _raw_of(tile: Tile) -> str:
    return str(tile.args if isinstance(tile.args, str) else (tile.args or ("",))[0])


def _first(value: Any) -> int:
    return int(value[0] if isinstance(value, tuple) else value)
