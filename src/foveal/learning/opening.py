"""How pictures are opened for training: as pixels, or as what a frozen network makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from foveal.inference.extracting import Extraction
from foveal.inference.features import Features, open_features
from foveal.inference.frozen import OWN
from foveal.learning.context import FitContext
from foveal.learning.earlier import Earlier
from foveal.learning.option_groups import sides_of
from foveal.learning.options import Pixels
from foveal.pictures.collection import Pictures
from foveal.pictures.prepared import Prepared
from foveal.pictures.store import Store, open_store
from foveal.pictures.survey import choose_recipe
from foveal.progress.events import Decoding, passing
from foveal.recipe import PictureRecipe


class Opening(Protocol):
    """Opens pictures: what they will be is known first, from little; the long work comes second."""

    def recipe(self, pictures: Pictures) -> PictureRecipe:
        """Say how they are prepared, of their headers at most."""
        ...

    def store(self, pictures: Pictures, recipe: PictureRecipe) -> Prepared:
        """Prepare them."""
        ...


@dataclass(frozen=True, slots=True)
class AsPixels:
    """Opens pictures as pixels, of the size asked for, or as those of an earlier model were."""

    asked: Pixels
    context: FitContext
    earlier: Earlier | None = None

    def recipe(self, pictures: Pictures) -> PictureRecipe:
        """Choose size, channels and resizing where they were left open."""
        alone = pictures.themselves()
        if self.earlier is not None:
            return self.earlier.recipe(alone, self.asked)
        return choose_recipe(
            alone,
            size=sides_of(self.asked.size),
            channels=self.asked.channels,
            resize=self.asked.resize,
        )

    def store(self, pictures: Pictures, recipe: PictureRecipe) -> Store:
        """Decode them into the cache, or find them there."""
        run = self.context.run
        return open_store(
            pictures,
            recipe,
            threads=self.context.device.threads,
            progress=lambda done, total: run.tell(Decoding(done=done, total=total)),
        )


@dataclass(frozen=True, slots=True)
class AsFeatures:
    """Opens pictures as the features that a frozen network makes of them."""

    extraction: Extraction
    context: FitContext

    def recipe(self, pictures: Pictures) -> PictureRecipe:
        """Return how the network takes pictures."""
        return self.extraction.recipe

    def store(self, pictures: Pictures, recipe: PictureRecipe) -> Features:
        """Take them through the network, or find their features in the cache."""
        name = self.extraction.session.network.name
        progress = passing(self.context.run.tell, "the network" if name == OWN else name)
        return open_features(pictures, self.extraction, progress=progress)
