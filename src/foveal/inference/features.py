"""A frozen network gives the same numbers for the same picture: computed once, kept on disk.

Axes: n picture; what follows is the shape of the features, (features,) or (c, h, w).
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from foveal.arrays import Floats, Hashes
from foveal.cache import cache_folder
from foveal.errors import ResourceError
from foveal.eviction import room_for
from foveal.inference.extracting import Extraction, Missing, Progress, Unfit, Wanted, extracted
from foveal.inference.extracting_on_ray import extracted_on_ray
from foveal.inference.feature_cache import CacheEntry, FeatureCache
from foveal.inference.session import ENGINE_PACE, TORCH_PACE
from foveal.pictures import decode
from foveal.pictures.augment import Augmentation
from foveal.pictures.batches import RowsOfFeatures
from foveal.pictures.collection import Pictures
from foveal.pictures.hashing import ABSENT
from foveal.pictures.remarks import Remarks, summed
from foveal.pictures.scaling import Scaling, of_prepared
from foveal.recipe import PictureRecipe
from foveal.shapes import volume
from foveal.wording import counted

VERSION = 2
"""Raised whenever the same picture, network and engine would give other features."""

FOUND = "were there already"
"""What is said of features that were kept."""
MUCH_DISK = 1_000_000_000
"""Bytes of features from which on their size is told."""


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

    Known are those of the same content, whatever the file is called, through the same layers,
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
    cache_of = functools.cache(lambda engine: _cache_of(extraction, engine))  # each is read once
    name = _engine_for(pictures, extraction, wanted, cache_of)
    try:
        return _opened(pictures, extraction, wanted, name, cache_of, progress)
    except Unfit as unfit:
        found = _opened(pictures, extraction, wanted, "torch", cache_of, progress)
        return replace(found, notes=(str(unfit),))


def _opened(
    pictures: Pictures,
    extraction: Extraction,
    wanted: list[list[bytes]],
    name: str,
    cache_of: Callable[[str], FeatureCache],
    progress: Progress | None,
) -> Features:
    cache, ids = cache_of(name), wanted[0]
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
        asked = Wanted(pictures=pictures, ids=wanted, missing=missing)
        by = extracted if extraction.cluster is None else extracted_on_ray
        found = by(asked, extraction, cache, name, progress)
        computed = found.computed
        passing = {one: CacheEntry(-1, 0, 0, why) for one, why in found.passing.items()}
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


def _engine_for(
    pictures: Pictures,
    extraction: Extraction,
    wanted: list[list[bytes]],
    cache_of: Callable[[str], FeatureCache],
) -> str:
    """Name the engine for what is not known yet; what one gave before costs nothing."""
    by = of_prepared(pictures, pictures.content.suited(extraction.recipe))
    name = extraction.session.fastest(by)
    if name == "torch":
        return name
    passes = _passes(cache_of(name), wanted)
    if not passes:
        return name
    if extraction.session.asked is None:
        rest = _passes(cache_of("torch"), wanted)
        if rest < passes and rest / TORCH_PACE < passes / ENGINE_PACE:
            return "torch"  # few pictures that were added to those it had before
    return extraction.session.engine_for(passes, by)


def _passes(cache: FeatureCache, wanted: list[list[bytes]]) -> int:
    """Count what an engine has not computed yet."""
    missing = _missing(wanted, cache.read())
    return sum(len(views) for _, views in missing)


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


def _missing(wanted: list[list[bytes]], known: dict[bytes, Any]) -> Missing:
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


def _check_room(extraction: Extraction, missing: Missing, spared: set[Path]) -> None:
    each = volume(extraction.shape) * (2 if extraction.float16 else 4)
    room_for(
        each * sum(len(views) for _, views in missing),
        "features",
        "" if extraction.float16 else "keep them in half precision (`float16`)",
        spared,
    )
