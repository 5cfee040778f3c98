"""Where pictures come from: folders, lists of files, arrays, .npz and IDX, all made one thing.

`gather` answers with `Pictures`: rows in a fixed order, each with a name, perhaps a label and
perhaps a part (train, validation, test). Nothing is decoded here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from foveal.errors import DataError
from foveal.pictures.arrays import PARTS, from_array, from_idx, from_numpy, idx_files
from foveal.pictures.collection import Array, Pictures
from foveal.pictures.content import FileContent


def gather(pictures: Any) -> Pictures:
    """Find pictures in whatever a person gives.

    Parameters
    ----------
    pictures : path, sequence of paths, or array
        A folder of class folders (perhaps under train/, val/, test/), a flat folder, one file,
        a list of files, an array (n, h, w), (n, h, w, c) or (n, pixels), an .npz file, or a
        folder of IDX files.

    Raises
    ------
    DataError
        Where nothing is found or the form is not known.
    """
    if isinstance(pictures, Pictures):
        return pictures
    if isinstance(pictures, str) and not pictures:
        raise DataError(
            "pictures",
            needed="a path",
            came="an empty text",
            remedy="name a folder, '.' for the present one; is a variable of the shell unset?",
        )
    if isinstance(pictures, str | os.PathLike):
        return _from_path(Path(pictures))
    if are_paths(pictures):
        return _from_files([Path(one) for one in pictures])
    return from_array(_as_array(pictures))


def _as_array(values: Any) -> Array:
    try:
        return np.asarray(values)
    except ValueError as error:
        raise DataError(
            "X",
            needed="numbers in one array: pictures of one size",
            came=str(error).splitlines()[0][:100],
            remedy="bring the pictures to one size, or give their files",
        ) from error


def are_paths(values: Any) -> bool:
    """Whether X is a path, a sequence of paths, or pictures gathered before; not an array."""
    if isinstance(values, str | os.PathLike | Pictures):
        return True
    if isinstance(values, np.ndarray):
        if values.dtype.kind in "US":
            return values.ndim == 1
        if values.dtype.kind != "O" or values.ndim != 1:
            return False
    elif not isinstance(values, list | tuple):
        return False
    return len(values) > 0 and all(isinstance(one, str | os.PathLike) for one in values)


def _from_path(path: Path) -> Pictures:
    try:
        path.stat()
    except (OSError, ValueError) as error:
        raise DataError(
            str(path)[:200],
            needed="a folder or file that exists",
            came="nothing there" if isinstance(error, FileNotFoundError) else str(error)[:80],
            remedy="check the spelling of the path",
        ) from error
    if path.is_dir():
        return from_idx(path) if idx_files(path) else _from_folder(path)
    if path.suffix in (".npz", ".npy"):
        return from_numpy(path)
    return _from_files([path])


# Files -------------------------------------------------------------------------------------


def _from_files(files: Sequence[Path]) -> Pictures:
    return Pictures.of_files(files)


def _from_folder(root: Path) -> Pictures:
    """Read a folder: parts, then classes, then files; every regular file has a row."""
    found = _listing(root)
    if not found:
        raise DataError(
            str(root),
            needed="a folder with pictures",
            came="a folder without files",
            remedy="name the folder that holds the pictures or the class folders",
        )
    tops = {file.parts[0] for file in found if len(file.parts) > 1}
    has_parts = _are_parts(root, tops)
    names, labels, parts = [], [], []
    for file in found:
        steps = list(file.parts[:-1])
        part = PARTS[steps.pop(0).lower()] if has_parts and steps else ""
        names.append(file.as_posix())
        parts.append(part)
        labels.append(steps[0] if steps else None)
    unlabelled = all(label is None for label in labels)
    return Pictures(
        names=names,
        content=FileContent(tuple(root / name for name in names)),
        labels=None if unlabelled else np.array(labels, dtype=object),
        parts=np.array(parts) if has_parts else None,
    )


def _are_parts(root: Path, tops: set[str]) -> bool:
    parts = {top for top in tops if top.lower() in PARTS}
    classes = tops - parts
    if not parts:
        return False
    if not classes:
        # A lone folder named "test" with classes within is a part; one with pictures is too.
        return True
    if {"train", "training"} & {top.lower() for top in parts}:
        raise DataError(
            str(root),
            needed="either parts (train, val, test) or classes at the top of the folder",
            came=f"both: {', '.join(sorted(tops))}",
            remedy="move the class folders into train/, or name the folder of one part",
        )
    return False


def _listing(root: Path) -> list[Path]:
    """List every file below a folder, relative to it, in an order people expect.

    Links are followed, each folder once. A folder that cannot be read stands for itself, so
    that the ledger names it.
    """
    found: list[Path] = []
    seen: set[tuple[int, int]] = set()

    def closed(error: OSError) -> None:
        found.append(Path(os.fsdecode(error.filename)).relative_to(root))

    for folder, below, files in os.walk(root, followlinks=True, onerror=closed):
        at = Path(folder)
        status = at.stat()
        if (status.st_dev, status.st_ino) in seen:
            below.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        found.extend((at / file).relative_to(root) for file in files)
    return sorted(found, key=lambda path: ([_natural(step) for step in path.parts], str(path)))


def _natural(text: str) -> list[tuple[int, int, str]]:
    """Sort "cat.9" before "cat.10".

    >>> sorted(["cat.10", "cat.9"], key=_natural)
    ['cat.9', 'cat.10']
    """
    steps = re.split(r"(\d+)", text)
    return [(0, int(step), "") if step.isdecimal() else (1, 0, step) for step in steps if step]
