"""DICOM files as scanners write them, made with pydicom."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from foveal.arrays import Array


def dicom(
    values: Array,
    bits: int = 12,
    syntax: str = ExplicitVRLittleEndian,
    packed: Sequence[bytes] = (),
    **facts: Any,
) -> bytes:
    """Write grey (h, w), colour (h, w, 3) or several grey frames (n, h, w).

    Parameters
    ----------
    values : array
        Stored values; signed where the type is.
    bits : int
        Bits of a value that are stored.
    syntax : str
        The transfer syntax; by RLE the values are packed here.
    packed : sequence of bytes
        The frames as they are packed by another syntax.
    facts
        Elements by their keywords, such as WindowCenter.
    """
    colour = values.ndim == 3 and values.shape[2] == 3
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax if packed else ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    found = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    found.SOPClassUID, found.SOPInstanceUID = SecondaryCaptureImageStorage, generate_uid()
    sides = values.shape[:2] if colour else values.shape[-2:]
    found.Rows, found.Columns = sides
    found.SamplesPerPixel = 3 if colour else 1
    if colour:
        found.PlanarConfiguration = 0
    found.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    found.BitsAllocated, found.BitsStored = 8 * values.itemsize, bits
    found.HighBit, found.PixelRepresentation = bits - 1, int(values.dtype.kind == "i")
    if values.ndim == 3 and not colour:
        found.NumberOfFrames = len(values)
    for name, value in facts.items():
        setattr(found, name, value)
    found.PixelData = encapsulate(list(packed)) if packed else values.tobytes()
    found["PixelData"].VR = "OB" if packed or values.itemsize == 1 else "OW"
    if syntax != ExplicitVRLittleEndian and not packed:
        found.compress(syntax)
    data = io.BytesIO()
    found.save_as(data, enforce_file_format=True)
    return data.getvalue()


def grouped(sequence: str, **facts: Any) -> Dataset:
    """Make a functional group of a frame, with what one of its sequences says."""
    said, found = Dataset(), Dataset()
    for name, value in facts.items():
        setattr(said, name, value)
    setattr(found, sequence, [said])
    return found
