"""What a network trained on ImageNet makes of pictures, and what of it speaks against some.

Axes: n picture, d feature, k class.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import softmax

from foveal.arrays import Array, Floats, Hashes, Rows, Truths
from foveal.checking.balance import UNKNOWN, ClassIds
from foveal.checking.findings import Finding, finding
from foveal.checking.label_context import in_context
from foveal.checking.label_noise import DoubtedLabel, doubt_notes, doubted_sets, fit_noise
from foveal.checking.labels import doubted_labels
from foveal.checking.outliers import isolation, outliers
from foveal.nearest import parts
from foveal.pictures.collection import Pictures, evenly
from foveal.search.vectors import Vectors
from foveal.targets.head import LEAST_DEVIATION
from foveal.targets.logistic import fit_head
from foveal.wording import counted

MOST_JUDGED = 20_000
"""Pictures whose labels are judged, evenly spaced: as many as choose a head's penalty."""
MOST_NEAR = 10_000
"""Pictures among which neighbours are sought, evenly spaced."""
FEWEST_OF_A_LABEL = 10
"""Pictures, no two copies, that must bear one of several labels, and not bear it, to judge it."""
MOST_TOLD = 3
"""Labels of a picture that are told to look wrong."""
FEWEST = 50
"""Pictures below which nothing is said of outliers: a usual distance is not known."""


class Told(NamedTuple):
    """What was found, and what a reader should know of it."""

    findings: list[Finding]
    notes: list[str]


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

    def told(self) -> Told:
        """Find labels that look wrong, and pictures unlike all others."""
        notes: list[str] = []
        labels = self._of_several(notes) if self.classes.several else self._of_one()
        found = (
            finding("label", labels, self.pictures.names),
            finding("outlier", self._outliers(), self.pictures.names),
        )
        return Told([one for one in found if one], notes)

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

    def _of_several(self, notes: list[str]) -> Iterator[tuple[list[int], str]]:
        """Judge each label of pictures that bear several, and note how sure that is."""
        assert self.classes.there_nk is not None
        rows = self.rows[self.classes.ids[self.rows] != UNKNOWN]
        rows = rows[evenly(len(rows), MOST_JUDGED)] if len(rows) else rows
        labels = self._enough(self.classes.there_nk[rows], self.units[rows])
        there_nk = self.classes.there_nk[rows][:, labels]
        found = (
            in_context(self._features(rows), there_nk, self.units[rows], self.threads)
            if len(labels)
            else None
        )
        if found is None:
            return
        there_nk = there_nk[found.rows]
        noise = fit_noise(found.logits_mk, there_nk)
        sets = doubted_sets(noise.probabilities(found.logits_mk, there_nk), there_nk)
        notes += doubt_notes(
            [one.sure for one in sets],
            noise.noticed(found.logits_mk, there_nk),
            [str(self.classes.names[label]) for label in labels],
        )
        for one in sets:
            row = int(rows[found.rows[one.row]])
            yield [row], f"{self.classes.name(row)}; {self._told(one.labels, labels)}"

    @staticmethod
    def _enough(there_nk: Truths, units_n: Hashes) -> Rows:
        """Return labels that enough units bear, and enough do not."""
        numbers = np.unique(units_n, return_inverse=True)[1]
        shares = [
            min(len(np.unique(numbers[there])), len(np.unique(numbers[~there])))
            for there in there_nk.T
        ]
        return np.flatnonzero(np.array(shares, dtype=np.intp) >= FEWEST_OF_A_LABEL)

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
            why = (
                f"{times:.1f} times as far from the pictures nearest to it as those are from theirs"
            )
            yield [int(self.rows[at])], why
