"""What is tuned, and where it is kept: all that a process needs to take part."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from foveal.errors import UsageError
from foveal.estimators.inputs import coerce
from foveal.estimators.learner import Answering, of_target
from foveal.learning.data import TrainingData
from foveal.learning.option_groups import options_of
from foveal.pictures.collection import Pictures
from foveal.progress.events import Event, Listener, Prepared
from foveal.randomness import derive
from foveal.shapes import Shape
from foveal.targets.labelled import Labelled
from foveal.training.run import Run
from foveal.tuning.spaces import SPACES, Kind, Space

Sampler = Literal["tpe", "random"]
SAMPLERS: tuple[Sampler, ...] = ("tpe", "random")
"""By what came of earlier trials (tree-structured Parzen estimators: Bergstra et al., "Algorithms
for hyper-parameter optimization", 2011), or at random."""
ENDING = ".tune"
SEEDS = 1 << 31


@dataclass(frozen=True, slots=True)
class Times:
    """When what ends, in seconds since the epoch."""

    search: float
    """From then on no trial of its own is begun, and those under way end."""
    end: float
    """From then on none is trained again either."""

    @property
    def again(self) -> float:
        """Seconds set aside for training again."""
        return self.end - self.search


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Pictures, what is asked of every trial, and where the study lies; it can be sent."""

    X: Any
    y: Any = None
    groups: Any = None
    kind: Kind
    """What is trained, in the words of `foveal.tuning.spaces.SPACES`."""
    target: str
    """What labels say, in the words of `foveal.vocabulary.TARGETS`."""
    place: Path
    """Of the best model."""
    storage: str | None
    """Address of the study's database, with its password; None for a file beside the model."""
    sampler: Sampler
    rounds: int
    """In which the best few are trained again; see `foveal.tuning.choosing`."""
    seed: int
    epochs: float | None
    """Of every trial; None where each has its own."""
    common: Mapping[str, Any]
    """Parameters that every trial has."""
    machine: Mapping[str, Any]
    """Where a trial computes: a study may go on elsewhere."""
    shape: Shape = (0, 0, 0)
    teaching: int = 0
    """Pictures that teach, about."""
    judging: int = 0
    """Pictures that are held out to choose by, about."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What is tuned: a study goes on with the same alone."""
    notes: tuple[str, ...] = ()
    """What a reader should know of the pictures."""

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

    @property
    def space(self) -> Space:
        """What is open."""
        return SPACES[self.kind]

    @property
    def held_share(self) -> float:
        """Pictures that are held out to choose by, for each that teaches."""
        return self.judging / max(self.teaching, 1)

    def learner(self, *, round: int = 0, **options: Any) -> Answering:
        """Make the learner of a trial; options that it does not have are left out.

        Parameters
        ----------
        round : int
            Decides its seed, and with it which pictures are held out to choose by.
        """
        kinds = self.space.learners
        has = {one.name for one in options_of(kinds[self.target].groups)}
        fixed = {} if self.epochs is None else {"epochs": self.epochs}
        options = {**options, **self.common, **fixed}
        options = {name: one for name, one in options.items() if name in has}
        return of_target(
            kinds, self.target, {**options, **self.machine, "random_state": self.seed_of(round)}
        )

    def seed_of(self, round: int) -> int:
        """Return the seed of a round; that of all trials of their own is the one asked for."""
        return self.seed if round == 0 else derive(self.seed, "round", round) % SEEDS


def known(search: Search, listeners: Sequence[Listener] = ()) -> Search:
    """Prepare the pictures once, as every trial does, and tell what `Search` says of them.

    What is to judge in the end is set aside here: whatever seed a trial has, it sees none of it.

    Parameters
    ----------
    listeners : sequence of callable
        They hear how far it is.

    Raises
    ------
    UsageError, DataError, ResourceError
        Where they cannot teach such a learner, or choose between trials.
    """
    told: list[str] = []

    def hear(event: Event) -> None:
        if isinstance(event, Prepared):
            told.extend(event.notes)  # said at the end, with what else is to be known
            event = replace(event, notes=())
        for one in listeners:
            one(event)

    learner = search.learner()
    data = learner.prepared(search.X, search.y, groups=search.groups, run=Run(listeners=[hear]))
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
        "learner": search.kind,
        "target": search.target,
        "options": {**search.common, "epochs": search.epochs, "seed": search.seed},
    }
    return replace(
        search,
        X=_with_test(learner, search, data),
        y=None,
        groups=None,
        shape=(recipe.channels, recipe.height, recipe.width),
        teaching=len(data.split.train),
        judging=len(data.split.validation),
        facts=facts,
        notes=tuple(told),
    )


def _with_test(learner: Answering, search: Search, data: TrainingData[Labelled]) -> Pictures:
    """Return the pictures, those that judge in the end in a part that no training looks at.

    Near copies among them are known from here on: all trials keep the same pictures together.
    """
    X, y = search.X, search.y
    pictures = coerce(learner, X, y, groups=search.groups, target=learner._target(X, y))
    return replace(pictures.tested(data.split.test), near=data.near)


def content_of(data: TrainingData[Labelled]) -> str:
    """Tell pictures, labels and parts from others, wherever they lie and in whatever order."""
    hashes = data.store.hashes.tolist()
    rows = [
        json.dumps([pixels, str(one.label), str(one.part)])
        for pixels, one in zip(hashes, data.entries, strict=True)
    ]
    return hashlib.blake2b("\n".join(sorted(rows)).encode(), digest_size=16).hexdigest()
