"""What judged a model at its training: logits of pictures by weights that had not seen them.

Kept in the model's file, so that a figure may be quoted of a model that was fitted on every
picture in the end. Axes: m picture, k output.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from foveal.arrays import Hashes, Rows
from foveal.pictures.collection import evenly

HASHES, LOGITS = "held-out/hashes", "held-out/logits"
MOST_BYTES = 1_000_000
"""Bytes that are kept at most; of more pictures some, evenly spaced."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class HeldOutLogits:
    """Logits of pictures by weights that had not seen them, each content once."""

    hashes: Hashes
    """Content hashes, (m,), rising."""
    logits: np.ndarray[Any, np.dtype[np.float32]]
    """(m, k), before the temperature."""

    @classmethod
    def of(cls, hashes: Hashes, logits: np.ndarray[Any, Any]) -> HeldOutLogits | None:
        """Keep the logits of pictures, at most `MOST_BYTES`; None where there are no pictures.

        Parameters
        ----------
        hashes : array of int64, (n,)
            Content hashes; of equal pictures the first is kept.
        logits : array of float, (n, k)
            In the order of the hashes.
        """
        if not len(hashes):
            return None
        first = np.sort(np.unique(hashes, return_index=True)[1])
        most = max(MOST_BYTES // (8 + 4 * logits.shape[1]), 1)
        rows = first[evenly(len(first), most)]
        rows = rows[np.argsort(hashes[rows])]
        return cls(hashes=hashes[rows], logits=logits[rows].astype(np.float32))

    def places(self, hashes: Hashes) -> Rows:
        """Return where the logits of each picture are, (n,); -1 where none are kept."""
        places = np.searchsorted(self.hashes, hashes)
        places = np.minimum(places, len(self.hashes) - 1)
        found: Rows = np.where(self.hashes[places] == hashes, places, -1)
        return found

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return everything as tensors by name."""
        return {HASHES: torch.from_numpy(self.hashes), LOGITS: torch.from_numpy(self.logits)}

    @classmethod
    def of_tensors(cls, tensors: Mapping[str, torch.Tensor], outputs: int) -> HeldOutLogits | None:
        """Read tensors that `tensors` gave; None where there are none.

        Raises
        ------
        ValueError
            For tensors of another form.
        """
        if HASHES not in tensors and LOGITS not in tensors:
            return None
        hashes, logits = tensors.get(HASHES), tensors.get(LOGITS)
        if hashes is None or logits is None:
            raise ValueError("half of the held-out logits")
        types = hashes.dtype == torch.int64 and logits.dtype == torch.float32
        if not types or hashes.ndim != 1 or tuple(logits.shape) != (len(hashes), outputs):
            raise ValueError("held-out logits of another form")
        if not len(hashes) or not bool((hashes[1:] > hashes[:-1]).all()):
            raise ValueError("held-out logits out of order")
        return cls(hashes=hashes.numpy(), logits=logits.numpy())
