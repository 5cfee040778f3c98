"""One file, or a list of files and of members of shards."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from foveal.pictures.collection import Pictures
from foveal.pictures.sources.shards import members_too


def takes(given: Any) -> bool:
    """Whether this is a path, or a sequence of paths."""
    return isinstance(given, Path) or are_several(given)


def read(given: Any) -> Pictures:
    """Make pictures of files, whatever they hold."""
    paths = [given] if isinstance(given, Path) else list(map(Path, given))
    return Pictures.of_encoded(members_too(paths), list(map(str, paths)))


def are_several(values: Any) -> bool:
    """Whether these are paths in a list, a tuple or an array."""
    if isinstance(values, np.ndarray):
        if values.dtype.kind in "US":
            return values.ndim == 1
        if values.dtype.kind != "O" or values.ndim != 1:
            return False
    elif not isinstance(values, list | tuple):
        return False
    return len(values) > 0 and all(isinstance(one, str | os.PathLike) for one in values)
