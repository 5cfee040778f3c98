"""A learning curve: how networks fare that fewer pictures taught, and what more would bring."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from foveal.evaluation.intervals import Estimate
from foveal.html_tables import html_lines, html_table
from foveal.judging.forecast import MATTERS, Forecast
from foveal.results import Result, plain
from foveal.wording import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint(Result):
    """How networks fare that so many pictures taught."""

    pictures: int
    accuracy: Estimate
    """Share of pictures answered right: of several labels, where all of them are."""
    deviation: float
    """Standard deviation of the accuracy over the rounds: what the luck of a draw adds."""
    recalls: tuple[Estimate, ...]
    """Share of the pictures of each class, or with each label, that are given it."""


@dataclass(frozen=True, repr=False, slots=True, kw_only=True)
class LearningCurve(Result):
    """Accuracy against the number of pictures that teach, and what more would bring.

    ``print(curve)`` gives the table that ``foveal evaluate --learning-curve`` prints.
    """

    measure: str
    """What the accuracy is called: "accuracy", or "exact matches" of several labels."""
    noun: tuple[str, str]
    """What one of `classes` is called, and several."""
    classes: tuple[str, ...]
    judged: int
    """Pictures that were judged."""
    shares: tuple[float, ...]
    """Share of them that each class has."""
    points: tuple[CurvePoint, ...]
    """By rising size."""
    forecast: Forecast
    """What twice as many pictures would bring."""
    by_class: tuple[Forecast, ...]
    """The same for the recall of each class."""
    notes: tuple[str, ...]
    """What a reader must know."""

    def __repr__(self) -> str:
        last = self.points[-1]
        taught = counted(last.pictures, "picture")
        return f"LearningCurve({last.accuracy.percent()} {self.measure} by {taught})"

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def _repr_html_(self) -> str:
        """Return the table that a notebook shows."""
        rows = [
            (one.pictures, one.accuracy.percent(), *(recall.percent() for recall in one.recalls))
            for one in self.points
        ]
        head = ("pictures", self.measure, *(f"recall of {one}" for one in self.classes))
        return html_table(head, rows, numbers=(0,)) + html_lines(self.sentences())

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return {**super(LearningCurve, self).to_dict(), "verdict": self.forecast.verdict}

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of `rows`."""
        named = ("accuracy", *(f"recall:{one}" for one in self.classes))
        ends = (f"{one}{end}" for one in named for end in ("", ":low", ":high"))
        return ("pictures", "deviation", *ends)

    def rows(self) -> Iterator[list[Any]]:
        """Return a row for every size."""
        for one in self.points:
            found = (one.accuracy, *one.recalls)
            ends = [end for each in found for end in (each.value, each.low, each.high)]
            yield [one.pictures, one.deviation, *map(plain, ends)]

    def lines(self) -> list[str]:
        """Lay it out for a person."""
        return [
            *(f"note: {note}" for note in self.notes),
            f"judged on {counted(self.judged, 'picture')}, intervals at 95 %",
            "",
            f"{'taught by':>9}  {self.measure:<27}recall of the {self.noun[1]}",
            *(
                f"{one.pictures:>9,}  {one.accuracy.percent():<27}{self._recalls(one)}"
                for one in self.points
            ),
            "",
            *self.sentences(),
        ]

    def _recalls(self, point: CurvePoint, most: int = 4) -> str:
        named = zip(self.classes[:most], point.recalls, strict=False)
        more = len(self.classes) - most
        told = ", ".join(f"{name} {100 * one.value:.1f} %" for name, one in named)
        return told + (f" and {more:,} more" if more > 0 else "")

    def sentences(self) -> list[str]:
        """Say whether more pictures would help, and of which class."""
        found = self.forecast
        verdict, change = {
            "yes": ("more pictures would help", f"rise by {_points(found.gain)}"),
            "no": (
                "more pictures of this kind would hardly help",
                f"change by {_points(found.gain, signed=True)}",
            ),
            "untold": (
                "whether more pictures would help cannot be told from these",
                f"change by {_points(found.gain, signed=True)}",
            ),
        }[found.verdict]
        twice = f"{found.pictures:,} instead of {found.pictures // 2:,}"
        return [
            f"{verdict}: with twice as many of every {self.noun[0]}, {twice}, the {self._measured} "
            f"would {change}, to about {found.share.percent()}",
            *self._most_gaining(),
        ]

    @property
    def _measured(self) -> str:
        of_several = f"share of {self.measure}, all labels of a picture right,"
        return self.measure if self.measure == "accuracy" else of_several

    def _most_gaining(self) -> Iterator[str]:
        """Name the class, or label, that more pictures would help most, if that can be told."""
        if self.forecast.verdict == "no":
            return
        brought = [
            share * one.gain.value for share, one in zip(self.shares, self.by_class, strict=True)
        ]
        most = int(np.argmax(brought))
        gain = self.by_class[most].gain
        if gain.low <= MATTERS:
            yield f"which {self.noun[0]} would gain the most cannot be told from these"
            return
        yield (
            f"the largest part of that would come from {self.classes[most]}, of which pictures are "
            f"worth looking for first: its recall, the share of its pictures that are called so, "
            f"would rise by {_points(gain)}"
        )


def _points(gain: Estimate, *, signed: bool = False) -> str:
    value, low, high = (
        f"{100 * one:{'+' * signed}.1f}" for one in (gain.value, gain.low, gain.high)
    )
    return f"{value} percentage points ({low} to {high})"
