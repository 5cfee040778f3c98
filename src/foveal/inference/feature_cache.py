"""Features on disk: parts that are whole or absent, found again by the content of the picture.

A part is two files: numbers, and beside them whose they are, with a checksum of the numbers. The
second is written last. Parts are named after what is in them, so
that two processes at the same work do not disturb each other.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from foveal import files, tensor_files
from foveal.array_files import ArrayFile, Changed
from foveal.arrays import Array, Floats, Rows
from foveal.cache import disk
from foveal.errors import ResourceError
from foveal.eviction import Hold, hold
from foveal.pictures.hashing import ABSENT, LENGTH
from foveal.pictures.remarks import Remark, Remarks
from foveal.shapes import Shape

TABLE = ".safetensors"
"""Ending of what says whose the numbers are."""


TOO_MANY_OPEN = (errno.EMFILE, errno.ENFILE)
MOST_OPEN = 64
"""Parts that stay open, so that they can be read when they are removed meanwhile: a process may
have but so many files open."""


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """Where the features of one picture are."""

    part: int
    """Number of the part; -1 for a picture that cannot be read."""
    row: int
    """Row within."""
    pixels: int
    """Hash of the prepared pixels."""
    reason: str = ""
    """Why the picture cannot be read; empty where it can."""
    remarks: Remarks = ()
    """What a reader should know of how it was read."""


class FeatureCache:
    """A folder with the features of pictures through one network.

    Parameters
    ----------
    folder : Path
        Named after everything the numbers depend on besides the picture.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.parts: dict[str, int] = {}
        self.arrays: list[ArrayFile] = []
        self.hold: Hold | None = None
        self.took: list[float] = []
        self.known: dict[bytes, CacheEntry] = {}

    @property
    def size(self) -> int:
        """Size of the numbers on disk."""
        return sum(array.nbytes for array in self.arrays)

    def keep(self) -> None:
        """Keep the folder from being removed as long as this lives, and what it gives.

        Raises
        ------
        ResourceError
            Where there can be no such folder.
        """
        with disk():
            self.folder.mkdir(parents=True, exist_ok=True)
        self.hold = hold(self.folder)

    def files_of(self, ids: Iterable[bytes]) -> set[Path]:
        """Return the files that hold the features of some pictures."""
        found = (self.known.get(one) for one in ids)
        numbers = {one.part for one in found if one is not None and one.part >= 0}
        paths = [self.arrays[number].path for number in numbers]
        return {file for path in paths for file in (path, path.with_suffix(TABLE))}

    def read(self) -> dict[bytes, CacheEntry]:
        """Read the parts that are new since the last reading; damaged ones are removed."""
        paths = sorted(self.folder.glob(f"*{TABLE}"))
        self._forget(set(self.parts) - {path.stem for path in paths})
        for path in paths:
            if path.stem in self.parts:
                continue
            try:
                kept_open = len(self.arrays) < MOST_OPEN
                array = ArrayFile(path.with_suffix(".npy"), kept_open=kept_open)
                tensors, facts = tensor_files.read_tensors(path)
                whole = _digest(array.path) == facts["numbers"]
                ids, pixels = tensors["ids"].numpy(), tensors["pixels"].numpy()
                reasons = {bytes.fromhex(one): str(why) for one, why in facts["reasons"].items()}
                told = {
                    bytes.fromhex(one): tuple(Remark(kind, detail) for kind, detail in several)
                    for one, several in facts["remarks"].items()
                }
                seconds = float(facts["seconds"])
            except (ValueError, OSError, EOFError, LookupError, TypeError, AttributeError) as error:
                if getattr(error, "errno", None) in TOO_MANY_OPEN:
                    continue  # that says nothing of what lies there
                whole = False
            if not whole:
                for damaged in (path, path.with_suffix(".npy")):
                    with contextlib.suppress(OSError):
                        damaged.unlink()
                continue
            number = self.parts[path.stem] = len(self.arrays)
            self.arrays.append(array)
            self.took.append(seconds / max(len(ids), 1))
            for row in range(len(ids)):
                name = ids[row].tobytes()
                entry = CacheEntry(number, row, int(pixels[row]), remarks=told.get(name, ()))
                self.known[name] = entry
            for one, why in reasons.items():
                self.known[one] = CacheEntry(-1, 0, 0, why)
        return self.known

    def _forget(self, names: set[str]) -> None:
        """Forget what was removed meanwhile."""
        if names:
            numbers = {self.parts.pop(name) for name in names}
            self.known = {
                one: entry for one, entry in self.known.items() if entry.part not in numbers
            }

    def add(
        self,
        *,
        ids: Sequence[bytes],
        pixels: Sequence[int],
        features: np.ndarray[Any, Any],
        reasons: dict[bytes, str],
        seconds: float,
        remarks: dict[bytes, Remarks] | None = None,
    ) -> None:
        """Write a part.

        Raises
        ------
        ResourceError
            Where the disk is full or cannot be written to.
        """
        with disk():
            self.folder.mkdir(parents=True, exist_ok=True)
        numbers = io.BytesIO()
        np.save(numbers, features)
        data = numbers.getvalue()
        within = b"".join([*ids, *reasons, data])  # rounding may differ between two processes
        name = hashlib.blake2b(within, digest_size=12).hexdigest()
        files.write_whole(self.folder / f"{name}.npy", data)
        table = np.frombuffer(b"".join(ids), dtype=np.uint8).reshape(len(ids), LENGTH)
        tensor_files.write_tensors(
            self.folder / f"{name}.safetensors",
            {
                "ids": torch.from_numpy(table.copy()),
                "pixels": torch.tensor(pixels, dtype=torch.int64),
            },
            {
                "numbers": hashlib.blake2b(data, digest_size=16).hexdigest(),
                "reasons": {one.hex(): why for one, why in reasons.items()},
                "remarks": {one.hex(): several for one, several in (remarks or {}).items()},
                "seconds": seconds,
            },
        )

    def seconds(self, ids: Iterable[bytes]) -> float:
        """Seconds that the features of some pictures took when they were computed."""
        found = (self.known.get(one) for one in set(ids))
        return sum(self.took[one.part] for one in found if one is not None and one.part >= 0)

    def rows(self, ids: Sequence[bytes], shape: Shape) -> RowsOnDisk:
        """Return the features of pictures in order, read when they are asked for."""
        places = np.full((len(ids), 2), -1, dtype=np.int64)
        for row, one in enumerate(ids):
            found = self.known.get(one) if one != ABSENT else None
            if found is not None:
                places[row] = found.part, found.row
        for number in np.unique(places[:, 0]).tolist():
            if number >= 0:  # that it was used now is noted
                with contextlib.suppress(OSError):
                    os.utime(self.arrays[number].path.with_suffix(TABLE))
        return RowsOnDisk(tuple(self.arrays), places, shape, self.hold)


@dataclass(frozen=True, slots=True)
class RowsOnDisk:
    """Features by row, in parts that are read when they are asked for."""

    arrays: tuple[ArrayFile, ...]
    """The parts."""
    places: np.ndarray[Any, np.dtype[np.int64]]
    """Part and row within of each row; part -1 where there is nothing."""
    shape: Shape
    """Shape of the features of one picture."""
    hold: Hold | None = None
    """Keeps the parts from being removed."""

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, rows: np.ndarray[Any, Any]) -> Floats:
        """Copy the features of some rows; zeros where there are none.

        Raises
        ------
        ResourceError
            Where a part is not what it was when it was opened.
        """
        wanted = self.places[rows]
        found = np.zeros((len(wanted), *self.shape), dtype=np.float32)
        for part in np.unique(wanted[:, 0]):
            if part >= 0:
                here = np.flatnonzero(wanted[:, 0] == part)
                found[here] = _rows_of(self.arrays[part], wanted[here, 1])
        return found


def _rows_of(array: ArrayFile, rows: Rows) -> Array:
    """Read rows of a part; one that changed is removed, so that nobody is served from it."""
    try:
        return array.read(rows)
    except Changed as error:
        for file in (array.path.with_suffix(TABLE), array.path):
            with contextlib.suppress(OSError):
                file.unlink()
        raise ResourceError(
            str(array.path),
            needed="features as they were written",
            came=str(error),
            remedy="run the command again: what is missing is computed anew",
        ) from error


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
