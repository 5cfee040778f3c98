"""The ledger: what became of every file. Nothing is lost, nothing is replaced."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, overload

import numpy as np

from foveal import files
from foveal.arrays import Array
from foveal.pictures.remarks import Remarks, joined, warn
from foveal.wording import counted

COLUMNS = ("path", "label", "part", "status", "reason", "remark")


class Entry(NamedTuple):
    """One picture in the ledger."""

    path: str
    """As given, or relative to the folder."""
    label: str | None
    """Class, where known."""
    part: str
    """train, validation, test, or nothing where it had no part."""
    reason: str
    """Why it was left out; empty where it was used."""
    remark: str = ""
    """What a reader should know of how it was read."""

    @property
    def status(self) -> str:
        """Return "used" or "left out"."""
        return "left out" if self.reason else "used"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Entries(Sequence[Entry]):
    """The entries of many pictures, each made when it is asked for: they would take much memory.

    Of n pictures, in order.
    """

    names: Sequence[str]
    labels: Array | None
    """(n,), None where nothing says one."""
    parts: Sequence[str]
    reasons: Sequence[str]
    remarked: Mapping[int, Remarks]
    """Remarks on single pictures, by row."""

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, row: int) -> Entry: ...
    @overload
    def __getitem__(self, row: slice) -> list[Entry]: ...
    def __getitem__(self, row: int | slice) -> Entry | list[Entry]:
        if isinstance(row, slice):
            return [self[one] for one in range(*row.indices(len(self)))]
        label = None if self.labels is None else self.labels[row]
        if isinstance(label, np.ndarray | np.generic):
            label = label.tolist()
        return Entry(
            self.names[row],
            None if label is None else str(label),
            self.parts[row],
            self.reasons[row],
            joined(self.remarked.get(row % len(self), ())),
        )


def left_out(entries: Iterable[Entry]) -> list[Entry]:
    """List the entries that were left out."""
    return [entry for entry in entries if entry.reason]


def write(path: Path, entries: Sequence[Entry]) -> None:
    """Write the ledger as CSV, whole or not at all."""
    with (
        files.whole_file(path) as temporary,
        temporary.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for entry in entries:
            *begin, reason, remark = (one or "" for one in entry)
            writer.writerow((*begin, entry.status, reason, remark))


def warn_unreadable(names: Sequence[str], reasons: Sequence[str]) -> None:
    """Warn of pictures that cannot be read, by a function whose answer has no place for reasons.

    Parameters
    ----------
    names, reasons : sequence of str, (n,)
        Of all pictures; no reason for those that can be read.
    """
    if any(reasons):
        entries = map(Entry, names, [None] * len(names), [""] * len(names), reasons)
        warn([summary(list(entries))])


def summary(entries: Sequence[Entry], most: int = 3) -> str:
    """Name the first entries left out, with their reasons, in one line."""
    missing = left_out(entries)
    named = "; ".join(f"{entry.path} ({entry.reason})" for entry in missing[:most])
    more = f"; and {len(missing) - most} more" if len(missing) > most else ""
    return f"{len(missing)} of {counted(len(entries), 'picture')} left out: {named}{more}"
