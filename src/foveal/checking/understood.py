"""What a network trained on ImageNet makes of pictures, and what of it speaks against some.

Axes: n picture, d feature, k class.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, softmax

from foveal.arrays import Array, Floats, Hashes, Rows
from foveal.checking.balance import UNKNOWN, ClassIds
from foveal.checking.findings import Finding, finding
from foveal.checking.labels import DoubtedLabel, doubted_labels, doubted_sets
from foveal.checking.outliers import isolation, outliers
from foveal.nearest import parts
from foveal.pictures.collection import Pictures, evenly
from foveal.search.vectors import Vectors
from foveal.targets.head import LEAST_DEVIATION
from foveal.targets.label_logistic import fit_label_head
from foveal.targets.logistic import fit_head
from foveal.wording import counted

MOST_JUDGED = 20_000
"""Pictures whose labels are judged, evenly spaced: as many as choose a head's penalty."""
MOST_NEAR = 10_000
"""Pictures among which neighbours are sought, evenly spaced."""
FEWEST_OF_A_LABEL = 10
"""Pictures that must bear one of several labels, and not bear it, for it to be judged."""
MOST_TOLD = 3
"""Labels of a picture that are told to look wrong."""
FEWEST = 50
"""Pictures below which nothing is said of outliers: a usual distance is not known."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Understood:
    """Pictures with what a network made of them."""

    pictures: Pictures
    classes: ClassIds
    vectors: Vectors
    units: Hashes
    """What belongs together, (n,): never on both sides of a fold, never a neighbour."""
    rows: Rows
    """Pictures that are judged."""
    threads: int

    def findings(self) -> Iterator[Finding | None]:
        """Find labels that look wrong, and pictures unlike all others."""
        yield finding("label", self._labels(), self.pictures.names)
        yield finding("outlier", self._outliers(), self.pictures.names)

    @property
    def judged(self) -> Rows:
        """Pictures whose labels are judged: of classes that can be held out."""
        rows = self.rows[self.classes.ids[self.rows] != UNKNOWN]
        rows = rows[evenly(len(rows), MOST_JUDGED)] if len(rows) else rows
        ids = self.classes.ids[rows]
        several = [
            number
            for number in np.unique(ids)
            if len(np.unique(self.units[rows][ids == number])) > 1
        ]
        found: Rows = rows[np.isin(ids, several)]
        return found

    def _labels(self) -> Iterator[tuple[list[int], str]]:
        return self._of_several() if self.classes.several else self._of_one()

    def _of_several(self) -> Iterator[tuple[list[int], str]]:
        """Judge each label by itself, as two classes: it is there, or it is not."""
        assert self.classes.there_nk is not None
        rows = self.rows[self.classes.ids[self.rows] != UNKNOWN]
        rows = rows[evenly(len(rows), MOST_JUDGED)] if len(rows) else rows
        there_nk = self.classes.there_nk[rows]
        fewest = np.minimum(there_nk.sum(axis=0), (~there_nk).sum(axis=0))
        labels = np.flatnonzero(fewest >= FEWEST_OF_A_LABEL)
        if not len(labels):
            return
        there_nk = there_nk[:, labels]
        head = fit_label_head(
            self._features(rows)[None],
            there_nk,
            self.units[rows],
            label_weights=None,
            sample_weights_n=None,
            seed=0,
            threads=self.threads,
        )
        if not head.folds:
            return
        held = head.held_out
        for one in doubted_sets(expit(head.held_out_outputs_nk), there_nk[held]):
            row = int(rows[held[one.row]])
            yield [row], f"{self.classes.name(row)}; {self._told(one.labels, labels)}"

    def _told(self, doubted: Sequence[DoubtedLabel], labels: Rows) -> str:
        """Say which labels seem to be missing, and which not to be there."""
        said = [
            f"{self.classes.names[labels[one.label]]} "
            f"{'looks absent' if one.there else 'looks missing'} ({100 * one.sure:.1f} %)"
            for one in doubted[:MOST_TOLD]
        ]
        more = len(doubted) - len(said)
        return ", ".join(said) + f" and {counted(more, 'other')}" * bool(more)

    def _of_one(self) -> Iterator[tuple[list[int], str]]:
        rows = self.judged
        numbers, ids = np.unique(self.classes.ids[rows], return_inverse=True)
        if len(numbers) < 2:
            return
        head = fit_head(
            self._features(rows)[None],
            ids,
            self.units[rows],
            classes=len(numbers),
            class_weights=None,
            seed=0,
            threads=self.threads,
        )
        if not head.folds:
            return
        held = head.held_out
        probabilities = softmax(head.held_out_outputs_nk, axis=1)
        for one in doubted_labels(probabilities, ids[held]):
            row = int(rows[held[one.row]])
            other = self.classes.names[numbers[one.other]]
            sure = probabilities[one.row, one.other]
            yield [row], f"{self.classes.name(row)}; looks like {other} ({100 * sure:.1f} %)"

    def _features(self, rows: Rows) -> Floats:
        made: Array = self.vectors.features[rows]
        return made.reshape(len(rows), -1).astype(np.float32)

    def _outliers(self) -> Iterator[tuple[list[int], str]]:
        if len(self.rows) < FEWEST:
            return
        numbers = np.unique(self.units, return_inverse=True)[1].astype(np.int64)
        among = self.rows[evenly(len(self.rows), MOST_NEAR)]
        reference = self._features(among)
        mean, deviation = reference.mean(axis=0), reference.std(axis=0)
        scale = np.maximum(deviation, LEAST_DEVIATION * max(float(deviation.max()), 1e-12))

        def standard(features: Floats) -> Floats:
            found: Floats = ((features - mean) / scale).astype(np.float32)
            return found

        batches = (
            (standard(self._features(rows)), numbers[rows])
            for rows in (self.rows[part] for part in parts(len(self.rows), self.vectors.size))
        )
        away = isolation(standard(reference), numbers[among], batches, self.threads)
        for at, times in outliers(away):
            why = f"{times:.1f} times as far from its nearest as these are from theirs"
            yield [int(self.rows[at])], why
