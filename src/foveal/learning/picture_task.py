"""What all tasks share: pictures, how they come in batches, and where it is computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic

from foveal.device import Device
from foveal.learning.context import FitContext
from foveal.learning.data import T_co, TrainingData
from foveal.learning.descent import planned
from foveal.nets.plan import Plan
from foveal.pictures.augment import Augmentation
from foveal.progress.events import Planned
from foveal.training.config import TrainingConfig
from foveal.training.steps import Batches


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureTask(Generic[T_co]):
    """Something taught on pictures by gradient descent."""

    data: TrainingData[T_co]
    context: FitContext
    batch_size: int
    """Pictures a step, at most."""
    augmentation: Augmentation
    """How they are varied."""
    notes: tuple[str, ...] = ()
    """What a reader of its plan should know."""

    @property
    def device(self) -> Device:
        """Where it is computed."""
        return self.context.device

    @property
    def fewest(self) -> int:
        """Pictures of the smallest step: batches differ by one at most."""
        count = len(self.data.split.train)
        return count // -(-count // self.batch_size)

    @property
    def batches(self) -> Batches:
        """The training pictures, by epoch."""
        return self.data.batches(
            self.batch_size, self.augmentation, self.context.seed, self.device.name
        )

    def planned(self, plan: Plan, config: TrainingConfig) -> Planned:
        """Return the event that says what is trained, and how."""
        return planned(
            plan,
            config,
            epochs=config.steps / len(self.batches),
            augmentation=self.augmentation.level,
            flip=self.augmentation.flip,
            notes=self.notes,
        )
