"""Pictures that belong together, where a model is judged: fewer answers, or answers known before.

Axes: n picture, m picture that is judged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from foveal.arrays import Hashes, Rows
from foveal.evaluation.intervals import effective_number
from foveal.pictures.collection import Pictures
from foveal.pictures.copies import CopySearch, NearCopies
from foveal.pictures.prepared import Prepared
from foveal.pictures.units import units_of
from foveal.recipe import PictureRecipe


@dataclass(frozen=True, eq=False, slots=True)
class Together:
    """What belongs together among pictures: equal ones, near copies, those of a group."""

    units: Hashes
    """Unit of each picture, (n,); see `foveal.pictures.units`."""
    copies: NearCopies
    """Near copies among them."""

    @classmethod
    def of(
        cls,
        pictures: Pictures,
        store: Prepared,
        recipe: PictureRecipe,
        strata: Rows,
        usable: Rows,
    ) -> Together:
        """Find what belongs together among the usable rows of prepared pictures."""
        copies = CopySearch(pictures, recipe, strata, usable).among(store)
        return cls(units_of(store.hashes, usable, pictures.groups, copies.pairs), copies)

    def worth(self, right_m: np.ndarray[Any, Any] | None, rows: Rows) -> float:
        """Compute the independent pictures that each judged one is worth, at most 1."""
        return effective_number(right_m, self.units[rows]) / len(rows) if len(rows) else 1.0

    def known_before(self, rows: Rows, taught: Rows, pictures: Pictures) -> list[str]:
        """Say which judged pictures belong to pictures that trained the model."""
        known = rows[np.isin(self.units[rows], self.units[taught])]
        if not len(known):
            return []
        partner = taught[self.units[taught] == self.units[known[0]]][0]
        return [
            "near copies of pictures that trained the model, or of one group with them: "
            f"{len(known):,} of these pictures, such as {pictures.names[known[0]]} and "
            f"{pictures.names[partner]}: too good a figure"
        ]
