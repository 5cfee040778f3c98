"""DICOM files as scanners write them, made with pydicom."""

from __future__ import annotations

import io
from typing import Any

from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from foveal.arrays import Array


def dicom(values: Array, bits: int = 12, **facts: Any) -> bytes:
    """Write grey (h, w), colour (h, w, 3) or several grey frames (n, h, w), frames=True.

    Parameters
    ----------
    values : array
        Stored values; signed where the type is.
    bits : int
        Bits of a value that are stored.
    facts
        Elements by their keywords, such as WindowCenter.
    """
    colour = values.ndim == 3 and values.shape[2] == 3
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    found = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    found.SOPClassUID, found.SOPInstanceUID = SecondaryCaptureImageStorage, generate_uid()
    sides = values.shape[:2] if colour else values.shape[-2:]
    found.Rows, found.Columns = sides
    found.SamplesPerPixel, found.PlanarConfiguration = (3, 0) if colour else (1, 0)
    found.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    found.BitsAllocated, found.BitsStored = 8 * values.itemsize, bits
    found.HighBit, found.PixelRepresentation = bits - 1, int(values.dtype.kind == "i")
    if values.ndim == 3 and not colour:
        found.NumberOfFrames = len(values)
    for name, value in facts.items():
        setattr(found, name, value)
    found.PixelData = values.tobytes()
    data = io.BytesIO()
    found.save_as(data, enforce_file_format=True)
    return data.getvalue()
