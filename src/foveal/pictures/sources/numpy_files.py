"""Files of NumPy: .npz with pictures, labels and parts, .npy with pictures."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from foveal.arrays import Array
from foveal.errors import DataError
from foveal.pictures.collection import Pictures
from foveal.pictures.sources.arrays import from_array
from foveal.pictures.sources.parts import PARTS, Chunk, joined

_IMAGE_KEYS = ("x", "X", "images", "data", "arr_0")
_LABEL_KEYS = ("y", "labels", "target", "arr_1")


def takes(given: Any) -> bool:
    """Whether this is a path with one of NumPy's endings."""
    return isinstance(given, Path) and given.suffix in (".npz", ".npy") and not given.is_dir()


def read(path: Path) -> Pictures:
    """Read pictures, and labels where there are, from an .npz or .npy file of plain numbers."""
    chunks: list[Chunk] = []
    with path.open("rb") as file:
        loaded = _plain(str(path), lambda: np.load(file, allow_pickle=False))
        if isinstance(loaded, np.ndarray):
            return from_array(loaded)
        with loaded:
            for part in ("train", "val", "valid", "validation", "test"):
                images = _first(loaded, [f"{key}_{part}" for key in _IMAGE_KEYS])
                labels = _first(loaded, [f"{key}_{part}" for key in _LABEL_KEYS])
                if images is not None:
                    chunks.append((PARTS[part], images, labels))
            images = None if chunks else _first(loaded, list(_IMAGE_KEYS))
            if images is not None:
                chunks.append(("", images, _first(loaded, list(_LABEL_KEYS))))
            if not chunks:
                raise DataError(
                    str(path),
                    needed="arrays named x and y, or x_train, y_train, x_test, y_test",
                    came=", ".join(loaded) or "no arrays",
                    remedy="save it by numpy.savez(file, x=pictures, y=labels)",
                )
    return joined(chunks, str(path))


def _first(archive: Any, wanted: list[str]) -> Array | None:
    for key in wanted:
        if key in archive.files:
            found: Array = _plain(f"array {key}", partial(archive.__getitem__, key))
            return found
    return None


def _plain(where: str, read: Callable[[], Any]) -> Any:
    """Read from a NumPy file; whatever a damaged or foreign one raises becomes one error."""
    try:
        return read()
    except MemoryError:
        raise
    except Exception as error:  # zipfile, zlib and NumPy raise a dozen kinds
        raise DataError(
            where,
            needed="plain numbers, whole, in a NumPy file",
            came=(str(error).splitlines() or [type(error).__name__])[0][:100],
            remedy="save it again by numpy.savez, without objects",
        ) from error
