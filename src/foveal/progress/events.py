"""What training says while it runs. Events are data; whoever listens decides what to show."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all events; `kind` names it in events.jsonl."""

    kind: ClassVar[str]


Listener = Callable[[Event], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoding(Event):
    """Pictures are being decoded into the store."""

    kind: ClassVar[str] = "decoding"
    done: int
    total: int
    purpose: str = ""
    """What for, where that is not training: "the report"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extracting(Event):
    """Pictures are going through a frozen network."""

    kind: ClassVar[str] = "extracting"
    done: int
    total: int
    network: str
    """Name of the network."""
    more: int
    """Pictures since the last time it was told."""


def passing(tell: Listener, network: str, *later: str) -> Callable[[int, int], None]:
    """Make what tells how many pictures are through a network: called with done and in all.

    A count that does not grow, or another total, begins another pass, through the next of `later`.
    """
    through, before, of = [network, *later], 0, 0

    def progress(done: int, total: int) -> None:
        nonlocal before, of
        if of and (done <= before or total != of):
            before = 0
            del through[: len(through) > 1]
        tell(Extracting(done=done, total=total, network=through[0], more=done - before))
        before, of = done, total

    return progress


@dataclass(frozen=True, slots=True, kw_only=True)
class PartWritten(Event):
    """A part of the answers of many pictures is whole."""

    kind: ClassVar[str] = "part"
    done: int
    """Parts that are whole."""
    total: int | None
    """All parts of this share; None where that is known at the end alone."""
    kept: int
    """Those done that were there before."""
    rows: int
    """Rows of the parts that are whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CutTried(Event):
    """A stage of a backbone was tried as the place to cut."""

    kind: ClassVar[str] = "cut"
    stage: str
    features: int
    """Numbers that a picture has there."""
    log_loss: float
    """Mean log loss on held-out pictures."""
    accuracy: float
    """Share of held-out pictures answered right."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadFitted(Event):
    """A regression on features is fitted, its penalty chosen."""

    kind: ClassVar[str] = "head"
    fit: str = "logistic"
    """"logistic" or "ridge"."""
    C: float
    """Inverse of the penalty, as C of scikit-learn."""
    folds: int
    """Folds of the cross-validation that chose it; 0 where there was none."""
    log_loss: float | None
    """Mean loss on held-out pictures: the log loss of classes."""
    figures: dict[str, str]
    """Other figures of held-out pictures, where nothing is right or wrong."""
    right: int | None
    """Held-out pictures answered right."""
    judged: int
    """Held-out pictures."""
    judged_by: str
    """"cross-validation" or "validation"."""
    seconds: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TeachingAnew(Event):
    """Networks of a learning curve, or heads of one, are taught by fewer pictures."""

    kind: ClassVar[str] = "teaching anew"
    done: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared(Event):
    """The pictures are ready."""

    kind: ClassVar[str] = "prepared"
    pictures: int
    left_out: int
    """Files that could not be used; the ledger names them."""
    classes: dict[str, int]
    """Training pictures of each class."""
    train: int
    validation: int
    test: int
    duplicates: int
    """Training pictures left out because they stand in another part too."""
    size: str
    """Channels, height and width of a prepared picture."""
    warm: bool
    """Whether the pictures were found decoded already."""
    seconds: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned(Event):
    """Network and training are decided."""

    kind: ClassVar[str] = "planned"
    network: str
    parameters: int
    multiply_adds: int
    table: str
    config: dict[str, Any]
    augmentation: str
    """Level of the random variations of training pictures."""
    flip: bool
    """Whether half of the pictures are mirrored."""
    epochs: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed(Event):
    """Training goes on from a checkpoint, or anew where there is none (step 0)."""

    kind: ClassVar[str] = "resumed"
    step: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEnded(Event):
    """One optimizer step is done."""

    kind: ClassVar[str] = "step"
    step: int
    steps: int
    epoch: int
    loss: float
    """Mean training loss of the epoch so far, by the measure of validation: without label
    smoothing and class weights."""
    accuracy: float
    """Training accuracy of the epoch so far, on varied pictures; NaN without labels."""
    learning_rate: float
    pictures_per_second: float
    remaining: float
    """Seconds left, estimated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortened(Event):
    """The machine became slower: training is to end sooner, for its budget of seconds."""

    kind: ClassVar[str] = "shortened"
    step: int
    steps: int
    """Steps in all, from now on."""
    before: int
    """Steps in all, before."""
    seconds: float
    """Wall time of training so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochEnded(Event):
    """An epoch, or the last part of one, is done and was judged on validation pictures."""

    kind: ClassVar[str] = "epoch"
    epoch: int
    step: int
    loss: float
    accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    validation_pictures: int
    best: bool
    """Whether these weights are the best so far."""
    seconds: float
    """Wall time of the epoch, all included."""
    computing: float
    """Seconds of it in forward, backward and optimizer."""
    judging: float
    """Seconds of it on validation pictures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldBegan(Event):
    """A whole training begins whose outcome is judged on one fold of the pictures."""

    kind: ClassVar[str] = "fold began"
    fold: int
    """Number of the fold, from 1 on."""
    folds: int
    taught: int
    """Pictures of the other folds."""
    judged: int
    """Pictures of this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldEnded(Event):
    """A fold was judged."""

    kind: ClassVar[str] = "fold"
    fold: int
    folds: int
    figure: str
    """How it fares, with an interval."""
    seconds: float
    kept: bool
    """Whether it was judged by an earlier run, and not trained again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldsJudged(Event):
    """Every fold was judged; the model is trained on all pictures."""

    kind: ClassVar[str] = "folds"
    facts: dict[str, Any]
    """Every figure, as plain numbers."""
    lines: tuple[str, ...]
    """The same for a person."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconstructed(Event):
    """An autoencoder was judged on pictures that did not teach, beside principal components."""

    kind: ClassVar[str] = "reconstructed"
    facts: dict[str, Any]
    """Every figure, as plain numbers."""
    lines: tuple[str, ...]
    """The same for a person."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished(Event):
    """Training is done."""

    kind: ClassVar[str] = "finished"
    steps: int
    best_epoch: int
    validation_accuracy: float | None
    validation_pictures: int
    notes: tuple[str, ...] = ()


def to_json(event: Event) -> str:
    """Write an event as one line of JSON; numbers that are not finite become null."""
    values = {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in asdict(event).items()
    }
    return json.dumps({"kind": event.kind, **values}, allow_nan=False)
