"""What is tuned, and where it is kept: all that a process needs to take part."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from foveal.errors import UsageError
from foveal.estimators.cnn import LEARNERS, FromScratch
from foveal.estimators.learner import of_target
from foveal.learning.data import TrainingData
from foveal.learning.option_groups import options_of
from foveal.shapes import Shape
from foveal.targets.labelled import Labelled

Sampler = Literal["tpe", "random"]
SAMPLERS: tuple[Sampler, ...] = ("tpe", "random")
"""By what came of earlier trials (tree-structured Parzen estimators: Bergstra et al., "Algorithms
for hyper-parameter optimization", 2011), or at random."""
ENDING = ".tune"


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Pictures, what is asked of every trial, and where the study lies; it can be sent."""

    X: Any
    y: Any
    groups: Any
    target: str
    """What labels say, in the words of `foveal.vocabulary.TARGETS`."""
    place: Path
    """Of the best model."""
    storage: str | None
    """Address of the study's database, with its password; None for a file beside the model."""
    sampler: Sampler
    seed: int
    common: Mapping[str, Any]
    """Parameters that every trial has."""
    machine: Mapping[str, Any]
    """Where a trial computes: a study may go on elsewhere."""
    shape: Shape = (0, 0, 0)
    teaching: int = 0
    """Pictures that teach, about."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What is tuned: a study goes on with the same alone."""

    @property
    def folder(self) -> Path:
        """Folder of the study, beside the model."""
        return self.place.with_suffix(ENDING)

    @property
    def name(self) -> str:
        """Name of the study in its database."""
        return self.place.stem

    @property
    def there(self) -> str:
        """The place of the model, for a reader on another machine."""
        return f"{platform.node()}:{self.place.absolute()}"

    def learner(self, **options: Any) -> FromScratch:
        """Make the learner of a trial; options that it does not have are left out."""
        has = {one.name for one in options_of(LEARNERS[self.target].groups)}
        options = {name: one for name, one in options.items() if name in has}
        return of_target(LEARNERS, self.target, {**options, **self.common, **self.machine})


def known(search: Search) -> dict[str, Any]:
    """Prepare the pictures once, as every trial does, and tell what `Search` says of them.

    Raises
    ------
    UsageError, DataError, ResourceError
        Where they cannot teach such a learner, or choose between trials.
    """
    data = search.learner(net="fast").prepared(search.X, search.y, groups=search.groups)
    if not len(data.split.validation):
        raise UsageError(
            "validation_share",
            needed="pictures to choose by",
            came="none",
            remedy="hold a share out",
        )
    recipe = data.recipe
    facts = {
        "pictures": len(data.values),
        "hash of pictures, labels and parts": content_of(data),
        "target": search.target,
        "options": dict(search.common),
    }
    shape = (recipe.channels, recipe.height, recipe.width)
    return {"shape": shape, "teaching": len(data.split.train), "facts": facts}


def content_of(data: TrainingData[Labelled]) -> str:
    """Tell pictures, labels and parts from others, wherever they lie and in whatever order."""
    hashes = data.store.hashes.tolist()
    rows = [
        json.dumps([pixels, str(one.label), str(one.part)])
        for pixels, one in zip(hashes, data.entries, strict=True)
    ]
    return hashlib.blake2b("\n".join(sorted(rows)).encode(), digest_size=16).hexdigest()
