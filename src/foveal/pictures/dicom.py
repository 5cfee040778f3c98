"""DICOM, read by pydicom: frame by frame, as the file asks to be shown.

Of grey pictures the values are rescaled and brought to 8 bits by the first table or window of the
file, or of the frame (DICOM PS3.3, C.11.1, C.11.2, C.7.6.16.2); without one, all bits of the stored
values make the range of 16 bits. Black and white are as a person sees them, whatever the
photometric interpretation.
"""

from __future__ import annotations

from typing import Any, BinaryIO, NamedTuple, cast

import numpy as np
from PIL import Image, ImageFile
from pydicom import Dataset, dcmread
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi
from pydicom.pixels.utils import pixel_array

from foveal.arrays import Array, Doubles

WINDOW = "window"
"""Key of what was made of a file's window, in the facts of the picture."""
INVERTED, PALETTE = "MONOCHROME1", "PALETTE COLOR"
"""Photometric interpretations: white is 0; colours are numbers in a table."""
TABLE = "VOILUTSequence"
NARROWEST = {"LINEAR": 1.0}
"""Least width of a window by its function; others need one above 0."""
OTHERS = {"gdcm": "python-gdcm", "openjpeg": "pylibjpeg pylibjpeg-openjpeg"}
"""Packages that unpack what pydicom leaves to others, by their names in its words."""


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
        self.head, self.tile = head, []
        self.n_frames = int(head.get("NumberOfFrames") or 1)
        self._turn_to(0)

    def _turn_to(self, frame: int) -> None:
        """Find out how a frame is shown."""
        head, self.frame = self.head, frame
        self.grey = int(head.get("SamplesPerPixel", 1)) == 1 and not _is(head, PALETTE)
        self.window = _Window.of(_said_of(head, frame, "FrameVOILUTSequence"))
        self.shown_by = self.window is not None or bool(head.get(TABLE))
        deep = self.grey and not self.shown_by and int(head.get("BitsStored", 8)) > 8
        self._mode = "I;16" if deep else "L" if self.grey else "RGB"
        self.info.pop(WINDOW, None)
        if self.grey and head.get(TABLE):
            self.info[WINDOW] = ("the table of the file for its values is applied",)
        elif self.grey and self.window is not None:
            self.info[WINDOW] = ("the window of the file is applied", str(self.window))
        elif deep:
            said = f"{int(head.BitsStored)} bits"
            self.info[WINDOW] = ("no window in the file: all values of its bits are shown", said)

    def seek(self, frame: int) -> None:
        """Go to a frame, from 0 on."""
        if not 0 <= frame < self.n_frames:
            raise EOFError("no such frame")
        if frame != self.frame:
            self._im = None
            self._turn_to(frame)

    def tell(self) -> int:
        """Return the frame."""
        return self.frame

    def load(self) -> Any:
        """Read the pixels of the frame."""
        if self._im is None:
            self.im = Image.fromarray(self._shown(self._stored())).im
            self._mode = self.im.mode
        return Image.Image.load(self)

    def _stored(self) -> Array:
        """Read the stored values of the frame.

        Raises
        ------
        ValueError
            Where they are compressed in a way that needs another package.
        """
        assert self.fp is not None
        try:
            found: Array = pixel_array(cast(BinaryIO, self.fp), index=self.frame)
        except (NotImplementedError, RuntimeError) as error:
            raise ValueError(_unpacked_by_others(self.head) or str(error)) from error
        return found

    def _shown(self, values: Array) -> Array:
        """Bring stored values to what is shown: (h, w) or (h, w, 3)."""
        if _is(self.head, PALETTE):
            colours = np.asarray(apply_color_lut(values, self.head))[:, :, :3]
            wide = colours.dtype == np.uint16 and colours.max(initial=0) > 255
            found: Array = (colours >> 8 if wide else colours).astype(np.uint8)
            return found
        if values.ndim == 3:
            bits = int(self.head.get("BitsStored", 8))
            narrow: Array = (values >> max(bits - 8, 0)).astype(np.uint8)
            return narrow
        shown: Array = self._by_file(values) if self.shown_by else self._whole(values)
        return ~shown if _is(self.head, INVERTED) else shown

    def _by_file(self, values: Array) -> Array:
        """Rescale values, and apply the table or the window."""
        rescaling = _said_of(self.head, self.frame, "PixelValueTransformationSequence")
        known = np.asarray(apply_modality_lut(values, rescaling))
        if self.head.get(TABLE):
            most = (1 << int(self.head[TABLE][0].LUTDescriptor[2])) - 1
            unit = apply_voi(np.rint(known).astype(np.int64), self.head) / most
        else:
            assert self.window is not None
            unit = self.window.unit(known.astype(np.float64))
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


class _Window(NamedTuple):
    """A window: which values are black and white, and what is between (C.11.2.1.2, C.11.2.1.3)."""

    center: float
    width: float
    function: str

    @classmethod
    def of(cls, said: Dataset) -> _Window | None:
        """Return the first window; None where there is none."""
        center, width = _first(said, "WindowCenter"), _first(said, "WindowWidth")
        function = str(said.get("VOILUTFunction") or "LINEAR")
        if center is None or width is None or width <= 0 or width < NARROWEST.get(function, 0):
            return None
        return cls(center, width, function)

    def unit(self, values: Doubles) -> Doubles:
        """Bring values to 0 for black and 1 for white, and beyond."""
        if self.function == "SIGMOID":
            steep = np.clip(-4 * (values - self.center) / self.width, -700, 700)
            sigmoid: Doubles = 1 / (1 + np.exp(steep))
            return sigmoid
        if self.function == "LINEAR_EXACT":
            return (values - self.center) / self.width + 0.5
        return (values - (self.center - 0.5)) / max(self.width - 1, 1e-6) + 0.5

    def __str__(self) -> str:
        kind = "" if self.function == "LINEAR" else f", {self.function.lower()}"
        return f"center {self.center:g}, width {self.width:g}{kind}"


def register() -> None:
    """Let Pillow read it: the bytes by which it would know one lie beyond those that it tries."""
    Image.register_open(DicomFile.format, DicomFile)


def _said_of(head: Dataset, frame: int, group: str) -> Dataset:
    """Return what says something of a frame: a group of its own, one of all frames, the file."""
    own = head.get("PerFrameFunctionalGroupsSequence") or ()
    shared = head.get("SharedFunctionalGroupsSequence") or ()
    for groups in (own[frame : frame + 1], shared[:1]):
        if groups and groups[0].get(group):
            found: Dataset = groups[0][group][0]
            return found
    return head


def _unpacked_by_others(head: Dataset) -> str:
    """Say what reads the pixels where they are compressed in a way that pydicom leaves to others.

    Nothing where all is there that could read them: then they are damaged.
    """
    syntax = head.file_meta.TransferSyntaxUID
    try:
        missing = " ".join(get_decoder(syntax).missing_dependencies)
    except NotImplementedError:
        return f"compressed as {syntax.name}, which is not read"
    for name, package in OTHERS.items():
        if name in missing:
            return f"compressed as {syntax.name}, which may need a package: pip install {package}"
    return ""


def _is(head: Dataset, interpretation: str) -> bool:
    return str(head.get("PhotometricInterpretation", "")) == interpretation


def _first(said: Dataset, name: str) -> float | None:
    """Return the first of one or several numbers; None where there is none."""
    value = said.get(name)
    if value is None or value == "":
        return None
    several = isinstance(value, list | tuple) or hasattr(value, "__getitem__")
    return float(value[0] if several and not isinstance(value, str) else value)
