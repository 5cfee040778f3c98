"""What is decided of a transfer before any picture is looked at."""

from __future__ import annotations

from dataclasses import dataclass

from foveal.backbones.catalog import Backbone
from foveal.errors import UsageError
from foveal.learning.earlier import Earlier
from foveal.learning.option_groups import sides_of
from foveal.learning.options import Descent, Shares
from foveal.learning.transfer_options import FITTED, BackboneOptions, TransferShares, Views
from foveal.model.as_backbone import start_from
from foveal.pictures.augment import Augmentation
from foveal.recipe import PictureRecipe
from foveal.targets.labelled import Labelled

VALIDATION_SHARE = 0.2
"""Share held out for what is trained by gradient descent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferConfig:
    """The options of a transfer, in their groups."""

    start: BackboneOptions
    earlier: Earlier | None
    """What is gone on from, if anything."""
    descent: Descent
    target: Labelled
    """What is to be learned, before any label was read."""
    views: Views
    shares: TransferShares

    def __post_init__(self) -> None:
        head, suited = self.start.head, self.target.head
        if (head is None and suited is None) or (head in FITTED and head != suited):
            raise UsageError(
                "head",
                needed=f"layers in the notation, or {suited!r}" if suited else "layers to train",
                came=f"{head or 'none'}, where {self.target.task} is learned",
                remedy="leave `head` out" if suited else "write 'dense'",
            )

    def backbone(self, aspect: float) -> Backbone:
        """Open the network to start from, for pictures of a median width / height."""
        start, views = self.start, self.views
        if self.earlier is not None:
            return self.earlier.backbone(start, views)
        return start_from(
            start.backbone,
            size=sides_of(views.size),
            aspect=aspect,
            resize=views.resize,
            weights=start.weights,
            download=start.download,
        )

    @property
    def held_out(self) -> Shares:
        """Which pictures are held out, where no folder names them."""
        return Shares(validation_share=self.validation_share, test_share=self.shares.test_share)

    @property
    def validation_share(self) -> float:
        """Share held out for validation, where no folder names it.

        None for a head fitted at once, which is judged by cross-validation.
        """
        if self.shares.validation_share is not None:
            return self.shares.validation_share
        if self.earlier is not None and len(self.earlier.held):
            return VALIDATION_SHARE
        by_folds = self.start.at_once and not self.start.fine_tune_epochs
        return 0.0 if by_folds else VALIDATION_SHARE

    def variations(self, recipe: PictureRecipe) -> Augmentation:
        """Decide how the further views of pictures vary."""
        level = self.views.augmentation or "light"
        mirrored = recipe.channels == 3 and level != "none"
        flip = mirrored if self.views.flip is None else self.views.flip
        return Augmentation(level=level, flip=flip)
