"""Pictures in Python, one by one: of Pillow, bytes with a path, or paths."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from foveal.pictures.encoded import Absent, Encoded, InMemory
from foveal.pictures.missing import is_missing
from foveal.pictures.opening import codec

PNG_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
TIFF_MODES = ("I", "F", "CMYK", "YCbCr", "LAB")
"""Modes that a format keeps as they are; what neither keeps becomes RGBA."""


@dataclass(frozen=True, slots=True, eq=False)
class PillowMember:
    """A picture of Pillow: it is read as the file would be that it is saved to without a loss."""

    name: str
    picture: Image.Image = field(repr=False)

    @property
    def stamp(self) -> str:
        """Hash mode, size and pixels; empty where they cannot be read."""
        digest = hashlib.blake2b(f"{self.picture.mode} {self.picture.size}".encode())
        try:
            digest.update(self.picture.tobytes())
        except Exception:  # it was opened, not read, and its file is damaged
            return ""
        return digest.hexdigest()[:32]

    def read(self) -> bytes:
        """Encode it."""
        picture, data = self.picture, io.BytesIO()
        about = {name: picture.info.get(name) for name in ("exif", "icc_profile")}
        known: dict[str, Any] = {name: value for name, value in about.items() if value}
        with codec():
            if picture.mode in TIFF_MODES:
                picture.save(data, "TIFF", **known)
            else:
                kept = picture if picture.mode in PNG_MODES else picture.convert("RGBA")
                kept.save(data, "PNG", compress_level=0, **known)
        return data.getvalue()


def encoded_of(value: Any, name: str, folder: Path) -> Encoded:
    """Return the picture that a value of Python holds; one that is none says so.

    Parameters
    ----------
    value : PIL.Image.Image, dict of bytes and path, bytes, path, or None
        The picture.
    name : str
        How it is named where it has no path.
    folder : Path
        Relative paths count from here.
    """
    if isinstance(value, Image.Image):
        return PillowMember(name, value)
    if isinstance(value, str | os.PathLike) and os.fspath(value):
        return folder / value
    if isinstance(value, bytes):
        return InMemory(name, value)
    if isinstance(value, Mapping) and (value.get("bytes") or value.get("path")):
        return encoded_of(value.get("bytes") or value["path"], name, folder)
    if is_missing(value) or not value:
        return Absent(name, "no picture in this row")
    return Absent(name, f"no picture, but {type(value).__name__}")
