"""Some of many pictures: as a model sees them, or the rows that somebody names.

Axes: n picture, h height, w width, c channel.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from foveal.arrays import Array
from foveal.errors import DataError, UsageError
from foveal.inference.session import at_once
from foveal.pictures.batches import normalised
from foveal.pictures.collection import Pictures
from foveal.pictures.preparing import batches
from foveal.pictures.scaling import scaling
from foveal.pictures.tensors import as_tensor

if TYPE_CHECKING:
    from foveal.model.codec import Reconstructions
    from foveal.model.fitted import FittedModel


def joined(batches: Iterable[Reconstructions], rows: Sequence[int] | None) -> Reconstructions:
    """Join batches to one, or only some of their rows, in the order these are named."""
    wanted = None if rows is None else np.unique(np.asarray(rows, dtype=np.intp))
    parts: list[Reconstructions] = []
    seen = 0
    for batch in batches:
        count = len(batch.reasons)
        if wanted is not None:
            batch = part(batch, wanted[(wanted >= seen) & (wanted < seen + count)] - seen)
        parts.append(batch)
        seen += count
    if wanted is not None and (not len(wanted) or wanted[0] < 0 or wanted[-1] >= seen):
        raise UsageError(
            "rows",
            needed=f"at least one row of 0 to {seen - 1}",
            came=", ".join(map(str, wanted[:5])) or "none",
            remedy="count pictures from 0",
        )
    if not parts:
        raise DataError(
            "pictures", needed="at least 1", came="none", remedy="give the pictures of a folder"
        )
    whole = replace(
        parts[0],
        names=[name for one in parts for name in one.names],
        originals=np.concatenate([one.originals for one in parts]),
        reconstructions=np.concatenate([one.reconstructions for one in parts]),
        codes=np.concatenate([one.codes for one in parts]),
        hashes=np.concatenate([one.hashes for one in parts]),
        reasons=[reason for one in parts for reason in one.reasons],
    )
    return whole if wanted is None else part(whole, np.searchsorted(wanted, np.asarray(rows)))


def part(one: Reconstructions, rows: Any) -> Reconstructions:
    """Take some rows of a batch, in this order."""
    return replace(
        one,
        names=[one.names[row] for row in rows],
        originals=one.originals[rows],
        reconstructions=one.reconstructions[rows],
        codes=one.codes[rows],
        hashes=one.hashes[rows],
        reasons=[one.reasons[row] for row in rows],
    )


def seen(model: FittedModel, pictures: Pictures, side: int | None = None) -> Array:
    """Prepare pictures as a model sees them: (n, h, w, c), black = 0 and white = 1.

    A file that cannot be read is black. With `side` files are made no larger than that.
    """
    return seen_or_not(model, pictures, side)[0]


def seen_or_not(
    model: FittedModel, pictures: Pictures, side: int | None = None
) -> tuple[Array, list[str]]:
    """Prepare pictures as `seen` does; also why a picture cannot be read, empty where it can."""
    how = pictures.content.suited(model.recipe)
    if side is not None and pictures.content.shape is None:
        shrunk = min(1.0, side / max(how.height, how.width))
        high, wide = (max(1, round(shrunk * one)) for one in (how.height, how.width))
        how = replace(how, height=high, width=wide)
    by = scaling(pictures, how).unit
    found = [np.empty((0, how.height, how.width, how.channels), np.float32)]
    reasons: list[str] = []
    for _, images, missing in batches(pictures, how, model.device.threads, at_once(how)):
        found.append(normalised(as_tensor(images), by).permute(0, 2, 3, 1).numpy())
        reasons += missing
    return np.concatenate(found), reasons
