"""A folder in which files arrive: each is predicted once, when it is whole."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from foveal.model.fitted import FittedModel
from foveal.model.predictions import Predictions
from foveal.pictures.collection import Pictures
from foveal.pictures.encoded import times
from foveal.pictures.sources.folder import in_order, seen_files
from foveal.tables import GrowingTable

REST = 2.0
"""Seconds for which a file must not have changed."""
PATIENCE = 15.0
"""Seconds for which one that cannot be read must not have changed: it may have been cut short."""
PAUSE = 1.0
"""Seconds between two looks at the folder, at least; ten times as long as a look took."""
MOST = 512
"""Files that are predicted before their rows are added, at most."""


@dataclass(slots=True)
class _Arriving:
    """A file without a row."""

    mark: str
    """Its size and times."""
    since: float
    """When these were first seen."""
    tried: bool = False
    """Whether it could not be read as it is."""


class Watch:
    """Predicts files as they arrive below a folder.

    Parameters
    ----------
    model : FittedModel
        What predicts.
    folder : Path
        What is looked at, with all folders in it; hidden files are none.
    table : GrowingTable
        Gets a row for each file, of the columns of `Predictions`; files that have one are done.
    least : float, optional
        How sure the model must be to answer, see `FittedModel.refusal`.
    clock, sleep : callable, optional
        Seconds that pass, and how to let them.
    """

    def __init__(
        self,
        model: FittedModel,
        folder: Path,
        table: GrowingTable,
        *,
        least: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self.model, self.folder, self.table, self.least = model, folder, table, least
        self.clock, self.sleep = clock, sleep or time.sleep
        self.rows = self.unreadable = self.unfamiliar = self.left = 0
        """Rows that were added; of them those of files that cannot be read, of pictures unlike
        those that taught, and of those left to a person."""
        self._arriving: dict[str, _Arriving] = {}

    def looks(self) -> Iterator[int]:
        """Look for ever; yields how many rows a look added, where it added some."""
        while True:
            began = self.clock()
            added = self.look()
            if added:
                yield added
            self.sleep(max(PAUSE, 10 * (self.clock() - began) * (not added)))

    def look(self) -> int:
        """Look once; returns how many rows were added."""
        before, ready = self.rows, self._ready()
        for start in range(0, len(ready), MOST):
            pictures = Pictures.of_files(ready[start : start + MOST])
            for batch in self.model.predicting(pictures, self.least):
                self._add(batch)
        return self.rows - before

    def _ready(self) -> list[Path]:
        """List files without a row that rest, in an order people expect."""
        now, before = self.clock(), self._arriving
        self._arriving, ready = {}, []
        for file in seen_files(self.folder):
            name = str(file)
            if name in self.table.known:
                continue
            try:
                mark = times(file.stat())
                is_table = file.samefile(self.table.path)
            except OSError:  # gone again
                continue
            if is_table or not file.is_file():
                continue
            known = before.get(name)
            one = known if known is not None and known.mark == mark else _Arriving(mark, now)
            self._arriving[name] = one
            if now - one.since >= (PATIENCE if one.tried else REST):
                ready.append(file)
        return in_order(ready)

    def _add(self, batch: Predictions) -> None:
        """Add rows; a file that cannot be read gets its row once it has rested for long."""
        now, rows = self.clock(), []
        flags = zip(batch.unfamiliar.tolist(), batch.left.tolist(), strict=True)
        for name, reason, (strange, left), row in zip(
            batch.names, batch.reasons, flags, batch.rows(), strict=True
        ):
            one = self._arriving[name]
            if reason and now - one.since < PATIENCE:
                one.tried = True
                continue
            rows.append(row)
            self.unreadable += bool(reason)
            self.unfamiliar += strange
            self.left += left
        self.table.add(rows)
        self.rows += len(rows)
