"""Folders of IDX files, as those of MNIST."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from foveal.arrays import Array
from foveal.errors import DataError
from foveal.pictures.collection import Pictures
from foveal.pictures.sources.parts import Chunk, joined
from foveal.wording import counted

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


def takes(given: Any) -> bool:
    """Whether this is a folder with pictures of IDX form."""
    return isinstance(given, Path) and given.is_dir() and bool(_idx_files(given))


def read(folder: Path) -> Pictures:
    """Read a folder of IDX files: train-* are training pictures, t10k-* test pictures."""
    chunks: list[Chunk] = []
    for part, (images, labels) in _idx_files(folder).items():
        chunks.append((part, read_idx(images), None if labels is None else read_idx(labels)))
    return joined(chunks, str(folder))


def _idx_files(folder: Path) -> dict[str, tuple[Path, Path | None]]:
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
        raise _bad_idx(path, f"{counted(len(data), 'byte')} and {rank} axes")
    shape = tuple(np.frombuffer(data[4:start], dtype=">u4").tolist())
    dtype = np.dtype(_IDX_TYPES[data[2]])
    if len(data) != start + math.prod(shape) * dtype.itemsize:
        raise _bad_idx(path, f"{counted(len(data), 'byte')} where the head promises {shape}")
    values = np.frombuffer(data, dtype=dtype, offset=start).reshape(shape)
    return values.astype(dtype.newbyteorder("="))


def _bad_idx(path: Path, came: str) -> DataError:
    return DataError(
        str(path), needed="a whole IDX file", came=came, remedy="download or copy it again"
    )
