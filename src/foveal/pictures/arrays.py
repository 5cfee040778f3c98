"""Pictures from arrays, .npz and .npy files, and IDX folders."""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from foveal.errors import DataError
from foveal.pictures.collection import Array, Numbered, Pictures
from foveal.pictures.content import ArrayContent

MOST_CHANNELS = 4


def from_array(array: Array) -> Pictures:
    """Make pictures of an array.

    Parameters
    ----------
    array : numpy.ndarray
        (n, h, w) grey, (n, h, w, c), or (n, pixels): a square grey picture where the number
        of pixels is a square, else one row of pixels. Real numbers or booleans.
    """
    content = _content_of(array)
    return Pictures(names=Numbered(len(content)), content=content)


def _content_of(array: Array) -> ArrayContent:
    _check_dtype(array)
    folded = array.ndim == 2
    if folded:
        array = _unfolded(array)
    elif array.ndim == 3:
        array = array[..., None]
    if array.ndim != 4:
        raise DataError(
            "X",
            needed="an array (n, h, w), (n, h, w, c) or (n, pixels)",
            came=f"{array.ndim} dimensions, shape {array.shape}",
            remedy="reshape it; video is not supported",
        )
    if array.shape[3] > MOST_CHANNELS:
        if array.shape[1] <= MOST_CHANNELS:
            raise DataError(
                "X",
                needed="channels last, (n, h, w, c)",
                came=f"shape {array.shape}, which looks like channels first",
                remedy="use X.transpose(0, 2, 3, 1)",
            )
        raise DataError(
            "X",
            needed=f"at most {MOST_CHANNELS} channels",
            came=f"{array.shape[3]} in shape {array.shape}",
            remedy="keep the planes that matter; more channels and video are not supported",
        )
    if 0 in array.shape[1:]:
        raise DataError(
            "X",
            needed="at least 1 pixel a picture",
            came=f"shape {array.shape}",
            remedy="leave empty pictures out",
        )
    return ArrayContent(array, folded)


def _check_dtype(array: Array) -> None:
    if array.dtype.kind not in "buif":
        raise DataError(
            "X",
            needed="numbers, or paths of files",
            came=f"dtype {array.dtype}. Complex data not supported"
            if array.dtype.kind == "c"
            else f"dtype {array.dtype}",
            remedy="convert it to uint8 (0-255) or float32",
        )


def _unfolded(array: Array) -> Array:
    pixels = array.shape[1]
    side = math.isqrt(pixels)
    shape = (side, side) if side * side == pixels else (1, pixels)
    return array.reshape(len(array), *shape, 1)


PARTS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}
"""Names of folders and arrays that are parts of a data set rather than classes."""

_IMAGE_KEYS = ("x", "X", "images", "data", "arr_0")
_LABEL_KEYS = ("y", "labels", "target", "arr_1")


def from_numpy(path: Path) -> Pictures:
    """Read pictures, and labels where there are, from an .npz or .npy file of plain numbers."""
    chunks: list[tuple[str, Array, Array | None]] = []
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
    return _joined(chunks, str(path))


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


def _joined(chunks: list[tuple[str, Array, Array | None]], where: str) -> Pictures:
    contents = [_content_of(images) for _, images, _ in chunks]
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


def _joined_labels(chunks: list[tuple[str, Array, Array | None]], where: str) -> Array | None:
    """Join the labels of all parts; rows of a part without labels get None."""
    if all(given is None for _, _, given in chunks):
        return None
    joined: list[Array] = []
    for _, images, given in chunks:
        labels = np.full(len(images), None, dtype=object) if given is None else np.ravel(given)
        if len(labels) != len(images):
            raise DataError(
                where,
                needed=f"{len(images)} labels, one a picture",
                came=str(len(labels)),
                remedy="check that pictures and labels belong together",
            )
        joined.append(labels)
    return np.concatenate(joined)


# IDX ---------------------------------------------------------------------------------------

_IDX_PARTS = (("train", "train"), ("t10k", "test"), ("test", "test"))
MOST_AXES = 4
"""Axes of an IDX file at most: pictures, height, width, channels."""
_IDX_TYPES = {
    0x08: ">u1",
    0x09: ">i1",
    0x0B: ">i2",
    0x0C: ">i4",
    0x0D: ">f4",
    0x0E: ">f8",
}


def idx_files(folder: Path) -> dict[str, tuple[Path, Path | None]]:
    """Find pictures and labels of IDX form by their customary names."""
    found: dict[str, tuple[Path, Path | None]] = {}
    for prefix, part in _IDX_PARTS:
        images = _matching(folder, f"{prefix}-images*idx3-ubyte*")
        labels = _matching(folder, f"{prefix}-labels*idx1-ubyte*")
        if images is not None:
            found.setdefault(part, (images, labels))
    return found


def _matching(folder: Path, pattern: str) -> Path | None:
    return next((path for path in sorted(folder.glob(pattern)) if path.is_file()), None)


def from_idx(folder: Path) -> Pictures:
    """Read a folder of IDX files: train-* are training pictures, t10k-* test pictures."""
    chunks: list[tuple[str, Array, Array | None]] = []
    for part, (images, labels) in idx_files(folder).items():
        chunks.append((part, read_idx(images), None if labels is None else read_idx(labels)))
    return _joined(chunks, str(folder))


def read_idx(path: Path) -> Array:
    """Read one IDX file, gzipped or not (format: LeCun's MNIST page).

    Raises
    ------
    DataError
        Where the file is not IDX or is cut short.
    """
    try:
        raw = path.read_bytes()
        data = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except (OSError, EOFError, zlib.error) as error:
        raise _bad_idx(path, str(error)) from error
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in _IDX_TYPES:
        raise _bad_idx(path, "another beginning")
    rank = data[3]
    start = 4 + 4 * rank
    if len(data) < start or rank > MOST_AXES:
        raise _bad_idx(path, f"{len(data)} bytes and {rank} axes")
    shape = tuple(np.frombuffer(data[4:start], dtype=">u4").tolist())
    dtype = np.dtype(_IDX_TYPES[data[2]])
    if len(data) != start + math.prod(shape) * dtype.itemsize:
        raise _bad_idx(path, f"{len(data)} bytes where the head promises {shape}")
    values = np.frombuffer(data, dtype=dtype, offset=start).reshape(shape)
    return values.astype(dtype.newbyteorder("="))


def _bad_idx(path: Path, came: str) -> DataError:
    return DataError(
        str(path), needed="a whole IDX file", came=came, remedy="download or copy it again"
    )
