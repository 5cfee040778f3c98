"""DICOM, read by pydicom: one frame, by the window that the file asks for.

Of grey pictures the values are rescaled and brought to 8 bits by the first window of the file
(DICOM PS3.3, C.11.1 and C.11.2); without one, all bits of the stored values make the range of 16
bits. Black and white are as a person sees them, whatever the photometric interpretation.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image, ImageFile
from pydicom import dcmread
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut
from pydicom.pixels.utils import pixel_array

from foveal.arrays import Array

WINDOW = "window"
"""Key of what was made of a file's window, in the facts of the picture."""
INVERTED, PALETTE = "MONOCHROME1", "PALETTE COLOR"
"""Photometric interpretations: white is 0; colours are numbers in a table."""


class DicomFile(ImageFile.ImageFile):
    """A DICOM file as Pillow has pictures: its head is read first, pixels when they are asked."""

    format = "DICOM"
    format_description = "Digital Imaging and Communications in Medicine"

    def _open(self) -> None:
        assert self.fp is not None
        self.fp.seek(0)
        head = dcmread(self.fp, stop_before_pixels=True)
        if "Rows" not in head or "Columns" not in head:
            raise SyntaxError("a DICOM file without a picture")
        self._size = (int(head.Columns), int(head.Rows))
        self.head, self.frame = head, 0
        self.n_frames = int(head.get("NumberOfFrames") or 1)
        grey = int(head.get("SamplesPerPixel", 1)) == 1 and not _is(head, PALETTE)
        self.center, self.width_of_window = (
            _first(head, "WindowCenter"),
            _first(head, "WindowWidth"),
        )
        windowed = grey and self.center is not None and (self.width_of_window or 0) >= 1
        deep = grey and not windowed and int(head.get("BitsStored", 8)) > 8
        self._mode = "I;16" if deep else "L" if grey else "RGB"
        self.windowed, self.tile = windowed, []
        if windowed:
            said = f"center {self.center:g}, width {self.width_of_window:g}"
            self.info[WINDOW] = ("the window of the file is applied", said)
        elif deep:
            said = f"{int(head.BitsStored)} bits"
            self.info[WINDOW] = ("no window in the file: all values of its bits are shown", said)

    def seek(self, frame: int) -> None:
        """Go to a frame, from 0 on."""
        if not 0 <= frame < self.n_frames:
            raise EOFError("no such frame")
        self.frame = frame

    def tell(self) -> int:
        """Return the frame."""
        return self.frame

    def load(self) -> Any:
        """Read the pixels of the frame."""
        if self._im is None:
            assert self.fp is not None
            self.fp.seek(0)
            values = pixel_array(dcmread(self.fp), index=self.frame)
            self.im = Image.fromarray(self._shown(values)).im
            self._mode = self.im.mode
        return Image.Image.load(self)

    def _shown(self, values: Array) -> Array:
        """Bring stored values to what is shown: (h, w) or (h, w, 3)."""
        if _is(self.head, PALETTE):
            colours = np.asarray(apply_color_lut(values, self.head))
            wide = colours.dtype == np.uint16
            found: Array = (colours >> 8 if wide else colours)[:, :, :3].astype(np.uint8)
            return found
        if values.ndim == 3:
            bits = int(self.head.get("BitsStored", 8))
            narrow: Array = (values >> max(bits - 8, 0)).astype(np.uint8)
            return narrow
        shown: Array = self._windowed(values) if self.windowed else self._whole(values)
        return ~shown if _is(self.head, INVERTED) else shown

    def _windowed(self, values: Array) -> Array:
        """Apply the linear window (C.11.2.1.2.1)."""
        assert self.center is not None
        assert self.width_of_window is not None
        known = np.asarray(apply_modality_lut(values, self.head), dtype=np.float64)
        extent = max(self.width_of_window - 1, 1e-6)
        unit = (known - (self.center - 0.5)) / extent + 0.5
        found: Array = np.rint(np.clip(unit, 0, 1) * 255).astype(np.uint8)
        return found

    def _whole(self, values: Array) -> Array:
        """Spread all values that the bits can hold over 8 or 16 bits."""
        bits = int(self.head.get("BitsStored", 8))
        signed = int(self.head.get("PixelRepresentation", 0)) == 1
        from_zero = values.astype(np.int64) + (1 << (bits - 1) if signed else 0)
        wide = 16 if bits > 8 else 8
        most = float((1 << bits) - 1)
        spread: Array = np.rint(np.clip(from_zero, 0, most) * (((1 << wide) - 1) / most))
        return spread.astype(np.uint16 if wide == 16 else np.uint8)


def register() -> None:
    """Let Pillow read it: the bytes by which it would know one lie beyond those that it tries."""
    Image.register_open(DicomFile.format, DicomFile)


def _is(head: Any, interpretation: str) -> bool:
    return str(head.get("PhotometricInterpretation", "")) == interpretation


def _first(head: Any, name: str) -> float | None:
    """Return the first of one or several numbers; None where there is none."""
    value = head.get(name)
    if value is None or value == "":
        return None
    several = isinstance(value, list | tuple) or hasattr(value, "__getitem__")
    return float(value[0] if several and not isinstance(value, str) else value)
