"""The ledger: what became of every file. Nothing is lost, nothing is replaced."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from foveal import files
from foveal.pictures.remarks import warn
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


def left_out(entries: Iterable[Entry]) -> list[Entry]:
    """List the entries that were left out."""
    return [entry for entry in entries if entry.reason]


def write(path: Path, entries: Sequence[Entry]) -> None:
    """Write the ledger as CSV, whole or not at all."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for entry in entries:
        *begin, reason, remark = (one or "" for one in entry)
        writer.writerow((*begin, entry.status, reason, remark))
    files.write_whole(path, text.getvalue().encode("utf-8", "surrogateescape"))


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
