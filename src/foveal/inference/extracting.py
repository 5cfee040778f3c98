"""Pictures through a frozen network, and what comes out into the cache.

Axes: n picture; what follows is the shape of the features, (features,) or (c, h, w).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import torch

from foveal.arrays import Array, Floats
from foveal.cluster import Cluster
from foveal.inference.feature_cache import FeatureCache
from foveal.inference.session import Runner, Session
from foveal.pictures.augment import Augmentation, gather_varied
from foveal.pictures.collection import Pictures
from foveal.pictures.hashing import content_hashes
from foveal.pictures.preparing import prepared
from foveal.pictures.remarks import Remarks
from foveal.pictures.scaling import of_prepared
from foveal.randomness import generator
from foveal.recipe import PictureRecipe
from foveal.shapes import Shape

A_SAVING = 256
"""Features written at once: what an interrupted pass loses at most."""

Progress = Callable[[int, int], None]

Missing = list[tuple[int, list[int]]]
"""Rows, and which of their views are not known."""


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
    cluster: Cluster | None = None
    """Where actors of Ray compute what is missing, each by the threads that the session's device
    was asked for; None for this process."""

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


class Unfit(Exception):
    """An engine, chosen and not asked for, that cannot run the network; says why."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Wanted:
    """Pictures of which some views are to be computed."""

    pictures: Pictures
    ids: list[list[bytes]]
    """What each picture is called in the cache, one list a view."""
    missing: Missing


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Extracted:
    """What came of pictures whose features were computed."""

    computed: int
    """Pictures, variations included, that went through the network."""
    passing: dict[bytes, str]
    """Why pictures cannot be read, where that is not of their content."""


def extracted(
    wanted: Wanted,
    extraction: Extraction,
    cache: FeatureCache,
    name: str,
    progress: Progress | None = None,
) -> Extracted:
    """Compute what is missing by an engine of that name, and add it to the cache.

    Raises
    ------
    Unfit
        Where the engine cannot run the network.
    ResourceError
        Where the disk is full.
    """
    stream = _Stream(wanted, extraction)
    computed = 0
    for part in _computed(stream, name, progress):
        cache.add(**part)
        computed += len(part["ids"])
    return Extracted(computed=computed, passing=stream.passing)


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
            "features": halved(features) if extraction.float16 else features,
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


def halved(features: Floats) -> Array:
    """Bring features to half precision, those beyond its range to its ends."""
    most = float(np.finfo(np.float16).max)
    return np.clip(features, -most, most).astype(np.float16)


class _Stream:
    """Pictures on their way into an engine, with the names of those that are within."""

    def __init__(self, wanted: Wanted, extraction: Extraction) -> None:
        self.pictures, self.extraction = wanted.pictures, extraction
        self.recipe = wanted.pictures.content.suited(extraction.recipe)
        self.wanted, self.missing = wanted.ids, wanted.missing
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
            raise Unfit(engine.note)
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
