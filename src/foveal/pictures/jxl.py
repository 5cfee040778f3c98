"""JPEG XL, read by pylibjxl: 8 bits a value, upright as the stream says it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PIL import Image
from pylibjxl.pillow_plugin import JxlImageFile


class JxlFile(JxlImageFile):
    """A JPEG XL file: its decoder turns pictures, so that EXIF has nothing more to say of that."""

    def load(self) -> Any:
        """Decode it, and forget the orientation of EXIF (ISO 18181-2, 9.4)."""
        found = super().load()  # type: ignore[no-untyped-call]
        self.info.pop("exif", None)
        return found


def register(begins: Callable[[bytes], bool]) -> None:
    """Let Pillow read files that begin so."""
    Image.register_open(JxlFile.format, JxlFile, begins)
