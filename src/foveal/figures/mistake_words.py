"""What is said beside pictures that were answered worst: of classes, and of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from foveal.drawing.text import number
from foveal.evaluation.label_metrics import LabelMetrics
from foveal.evaluation.regression import NumberMetrics
from foveal.targets.label_answers import NONE, LabelAnswers
from foveal.wording import counted, four_digits

if TYPE_CHECKING:
    from foveal.judging.evaluation import Evaluation

Facts = dict[str, Any]
"""What the table of an evaluation says of a picture, by its columns."""

WRONG_ROWS = (
    "The highest losses are what training would learn most from; the surest errors are often wrong "
    "labels, which cost the most and are the cheapest to mend. A pair of classes that is confused "
    "again and again needs pictures that show their difference."
)
WRONG = (
    "Each picture stands beside its class and the class that the model called it, that first to "
    "whose class it gave the least probability. Look for wrong labels before anything else: they "
    "cost the most, and are the cheapest to mend."
)
UNSURE = (
    "No picture was called wrong: these are the ones that the model was least sure of, each beside "
    "its {}. What they have in common is what further pictures to learn from should show."
)
LABELS = (
    "Each picture stands beside its labels, those that were missed and those that were said too "
    "much. Look for wrong labels before anything else: they cost the most, and are the cheapest to "
    "mend; then for labels that are missed again and again, which need more pictures."
)
FAR = (
    "Each picture stands beside its number and the model's, those farthest apart first. Look for "
    "wrong numbers before anything else: they cost the most, and are the cheapest to mend."
)


@dataclass(frozen=True, slots=True)
class OfClasses:
    """Words for pictures that were called wrong, or that a model was least sure of."""

    found: Evaluation

    @property
    def kept(self) -> tuple[str, ...]:
        """Columns of the table that a figure keeps."""
        return "path", *self.found.answers.target.judged_columns

    @property
    def wrong(self) -> bool:
        """Whether there is any."""
        return bool(len(self.found.answers.mistakes))

    @property
    def title(self) -> str:
        """The title of a sheet."""
        return "Pictures that were called wrong" if self.wrong else "Least sure of"

    def caption(self, rows: bool) -> str:
        """Explain a sheet, or rows of pictures."""
        return (WRONG_ROWS if rows else WRONG) if self.wrong else UNSURE.format("class")

    @property
    def told(self) -> str:
        """Say how many there are."""
        wrong, judged = len(self.found.answers.mistakes), len(self.found.answers.rows)
        return f"{wrong:,} of {counted(judged, 'picture')} called wrong"

    def verdict(self, facts: Facts) -> tuple[str, ...]:
        """Return what a picture is, and what it was called where that is something else."""
        true, called = str(facts["true"]), str(facts["predicted"])
        return (true,) if true == called else (true, called)

    def lines(self, facts: Facts) -> tuple[str, str]:
        """Say how sure that was, where it has one probability."""
        sure = _sure(facts)
        return f"probability {sure}" if sure else "", f"loss {number(facts['loss'])}"

    def in_short(self, facts: Facts) -> str:
        """Say the same in one line."""
        return ", ".join(filter(None, (_sure(facts), f"loss {number(facts['loss'])}")))


def _sure(facts: Facts) -> str:
    return f"{100 * facts['probability']:.1f} %" if "probability" in facts else ""


@dataclass(frozen=True, slots=True)
class OfLabels(OfClasses):
    """Words for pictures with labels that were missed, or said too much."""

    @property
    def told(self) -> str:
        """Say how many there are."""
        wrong, judged = len(self.found.answers.mistakes), len(self.found.answers.rows)
        return f"not all labels right: {wrong:,} of {counted(judged, 'picture')}"

    def caption(self, rows: bool) -> str:
        """Explain a sheet, or rows of pictures."""
        return LABELS if self.wrong else UNSURE.format("labels")

    def verdict(self, facts: Facts) -> tuple[str, ...]:
        """Return the labels of a picture."""
        return (", ".join(self._labels(facts["true"])) or NONE,)

    def lines(self, facts: Facts) -> tuple[str, str]:
        """Say which labels were missed, and which were said too much."""
        true, said = self._labels(facts["true"]), self._labels(facts["predicted"])
        missed = [one for one in true if one not in said]
        more = [one for one in said if one not in true]
        told = {"missed": missed, "too much": more}
        parts = [f"{name}: {', '.join(labels)}" for name, labels in told.items() if labels]
        return "; ".join(parts), f"loss {number(facts['loss'])}"

    def in_short(self, facts: Facts) -> str:
        """Say the same in one line."""
        return ", ".join(filter(None, self.lines(facts)))

    def _labels(self, text: Any) -> list[str]:
        target = self.found.answers.target
        assert isinstance(target, LabelAnswers)
        return [one for one in str(text).split(target.between) if one]


@dataclass(frozen=True, slots=True)
class OfNumbers:
    """Words for pictures whose numbers are farthest from the answers."""

    found: Evaluation
    kept: tuple[str, ...] = ("path", "true", "number", "low", "high", "residual")
    """Columns of the table that a figure keeps."""

    @property
    def title(self) -> str:
        """The title of a sheet."""
        return "Farthest off"

    def caption(self, rows: bool) -> str:
        """Explain a sheet, or rows of pictures."""
        return FAR

    @property
    def told(self) -> str:
        """Say how many lie outside of their intervals."""
        judged, coverage = len(self.found.answers.rows), self.found.metrics.coverage
        if coverage is None:
            return counted(judged, "picture")
        outside = round((1 - coverage.value) * judged)
        return f"{outside:,} of {counted(judged, 'picture')} outside of their intervals"

    def verdict(self, facts: Facts) -> tuple[str, ...]:
        """Return the number of a picture, and the answer."""
        return four_digits(facts["true"]), four_digits(facts["number"])

    def lines(self, facts: Facts) -> tuple[str, str]:
        """Say how far it is off, and what the interval was."""
        low, high = facts["low"], facts["high"]
        reach = "" if low is None else f"within {four_digits(low)} to {four_digits(high)}"
        return f"off by {four_digits(facts['residual'])}", reach

    def in_short(self, facts: Facts) -> str:
        """Say the same in one line."""
        return f"off by {four_digits(facts['residual'])}"


def words_of(found: Evaluation) -> OfClasses | OfNumbers:
    """Return the words that suit what was judged."""
    if isinstance(found.metrics, LabelMetrics):
        return OfLabels(found)
    return OfNumbers(found) if isinstance(found.metrics, NumberMetrics) else OfClasses(found)
