"""What targets share whose labels have names, be it one name a picture or several.

Axes: n picture, k name.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np

from foveal.arrays import Doubles, Truths
from foveal.errors import DataError, UsageError
from foveal.nets.plan import Plan
from foveal.parameters import Real
from foveal.targets.labelled import Labelled
from foveal.visible import is_plain
from foveal.vocabulary import normal_name

LONGEST_LABEL = 1_000
"""Characters of a name at most."""


class Named(Labelled):
    """Labels that have names; a network ends with a logit for each of them."""

    head: ClassVar[str | None] = "logistic"
    applied: ClassVar[str]
    """The function that makes probabilities of logits."""
    rightness: ClassVar[str]
    """What the share of pictures is called that are answered right."""

    @property
    def outputs(self) -> int:
        """Logits that the network ends with."""
        return len(self.names)

    @classmethod
    def asked(cls, **options: Any) -> Self:
        """Return names that are not known yet, weighed and smoothed as asked for."""
        return cls(**options)

    def check_end(self, plan: Plan) -> None:
        """Check that the network ends with plain sums, of which the loss makes probabilities."""
        check_plain_sums(plan, self.applied)

    @abstractmethod
    def smoothed(self, share: float) -> Self:
        """Return the target with this share of each label spread out by the loss."""

    def uncalibrated(self) -> Self:
        """Return the target as it was before `calibrated` decided of its answers."""
        return self

    @abstractmethod
    def given(self, predicted_nk: Doubles) -> Truths:
        """Return which names are given to each picture, (n, k)."""


def check_plain_sums(plan: Plan, applied: str) -> None:
    """Check that a network ends with plain sums, of which the loss makes probabilities.

    Parameters
    ----------
    plan : Plan
        The network.
    applied : str
        The function that the loss and predict_proba apply to them.

    Raises
    ------
    UsageError
        Where the last layer does so already.
    """
    function = plan.ending
    if function in ("softmax", "sigmoid"):
        raise UsageError(
            f"layer {plan.layers[-1].number}",
            needed=f"plain sums at the end: the loss and predict_proba apply the {applied}",
            came=function,
            remedy=f"end the network with 'dense {plan.output[0]}'",
        )


def weights_by_name(
    asked: Mapping[Any, float], labels: list[Any]
) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Look the weight of each class up; 1 where it is not named."""
    asked = {normal_name(one) if isinstance(one, str) else one: w for one, w in asked.items()}
    unknown = [label for label in asked if label not in labels]
    if unknown:
        raise UsageError(
            "class_weight",
            needed=f"classes among {', '.join(map(str, labels[:10]))}",
            came=repr(unknown[0]),
            remedy="name the classes as the labels do",
        )
    weights = [asked.get(label, 1.0) for label in labels]
    rule = Real(0)
    if not all(map(rule.accepts, weights)) or not any(weights):
        raise UsageError(
            "class_weight",
            needed="finite numbers of at least 0, not all of them 0",
            came=repr(asked)[:100],
            remedy="give each class a weight, 1 for the usual",
        )
    return np.array(weights, dtype=np.float32)


def check_label(label: object) -> None:
    """Check a label against what a model file can keep.

    Raises
    ------
    DataError
        For anything but texts, whole numbers, finite numbers and booleans.
    """
    fine = isinstance(label, str | int | float) and label == label
    if isinstance(label, str):
        fine = len(label) <= LONGEST_LABEL and is_plain(label) and bool(label.strip())
    if not fine or (isinstance(label, float) and not np.isfinite(label)):
        raise DataError(
            "classes",
            needed=f"printable texts of 1 to {LONGEST_LABEL} characters, or finite numbers",
            came=repr(label)[:80],
            remedy="rename the class; in y None stands for a picture without a label",
        )
