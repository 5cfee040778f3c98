"""An evaluation laid out for a person: as lines of text, and as tables of a notebook."""

from __future__ import annotations

from typing import Any, Protocol

from foveal.evaluation.baselines import Baseline
from foveal.evaluation.reliability import Answered
from foveal.html_tables import html_lines, html_table
from foveal.judging.answers import Answers
from foveal.judging.left_out import Unjudged
from foveal.judging.refusing import Refusing, lines_of_refusing
from foveal.judging.unfamiliar import Unfamiliar
from foveal.wording import counted

NARROWEST = 17
"""Columns of the names of figures, at least."""


class Judged(Protocol):
    """What is shown of an evaluation."""

    @property
    def judged_by(self) -> str:
        """What the figures stand on."""
        ...

    @property
    def metrics(self) -> Any:
        """How the model fares."""
        ...

    @property
    def unjudged(self) -> Unjudged:
        """What the figures say nothing of."""
        ...

    @property
    def uncalibrated_error(self) -> float | None:
        """Calibration error before the temperature was applied."""
        ...

    @property
    def temperature(self) -> float:
        """What the logits are divided by."""
        ...

    @property
    def baselines(self) -> tuple[Baseline, ...]:
        """What it is held against."""
        ...

    @property
    def unfamiliar(self) -> Unfamiliar | None:
        """How many are unlike those that taught."""
        ...

    @property
    def answered(self) -> tuple[Answered, ...]:
        """Accuracy against the share answered."""
        ...

    @property
    def refusing(self) -> Refusing | None:
        """What was reached where the least sure were left to a person."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know."""
        ...

    @property
    def answers(self) -> Answers:
        """What was said of each picture."""
        ...


def lines_of_evaluation(found: Judged) -> list[str]:
    """Lay an evaluation out for a person."""
    refused = lines_of_refusing(found.refusing, found.answered)
    figures = [*_figures(found), *refused, *_unfamiliar(found)]
    names = [name for name, _ in figures]
    lines = [f"note: {note}" for note in found.notes]
    lines += [_standing(found), ""]
    width = max(NARROWEST, *map(len, names))
    lines += [  # a name is written once
        f"{'' if name in names[:place] else name:<{width}}  {value}"
        for place, (name, value) in enumerate(figures)
    ]
    lines += ["", "baselines on the same pictures"]
    lines += [
        f"  {baseline.name:<30} {baseline.written()}, fitted on {baseline.trained_on:,}"
        for baseline in found.baselines
    ] or ["  not fitted"]
    details = found.answers.target.details(found.metrics)
    return [*lines, *([""] * bool(details)), *details]


def _figures(found: Judged) -> list[tuple[str, str]]:
    target = found.answers.target
    first, *others = target.figures(found.metrics, found.uncalibrated_error, found.temperature)
    left_out = found.unjudged.lines(len(target.names))
    return [first, *(("", line) for line in left_out), *others]


def _standing(found: Judged) -> str:
    """Say on which pictures the figures stand."""
    by = "" if found.judged_by == "held-out pictures" else f"judged by {found.judged_by}, "
    return f"{counted(len(found.answers.rows), 'picture')}, {by}intervals at 95 %"


def _unfamiliar(found: Judged) -> list[tuple[str, str]]:
    """Write how many pictures are unlike those that taught, where that can be told."""
    told = found.unfamiliar
    if told is None:
        return []
    said = f"{told.share.percent()} of {counted(told.pictures, 'new picture')}"
    return [("unfamiliar", f"{said}, {told.usual.percent()} of usual ones")]


def html_of_evaluation(found: Judged) -> str:
    """Lay an evaluation out as tables: figures and baselines, then what else is told."""
    refused = lines_of_refusing(found.refusing, found.answered)
    figures = [*_figures(found), *refused, *_unfamiliar(found)]
    baselines = ((f"baseline: {one.name}", one.written()) for one in found.baselines)
    parts = [
        html_lines(f"note: {note}" for note in found.notes),
        html_table((), [*figures, *baselines], caption=_standing(found)),
        *found.answers.target.tables(found.metrics),
    ]
    return "".join(parts)
