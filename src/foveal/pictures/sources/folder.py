"""Folders: of class folders, perhaps within parts, or of files alone."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from foveal.errors import DataError
from foveal.pictures.collection import Pictures
from foveal.pictures.content import FileContent
from foveal.pictures.sources.parts import PARTS


def takes(given: Any) -> bool:
    """Whether this is a folder."""
    return isinstance(given, Path) and given.is_dir()


def read(root: Path) -> Pictures:
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
