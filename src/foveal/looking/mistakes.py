"""Which pictures a classifier got wrong, and how sure it was: rows of pictures worth a look.

Axes: m picture that was judged, k class.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from foveal.evaluation.confusion import confused_pairs
from foveal.evaluation.regression import NumberMetrics
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.arrays import Rows
    from foveal.judging.evaluation import Evaluation

PAIRS = 3
"""Pairs of classes of which pictures are shown, at most."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class PictureRow:
    """Pictures that have something in common."""

    title: str
    places: Rows
    """Places among the judged pictures, in order."""


def rows_of_mistakes(
    found: Evaluation, count: int = 6, pairs: int = PAIRS
) -> tuple[PictureRow, ...]:
    """Choose the pictures whose look teaches most about a classifier.

    Those with the highest loss; the errors that it was surest of; and of
    each of the most confused pairs of classes the surest errors. A row that shows nothing new is
    left out. Where nothing was called wrong, the pictures that it was least sure of. Of numbers
    the answers that are too high by most, and too low.

    Parameters
    ----------
    found : Evaluation
        What `foveal.evaluate` said.
    count : int
        Pictures of a row, at most.
    pairs : int
        Pairs of classes, at most.
    """
    if isinstance(found.metrics, NumberMetrics):
        return _off(found, count)
    wrong = found.answers.mistakes
    if not len(wrong):
        return (PictureRow(title="Least sure of", places=found.answers.order[:count]),)
    if not found.answers.target.exclusive:
        rows = [PictureRow(title="Highest losses", places=found.answers.order[:count])]
        return (*rows, *_of_labels(found, count, pairs))
    sure = found.answers.sure
    surest = wrong[np.argsort(-sure[wrong], kind="stable")]
    rows = [PictureRow(title="Highest losses", places=found.answers.order[:count])]
    seen = set(rows[0].places.tolist())
    others = PictureRow(title="Surest errors", places=surest[:count])
    for row in (others, *_pairs(found, surest, count, pairs)):
        if not seen.issuperset(row.places.tolist()):
            rows.append(row)
            seen.update(row.places.tolist())
    return tuple(rows)


def _off(found: Evaluation, count: int) -> tuple[PictureRow, ...]:
    residuals = found.answers.predicted[:, 0] - found.answers.values
    rows = []
    for title, sign in (("Answers that are too high", -1), ("Answers that are too low", 1)):
        order = np.argsort(sign * residuals, kind="stable")
        places = order[sign * residuals[order] < 0][:count]
        if len(places):
            rows.append(PictureRow(title=title, places=places))
    return tuple(rows)


def _of_labels(found: Evaluation, count: int, most: int) -> Iterator[PictureRow]:
    """Yield the surest errors of the labels that are missed, or said too much, most often."""
    answers = found.answers
    truths, chances = answers.values.astype(bool), answers.probabilities
    called = chances > np.array([one.threshold for one in found.metrics.labels])
    kinds = [("missed", truths & ~called, chances), ("said too much", called & ~truths, -chances)]
    errors = [
        (int(wrong.sum()), f"{one.label} {kind}", np.flatnonzero(wrong), order[:, at])
        for kind, wrongs, order in kinds
        for at, (one, wrong) in enumerate(zip(found.metrics.labels, wrongs.T, strict=True))
    ]
    for total, title, places, order in sorted(errors, key=lambda one: -one[0])[:most]:
        if total:
            first = places[np.argsort(order[places], kind="stable")][:count]
            yield PictureRow(title=f"{title}: {counted(total, 'picture')}", places=first)


def _pairs(found: Evaluation, surest: Rows, count: int, pairs: int) -> Iterator[PictureRow]:
    answers, labels = found.answers, [one.label for one in found.metrics.classes]
    called = answers.called
    for pair in confused_pairs(found.metrics.confusion, pairs):
        here = (answers.values[surest] == pair.true) & (called[surest] == pair.called)
        yield PictureRow(
            title=f"{labels[pair.true]} called {labels[pair.called]}: "
            f"{counted(pair.pictures, 'picture')}",
            places=surest[here][:count],
        )
