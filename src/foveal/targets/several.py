"""Several labels a picture, or none: each is there or not, whatever the others are.

A network ends with one logit a label, of which a sigmoid makes its probability. The loss is the
cross-entropy of each label by itself, the mean over all of them. From which probability on a label
is given is chosen for each on pictures that did not train. Axes: n picture, k label.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from foveal.arrays import Array, Doubles, Hashes, Rows, Truths
from foveal.errors import DataError
from foveal.evaluation.label_thresholds import HALF, best_thresholds
from foveal.pictures.collection import Pictures
from foveal.pictures.label_sets import LabelSet, label_sets, matrix_of, of_columns, of_texts
from foveal.pictures.units import contradictions
from foveal.targets.head import Examples, FittedHead
from foveal.targets.label_answers import LabelAnswers
from foveal.targets.label_strata import strata_of
from foveal.targets.labels import NO_LABEL, labels_of
from foveal.targets.named import check_label, weights_by_name
from foveal.targets.target import Answers
from foveal.training.steps import UNANSWERED, Batch, BatchLoss, LossOf, Scores
from foveal.vocabulary import Task
from foveal.wording import counted

AUTO = "auto"
MOST_LABELS = 1_000
"""Labels that a network is taught, at most."""
NAMED = 3
"""Labels that a message names, at most."""
NEVER, ALWAYS = 1.0, 0.0
"""Thresholds that no probability is above, and that each is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeveralLabels(LabelAnswers):
    """The labels of a picture, any number of them."""

    names: Array = field(default_factory=lambda: np.empty(0, dtype=str))
    """The labels, in the order of the outputs; none before labels were learned."""
    thresholds: tuple[float, ...] = ()
    """Probability above which each label is given; empty before they are chosen, one half then."""
    chosen: tuple[bool, ...] = ()
    """Whether held-out pictures chose each threshold; else they were too few."""
    label_smoothing: float = 0.0
    """Share by which the loss moves each label from 0 or 1 towards how frequent it is."""
    class_weight: Mapping[Any, float] | str | None = None
    """What each label weighs in the loss; "balanced" weighs pictures with it and without alike."""
    separator: str | None = None
    """What stands between labels in a text; None or "auto" for what is found there."""
    told: tuple[str, ...] = field(default=(), compare=False)
    """What a reader should know of how labels were read."""
    task: ClassVar[Task] = "labels"

    @property
    def kept(self) -> Mapping[str, float]:
        """The thresholds, by the numbers of labels: of those that were not chosen none is kept."""
        known = zip(self.thresholds, self.chosen, strict=True)
        return {str(at): one for at, (one, chosen) in enumerate(known) if chosen}

    @classmethod
    def restored(cls, names: Sequence[Any], kept: Mapping[str, float]) -> Self:
        """Return the labels that a model file names; see `Target`."""
        places = {str(at) for at in range(len(names))}
        fine = 0 < len(names) <= MOST_LABELS and set(kept) <= places
        if not fine or not all(0 <= one <= 1 for one in kept.values()):
            raise ValueError(f"names and numbers that do not belong to {cls.task}")
        return cls(
            names=np.array(names),
            thresholds=tuple(kept.get(str(at), HALF) for at in range(len(names))),
            chosen=tuple(str(at) in kept for at in range(len(names))),
        )

    # What labels say ------------------------------------------------------------------------

    def smoothed(self, share: float) -> Self:
        """Return the target with this share of each label spread out by the loss."""
        return replace(self, label_smoothing=share)

    def read(self, y: Any) -> Array:
        """Read the labels of each picture as a person gives them; see `Target`."""
        return label_sets(y)

    def check_labelled(self, pictures: Pictures) -> None:
        """Check that pictures have labels."""
        _labels_of(pictures)

    def learned(self, pictures: Pictures) -> Self:
        """Return the target with all labels that pictures bear, sorted, or as columns have them.

        Raises
        ------
        DataError
            For labels that a model file could not keep, where there is not one, and for more than
            `MOST_LABELS`.
        """
        read, told = self._sets_of(pictures)
        sets = {one for one in read if one is not None}
        among = {one.among for one in sets}
        found = {label for one in sets for label in one.labels}
        names = [*among.pop()] if len(among) == 1 else []
        if not names or not found <= set(names):
            names = sorted(found, key=lambda one: (isinstance(one, str), one))
        for label in names:
            check_label(label)
        if not found:
            raise _too_few("pictures without any label" if sets else "no picture with labels")
        if len(names) > MOST_LABELS:
            raise DataError(
                "labels",
                needed=f"at most {MOST_LABELS:,} labels",
                came=f"{len(names):,}: {_named(names)}",
                remedy="leave rare labels out; is this the column of labels?",
            )
        return replace(self, names=np.array(names), told=told)

    def answers(self, pictures: Pictures) -> Answers:
        """Return which labels each row bears, (n, k); a label that is not known is a reason."""
        sets, _ = self._sets_of(pictures)
        values, unknown = matrix_of(sets, self.names.tolist())
        reasons = [
            NO_LABEL if one is None else f"label {odd} is unknown to the model" if odd else ""
            for one, odd in zip(sets, unknown, strict=True)
        ]
        return Answers(values, reasons)

    def _sets_of(self, pictures: Pictures) -> tuple[list[LabelSet | None], tuple[str, ...]]:
        """Read labels that are sets already, or texts that name several; and notes."""
        labels = _labels_of(pictures)
        if labels.ndim > 1 and pictures.labelled_by:
            named = zip(pictures.labelled_by, labels.T.tolist(), strict=True)
            labels = of_columns(dict(named), "label")
        elif labels.ndim > 1:
            labels = label_sets(labels)
        values: list[Any] = labels.tolist()
        if all(one is None or isinstance(one, LabelSet) for one in values):
            return values, ()
        asked = None if self.separator == AUTO else self.separator
        return of_texts(values, separator=asked, known=self.names.tolist())

    def remarks(self, values_n: Array) -> tuple[str, ...]:
        """Say how labels were read, and of which no picture teaches when they are there, or not."""
        count = self.counts(values_n)
        names = self.names.tolist()
        never = [name for name, one in zip(names, count, strict=True) if one == 0]
        always = [name for name, one in zip(names, count, strict=True) if one == len(values_n)]
        return (
            *self.told,
            *[f"no training picture bears {_named(never)}: never given to any picture"]
            * bool(never),
            *[f"every training picture bears {_named(always)}: given to every picture"]
            * bool(always),
        )

    def scaled(self, values_n: Array) -> Array:
        """Return which labels are there as 0 and 1, as the loss takes them."""
        return values_n.astype(np.float32)

    def strata(self, values_n: Array) -> Rows:
        """Return strata by which each part of a split gets its share of every label."""
        return strata_of(values_n)

    def named(self, values_n: Array, index: int) -> Truths:
        """Return which rows bear a label."""
        found: Truths = values_n[:, index].astype(bool)
        return found

    def counts(self, values_n: Array) -> Rows:
        """Count the pictures of each label."""
        found: Rows = np.asarray(values_n, dtype=bool).sum(axis=0)
        return found

    def contradicted(self, hashes_n: Hashes, values_n: Array, rows: Rows) -> dict[int, str]:
        """Find rows whose picture bears other labels elsewhere: which are right is not known."""
        packed = np.packbits(values_n, axis=1)
        of_n = np.unique(packed, axis=0, return_inverse=True)[1].ravel()
        found = contradictions(hashes_n, of_n, rows)
        one_of = {number: row for row, number in enumerate(of_n.tolist())}
        written = {n: self.written_value(values_n[one_of[n]]) for n in set(found.values())}
        return {
            row: f"the same picture bears other labels too, {written[other]}: "
            "write all labels of a picture in one row"
            for row, other in found.items()
        }

    def check_enough(self, values_n: Array, hashes_n: Hashes, left_out: Callable[[], str]) -> None:
        """Check that some label is there in one training picture, and not in another."""
        count = self.counts(values_n)
        if not len(values_n) or not ((count > 0) & (count < len(values_n))).any():
            raise _too_few(f"{counted(len(values_n), 'picture')} that bear the same{left_out()}")

    # How it is taught -----------------------------------------------------------------------

    def weights(self, values_n: Array) -> Doubles | None:
        """Return what each label weighs where it is absent and where it is there, (2, k).

        "balanced" is that of scikit-learn for each label by itself: half of the pictures by those
        that bear it, and by those that do not. None for the same.
        """
        if self.class_weight is None:
            return None
        if isinstance(self.class_weight, str):
            there = np.asarray(self.counts(values_n), dtype=np.float64)
            both = np.stack([len(values_n) - there, there])
            return np.where(both > 0, len(values_n) / (2 * np.maximum(both, 1)), 1.0)
        each = weights_by_name(self.class_weight, self.names.tolist())
        return np.stack([each, each]).astype(np.float64)

    def loss(self, values_n: Array, device: str) -> LossOf:
        """Make the cross-entropy of each label, the mean over all of them."""
        weights, share = self.weights(values_n), self.label_smoothing
        usual = torch.tensor(np.asarray(values_n, dtype=np.float32).mean(axis=0), device=device)
        both = None if weights is None else torch.tensor(weights, dtype=torch.float32)
        both = None if both is None else both.to(device)

        def loss_of(network: nn.Module, batch: Batch) -> BatchLoss:
            logits_nk, there_nk = network(batch.images_nchw), batch.values_n
            wanted_nk = there_nk + share * (usual - there_nk) if share else there_nk
            each = F.binary_cross_entropy_with_logits(logits_nk, wanted_nk, reduction="none")
            if both is not None:
                each = each * (both[0] + there_nk * (both[1] - both[0]))
            loss_n = each.mean(dim=1)
            loss = loss_n.mean() if batch.weights_n is None else (batch.weights_n * loss_n).mean()
            told = F.binary_cross_entropy_with_logits(logits_nk.detach(), there_nk)
            return BatchLoss(loss, told, UNANSWERED)

        return loss_of

    def judge(self, outputs_nk: torch.Tensor, values_n: Array) -> Scores:
        """Score logits by their cross-entropy: no threshold is chosen yet by which to be right."""
        return Scores(self.mean_loss(outputs_nk.double().numpy(), values_n), None, len(values_n))

    def calibrated(self, outputs_nk: Array, values_n: Array, taught_n: Array) -> Self:
        """Choose the threshold of each label by the F1 of pictures that did not train.

        A label that no training picture bears, or each, is given to none, or to all: of it nothing
        was learned, whatever a network says.
        """
        temperature = self.temperature(outputs_nk, values_n)
        truths = np.asarray(values_n, dtype=bool)
        found, chosen = best_thresholds(self.predicted(outputs_nk, temperature), truths)
        count = self.counts(taught_n)
        for same, threshold in ((count == 0, NEVER), (count == len(taught_n), ALWAYS)):
            found[same], chosen[same] = threshold, True
        return replace(self, thresholds=tuple(found.tolist()), chosen=tuple(chosen.tolist()))

    def uncalibrated(self) -> Self:
        """Return the target without thresholds."""
        return replace(self, thresholds=(), chosen=())

    def fit_head(
        self, examples: Examples, taught_n: Array, C: float | None, *, judged: bool = True
    ) -> FittedHead:
        """Fit a logistic regression for each label; see `Labelled`."""
        from foveal.targets.label_logistic import fit_label_head

        return fit_label_head(
            examples.features_vnd,
            np.asarray(examples.values_n, dtype=bool),
            examples.units_n,
            label_weights=self.weights(taught_n),
            sample_weights_n=examples.weights_n,
            seed=examples.seed,
            threads=examples.threads,
            C=C,
            judged=judged,
        )


def _labels_of(pictures: Pictures) -> Array:
    return labels_of(
        pictures,
        needed="labels: a table that says them, or y",
        remedy="name them in the column label, with a separator between, as in red;round; in "
        "Python, y will do too",
    )


def _named(names: Sequence[Any]) -> str:
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return f"{', '.join(map(str, names[:NAMED]))}{more}"


def _too_few(came: str) -> DataError:
    return DataError(
        "labels",
        needed="a label that some training pictures bear, and others do not",
        came=came,
        remedy="add pictures with labels, and some without each; is this the column of labels?",
    )
