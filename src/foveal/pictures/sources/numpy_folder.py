"""Folders of .npy files: a picture a file, all of one size, perhaps in class folders."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from foveal.arrays import Array
from foveal.errors import DataError
from foveal.pictures.collection import Pictures
from foveal.pictures.opening import reason_of
from foveal.pictures.sources.arrays import MOST_CHANNELS, content_of
from foveal.pictures.sources.folder import in_order, said_by_folders, seen_files

ENDING = ".npy"


def takes(given: Any) -> bool:
    """Whether this is a folder in which all files are arrays."""
    if not isinstance(given, Path) or not given.is_dir():
        return False
    seen = False
    for file in seen_files(given):
        if file.suffix.lower() != ENDING:
            return False
        seen = True
    return seen


def read(folder: Path) -> Pictures:
    """Read the arrays; a file that is none, or of another size, keeps its row with its reason."""
    paths = in_order([path.relative_to(folder) for path in seen_files(folder)])
    found = [_array(folder / path) for path in paths]
    shape, kind = _usual(found, folder)
    whole = np.zeros((len(found), *shape), dtype=kind)
    reasons: dict[int, str] = {}
    for row, one in enumerate(found):
        if isinstance(one, str):
            reasons[row] = one
        elif one.shape != shape:
            reasons[row] = f"an array {one.shape}, where most are {shape}"
        else:
            whole[row] = one
    names = [path.as_posix() for path in paths]
    labels, parts = said_by_folders(names, str(folder))
    content = replace(content_of(whole), reasons=reasons)
    return Pictures(
        names=names,
        content=content,
        labels=None if labels is None else np.array(labels, dtype=object),
        parts=None if parts is None else np.array(parts),
    )


def _array(path: Path) -> Array | str:
    """Read one picture; a text says why it is none."""
    try:
        found = np.load(path, allow_pickle=False)
    except MemoryError:
        raise
    except Exception as error:  # NumPy raises what it likes of a damaged head
        return reason_of(error)
    if (
        not isinstance(found, np.ndarray)
        or found.ndim not in (2, 3)
        or found.dtype.kind not in "buif"
    ):
        return "no array of numbers (h, w) or (h, w, c)"
    if found.ndim == 3 and found.shape[2] > MOST_CHANNELS:
        return f"too many channels in an array {found.shape}: needed (h, w, c)"
    return found if found.ndim == 3 else found[..., None]


def _usual(found: list[Array | str], folder: Path) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Return the shape that most arrays have, and a type that holds their numbers."""
    there = [one for one in found if not isinstance(one, str)]
    if not there:
        raise DataError(
            str(folder),
            needed="at least one .npy file with a picture",
            came=str(found[0]),
            remedy="save each by numpy.save(file, picture), an array (h, w) or (h, w, c)",
        )
    shapes = [one.shape for one in there]
    shape = max(dict.fromkeys(shapes), key=shapes.count)
    return shape, np.result_type(*{one.dtype for one in there if one.shape == shape})
