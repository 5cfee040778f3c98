"""What a report is written from: a model, and what is known of how it came to be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from foveal.evaluation.label_metrics import LabelMetrics
from foveal.evaluation.metrics import Metrics
from foveal.evaluation.regression import NumberMetrics
from foveal.inference.features import FOUND
from foveal.judging.evaluation import Evaluation
from foveal.model.fitted import FittedModel
from foveal.pictures.collection import Pictures
from foveal.training.record import RunRecord


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Material:
    """What a report is written from."""

    model: FittedModel
    name: str
    """How the model is called."""
    source: str
    """How its pictures are called, as they were typed; empty where that is not known."""
    pictures: Pictures | None
    """Pictures to show it on; None where there are none at hand."""
    evaluation: Evaluation | None
    """How it fares; None where nothing judged it, and for autoencoders."""
    record: RunRecord | None
    """What its training left; None where there is nothing."""
    sha256: str
    """Of the model's file; empty where it is in none."""
    judging: str = ""
    """The line that judged it on `source`, as it was typed; empty where training alone did."""
    unrelated: str = ""
    """Why a run that was named is left out: it did not make the model."""
    said: Callable[[str], str] = str
    """Words the library's text as its reader knows it, such as options for parameters."""

    @property
    def classified(self) -> Evaluation | None:
        """How it fares, where it says which class a picture is of; else None."""
        found = self.evaluation
        return found if found is not None and isinstance(found.metrics, Metrics) else None

    @property
    def measured(self) -> Evaluation | None:
        """How it fares, where it answers with a number; else None."""
        found = self.evaluation
        return found if found is not None and isinstance(found.metrics, NumberMetrics) else None

    @property
    def several(self) -> Evaluation | None:
        """How it fares, where it gives pictures several labels; else None."""
        found = self.evaluation
        return found if found is not None and isinstance(found.metrics, LabelMetrics) else None

    @property
    def epochs(self) -> tuple[dict[str, Any], ...]:
        """The epochs of its training; none where there are none, or no record of them."""
        return () if self.record is None else self.record.epochs

    def notes(self) -> tuple[str, ...]:
        """Return everything unusual that was said, at training and at judging, each once."""
        told = [self.unrelated] * bool(self.unrelated)
        told += [] if self.record is None else [*self.record.notes]
        judged = [] if self.evaluation is None else [*self.evaluation.notes]
        ours = (note for note in [*told, *judged] if FOUND not in note)  # those tell of the machine
        return tuple(dict.fromkeys(map(self.said, ours)))
