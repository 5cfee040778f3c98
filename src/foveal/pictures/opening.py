"""Encoded pictures opened: which formats, how large at most, and why one cannot be read."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from foveal.errors import UsageError
from foveal.pictures.encoded import Encoded, Page, Unreadable, openable
from foveal.pictures.extras import EXTRAS, HEAD, Extra, extra_of
from foveal.wording import counted

MOST_PIXELS = 89_478_485
"""A picture with more pixels may be a decompression bomb (Pillow warns from there on)."""
LIMIT = "FOVEAL_MOST_PIXELS"
"""Variable of the environment that allows more: it protects the machine, so no model sets it."""

DAMAGED = re.compile(
    "truncated|broken|decoder error|decoder object|unrecognized data|failed to|cannot load|unpack"
    "|seek to",
    re.IGNORECASE,
)
"""What decoders say of files that are not whole."""

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


@lru_cache(maxsize=1)
def formats() -> tuple[str, ...]:
    """List the formats of `FORMATS` that this Pillow was built with."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


@lru_cache(maxsize=1)
def endings() -> frozenset[str]:
    """List the endings of names that pictures of `formats` have, such as ".jpg"."""
    known = Image.registered_extensions()
    found = {ending for ending, name in known.items() if name in formats()}
    return frozenset(found.union(*(one.endings for one in EXTRAS)))


def most_pixels() -> int:
    """Return how many pixels a picture may have: `MOST_PIXELS`, or FOVEAL_MOST_PIXELS.

    Raises
    ------
    UsageError
        Where the variable is set and is no number of pixels.
    """
    said = os.environ.get(LIMIT, "")
    if not said:
        return MOST_PIXELS
    if not said.isdecimal() or int(said) < 1:
        raise UsageError(
            LIMIT,
            needed="a number of pixels in the environment",
            came=repr(said),
            remedy=f"set it to the pixels of the largest picture, such as {LIMIT}=400000000",
        )
    return int(said)


def opened(picture: Encoded) -> ImageFile:
    """Open an encoded picture; no pixel is read.

    Raises
    ------
    Unreadable
        With the reason, also for a picture of more than `most_pixels`.
    MemoryError
        Where the memory does not suffice.
    """
    most = most_pixels()
    try:
        found = _identified(openable(picture), most)
        if isinstance(picture, Page):
            _turn_to(found, picture.number)
    except Unreadable:
        raise
    except UnidentifiedImageError as error:
        raise Unreadable("not a picture, or of a format that is not read") from error
    except Image.DecompressionBombError as error:
        size = re.search(r"\d+", str(error))
        raise Unreadable(_too_large(most, int(size[0]) if size else most + 1)) from error
    except MemoryError:
        raise
    except Exception as error:
        raise Unreadable(reason_of(error)) from error
    pixels = found.size[0] * found.size[1]
    if pixels > most:
        found.close()
        raise Unreadable(_too_large(most, pixels))
    return found


def _identified(source: Path | BinaryIO, most: int) -> ImageFile:
    """Open a picture by the first format that takes it; twice Pillow's limit, more if allowed."""
    start, names = b"", formats()
    try:
        try:
            return Image.open(source, formats=names)
        except UnidentifiedImageError:
            start = _beginning(source)
            extra = extra_of(start)
            if extra is None:
                raise
            names = _loaded(extra)
            return Image.open(source, formats=names)
    except Image.DecompressionBombError:
        if most <= MOST_PIXELS:
            raise
    start = start or _beginning(source)
    for name in names:
        factory, accepts = Image.OPEN[name]
        if accepts is None or accepts(start) is True:
            whole = str(source) if isinstance(source, Path) else source
            return factory(whole, "")  # type: ignore[arg-type]  # opens paths itself
    raise UnidentifiedImageError


def _turn_to(picture: ImageFile, page: int) -> None:
    """Turn to a page, from 1 on."""
    try:
        picture.seek(page - 1)
    except EOFError as error:
        raise Unreadable(f"there is no page {page}") from error


def _loaded(extra: Extra) -> tuple[str]:
    """Let Pillow read a format; its name.

    Raises
    ------
    Unreadable
        Where the extra is not installed.
    """
    try:
        extra.load()
    except ImportError as error:
        raise Unreadable(extra.missing) from error
    return (extra.format,)


def _beginning(source: Path | BinaryIO) -> bytes:
    if isinstance(source, Path):
        with source.open("rb") as file:
            return file.read(HEAD)
    source.seek(0)
    start = source.read(HEAD)
    source.seek(0)
    return start


def _too_large(most: int, pixels: int) -> str:
    remedy = f"if you trust it, set {LIMIT}={pixels} in the environment"
    return f"more than {counted(most, 'pixel')} ({pixels:,}): {remedy}"


@contextmanager
def codec() -> Iterator[None]:
    """Hold a codec, which raises what it likes of a damaged picture: SyntaxError, struct.error, ...

    Raises
    ------
    Unreadable
        With the reason, in the place of all that.
    MemoryError
        Where the memory does not suffice.
    """
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        raise Unreadable(reason_of(error)) from error


def reason_of(error: Exception) -> str:
    """Say in one line why a file could not be read."""
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, PermissionError):
        return "no permission to read it"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()  # without the name, which a row has already
    text = " ".join(str(error).split())[:200] or type(error).__name__
    return f"truncated or damaged ({text})" if DAMAGED.search(text) else text


def tag(picture: ImageFile, number: int, default: Any) -> Any:
    """Return the value of a tag of a TIFF; the default in other formats."""
    return picture.tag_v2.get(number, default) if picture.format == "TIFF" else default  # type: ignore[attr-defined]
