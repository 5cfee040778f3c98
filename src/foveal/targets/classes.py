"""Classes: one label a picture, and the numbers that stand for labels in a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np
import torch

from foveal.arrays import Array, Hashes, Rows, Truths
from foveal.errors import DataError
from foveal.pictures.collection import Pictures
from foveal.pictures.units import contradictions
from foveal.targets.class_answers import ClassAnswers
from foveal.targets.head import Examples, FittedHead
from foveal.targets.labels import (
    NO_LABEL,
    check_classes,
    composed,
    labels_of,
    read_labels,
    refuse_unsupported,
)
from foveal.targets.named import check_label, weights_by_name
from foveal.targets.number_labels import plainly_numbers
from foveal.targets.target import Answers
from foveal.training.steps import LossOf, Scores, classification, judge_logits
from foveal.vocabulary import Task, normal_name
from foveal.wording import counted

UNKNOWN = -1
"""Class number of a label the model does not know, or of none."""
FEWEST = 2
"""Classes from which there is anything to tell apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Classes(ClassAnswers):
    """The class of a picture, one of several; a network ends with one logit a class."""

    names: Array = field(default_factory=lambda: np.empty(0, dtype=str))
    """The labels, in the order of their numbers; none before labels were learned."""
    label_smoothing: float = 0.0
    """Share of each label that the loss spreads out over all classes, 0 to 1."""
    class_weight: Mapping[Any, float] | str | None = None
    """What each class weighs in the loss, as in scikit-learn; None for the same."""
    task: ClassVar[Task] = "classification"

    @property
    def kept(self) -> Mapping[str, float]:
        """Nothing: a model file names the classes."""
        return {}

    @classmethod
    def restored(cls, names: Sequence[Any], kept: Mapping[str, float]) -> Self:
        """Return the classes that a model file names; see `Target`."""
        if not len(names) or kept:
            raise ValueError(f"names and numbers that do not belong to {cls.task}")
        return cls(names=np.array(names))

    def smoothed(self, share: float) -> Self:
        """Return the target with this share of each label spread out by the loss."""
        return replace(self, label_smoothing=share)

    def read(self, y: Any) -> Array:
        """Read the class of each picture as a person gives it; see `Target`."""
        labels = read_labels(y)
        refuse_unsupported(labels)
        check_classes(labels)
        return labels

    def check_labelled(self, pictures: Pictures) -> None:
        """Check that pictures have labels."""
        _labels_of(pictures)

    def learned(self, pictures: Pictures) -> Self:
        """Return the target with the classes that the labels name, sorted.

        Raises
        ------
        UsageError, DataError
            For several labels a picture, for labels that a model file could not keep, and for
            fewer than two classes.
        """
        labels = composed(_labels_of(pictures))
        known = labels[[label is not None for label in labels.tolist()]]
        for label in {type(one): one for one in known.tolist()}.values():
            check_label(label)
        _refuse_numbers(known.tolist())
        names = np.unique(_plain(known))
        for label in names.tolist():
            check_label(label)
        if len(names) < FEWEST:
            another = "add pictures of another class; of one `anomalies` finds what is unlike it"
            raise _too_few(f"1 class: {names[0]}" if len(names) else "no class", another)
        return replace(self, names=names)

    def answers(self, pictures: Pictures) -> Answers:
        """Return the class number of each row; `UNKNOWN` where it has none.

        Folder names are texts: the label "3" is the class 3 where classes are numbers, and an
        accent is one however it is written.
        """
        labels = _labels_of(pictures).tolist()
        numbers = {label: index for index, label in enumerate(self.names.tolist())}
        written = {normal_name(str(label)): index for label, index in numbers.items()}
        values = [
            UNKNOWN
            if label is None
            else numbers.get(label, written.get(normal_name(str(label)), UNKNOWN))
            for label in labels
        ]
        reasons = [
            "" if value != UNKNOWN else _reason(label)
            for label, value in zip(labels, values, strict=True)
        ]
        return Answers(np.array(values, dtype=np.intp), reasons)

    def strata(self, values_n: Array) -> Rows:
        """Return the classes themselves."""
        return values_n

    def named(self, values_n: Array, index: int) -> Truths:
        """Return which rows are of a class."""
        found: Truths = values_n == index
        return found

    def counts(self, values_n: Array) -> Rows:
        """Count the pictures of each class."""
        return np.bincount(values_n, minlength=len(self.names))

    def contradicted(self, hashes_n: Hashes, values_n: Array, rows: Rows) -> dict[int, str]:
        """Find rows whose picture stands under another class too: what it is is not known."""
        found = contradictions(hashes_n, values_n, rows)
        return {
            row: f"the same picture stands under {self.names[other]} too"
            for row, other in found.items()
        }

    def check_enough(self, values_n: Array, hashes_n: Hashes, left_out: Callable[[], str]) -> None:
        """Check that every class has a picture to train on."""
        trained = np.flatnonzero(self.counts(values_n))
        without = [str(self.names[one]) for one in range(len(self.names)) if one not in trained]
        if not without:
            return
        came = f"{counted(len(trained), 'class', 'classes')} with pictures"
        raise _too_few(f"{came}; none to train on in {', '.join(without[:5])}{left_out()}")

    def weights(self, values_n: Array) -> np.ndarray[Any, np.dtype[np.float32]] | None:
        """Return what each class weighs in the loss, (k,); None for the same.

        Parameters
        ----------
        values_n : array of int, (n,)
            Class numbers of the training pictures, which "balanced" weighs by.

        Raises
        ------
        UsageError
            For classes that there are not, and for weights that are no weights.
        """
        if self.class_weight is None:
            return None
        if isinstance(self.class_weight, str):  # "balanced", as in scikit-learn
            counts = self.counts(values_n)
            return np.asarray(counts.sum() / (len(counts) * counts), dtype=np.float32)
        return weights_by_name(self.class_weight, self.names.tolist())

    def loss(self, values_n: Array, device: str) -> LossOf:
        """Make the cross-entropy of logits and class numbers."""
        weights = self.weights(values_n)
        on_device = None if weights is None else torch.from_numpy(weights).to(device)
        return classification(self.label_smoothing, on_device)

    def judge(self, outputs_nk: torch.Tensor, values_n: Array) -> Scores:
        """Score logits by log loss and by the share of right answers."""
        return judge_logits(outputs_nk, torch.from_numpy(values_n))

    def fit_head(
        self, examples: Examples, taught_n: Array, C: float | None, *, judged: bool = True
    ) -> FittedHead:
        """Fit a logistic regression, its penalty cross-validated; see `Labelled`."""
        from foveal.targets.logistic import fit_head

        return fit_head(
            examples.features_vnd,
            examples.values_n,
            examples.units_n,
            classes=self.outputs,
            class_weights=self.weights(taught_n),
            sample_weights_n=examples.weights_n,
            seed=examples.seed,
            threads=examples.threads,
            C=C,
            judged=judged,
        )


def _refuse_numbers(labels: list[Any]) -> None:
    """Refuse labels that are plainly numbers."""
    broken = plainly_numbers(labels)
    if not broken:
        return
    raise DataError(
        "classes",
        needed="labels that name classes, each with several pictures",
        came=f"{counted(len(broken), 'different number')} in "
        f"{counted(len(labels), 'picture')}, such as {broken[0]} and {broken[-1]}",
        remedy="learn them as numbers (`target_kind` numbers; in Python CNNRegressor or "
        "TransferRegressor)",
    )


def _labels_of(pictures: Pictures) -> Array:
    labels = labels_of(
        pictures,
        needed="labels: a folder a class, or y",
        remedy="sort the pictures into one folder a class, or say by `label_from` how labels are "
        "read off their names; in Python, y will do too",
    )
    refuse_unsupported(labels)
    return labels


def _reason(label: object) -> str:
    return NO_LABEL if label is None else f"class {label} is unknown to the model"


def _too_few(
    came: str,
    remedy: str = "give each class pictures to train on, or leave it out of folders and tables",
) -> DataError:
    return DataError(
        "classes",
        needed="at least 2 classes, each with pictures to train on",
        came=came,
        remedy=remedy,
    )


def _plain(labels: Array) -> Array:
    """Return labels of one type held as objects in a dtype of their own."""
    values = labels.tolist()
    if labels.dtype == object and len(set(map(type, values))) == 1:
        return np.asarray(values)
    return labels
