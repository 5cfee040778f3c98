"""Finding unusual pictures as work on many: the threshold is set once, whoever scores."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from foveal.anomaly.detection import opened
from foveal.anomaly.neighbours import Neighbouring
from foveal.anomaly.reconstruction import Reconstructing
from foveal.anomaly.threshold import Anomalies, By, Threshold, columns_of
from foveal.errors import DataError
from foveal.model.bulk_work import ModelWork
from foveal.pictures.collection import Pictures
from foveal.pictures.sources import gather
from foveal.recipe import PictureRecipe
from foveal.tables import schema_of, table_of


class Scored(NamedTuple):
    """Some pictures held against the usual ones."""

    found: Anomalies
    taught: int
    """Those of them that taught the model."""

    @property
    def names(self) -> Sequence[str]:
        """The pictures."""
        return self.found.names

    @property
    def reasons(self) -> Sequence[str]:
        """Why one has no score; empty where it has one."""
        return self.found.reasons


@dataclass(frozen=True)
class Scoring:
    """Scores pictures, its threshold set."""

    way: Reconstructing | Neighbouring

    @property
    def threshold(self) -> Threshold:
        """What scores are held to."""
        return self.way.threshold

    @property
    def usual(self) -> str | None:
        """Hash of the usual pictures by content (BLAKE2b); None for those held out."""
        way = self.way
        found = way.known.hashes if isinstance(way, Neighbouring) else way.usual
        if found is None:
            return None
        return hashlib.blake2b(np.sort(found).tobytes(), digest_size=16).hexdigest()

    @property
    def recipe(self) -> PictureRecipe:
        """The model's."""
        return self.way.model.recipe

    @cached_property
    def schema(self) -> pa.Schema:
        """Columns of the scores."""
        near = isinstance(self.way, Neighbouring)
        measures: tuple[By, ...] = ("neighbours",) if near else ("error", "distance")
        return schema_of(columns_of(measures, nearest=near), [])

    def answers(self, pictures: Pictures, before: int = 0) -> Iterator[Scored]:
        """Score batch by batch."""
        way = self.way
        if isinstance(way, Reconstructing):
            for made in way.measuring(pictures):
                yield Scored(way.scored(made, made.names), int(made.taught.sum()))
            return
        for seen in way.seeing(pictures):
            found = way.scored(seen)
            yield Scored(found, int(way.taught(found, seen).sum()))

    def table(self, answers: Scored) -> pa.Table:
        """Return the rows of scores."""
        return table_of(list(answers.found.rows()), self.schema)

    def counts(self, answers: Scored) -> Mapping[str, int]:
        """Count those above the threshold, and those that taught the model."""
        return {"above": int(answers.found.above.sum()), "taught": answers.taught}

    def engine(self, pictures: Pictures) -> str:
        """Name nothing: a score is held to a threshold, and not to those of other parts."""
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnomalyWork(ModelWork):
    """Finding unusual pictures."""

    by: By
    false_alarms: float
    neighbours: int | None
    usual: str | None
    """Where the usual pictures are; None for those held out of the training."""
    usual_mark: str | None
    """Which these are, see `Scoring.usual`."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """Model, way and usual pictures."""
        return {
            "work": "anomalies",
            "model": self.digest,
            "by": self.by,
            "false_alarms": self.false_alarms,
            "neighbours": self.neighbours,
            "usual": self.usual_mark,
        }

    def open(self) -> Scoring:
        """Load the model, and look at the usual pictures.

        Raises
        ------
        DataError
            Where these are no longer those with which the work began.
        """
        usual = None if self.usual is None else gather(self.usual).named_from_here()
        model = self.opened(whole=True)
        found = Scoring(opened(model, self.by, self.false_alarms, usual, self.neighbours))
        if found.usual == self.usual_mark:
            return found
        raise DataError(
            str(self.usual),
            needed="the usual pictures that the work began with",
            came="others",
            remedy="put them back, or begin other parts",
        )
