"""Where pictures come from: folders, lists of files, arrays, .npz and IDX, all made one thing.

`gather` answers with `Pictures`: rows in a fixed order, each with a name, perhaps a label and
perhaps a part (train, validation, test). Nothing is decoded here.
"""

from __future__ import annotations

import gzip
import math
import os
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from foveal.errors import DataError, UsageError
from foveal.recipe import PictureRecipe

PARTS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}
"""Folder names that are parts of a data set rather than classes."""

Array = np.ndarray[Any, np.dtype[Any]]
MOST_CHANNELS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """Pictures that were found, in order, before any is decoded.

    Exactly one of `files` and `array` is given.
    """

    names: Sequence[str]
    """How each row is named in tables and in the ledger."""
    files: tuple[Path, ...] | None = None
    """The files, where the pictures are files."""
    array: Array | None = None
    """The pictures, (n, height, width, channels), any numeric dtype."""
    labels: Array | None = None
    """The class of each row; None in a row stands for an unlabelled picture."""
    parts: Array | None = None
    """"train", "validation", "test" or "" for each row; None where nothing says so."""
    folded: bool = False
    """Whether the array came as (n, pixels)."""

    def __len__(self) -> int:
        return len(self.names)

    def labelled(self, labels: Array) -> Pictures:
        """Return the same pictures under labels given beside them."""
        if len(labels) != len(self):
            raise DataError(
                "y",
                needed=f"{len(self)} labels, one a picture",
                came=str(len(labels)),
                remedy="give X and y of the same length",
            )
        return replace(self, labels=np.asarray(labels))

    def rows(self, part: str) -> np.ndarray[Any, np.dtype[np.intp]]:
        """Return the indices of the rows of a part."""
        if self.parts is None:
            return np.empty(0, dtype=np.intp)
        return np.flatnonzero(self.parts == part)


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
    if not path.exists():
        raise DataError(
            str(path),
            needed="a folder or file that exists",
            came="nothing there",
            remedy="check the spelling of the path",
        )
    if path.is_dir():
        return _from_idx(path) if _idx_files(path) else _from_folder(path)
    if path.suffix in (".npz", ".npy"):
        return _from_numpy(path)
    return _from_files([path])


# Files -------------------------------------------------------------------------------------


def _from_files(files: Sequence[Path]) -> Pictures:
    return Pictures(names=[str(file) for file in files], files=tuple(files))


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
        files=tuple(root / name for name in names),
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
    """List every regular file below a folder, relative to it, in an order people expect.

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
        found.extend((at / file).relative_to(root) for file in files if (at / file).is_file())
    return sorted(found, key=lambda path: ([_natural(step) for step in path.parts], str(path)))


def _natural(text: str) -> list[tuple[int, int, str]]:
    """Sort "cat.9" before "cat.10".

    >>> sorted(["cat.10", "cat.9"], key=_natural)
    ['cat.9', 'cat.10']
    """
    steps = re.split(r"(\d+)", text)
    return [(0, int(step), "") if step.isdecimal() else (1, 0, step) for step in steps if step]


# Arrays ------------------------------------------------------------------------------------


def from_array(array: Array, *, folded: bool = False) -> Pictures:
    """Make pictures of an array.

    Parameters
    ----------
    array : numpy.ndarray
        (n, h, w) grey, (n, h, w, c), or (n, pixels): a square grey picture where the number
        of pixels is a square, else one row of pixels. Real numbers or booleans.
    """
    _check_dtype(array)
    if array.ndim == 2:
        array, folded = _unfolded(array), True
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
    return Pictures(names=Numbered(len(array)), array=array, folded=folded)


class Numbered(Sequence[str]):
    """Row numbers as names, made only when one asks."""

    def __init__(self, length: int) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: Any) -> Any:
        picked = range(self.length)[index]
        return [str(one) for one in picked] if isinstance(picked, range) else str(picked)


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


_IMAGE_KEYS = ("x", "X", "images", "data", "arr_0")
_LABEL_KEYS = ("y", "labels", "target", "arr_1")


def _from_numpy(path: Path) -> Pictures:
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
    made = [from_array(images) for _, images, _ in chunks]
    shapes = {one.array.shape[1:] for one in made if one.array is not None}
    if len(shapes) > 1:
        raise DataError(
            where,
            needed="pictures of one size in all parts",
            came=" and ".join(map(str, sorted(shapes))),
            remedy="bring them to one size",
        )
    array = np.concatenate([one.array for one in made if one.array is not None])
    labels = _joined_labels(chunks, where)
    parts = np.repeat([part for part, _, _ in chunks], [len(images) for _, images, _ in chunks])
    has_parts = any(part for part, _, _ in chunks)
    pictures = replace(made[0], names=Numbered(len(array)), array=array)
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


def _from_idx(folder: Path) -> Pictures:
    chunks: list[tuple[str, Array, Array | None]] = []
    for part, (images, labels) in _idx_files(folder).items():
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


def check_fits(array: Array, recipe: PictureRecipe) -> Array:
    """Hold an array (n, h, w, c) against the size and channels of a recipe.

    Raises
    ------
    DataError
        Where they differ: arrays are not resized.
    """
    if array.shape[1:] != (recipe.height, recipe.width, recipe.channels):
        raise DataError(
            "X",
            needed=f"pictures of {recipe.height}x{recipe.width} with {recipe.channels} channels, "
            "as in fit",
            came=f"shape {array.shape}",
            remedy="bring the arrays to that size; files are resized by themselves",
        )
    return array


def refuse_unsupported(labels: Array) -> None:
    """Refuse labels of tasks that are out of scope.

    Raises
    ------
    UsageError
        For labels with more than one column (several labels a picture, boxes, masks).
    """
    if labels.ndim > 1 and labels.shape[1:] != (1,):
        raise UsageError(
            "y",
            needed="one class a picture, shape (n,)",
            came=f"shape {labels.shape}",
            remedy="several labels a picture, detection and segmentation are not supported",
        )
