"""Parts of a data set, named by folders or arrays, and arrays of several parts as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from foveal.arrays import Array
from foveal.errors import DataError
from foveal.pictures.collection import Pictures
from foveal.pictures.sources.arrays import content_of
from foveal.wording import counted

PARTS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}
"""Names of folders and arrays that are parts of a data set rather than classes."""

SHARDS = (".tar", ".parquet")
"""Endings of files that hold pictures."""


def within_shard(steps: Sequence[str]) -> Sequence[str]:
    """Return the steps of a name that lie within a shard; all where there is none.

    >>> within_shard(["set", "x.tar", "cat"])
    ['cat']
    """
    ends = [at for at, step in enumerate(steps) if step.lower().endswith(SHARDS)]
    return steps[ends[-1] + 1 :] if ends else steps


Chunk = tuple[str, Array, Array | None]
"""Name of a part, its pictures, and its labels where there are any."""


def joined(chunks: list[Chunk], where: str) -> Pictures:
    """Join the arrays of all parts, which have pictures of one size."""
    contents = [content_of(images) for _, images, _ in chunks]
    shapes = {content.shape for content in contents}
    if len(shapes) > 1:
        raise DataError(
            where,
            needed="pictures of one size in all parts",
            came=" and ".join(map(str, sorted(shapes))),
            remedy="bring them to one size",
        )
    array = np.concatenate([content.array for content in contents])
    labels = _joined_labels(chunks, where)
    parts = np.repeat([part for part, _, _ in chunks], [len(images) for _, images, _ in chunks])
    has_parts = any(part for part, _, _ in chunks)
    pictures = Pictures.of_array(array, folded=contents[0].folded)
    return replace(pictures, labels=labels, parts=parts if has_parts else None)


def _joined_labels(chunks: list[Chunk], where: str) -> Array | None:
    """Join the labels of all parts; rows of a part without labels get None."""
    if all(given is None for _, _, given in chunks):
        return None
    joined: list[Array] = []
    for _, images, given in chunks:
        labels = np.full(len(images), None, dtype=object) if given is None else np.ravel(given)
        if len(labels) != len(images):
            raise DataError(
                where,
                needed=f"{counted(len(images), 'label')}, one a picture",
                came=str(len(labels)),
                remedy="check that pictures and labels belong together",
            )
        joined.append(labels)
    return np.concatenate(joined)
