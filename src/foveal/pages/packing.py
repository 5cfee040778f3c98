"""Arrays in a page: brought to few bits, laid one behind the other, deflated, written as text."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np

from foveal.arrays import Floats


class Packed:
    """Numbers of one kind after another: floats first, then bytes.

    ``scripts/unpack.js`` takes them apart again.
    """

    def __init__(self) -> None:
        self._floats: list[Floats] = []
        self._bytes: list[bytes] = []
        self.floats = 0
        """How many floats there are."""
        self.bytes = 0
        """How many bytes there are."""

    def add_floats(self, values: Any) -> int:
        """Add numbers in single precision; return the place of the first."""
        flat = np.ascontiguousarray(values, np.float32).ravel()
        start, self.floats = self.floats, self.floats + flat.size
        self._floats.append(flat)
        return start

    def add_bytes(self, content: bytes) -> int:
        """Add bytes; return the place of the first."""
        start, self.bytes = self.bytes, self.bytes + len(content)
        self._bytes.append(content)
        return start

    def add_maps(self, maps_chw: Floats, bits: int) -> tuple[int, int]:
        """Add maps in even steps from the least to the greatest number of each.

        Parameters
        ----------
        maps_chw : array, (c, h, w)
            What is no number counts as 0.
        bits : {8, 16}
            Of a number.

        Returns
        -------
        tuple of int
            Where the limits begin among the floats, first the least and the step of map 0; where
            the steps begin among the bytes. At 16 bits all high bytes come first.
        """
        maps = np.nan_to_num(np.asarray(maps_chw, np.float64), posinf=0.0, neginf=0.0)
        flat = maps.reshape(len(maps), -1)
        least, most = flat.min(axis=1), flat.max(axis=1)
        step = ((most - least) / (2**bits - 1)).astype(np.float32).astype(np.float64)
        least = least.astype(np.float32).astype(np.float64)
        counted = np.rint((flat - least[:, None]) / np.where(step > 0, step, 1)[:, None])
        counted = counted.clip(0, 2**bits - 1)
        start = self.add_floats(np.stack([least, step], axis=1))
        if bits == 8:
            return start, self.add_bytes(counted.astype(np.uint8).tobytes())
        high, low = np.divmod(counted.astype(np.uint16), 256)
        first = self.add_bytes(high.astype(np.uint8).tobytes())
        self.add_bytes(low.astype(np.uint8).tobytes())
        return start, first

    def text(self) -> dict[str, Any]:
        """Return all of it as text, with the number of floats."""
        floats = np.concatenate([np.empty(0, np.float32), *self._floats])
        content = floats.astype("<f4").tobytes() + b"".join(self._bytes)
        deflating = zlib.compressobj(6, wbits=-zlib.MAX_WBITS)
        short = deflating.compress(content) + deflating.flush()
        return {"floats": self.floats, "deflated": base64.b64encode(short).decode("ascii")}


def averaged(maps_chw: Floats, block: int) -> Floats:
    """Average maps in blocks of pixels; those at the far edges may hold fewer."""
    if block == 1:
        return maps_chw
    for axis in (1, 2):
        starts = np.arange(0, maps_chw.shape[axis], block)
        sums = np.add.reduceat(maps_chw, starts, axis=axis)
        counts = np.diff([*starts, maps_chw.shape[axis]])
        maps_chw = (sums / counts.reshape([-1 if one == axis else 1 for one in range(3)])).astype(
            np.float32
        )
    return maps_chw
