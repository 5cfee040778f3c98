"""Good encoded pictures of many kinds, and damaged copies of them that a seed alone decides."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from support.photographs import photograph

HEAD = 512
"""Bytes in which a lie about the picture is most likely to be believed."""
LIES = (0, 1, 2, 7, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)
"""Numbers that break a reader which trusts them."""


class Mutation(NamedTuple):
    """A damaged copy."""

    name: str
    """Which picture, which damage, which number."""
    data: bytes


def good_pictures(side: int = 160) -> dict[str, bytes]:
    """Encode one picture in many ways, by a name with the ending of its format."""
    colour = photograph(1, side, side + 32)
    grey, clear = colour.convert("L"), colour.convert("RGBA")
    clear.putalpha(grey)
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    frames = [photograph(seed, side // 2, side // 2) for seed in (2, 3, 4)]
    exif = Image.Exif()
    exif[0x0112] = 6
    several = {"save_all": True, "append_images": frames[1:]}
    return {
        "base.jpg": _saved(colour, "JPEG", quality=85, exif=exif),
        "progressive.jpg": _saved(colour, "JPEG", progressive=True, quality=60),
        "grey.jpg": _saved(grey, "JPEG"),
        "ink.jpg": _saved(colour.convert("CMYK"), "JPEG"),
        "colour.png": _saved(colour, "PNG"),
        "palette.png": _saved(colour.quantize(64), "PNG", transparency=3),
        "clear.png": _saved(clear, "PNG"),
        "deep.png": _saved(deep, "PNG"),
        "raw.tif": _saved(colour, "TIFF"),
        "deep.tif": _saved(deep, "TIFF", compression="tiff_adobe_deflate"),
        "lzw.tif": _saved(colour, "TIFF", compression="tiff_lzw"),
        "jpeg.tif": _saved(colour, "TIFF", compression="jpeg"),
        "fax.tif": _saved(grey.convert("1"), "TIFF", compression="group4"),
        "pages.tif": _saved(frames[0], "TIFF", compression="packbits", **several),
        "lossy.webp": _saved(colour, "WEBP", quality=70),
        "lossless.webp": _saved(clear, "WEBP", lossless=True),
        "moving.webp": _saved(frames[0], "WEBP", **several),
    }


def mutations(count: int, seed: int = 0, side: int = 160) -> Iterator[Mutation]:
    """Damage good pictures, each kind of picture by each kind of damage in turn."""
    pictures = list(good_pictures(side).items())
    kinds = list(DAMAGES.items())
    for number in range(count):
        draws = np.random.default_rng((seed, number))
        name, data = pictures[number % len(pictures)]
        kind, damage = kinds[number // len(pictures) % len(kinds)]
        other = pictures[int(draws.integers(len(pictures)))][1]
        yield Mutation(f"{number:05}.{kind}.{name}", damage(bytearray(data), draws, other))


def _saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    data = io.BytesIO()
    picture.save(data, kind, **options)
    return data.getvalue()


def _flipped(data: bytearray, draws: np.random.Generator, other: bytes) -> bytes:
    """Flip single bits anywhere."""
    for place in draws.integers(len(data), size=int(draws.integers(1, 20))):
        data[place] ^= 1 << int(draws.integers(8))
    return bytes(data)


def _flipped_head(data: bytearray, draws: np.random.Generator, other: bytes) -> bytes:
    """Flip single bits of the head."""
    for place in draws.integers(min(HEAD, len(data)), size=int(draws.integers(1, 8))):
        data[place] ^= 1 << int(draws.integers(8))
    return bytes(data)


def _cut(data: bytearray, draws: np.random.Generator, other: bytes) -> bytes:
    """Cut the end off."""
    return bytes(data[: int(draws.integers(1, len(data)))])


def _spliced(data: bytearray, draws: np.random.Generator, other: bytes) -> bytes:
    """Put a piece of another picture somewhere, in place of what was there or between."""
    start = int(draws.integers(len(other)))
    piece = other[start : start + int(draws.integers(1, 2_000))]
    at = int(draws.integers(len(data)))
    end = at + (len(piece) if draws.random() < 0.5 else 0)
    return bytes(data[:at]) + piece + bytes(data[end:])


def _lying(data: bytearray, draws: np.random.Generator, other: bytes) -> bytes:
    """Write extreme numbers over those of the head, in either order of bytes."""
    for _ in range(int(draws.integers(1, 4))):
        order, size = "<>"[int(draws.integers(2))], "BHI"[int(draws.integers(3))]
        width = struct.calcsize(size)
        lie = LIES[int(draws.integers(len(LIES)))] & ((1 << 8 * width) - 1)
        at = int(draws.integers(max(min(HEAD, len(data)) - width, 1)))
        data[at : at + width] = struct.pack(order + size, lie)
    return bytes(data)


def _lying_tail(data: bytearray, draws: np.random.Generator, other: bytes) -> bytes:
    """Write extreme numbers over those of the end, where a TIFF keeps its tags."""
    return _lying(data[::-1], draws, other)[::-1]


def _blanked(data: bytearray, draws: np.random.Generator, other: bytes) -> bytes:
    """Overwrite a piece with zeros, as a disk does that lost a block."""
    at, size = int(draws.integers(len(data))), int(draws.integers(1, 4_096))
    data[at : at + size] = bytes(len(data[at : at + size]))
    return bytes(data)


Damage = Callable[[bytearray, np.random.Generator, bytes], bytes]
DAMAGES: dict[str, Damage] = {
    "flipped": _flipped,
    "head": _flipped_head,
    "cut": _cut,
    "spliced": _spliced,
    "lying": _lying,
    "tail": _lying_tail,
    "blanked": _blanked,
}
"""Kinds of damage by name."""
