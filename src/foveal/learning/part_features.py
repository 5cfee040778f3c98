"""Features of parts laid out for training: rows in any order, in the memory of those asked for.

Parts are compressed and read from their beginning, which a fit does hundreds of times: the cache
keeps their numbers as they are. Axes: n picture, d feature.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import filelock
import numpy as np

from foveal.array_files import ArrayFile
from foveal.arrays import Array
from foveal.bulk.part import by_engines
from foveal.bulk.reading import Parts
from foveal.bulk.source import PartFeatures
from foveal.cache import cache_folder, disk
from foveal.errors import ModelFileError, ResourceError
from foveal.eviction import hold, room_for
from foveal.files import digest_of, whole_file
from foveal.inference.extracting import halved
from foveal.inference.feature_cache import MOST_OPEN, TABLE, RowsOnDisk
from foveal.inference.features import Features
from foveal.tensor_files import read_tensors, write_tensors
from foveal.wording import counted

VERSION = 1
"""Raised whenever the same parts would be laid out otherwise."""
NUMBERS = ".npy"
LOCK = "laying.lock"
"""Name of the file that is locked by who lays a part out: another would replace what is open."""


def features_of_parts(
    found: PartFeatures, *, float16: bool, progress: Callable[[int, int], None]
) -> Features:
    """Lay features out for training; those that were already are used again.

    Parameters
    ----------
    found : PartFeatures
        The features of the pictures that are meant.
    float16 : bool
        Whether they are laid out in half precision.
    progress : callable
        Called with pictures done and in all, where any have to be laid out.

    Raises
    ------
    DataError
        Where a part is damaged.
    ResourceError
        Where the disk is full.
    """
    parts, folder = found.parts, cache_folder() / "features" / _key(float16)
    with disk():
        folder.mkdir(parents=True, exist_ok=True)
    held = hold(folder)
    digests = [_laid_out(folder / mark) for mark in parts.marks]
    missing = [at for at, digest in enumerate(digests) if not digest]
    numbers = sum(int(parts.lengths[at]) for at in missing) * found.width
    if missing:
        room_for(
            numbers * (2 if float16 else 4),
            "features",
            "" if float16 else "keep them in half precision (`float16`)",
            {folder / f"{mark}{end}" for mark in parts.marks for end in (NUMBERS, TABLE)},
        )
    done = 0
    for at in missing:
        place = folder / parts.marks[at]
        try:
            with disk(), filelock.FileLock(folder / LOCK):  # another training may lay them out too
                digests[at] = _laid_out(place) or _lay_out(
                    parts.part(at), place, found.width, float16
                )
        except ResourceError as error:
            if folder.is_dir():
                raise
            raise _vanished(folder) from error
        done += int(parts.lengths[at])
        progress(done, numbers // found.width)
    arrays = [
        _opened(folder / mark, kept_open=number < MOST_OPEN)
        for number, mark in enumerate(parts.marks)
    ]
    ends = np.cumsum(parts.lengths)
    of = np.searchsorted(ends, found.rows, side="right")
    places = np.stack([of, found.rows - (ends - parts.lengths)[of]], axis=1).astype(np.int64)
    mixed = by_engines(Counter(parts.engines), "part")
    absent = found.reasons
    reasons = [absent.get(row, "") for row in found.rows.tolist()]
    return Features(
        views=(RowsOnDisk(tuple(arrays), places, (found.width,), held),),
        reasons=reasons,
        hashes=found.hashes,
        fingerprint=_fingerprint(found, digests),
        computed=0,
        found=0,
        saved=0.0,
        engine=", ".join(sorted({*parts.engines})),
        size=sum(one.nbytes for one in arrays),
        notes=(
            f"features of {counted(reasons.count(''), 'picture')} are those in {found.title}: "
            "none goes through the network",
            *([mixed] if mixed else []),
        ),
    )


def _key(float16: bool) -> str:
    facts = json.dumps({"of": "parts", "version": VERSION, "half": float16}, sort_keys=True)
    return hashlib.blake2b(facts.encode(), digest_size=16).hexdigest()


def _fingerprint(found: PartFeatures, digests: Sequence[str]) -> str:
    """Say which features of which pictures these are, whoever wrote the parts, and how often."""
    digest = hashlib.blake2b("".join(digests).encode(), digest_size=16)
    digest.update(found.rows.astype(np.int64).tobytes())
    digest.update(found.hashes.tobytes())
    return digest.hexdigest()


def _laid_out(place: Path) -> str:
    """Return the hash of the numbers of a part that is laid out, whole; nothing of any other.

    That it is used now is noted.
    """
    try:
        _, facts = read_tensors(place.with_suffix(TABLE))
        os.utime(place.with_suffix(TABLE))
        digest = digest_of(place.with_suffix(NUMBERS))
        return digest if facts["numbers"] == digest else ""
    except (ModelFileError, OSError, LookupError):
        return ""


def _lay_out(part: Parts, place: Path, width: int, float16: bool) -> str:
    """Write the numbers of a part, a few rows at a time; rows without any are zeros.

    Returns
    -------
    str
        The hash of the numbers.
    """
    kind: np.dtype[np.generic] = np.dtype(np.float16 if float16 else np.float32)
    head = {"descr": kind.str, "fortran_order": False, "shape": (part.num_rows, width)}
    path, seen, readable = place.with_suffix(NUMBERS), 0, 0
    with whole_file(path) as temporary, temporary.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, head)
        for rows in part.rows():
            there = np.array([not reason for reason in rows.reasons], dtype=bool)
            values: Array = np.where(there[:, None], rows.values, np.float32(0))
            file.write((halved(values) if float16 else values).tobytes())
            seen, readable = seen + len(there), readable + int(there.sum())
        if (seen, readable) != (part.num_rows, int(part.readable.sum())):
            raise part.damaged(f"{readable:,} with features of {counted(seen, 'row')}")
        part.check_unchanged()
    digest = digest_of(path)
    write_tensors(place.with_suffix(TABLE), {}, {"numbers": digest})
    return digest


def _opened(place: Path, *, kept_open: bool) -> ArrayFile:
    try:
        return ArrayFile(place.with_suffix(NUMBERS), kept_open=kept_open)
    except (OSError, ValueError) as error:
        raise _vanished(place.parent) from error


def _vanished(folder: Path) -> ResourceError:
    return ResourceError(
        str(folder),
        needed="a cache that keeps what is written to it",
        came="features that vanished while they were laid out",
        remedy="do not clear the cache meanwhile; set FOVEAL_CACHE to a local disk",
    )
