"""Running a frozen network over pictures: by which engine, and how it is made.

Axes: n picture, h height, w width, c channel.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from foveal.backbones.cut import Cut
from foveal.cache import cache_folder
from foveal.engines import choose
from foveal.engines.engine import Frozen
from foveal.pictures.augment import Augmentation
from foveal.pictures.batches import as_tensor, normalised
from foveal.pictures.catalogue import Array, Pictures
from foveal.recipe import PictureRecipe

WORTH_CONVERTING = 6e10
"""Multiply-adds of a pass from which on converting a network to a faster engine repays."""
PIXELS, MOST = 128 * 64 * 64, 128
"""Pixels that go through torch at once, and pictures, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """How features are made of pictures."""

    cut: Cut
    """The frozen network."""
    recipe: PictureRecipe
    """How pictures become its input."""
    engine: str | None = None
    """The engine asked for; chosen by the network where left out."""
    half: bool = False
    """Whether features are kept in half precision, at half the disk."""
    views: int = 1
    """How often each picture goes through: as it is, and varied."""
    augmentation: Augmentation = Augmentation(level="light", flip=True)
    """How it is varied."""
    threads: int
    """Threads for decoding and for the engine."""
    device: str = "cpu"
    """Where to compute; elsewhere than on the processor torch does it."""


class Runner(Protocol):
    """Runs a frozen network over batches of pictures, in order."""

    @property
    def batch(self) -> int:
        """Pictures it takes at a time, at most."""
        ...

    @property
    def note(self) -> str:
        """Why it is not the engine that was wished for; empty where it is."""
        ...

    def run(self, batches: Iterable[Array]) -> Iterator[Array]:
        """Answer batches (n, h, w, c), lazily."""
        ...


@dataclass(frozen=True, slots=True)
class Eager:
    """Torch as it is, on any device and for any dtype: an engine that needs no preparation."""

    extraction: Extraction
    unit: bool
    """Whether pictures come as floats from 0 to 1."""
    note: str = ""

    @property
    def batch(self) -> int:
        """Pictures it takes at a time, at most."""
        return at_once(self.extraction.recipe)

    def run(self, batches: Iterable[Array]) -> Iterator[Array]:
        """Answer batches (n, h, w, c), not normalised."""
        recipe, device = self.extraction.recipe, self.extraction.device
        scaling = replace(recipe, low=0.0, high=1.0) if self.unit else recipe
        network = self.extraction.cut.network.to(device)
        for images in batches:
            with torch.inference_mode():
                raw = as_tensor(images).to(device)
                answers: Array = network(normalised(raw, scaling)).float().cpu().numpy()
            yield answers


def at_once(recipe: PictureRecipe) -> int:
    """Choose how many pictures go through torch at once: fewer of large ones."""
    return max(1, min(MOST, PIXELS // (recipe.height * recipe.width)))


def scaling_of(pictures: Pictures, recipe: PictureRecipe) -> PictureRecipe:
    """Give the recipe by which prepared pictures are scaled: decoded files have 0 to 255."""
    if pictures.files is not None:
        return recipe.of_files
    unit = recipe.adapts and is_unit(pictures)
    return replace(recipe, low=0.0, high=1.0) if unit else recipe


def is_unit(pictures: Pictures) -> bool:
    """Whether prepared pictures are floats from 0 to 1 rather than bytes."""
    return pictures.array is not None and pictures.array.dtype != np.uint8


def frozen(extraction: Extraction, *, unit: bool) -> Frozen:
    """Describe a frozen network to an engine; `unit` for inputs from 0 to 1, else 0 to 255."""
    recipe = extraction.recipe
    scale, shift = recipe.affine
    return Frozen(
        network=extraction.cut.network,
        picture=(recipe.height, recipe.width, recipe.channels),
        dtype="float32" if unit else "uint8",
        scale=scale if unit else tuple(one / 255 for one in scale),
        shift=shift,
    )


def make_engine(extraction: Extraction, name: str, *, unit: bool) -> Runner:
    """Make an engine by name; on another device than the processor it is torch as it is."""
    if extraction.device != "cpu":
        return Eager(extraction, unit)
    return choose.make(
        name,
        frozen(extraction, unit=unit),
        threads=extraction.threads,
        kept=_converted(extraction, name, unit),
        fallback=extraction.engine is None,
    )


def runner(extraction: Extraction, count: int, *, unit: bool) -> Runner:
    """Make what runs so many pictures, without any preparation for a few."""
    name = chosen_engine(extraction, count, unit)
    eager = name == "torch" and extraction.engine is None
    return Eager(extraction, unit) if eager else make_engine(extraction, name, unit=unit)


def chosen_engine(extraction: Extraction, count: int, unit: bool) -> str:
    """Choose the engine of a pass: torch for a short one that nothing was converted for."""
    if extraction.device != "cpu":
        return "torch"
    if extraction.engine is not None:
        return extraction.engine
    name = preferred(extraction.cut.name)
    work = extraction.cut.multiply_adds * count * extraction.views
    if work < WORTH_CONVERTING and not _converted(extraction, name, unit).exists():
        return "torch"
    return name


def measured_engines() -> Path:
    """Return the file that keeps what `foveal backbones --measure` found here."""
    return cache_folder() / "engines" / "measured.json"


def preferred(architecture: str) -> str:
    """Name the fastest engine for an architecture: as measured here, else by the table."""
    measured = choose.kept_choice(measured_engines(), architecture)
    return measured or choose.default(architecture, choose.available())


def _converted(extraction: Extraction, engine: str, unit: bool) -> Path:
    recipe = json.dumps([extraction.recipe.shape, extraction.recipe.affine, unit])
    digest = hashlib.blake2b(recipe.encode(), digest_size=8).hexdigest()
    name = f"{extraction.cut.fingerprint[:32]}-{digest}-{engine}.safetensors"
    folder = cache_folder() / "engines"
    with contextlib.suppress(OSError):  # without it, it is converted anew each time
        folder.mkdir(parents=True, exist_ok=True)
    return folder / name
