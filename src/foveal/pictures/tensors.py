"""Rows that lie on a graphics processor, where they fit: no batch of them travels again.

Axes: n picture.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from foveal.arrays import Array, Rows
from foveal.pictures.pixels import DecodedPixels, StoredPixels

SHARE = 0.25
"""Share of the memory that is free there that rows may take."""
AT_ONCE = 1 << 26
"""Bytes that are sent at once."""


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Resident:
    """Rows on a device, (n, ...)."""

    tensor: torch.Tensor

    def picked(self, rows: Rows) -> torch.Tensor:
        """Return some rows, on the device."""
        return self.tensor.index_select(0, torch.from_numpy(rows).to(self.tensor.device))


_SENT: dict[tuple[int, str], tuple[weakref.ref[Any], Resident]] = {}
"""What was sent, by array and device, for as long as the array is there."""


def resident(images: object, device: str) -> Resident | None:
    """Send an array to a graphics processor, once; None where it stays where it is.

    Parameters
    ----------
    images : object
        Rows; a NumPy array, in memory or on disk, may be sent.
    device : str
        Torch's name of the device.
    """
    if device != "cuda" or not isinstance(images, np.ndarray | StoredPixels):
        return None
    key = id(images), device
    if key not in _SENT:
        free, _ = torch.cuda.mem_get_info()
        if images.nbytes > SHARE * free:
            return None
        _SENT[key] = weakref.ref(images, lambda _: _SENT.pop(key, None)), Resident(_sent(images))
    return _SENT[key][1]


def _sent(images: Array | StoredPixels) -> torch.Tensor:
    example = as_tensor(images[:1])
    found = torch.empty((len(images), *example.shape[1:]), dtype=example.dtype, device="cuda")
    rows = max(1, AT_ONCE // max(images[:1].nbytes, 1))
    for start in range(0, len(images), rows):
        found[start : start + rows] = as_tensor(images[start : start + rows]).to("cuda")
    return found


def picked(images: Any, rows: Rows, device: str) -> torch.Tensor:
    """Return some rows on a device: from there, where they lie there, else from memory or disk."""
    there = resident(images, device)
    return _put(images[rows], device) if there is None else there.picked(rows)


def selections(images: Any, parts: Sequence[Rows], device: str) -> Iterator[torch.Tensor]:
    """Return several selections of rows on a device, one after another; see `Pixels.parts`."""
    if isinstance(images, DecodedPixels):
        return (_put(found, device) for found in images.parts(parts))
    return (picked(images, rows, device) for rows in parts)


def _put(images: Array, device: str) -> torch.Tensor:
    """Make a tensor of rows, copied, on a device."""
    found = as_tensor(images)
    if device == "cuda":  # from pinned memory it travels while the processor goes on
        return found.pin_memory().to(device, non_blocking=True)
    return found.to(device)


def as_tensor(images: Array) -> torch.Tensor:
    """Make a tensor of an array; dtypes that torch does not know become wider ones."""
    native = images.astype(images.dtype.newbyteorder("="), copy=False)
    known = native.astype(_UNKNOWN_TO_TORCH.get(native.dtype, native.dtype), copy=False)
    return torch.from_numpy(np.require(known, requirements=["C", "W"]))


_UNKNOWN_TO_TORCH: dict[Any, Any] = {
    np.dtype(np.uint16): np.int32,
    np.dtype(np.uint32): np.int64,
    np.dtype(np.uint64): np.float64,
    np.dtype(np.longdouble): np.float64,
}
