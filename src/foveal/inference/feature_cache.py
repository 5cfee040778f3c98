"""Features on disk: parts that are whole or absent, found again by the content of the picture.

A part is two files: numbers that are memory-mapped, and beside them whose they are, with a
checksum of the numbers. The second is written last. Parts are named after what is in them, so
that two processes at the same work do not disturb each other.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from foveal import files, tensor_files
from foveal.arrays import Floats
from foveal.cache import disk
from foveal.pictures.hashing import ABSENT, LENGTH
from foveal.pictures.remarks import Remark, Remarks
from foveal.shapes import Shape


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
        self.parts: dict[str, Any] = {}
        self.arrays: list[Any] = []
        self.took: list[float] = []
        self.known: dict[bytes, CacheEntry] = {}

    @property
    def size(self) -> int:
        """Size of the numbers on disk."""
        return sum(array.nbytes for array in self.arrays)

    def read(self) -> dict[bytes, CacheEntry]:
        """Read the parts that are new since the last reading; damaged ones are removed."""
        for path in sorted(self.folder.glob("*.safetensors")):
            if path.stem in self.parts:
                continue
            try:
                tensors, facts = tensor_files.read_tensors(path)
                whole = _digest(path.with_suffix(".npy")) == facts["numbers"]
                if whole:  # numpy stumbles over a damaged head in ways of its own
                    array = np.load(path.with_suffix(".npy"), mmap_mode="r", allow_pickle=False)
                ids, pixels = tensors["ids"].numpy(), tensors["pixels"].numpy()
                reasons = {bytes.fromhex(one): str(why) for one, why in facts["reasons"].items()}
                told = {
                    bytes.fromhex(one): tuple(Remark(kind, detail) for kind, detail in several)
                    for one, several in facts["remarks"].items()
                }
                seconds = float(facts["seconds"])
            except (ValueError, OSError, EOFError, LookupError, TypeError, AttributeError):
                whole = False
            if not whole:
                for damaged in (path, path.with_suffix(".npy")):
                    with contextlib.suppress(OSError):
                        damaged.unlink()
                continue
            self.parts[path.stem] = path
            number = len(self.arrays)
            self.arrays.append(array)
            self.took.append(seconds / max(len(ids), 1))
            for row in range(len(ids)):
                name = ids[row].tobytes()
                entry = CacheEntry(number, row, int(pixels[row]), remarks=told.get(name, ()))
                self.known[name] = entry
            for one, why in reasons.items():
                self.known[one] = CacheEntry(-1, 0, 0, why)
        return self.known

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
        return RowsOnDisk(tuple(self.arrays), places, shape)


@dataclass(frozen=True, slots=True)
class RowsOnDisk:
    """Features by row, in parts that are memory-mapped."""

    arrays: tuple[Any, ...]
    """The parts."""
    places: np.ndarray[Any, np.dtype[np.int64]]
    """Part and row within of each row; part -1 where there is nothing."""
    shape: Shape
    """Shape of the features of one picture."""

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, rows: np.ndarray[Any, Any]) -> Floats:
        """Copy the features of some rows; zeros where there are none."""
        wanted = self.places[rows]
        found = np.zeros((len(wanted), *self.shape), dtype=np.float32)
        for part in np.unique(wanted[:, 0]):
            if part >= 0:
                here = np.flatnonzero(wanted[:, 0] == part)
                found[here] = self.arrays[part][wanted[here, 1]]
        return found


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
