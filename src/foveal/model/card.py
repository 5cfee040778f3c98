"""What a model file says beside its tensors: a fixed vocabulary, checked to the letter.

Nothing here can name code, an address or a path. Two trainings with the same outcome give the
same card: no dates, no durations, no host.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    field_serializer,
    model_validator,
)

from foveal.evaluation.intervals import Estimate, cross_validated_number, wilson
from foveal.evaluation.reconstruction import Reconstruction
from foveal.recipe import PictureRecipe
from foveal.targets.kinds import KINDS
from foveal.targets.labelled import Labelled
from foveal.training.config import TrainingConfig
from foveal.vocabulary import CROSSED, Judge, Level, Loss, Noise, Task

FORMAT: Literal[1] = 1
"""Version of the file format; raised when older software could no longer read a file right."""

T = TypeVar("T")
Added = Annotated[T | None, Field(exclude_if=lambda value: value is None)]
"""What format 1 did not know at first: left out where it is None, so that hashes stay."""
Name = Annotated[str, Field(max_length=100)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, lt=2**63)]
Label = Annotated[str, Field(max_length=1_000)] | int | float | bool


class Origin(BaseModel):
    """Whose kernels a model reuses."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: Annotated[str, Field(max_length=1_000)]
    """Name of the backbone."""
    source: Literal["package", "file", "hub", "model"]
    """Where its weights came from."""
    sha256: Annotated[str, Field(max_length=64)]
    """Of the file that held them."""
    stage: Annotated[str, Field(max_length=200)]
    """Where it was cut: what came before is fixed."""


class Fit(BaseModel):
    """The logistic or ridge regression that a head was fitted by."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)

    C: Annotated[float, Field(gt=0, alias="strength")]
    """Inverse of the penalty, as in scikit-learn; the file says `strength`."""
    folds: int
    """Folds of the cross-validation that chose it; 0 where there was none."""
    views: int
    """Variations of each picture it was fitted on."""


class Coding(BaseModel):
    """What an autoencoder's training minimised."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    loss: Loss
    noise: Noise
    noise_level: Annotated[float, Field(ge=0, le=1)]
    """Standard deviation of gaussian noise, or share of the picture that is masked."""
    beta: Annotated[float, Field(ge=0)] | None
    """Weight of the divergence from the normal distribution; None where it is not variational."""
    reconstruction: Reconstruction | None = None
    """How it fares; None where no picture was held out."""

    @field_serializer("reconstruction", mode="wrap")
    def _known(self, value: Any, serialize: SerializerFunctionWrapHandler) -> Any:
        """Leave out shares that format 1 did not know at first, so that hashes stay."""
        facts = serialize(value)
        return facts and {
            name: _without_none(one) if isinstance(one, dict) else one
            for name, one in _without_none(facts).items()
        }


def _without_none(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in facts.items() if one is not None}


class Provenance(BaseModel):
    """How a model came to be."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    foveal: str
    """Version of Foveal that trained it."""
    torch: str
    """Version of torch that trained it."""
    config: TrainingConfig | None = None
    """What the training by gradient descent did; None where there was none."""
    logistic: Fit | None = None
    """What the fit of a head for classes did; None where it was trained by descent alone."""
    ridge: Added[Fit] = None
    """What the fit of a head for numbers did."""
    backbone: Origin | None = None
    """Whose kernels are reused; None for a network trained from scratch."""
    coding: Coding | None = None
    """What an autoencoder was taught, and how it fares; None for classifiers."""
    augmentation: Level
    flip: bool
    class_counts: list[Count]
    """Training pictures of each class."""
    judged_by: Judge = "validation"
    """Held-out pictures: a part of their own, or each fold of the training pictures in turn."""
    validation_pictures: Count
    validation_right: Count | None
    """Validation pictures answered right by the chosen weights."""
    validation_effective: Added[float] = None
    """Independent pictures that they are worth, where some belong together or folds judged."""
    calibrated_loss: Added[Finite] = None
    """Mean loss of the held-out pictures once they have calibrated the model: the log loss of
    classes and labels, in natural logarithms. None where none was held out."""
    figures: Added[Annotated[dict[Name, Estimate], Field(max_length=100)]] = None
    """How held-out pictures were answered, by name, where nothing is right or wrong."""
    unjudged: Added[list[int]] = None
    """Numbers of the classes of which no picture was held out, where others were judged."""
    labelled_by: Added[list[str]] = None
    """Columns of a table that labels were asked to be of; None for those of the source."""
    best_epoch: Count
    """Epoch the weights were chosen from."""
    snapshot_steps: list[Count]
    """Steps at which the kept first-layer kernels were taken."""

    @property
    def fit(self) -> tuple[str, Fit] | None:
        """What fitted the head at once, by name; None where gradient descent alone did."""
        named = (("logistic", self.logistic), ("ridge", self.ridge))
        return next(((name, one) for name, one in named if one is not None), None)

    @property
    def held_out_figures(self) -> dict[str, Estimate]:
        """Figures of the held-out pictures, by name; none where none was held out."""
        accuracy = self.validation_accuracy
        return dict(self.figures or {}) if accuracy is None else {"accuracy": accuracy}

    @property
    def together(self) -> bool:
        """Whether held-out pictures are worth fewer than their number since some belong together.

        A cross-validation is worth fewer by itself, which needs no telling.
        """
        worth, pictures = self.validation_effective, float(self.validation_pictures)
        if worth is None or self.validation_right is None:
            return False
        share = self.validation_right / pictures
        crossed = self.judged_by in CROSSED
        alone = cross_validated_number(share, pictures) if crossed else pictures
        return worth < 0.99 * alone

    @property
    def validation_accuracy(self) -> Estimate | None:
        """Share of held-out pictures answered right, with its interval; None without any."""
        if self.validation_right is None or not self.validation_pictures:
            return None
        count = self.validation_pictures
        worth = (self.validation_effective or count) / count
        return wilson(self.validation_right, count, worth=worth)

    @field_serializer("config", mode="wrap")
    def _without_what_format_1_did_not_know(
        self, config: TrainingConfig | None, plain: SerializerFunctionWrapHandler
    ) -> dict[str, Any] | None:
        """Leave the usual precision out, so that hashes stay."""
        found: dict[str, Any] | None = plain(config)
        if found is not None and config is not None and config.precision == "float32":
            del found["precision"]
        return found


class Card(BaseModel):
    """The JSON of a model file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1]
    task: Task
    network: Annotated[str, Field(max_length=100_000)]
    """The network in the notation, with its input and its last layer filled in."""
    fixed: Annotated[int, Field(ge=0)] = 0
    """Layers, from the picture on, that training did not change."""
    code: Annotated[int, Field(ge=0)] = 0
    """Layers, from the picture on, that are the encoder of an autoencoder; 0 in classifiers."""
    recipe: PictureRecipe
    classes: Annotated[list[Label], Field(strict=True)]
    """What the outputs are called: classes."""
    kept: Added[Annotated[dict[Name, Finite], Field(max_length=1_000)]] = None
    """Further numbers of what the model says of a picture; classes have none."""
    temperature: Annotated[float, Field(ge=1e-3, le=1000)]
    """Divides the logits before the softmax."""
    provenance: Provenance

    @field_serializer("recipe", mode="wrap")
    def _as_before(self, recipe: PictureRecipe, write: Any) -> dict[str, Any]:
        """Leave out of the recipe, too, what format 1 did not know at first (see `Added`)."""
        said: dict[str, Any] = write(recipe)
        return {name: one for name, one in said.items() if name != "ground" or one is not None}

    @model_validator(mode="after")
    def _belongs(self) -> Card:
        """Check the parts against the task."""
        if self.task not in KINDS:
            raise ValueError("a task that there is not")
        encodes = not issubclass(KINDS[self.task], Labelled)
        if encodes != (self.code > 0):
            raise ValueError(f"a code that does not belong to {self.task}")
        if encodes != (self.provenance.coding is not None):
            raise ValueError(f"a provenance that does not belong to {self.task}")
        known = self.provenance
        if self.classes and not encodes and len(known.class_counts) != len(self.classes):
            raise ValueError("counts that do not belong to the classes")
        if (known.validation_right or 0) > known.validation_pictures:
            raise ValueError("more right answers than pictures that were asked")
        return self
