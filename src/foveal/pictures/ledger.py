"""The ledger: what became of every file. Nothing is lost, nothing is replaced."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

COLUMNS = ("path", "label", "part", "status", "reason")


@dataclass(frozen=True, slots=True)
class Entry:
    """One picture in the ledger."""

    path: str
    """As given, or relative to the folder."""
    label: str | None
    """Class, where known."""
    part: str
    """train, validation, test, or nothing where it had no part."""
    reason: str
    """Why it was left out; empty where it was used."""

    @property
    def status(self) -> str:
        """Return "used" or "left out"."""
        return "left out" if self.reason else "used"


def left_out(entries: Iterable[Entry]) -> list[Entry]:
    """List the entries that were left out."""
    return [entry for entry in entries if entry.reason]


def write(path: Path, entries: Sequence[Entry]) -> None:
    """Write the ledger as CSV, whole or not at all."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with temporary.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for entry in entries:
            row = (entry.path, entry.label or "", entry.part, entry.status, entry.reason)
            writer.writerow(row)
    temporary.replace(path)


def summary(entries: Sequence[Entry], most: int = 3) -> str:
    """Name the first entries left out, with their reasons, in one line."""
    missing = left_out(entries)
    named = "; ".join(f"{entry.path} ({entry.reason})" for entry in missing[:most])
    more = f"; and {len(missing) - most} more" if len(missing) > most else ""
    return f"{len(missing)} of {len(entries)} pictures left out: {named}{more}"
