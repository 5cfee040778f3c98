"""What `foveal predict` answers: its counts, its notes, and the table that is printed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foveal.cli.output import path_end, table_rows
from foveal.cli.words import noted
from foveal.results import plain
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.bulk.kept import KeptColumns
    from foveal.evaluation.intervals import Estimate
    from foveal.model.predictions import Predictions
    from foveal.model.refusing import Refusal

UNTOLD = "which pictures are unfamiliar is not told: the model keeps none of those that taught it"
WIDEST = 60
"""Columns of a path in the printed table; longer ones keep their end."""
MOST_SHOWN = 100
"""Rows that a terminal shows; of more than these it shows `SHOWN`, and what is in all of them."""
SHOWN = 20
NAMED = 10
"""Answers that are counted by name, and pictures that cannot be read which are named, at most."""


@dataclass(slots=True)
class Tally:
    """What is counted of predictions while they pass by."""

    rows: int = 0
    unreadable: int = 0
    """Rows of pictures that cannot be read."""
    unfamiliar: int = 0
    """Rows of pictures that are unlike those that taught the model."""
    left: int = 0
    """Rows of pictures that are left to a person, as the model is not sure enough of them."""
    said: Counter[str] = field(default_factory=Counter)
    """How many pictures have each answer, by its name, of those that have one; none of numbers."""
    bad: dict[str, str] = field(default_factory=dict)
    """Why pictures cannot be read, of the first `NAMED` of these, by their names."""

    def passing(self, batches: Iterable[Predictions]) -> Iterator[Predictions]:
        """Pass predictions on, and count them."""
        for batch in batches:
            self.rows += len(batch.names)
            self.unfamiliar += int(batch.unfamiliar.sum())
            self.left += int(batch.left.sum())
            self.said.update(batch.said())
            for name, reason in zip(batch.names, batch.reasons, strict=True):
                self.unreadable += bool(reason)
                if reason and len(self.bad) < NAMED:
                    self.bad[str(name)] = reason
            yield batch

    def named(self) -> list[str]:
        """Name the answers, each with its count, the most frequent first; none of numbers."""
        named = [f"{name} {count:,}" for name, count in self.said.most_common(NAMED)]
        more = len(self.said) - len(named)
        return [*named, *[f"and {counted(more, 'other')}"] * bool(more)]

    def lines(self, shown: int) -> Iterator[str]:
        """Tell of all rows, where only the first of them are shown."""
        yield f"and {self.rows - shown:,} more: --to FILE writes all"
        bad = [f"{self.unreadable:,} cannot be read"] * bool(self.unreadable)
        yield f"{counted(self.rows, 'picture')} in all: {', '.join([*self.named(), *bad])}"
        yield from (f"no answer: {name}: {reason}" for name, reason in self.bad.items())
        if self.unreadable > len(self.bad):
            yield f"and {self.unreadable - len(self.bad):,} more without an answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedTable:
    """Predictions, printed or written."""

    to: Path | None
    """Where they were written; None where they are printed."""
    tally: Tally
    refusal: Refusal | None
    """From when on it answers; None where it answers everything."""
    rate: Estimate | None
    """Share of pictures like those that taught which are called so; None where none can be."""
    found: Sequence[str]
    """What is known of how the pictures were found, as what was passed over."""
    predictions: Predictions | None
    """Those that are printed: all of them, or the first; None where they were written."""
    kept: KeptColumns
    """Further columns of the tables that named the pictures."""

    @property
    def notes(self) -> list[str]:
        """What a reader should know."""
        return [*self.found, *self._refused(), *self._strange()]

    def _refused(self) -> Iterator[str]:
        if self.refusal is not None:
            yield f"{self.tally.left:,} left to a person: {self.refusal.sentence()}"

    def _strange(self) -> list[str]:
        if self.rate is None:
            return [UNTOLD]
        if not self.tally.unfamiliar:
            return []
        return [
            f"{self.tally.unfamiliar:,} unfamiliar: unlike every picture that taught the model, "
            f"and what it calls them says little; so are {self.rate.percent()} of pictures of the "
            "usual kind",
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return the counts, and the rows that are printed, each under its columns."""
        found, tally = self.predictions, self.tally
        return {
            "to": plain(self.to),
            "rows": tally.rows,
            "unreadable": tally.unreadable,
            "unfamiliar": None if self.rate is None else tally.unfamiliar,
            "false_alarms": plain(self.rate),
            "left": None if self.refusal is None else tally.left,
            "refusal": plain(self.refusal),
            "notes": self.notes,
            "pictures": found
            and table_rows(
                [*found.columns, *self.kept.names],
                self.kept.beside(found.rows(), self.kept.rows()),
            ),
        }

    def lines(self, top: int) -> Iterator[str]:
        """Lay them out for a person, with so many answers for each picture."""
        found, tally = self.predictions, self.tally
        if found is None:
            yield f"{counted(tally.rows, 'row')} in {self.to}, {tally.unreadable:,} unreadable"
            if tally.said:
                yield f"answers: {', '.join(tally.named())}"
        else:
            yield from _table(found, top)
            if len(found.names) < tally.rows:
                yield from tally.lines(len(found.names))
        yield from noted(self.notes)


def first_of(batches: Iterable[Predictions]) -> list[Predictions]:
    """Keep of predictions what a terminal shows, and let all others pass."""
    kept: list[Predictions] = []
    rows = 0
    for batch in batches:
        if rows <= MOST_SHOWN:
            kept.append(batch.first(MOST_SHOWN + 1 - rows))
        rows += len(batch.names)
    if rows <= MOST_SHOWN:
        return kept
    shown: list[Predictions] = []
    for batch in kept:
        shown.append(batch.first(SHOWN - sum(len(one.names) for one in shown)))
    return shown


def _table(predictions: Predictions, top: int) -> Iterator[str]:
    head = predictions.headings
    answers = list(predictions.written(top))
    paths = [path_end(name, WIDEST) for name in predictions.names]
    width = max([len("path"), *map(len, paths)])
    wide = max([len(head[0]), *(len(label) for label, _, _ in answers)])
    yield f"{'path':<{width}}  {head[0]:<{wide}}  {head[1]}".rstrip()
    strange, left = predictions.unfamiliar.tolist(), predictions.left.tolist()
    for path, (label, sure, more), reason, refused, unlike in zip(
        paths, answers, predictions.reasons, left, strange, strict=True
    ):
        told = f"no answer: {reason}" if reason else f"{sure:>{len(head[1])}}"
        told += (
            f"  left to a person: {label}?" * refused
            + "  unfamiliar" * unlike
            + f"  then {more}" * bool(more)
        )
        shown = "" if refused else label
        yield f"{path:<{width}}  {shown:<{wide}}  {told}".rstrip()
