"""Numbers: one a picture, such as an age, a count or a dose.

A network ends with one number, in spreads from the middle of those that taught it. The middle is
their median and a spread their interquartile range, brought to that of a normal distribution, so
that a few outliers move neither. The loss is Huber's (Annals of Mathematical Statistics 35, 1964):
squared near the truth and linear beyond one spread. Errors on pictures that did not train say how
wide the interval of an answer is (split conformal prediction: Vovk, Gammerman and Shafer,
"Algorithmic Learning in a Random World", 2005; as Romano, Patterson and Candes set it out, NeurIPS
2019). Axes: n picture, k output of the network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from foveal.arrays import Array, Doubles, Floats, Hashes, Rows, Truths
from foveal.errors import DataError, UsageError
from foveal.evaluation.conformal import rank_of, threshold_of
from foveal.evaluation.intervals import Estimate
from foveal.nets.plan import Plan
from foveal.pictures.collection import Pictures
from foveal.pictures.label_sets import says_several
from foveal.targets.head import Examples, FittedHead
from foveal.targets.labels import labels_of
from foveal.targets.number_answers import NumberAnswers
from foveal.targets.number_labels import numbers_of, read_numbers
from foveal.targets.target import Answers
from foveal.training.steps import UNANSWERED, Batch, BatchLoss, LossOf, Scores
from foveal.vocabulary import Task
from foveal.wording import counted

FEWEST = 2
"""Different numbers from which there is anything to tell apart."""
FAR = 20.0
"""Spreads from the middle beyond which a number is taught as if it lay there."""
NORMAL = 1.349
"""Interquartile range of a normal distribution, in standard deviations."""
STRATA = 5
"""Strata of equally many numbers, of which every part of a split gets its share."""
MISSED = 0.1
"""Share of numbers that may lie outside of the intervals of their answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers(NumberAnswers):
    """A number a picture; a network ends with it in spreads from the middle."""

    middle: float = 0.0
    """Median of the numbers that taught."""
    spread: float = 1.0
    """How far they lie apart: what the network counts in."""
    reach: float | None = None
    """Half the width of an interval; None where too few pictures were held out."""
    task: ClassVar[Task] = "regression"
    head: ClassVar[str | None] = "ridge"

    @property
    def names(self) -> Array:
        """Return no names: there is one output, the number."""
        return np.empty(0, dtype=str)

    @property
    def outputs(self) -> int:
        """One number."""
        return 1

    @property
    def kept(self) -> Mapping[str, float]:
        """Middle, spread and reach, where there is one."""
        reach = {} if self.reach is None else {"reach": self.reach}
        return {"middle": self.middle, "spread": self.spread, **reach}

    @property
    def stated(self) -> float | None:
        """Share of numbers that the intervals are said to hold; None where there are none."""
        return None if self.reach is None else 1 - MISSED

    @classmethod
    def asked(cls, **options: Any) -> Self:
        """Return numbers of which nothing is known yet; there are no options."""
        return cls(**options)

    @classmethod
    def restored(cls, names: Sequence[Any], kept: Mapping[str, float]) -> Self:
        """Return the numbers that a model file keeps; see `Target`."""
        known = {"middle", "spread"} <= set(kept) <= {"middle", "spread", "reach"}
        if len(names) or not known or kept["spread"] <= 0 or kept.get("reach", 0.0) < 0:
            raise ValueError(f"names and numbers that do not belong to {cls.task}")
        return cls(middle=kept["middle"], spread=kept["spread"], reach=kept.get("reach"))

    def read(self, y: Any) -> Array:
        """Read the number of each picture as a person gives it; see `Target`."""
        return read_numbers(y)

    def check_labelled(self, pictures: Pictures) -> None:
        """Check that pictures have labels."""
        _labels_of(pictures)

    def learned(self, pictures: Pictures) -> Self:
        """Return the target with middle and spread of the numbers of the training pictures.

        Those of a test part that is named are not looked at.

        Raises
        ------
        UsageError, DataError
            For several numbers a picture, and where labels are no numbers.
        """
        values, reasons = numbers_of(_labels_of(pictures))
        known = np.array([not reason for reason in reasons], dtype=bool)
        if not known.any():
            first = next((one for one in reasons if one), "no picture")
            raise DataError(
                "numbers",
                needed="a number for each picture",
                came=f"none; {first}",
                remedy="name the column that holds numbers (`label`), or learn classes",
            )
        taught = known if pictures.parts is None else known & (pictures.parts != "test")
        middle, spread = measured(values[taught] if taught.any() else values[known])
        return replace(self, middle=middle, spread=spread)

    def answers(self, pictures: Pictures) -> Answers:
        """Return the number of each row; NaN where it has none."""
        values, reasons = numbers_of(_labels_of(pictures))
        return Answers(values, reasons)

    def scaled(self, values_n: Array) -> Floats:
        """Return numbers in spreads from the middle, at most `FAR` of them."""
        found: Floats = np.clip(self.in_spreads(values_n), -FAR, FAR).astype(np.float32)
        return found

    def in_spreads(self, values_n: Array) -> Doubles:
        """Return numbers in spreads from the middle."""
        return (np.asarray(values_n, dtype=np.float64) - self.middle) / self.spread

    def strata(self, values_n: Array) -> Rows:
        """Return fifths by the size of the number; 0 too where there is none."""
        values = np.asarray(values_n, dtype=np.float64)
        known = values[np.isfinite(values)]
        if not len(known):
            return np.zeros(len(values), dtype=np.intp)
        edges = np.unique(np.quantile(known, np.arange(1, STRATA) / STRATA))
        found: Rows = np.searchsorted(edges, np.nan_to_num(values, nan=-np.inf), side="left")
        return found

    def named(self, values_n: Array, index: int) -> Truths:
        """Return no row, as nothing has a name."""
        return np.zeros(len(values_n), dtype=bool)

    def counts(self, values_n: Array) -> Rows:
        """Count all pictures."""
        return np.array([len(values_n)], dtype=np.intp)

    def contradicted(self, hashes_n: Hashes, values_n: Array, rows: Rows) -> dict[int, str]:
        """Find nothing: of one picture measured twice both numbers teach."""
        return {}

    def check_enough(self, values_n: Array, hashes_n: Hashes, left_out: Callable[[], str]) -> None:
        """Check that training pictures have numbers that differ."""
        count = len(values_n)
        if count >= FEWEST and len(np.unique(values_n)) >= FEWEST:
            return
        alike = f"{count:,} that are all {values_n[0]:.6g}" if count > 1 else ""
        came = alike or counted(count, "sample")
        raise DataError(
            "numbers",
            needed=f"at least {FEWEST} pictures to train on, whose numbers differ",
            came=f"{came}{left_out()}",
            remedy="add pictures with other numbers; what is always the same needs no network",
        )

    def remarks(self, values_n: Array) -> tuple[str, ...]:
        """Say which numbers of training pictures lie so far out that they are taught as less."""
        far = np.abs(self.in_spreads(values_n)) > FAR
        if not far.any():
            return ()
        worst = values_n[np.argmax(np.abs(self.in_spreads(values_n)))]
        return (
            f"{counted(int(far.sum()), 'number')}, such as {worst:.4g}, farther than {FAR:g} "
            f"spreads ({self.spread:.3g}) from the median {self.middle:.4g}: taught as no farther; "
            "check them, or learn the logarithm where numbers range over powers of ten",
        )

    def loss(self, values_n: Array, device: str) -> LossOf:
        """Make Huber's loss of numbers in spreads from the middle."""

        def loss_of(network: nn.Module, batch: Batch) -> BatchLoss:
            made = network(batch.images_nchw)[:, 0]
            each = F.huber_loss(made, batch.values_n, reduction="none")
            told = each.detach().mean()
            if batch.weights_n is None:
                return BatchLoss(each.mean(), told, UNANSWERED)
            return BatchLoss((batch.weights_n * each).mean(), told, UNANSWERED)

        return loss_of

    def judge(self, outputs_nk: torch.Tensor, values_n: Array) -> Scores:
        """Score numbers by their mean loss."""
        loss = self.mean_loss(outputs_nk.double().numpy(), values_n)
        return Scores(loss, None, len(values_n))

    def fit_head(
        self, examples: Examples, taught_n: Array, C: float | None, *, judged: bool = True
    ) -> FittedHead:
        """Fit a ridge regression, its penalty cross-validated; see `Labelled`."""
        from foveal.targets.ridge import fit_ridge

        return fit_ridge(
            examples.features_vnd,
            self.scaled(examples.values_n).astype(np.float64),
            self.strata(examples.values_n),
            examples.units_n,
            weights_n=examples.weights_n,
            seed=examples.seed,
            threads=examples.threads,
            C=C,
            judged=judged,
        )

    def calibrated(self, outputs_nk: Array, values_n: Array, taught_n: Array) -> Self:
        """Return the target with intervals as wide as errors on these pictures ask for."""
        if rank_of(len(values_n), MISSED) > len(values_n):
            return replace(self, reach=None)
        errors = np.abs(self.numbers(outputs_nk) - values_n)
        return replace(self, reach=threshold_of(errors, MISSED))

    def of_its_own(self) -> tuple[str, ...]:
        """Say that pictures which set the width of the intervals do not test it."""
        told = "these pictures set how wide intervals are: how many lie within is no proof of them"
        return (told,) * (self.reach is not None)

    def restated(self, outputs_nk: Array, said_by: Self) -> Doubles:
        """Return outputs that another middle and spread count in those of this target."""
        return self.in_spreads(said_by.numbers(outputs_nk))[:, None]

    def check_end(self, plan: Plan) -> None:
        """Check that the network ends with a plain sum, which may be any number."""
        function = plan.ending
        if function is not None:
            raise UsageError(
                f"layer {plan.layers[-1].number}",
                needed="a plain sum at the end, which may be any number",
                came=function,
                remedy="end the network with 'dense 1'",
            )

    def doubts(
        self,
        figures: Mapping[str, Estimate],
        counts_k: Sequence[int],
        remedies: Sequence[str],
    ) -> tuple[str, ...]:
        """Say where held-out pictures cannot tell it from always answering the mean."""
        explained = figures.get("R2")
        if explained is None or not explained.low <= 0:
            return ()
        return (
            f"held-out R2 {explained.plain()} is no better than always answering the mean, as far "
            f"as these pictures tell: "
            f"{', '.join(('check the numbers', 'give more pictures', *remedies))}",
        )


def measured(values_n: Doubles) -> tuple[float, float]:
    """Return the median of numbers, and how far they lie apart.

    That is their interquartile range, by that of the normal distribution; where half of them are
    one number their standard deviation, and 1 where they are all the same.
    """
    middle = float(np.median(values_n))
    low, high = np.quantile(values_n, (0.25, 0.75))
    spread = float(high - low) / NORMAL
    if spread > 0:
        return middle, spread
    size = float(np.abs(values_n).max()) or 1.0
    return middle, size * float(np.std(values_n / size)) or 1.0


def _labels_of(pictures: Pictures) -> Array:
    labels = labels_of(
        pictures,
        needed="a number for each: the column of a table, or y",
        remedy="name the column of the table (`label`)",
    )
    if says_several(labels):
        several = counted(labels.shape[1], "column") if labels.ndim > 1 else "several labels"
        raise UsageError(
            "label",
            needed="one number a picture",
            came=several,
            remedy="learn each number by a model of its own",
        )
    return labels
