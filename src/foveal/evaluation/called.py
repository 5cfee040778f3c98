"""What judging needs of a classifier's answers: of many classes far less than all probabilities.

Axes: n picture, k class.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from foveal.arrays import Doubles, Integers, Truths

COLUMNS = 3
"""Numbers of a picture in `Called.table`."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Called:
    """What each picture was called, how sure that was, and how likely the truth seemed."""

    classes: Integers
    """Number of the class called, (n,)."""
    sure: Doubles
    """Its probability, (n,)."""
    true: Doubles
    """Probability of the true class, (n,)."""

    @classmethod
    def of(cls, probabilities_nk: Doubles, class_ids_n: Integers) -> Self:
        """Take it from the probabilities of all classes."""
        return cls(
            classes=probabilities_nk.argmax(axis=1),
            sure=probabilities_nk.max(axis=1),
            true=probabilities_nk[np.arange(len(class_ids_n)), class_ids_n],
        )

    @classmethod
    def of_table(cls, table: Doubles) -> Self:
        """Take it from what `table` gave."""
        return cls(classes=table[:, 0].astype(np.int64), sure=table[:, 1], true=table[:, 2])

    def table(self) -> Doubles:
        """Return it as one array, (n, 3): class called, its probability, that of the true one."""
        found: Doubles = np.stack([self.classes, self.sure, self.true], axis=1, dtype=np.float64)
        return found

    def right(self, class_ids_n: Integers) -> Truths:
        """Return whether the class called is the true one, (n,)."""
        found: Truths = self.classes == class_ids_n
        return found
