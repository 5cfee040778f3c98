"""A frozen network gives the same numbers for the same picture: computed once, kept on disk.

Axes: n picture; what follows is the shape of the features, (features,) or (c, h, w).
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch

from foveal.arrays import Array, Floats, Hashes
from foveal.cache import cache_folder
from foveal.errors import ResourceError
from foveal.eviction import room_for
from foveal.inference.feature_cache import CacheEntry, FeatureCache
from foveal.inference.session import Runner, Session
from foveal.pictures import decode
from foveal.pictures.augment import Augmentation, gather_varied
from foveal.pictures.batches import RowsOfFeatures
from foveal.pictures.collection import Pictures
from foveal.pictures.hashing import ABSENT, content_hashes
from foveal.pictures.preparing import prepared
from foveal.pictures.remarks import Remarks, summed
from foveal.pictures.scaling import Scaling, of_prepared
from foveal.randomness import generator
from foveal.recipe import PictureRecipe
from foveal.shapes import Shape, volume
from foveal.wording import counted

VERSION = 2
"""Raised whenever the same picture, network and engine would give other features."""
A_SAVING = 256
"""Features written at once: what an interrupted pass loses at most."""

FOUND = "were there already"
"""What is said of features that were kept."""
MUCH_DISK = 1_000_000_000
"""Bytes of features from which on their size is told."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """Which features are made of pictures, and how they are kept."""

    session: Session
    """The frozen network."""
    float16: bool = False
    """Whether features are kept in half precision, at half the disk."""
    views: int = 1
    """How often each picture goes through: as it is, and varied."""
    augmentation: Augmentation = Augmentation(level="light", flip=True)
    """How it is varied."""

    @property
    def recipe(self) -> PictureRecipe:
        """How pictures become the network's input."""
        return self.session.recipe

    @property
    def threads(self) -> int:
        """Threads for decoding and for the engine."""
        return self.session.device.threads

    @property
    def shape(self) -> Shape:
        """Shape of the features of one picture."""
        return self.session.network.shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """Features of pictures, one row each, in the order of their source."""

    views: tuple[RowsOfFeatures, ...]
    """The features of the pictures as they are, and of each variation of them."""
    reasons: Sequence[str]
    """Why a row could not be read; empty where it could."""
    hashes: Hashes
    """64-bit hash of the pixels of each row, those of 8 bits prepared: equal for equal pictures."""
    fingerprint: str
    """Says which pictures these are, through which network."""
    computed: int
    """Pictures, variations included, that went through the network now."""
    found: int
    """Those found from before."""
    saved: float
    """Seconds that it took then."""
    engine: str
    """What they were computed by."""
    size: int
    """Bytes on disk."""
    notes: tuple[str, ...] = ()
    """What a reader should know."""
    remarked: Mapping[int, Remarks] = field(default_factory=dict)
    """What a reader should know of single pictures, by row."""

    @property
    def warm(self) -> bool:
        """Whether no picture had to go through the network."""
        return not self.computed

    @property
    def readable(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """True for each row that has features."""
        return np.array([not reason for reason in self.reasons], dtype=bool)

    @property
    def images(self) -> None:
        """Nothing: pixels are not kept."""
        return None

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader should know: of the engine, of what was there already, of the disk."""
        remarks = [*self.notes, *summed(self.remarked)]
        if self.found:
            remarks.append(
                f"features of {counted(self.found, 'picture')} {FOUND}: {self.saved:.1f} s saved"
            )
        if self.size > MUCH_DISK:
            remarks.append(
                f"the features take {self.size / 1e9:.1f} GB of disk: half precision (`float16`) "
                "takes half of it"
            )
        return tuple(remarks)

    def scaled_by(self, by: Scaling) -> None:
        """Return None: features are the input of the layers that follow."""
        return None

    def measured(self, recipe: PictureRecipe, rows: np.ndarray[Any, Any]) -> PictureRecipe:
        """Return the recipe as it is: the network came with it."""
        return recipe

    def rows(self, rows: np.ndarray[Any, Any]) -> Floats:
        """Return the features of some pictures as they are, (rows, ...)."""
        return self.views[0][rows]


def open_features(
    pictures: Pictures, extraction: Extraction, *, progress: Progress | None = None
) -> Features:
    """Return the features of pictures; those not known yet are computed first.

    CacheEntry are those of the same content, whatever the file is called, through the same layers,
    weights, recipe, decoder and engine. An interrupted pass goes on where it was.

    Parameters
    ----------
    pictures : Pictures
        Files or an array.
    extraction : Extraction
        The network and how it is run.
    progress : callable, optional
        Called now and then with pictures done and in all.

    Raises
    ------
    ResourceError
        Where the disk is full.
    """
    ids = pictures.content.ids(extraction.threads)
    wanted = [_view_ids(ids, view, extraction.augmentation) for view in range(extraction.views)]
    name = _engine_for(pictures, extraction, wanted)
    try:
        return _opened(pictures, extraction, wanted, name, progress)
    except _Unfit as unfit:
        found = _opened(pictures, extraction, wanted, "torch", progress)
        return replace(found, notes=(str(unfit),))


class _Unfit(Exception):
    """An engine, chosen and not asked for, that cannot run the network; says why."""


def _opened(
    pictures: Pictures,
    extraction: Extraction,
    wanted: list[list[bytes]],
    name: str,
    progress: Progress | None,
) -> Features:
    cache, ids = _cache_of(extraction, name), wanted[0]
    known = cache.read()
    if missing := _missing(wanted, known):
        _check_room(extraction, missing, cache.files_of(one for view in wanted for one in view))
    cache.keep()
    known = cache.read()
    missing = _missing(wanted, known)
    every = {one for view in wanted for one in view if one in known}
    kept = sum(not known[one].reason for one in every)
    saved = cache.seconds(every)
    computed = 0
    if missing:
        stream = _Stream(pictures, extraction, wanted, missing)
        for part in _computed(stream, name, progress):
            cache.add(**part)
            computed += len(part["ids"])
        passing = {one: CacheEntry(-1, 0, 0, why) for one, why in stream.passing.items()}
        known = {**cache.read(), **passing}
        if _missing(wanted, known):
            raise ResourceError(
                str(cache.folder),
                needed="a cache that keeps what is written to it",
                came="features that vanished while they were computed",
                remedy="do not clear the cache meanwhile; set FOVEAL_CACHE to a local disk",
            )
    shape = extraction.shape
    rows = [cache.rows(view, shape) for view in wanted]
    digest = hashlib.blake2b("".join(one.hex() for one in ids).encode(), digest_size=16)
    return Features(
        views=tuple(rows),
        reasons=[
            _absence(pictures, row, extraction) if one == ABSENT else known[one].reason
            for row, one in enumerate(ids)
        ],
        hashes=np.array([0 if one == ABSENT else known[one].pixels for one in ids], np.int64),
        fingerprint=digest.hexdigest(),
        computed=computed,
        found=kept,
        saved=saved,
        engine=name,
        size=cache.size,
        remarked={row: known[one].remarks for row, one in enumerate(ids) if _told(known, one)},
    )


def _absence(pictures: Pictures, row: int, extraction: Extraction) -> str:
    """Say why a picture has no content."""
    found = pictures.content.picture(row, extraction.recipe)
    return found if isinstance(found, str) else "could not be read when it was looked for"


def _told(known: dict[bytes, CacheEntry], one: bytes) -> bool:
    return one != ABSENT and bool(known[one].remarks)


def _engine_for(pictures: Pictures, extraction: Extraction, wanted: list[list[bytes]]) -> str:
    """Name the engine for what is not known yet; what the fastest one gave once costs nothing."""
    by = of_prepared(pictures, pictures.content.suited(extraction.recipe))
    name = extraction.session.fastest(by)
    if name == "torch":
        return name
    missing = _missing(wanted, _cache_of(extraction, name).read())
    passes = sum(len(views) for _, views in missing)
    return extraction.session.engine_for(passes, by) if passes else name


def _cache_of(extraction: Extraction, engine: str) -> FeatureCache:
    return FeatureCache(cache_folder() / "features" / _key(extraction, engine))


def _key(extraction: Extraction, engine: str) -> str:
    """Name the cache: whatever the numbers depend on besides the picture."""
    facts = {
        "version": VERSION,
        "cut": extraction.session.network.fingerprint,
        "recipe": asdict(extraction.recipe),
        "decoder": decode.identity(),
        "engine": f"{engine} {version(engine)} {extraction.session.device.name}",
        "half": extraction.float16,
    }
    return hashlib.blake2b(json.dumps(facts, sort_keys=True).encode(), digest_size=16).hexdigest()


def _view_ids(ids: list[bytes], view: int, augmentation: Augmentation) -> list[bytes]:
    """Name each picture in one of its views; the first is the picture as it is."""
    if view == 0:
        return ids
    how = f"{view} {augmentation.level} {augmentation.flip}".encode()
    return [
        one if one == ABSENT else hashlib.blake2b(one + how, digest_size=len(one)).digest()
        for one in ids
    ]


def _missing(wanted: list[list[bytes]], known: dict[bytes, Any]) -> list[tuple[int, list[int]]]:
    """List the rows whose views are not all known, each content once, with the views missing."""
    seen: set[bytes] = set()
    found: list[tuple[int, list[int]]] = []
    for row, one in enumerate(wanted[0]):
        if one == ABSENT or one in seen:
            continue
        seen.add(one)
        if one in known and known[one].reason:
            continue  # what cannot be read has no views either
        views = [view for view, ids in enumerate(wanted) if ids[row] not in known]
        if views:
            found.append((row, views))
    return found


def _check_room(
    extraction: Extraction, missing: list[tuple[int, list[int]]], spared: set[Path]
) -> None:
    each = volume(extraction.shape) * (2 if extraction.float16 else 4)
    room_for(
        each * sum(len(views) for _, views in missing),
        "features",
        "" if extraction.float16 else "keep them in half precision (`float16`)",
        spared,
    )


def _computed(stream: _Stream, name: str, progress: Progress | None) -> Iterator[dict[str, Any]]:
    """Run the missing pictures through the network; gives parts to be kept, as they come."""
    began = time.perf_counter()
    extraction, missing = stream.extraction, stream.missing
    engine = stream.engine(name)
    ids: list[bytes] = []
    pixels: list[int] = []
    outputs: list[Array] = []
    done = told = 0

    def part() -> dict[str, Any]:
        nonlocal began
        took, began = time.perf_counter() - began, time.perf_counter()
        features = np.concatenate(outputs) if outputs else np.empty((0, *shape), np.float32)
        made = {
            "ids": list(ids),
            "pixels": list(pixels),
            "features": _halved(features) if extraction.float16 else features,
            "reasons": dict(stream.unreadable),
            "remarks": {one: stream.remarked[one] for one in ids if one in stream.remarked},
            "seconds": took,
        }
        for one in (ids, pixels, outputs, stream.unreadable):
            one.clear()
        return made

    shape = extraction.shape
    for found in engine.run(stream.batches(engine.batch)):
        outputs.append(found)
        for _ in range(len(found)):
            one, pixel = stream.names.popleft()
            ids.append(one)
            pixels.append(pixel)
        done += len(found)
        told = min(stream.started - len(stream.names), len(missing))
        if progress is not None:
            progress(told, len(missing))
        if len(ids) >= A_SAVING:
            yield part()
    if progress is not None and done and told < len(missing):  # the last cannot be read
        progress(len(missing), len(missing))
    if ids or stream.unreadable:
        yield part()


def _halved(features: Floats) -> Array:
    """Bring features to half precision, those beyond its range to its ends."""
    most = float(np.finfo(np.float16).max)
    return np.clip(features, -most, most).astype(np.float16)


class _Stream:
    """Pictures on their way into an engine, with the names of those that are within."""

    def __init__(
        self,
        pictures: Pictures,
        extraction: Extraction,
        wanted: list[list[bytes]],
        missing: list[tuple[int, list[int]]],
    ) -> None:
        self.pictures, self.extraction = pictures, extraction
        self.recipe = pictures.content.suited(extraction.recipe)
        self.wanted, self.missing = wanted, missing
        self.names: deque[tuple[bytes, int]] = deque()
        self.unreadable: dict[bytes, str] = {}
        self.passing: dict[bytes, str] = {}
        self.remarked: dict[bytes, Remarks] = {}
        self.started = 0

    def engine(self, name: str) -> Runner:
        """Make the engine while the first pictures are decoded."""
        rows = [row for row, _ in self.missing]
        self.source = prepared(self.pictures, self.recipe, rows, self.extraction.threads)
        self.first = [next(self.source)]  # the threads have begun, and decode meanwhile
        by = of_prepared(self.pictures, self.recipe)
        engine = self.extraction.session.engine(name, by)
        if engine.note:
            raise _Unfit(engine.note)
        return engine

    def batches(self, size: int) -> Iterator[Array]:
        waiting: list[Array] = []
        content = self.pictures.content
        for (row, views), picture in zip(self.missing, chain(self.first, self.source), strict=True):
            self.started += 1
            if isinstance(picture, str):
                self._refuse(row, picture)
                continue
            if remarks := content.remarks(row):
                self.remarked[self.wanted[0][row]] = remarks
            known_by = content.known_by(row, picture, self.recipe)
            pixels = int(content_hashes(known_by[None])[0])
            for view in views:
                name = self.wanted[view][row]
                self.names.append((name, pixels))
                waiting.append(varied_view(picture, view, name, self.extraction.augmentation))
                if len(waiting) == size:
                    yield np.stack(waiting)
                    waiting = []
        if waiting:
            yield np.stack(waiting)

    def _refuse(self, row: int, reason: str) -> None:
        """Note why a picture cannot be read: for good where it is its content that cannot."""
        name = self.wanted[0][row]
        same = self.pictures.content.id(row) == name
        (self.unreadable if same else self.passing)[name] = reason


def varied_view(picture_hwc: Array, view: int, name: bytes, augmentation: Augmentation) -> Array:
    """Vary a picture for one of its views: a pure function of content and view."""
    if view == 0:
        return picture_hwc
    draws = generator(0, "view", name.hex())
    one = torch.from_numpy(np.array(picture_hwc))[None]
    varied: Array = gather_varied(one, augmentation, draws)[0].numpy()
    return varied
