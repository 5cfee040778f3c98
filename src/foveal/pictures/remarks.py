"""What a reader should know of how a picture was read, though it was read."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from foveal.errors import PictureWarning
from foveal.wording import counted

MOST_KINDS = 5
"""Kinds of remarks that a summary names."""


class Remark(NamedTuple):
    """Something that a reader should know of one picture."""

    kind: str
    """What many pictures may have in common."""
    detail: str = ""
    """What is so of this one alone."""

    @property
    def text(self) -> str:
        """The remark as the ledger has it."""
        return f"{self.kind}: {self.detail}" if self.detail else self.kind


Remarks = tuple[Remark, ...]


def summed(remarks: Mapping[int, Remarks], names: Sequence[str] | None = None) -> list[str]:
    """Say each kind of remark once, with the number of pictures and the first of them.

    >>> summed({1: (Remark("odd"),), 2: (Remark("odd", "by 2"),)}, ["a.png", "b.png", "c.png"])
    ['2 pictures (b.png, ...): odd']
    """
    rows: dict[str, list[int]] = {}
    for row, several in sorted(remarks.items()):
        for kind in {remark.kind: None for remark in several}:
            rows.setdefault(kind, []).append(row)
    lines = [f"{_pictures(found, names)}: {kind}" for kind, found in rows.items()]
    more = len(lines) - MOST_KINDS
    return lines[:MOST_KINDS] + [f"and {more} more remarks on pictures"] * (more > 0)


def joined(remarks: Iterable[Remark]) -> str:
    """Return the remarks on one picture in one line, as the ledger has them."""
    return "; ".join(remark.text for remark in remarks)


def warn(lines: Iterable[str]) -> None:
    """Tell the user of a function by warnings; the command line prints them as notes."""
    for line in lines:
        warnings.warn(line, PictureWarning, stacklevel=2)


def _pictures(rows: list[int], names: Sequence[str] | None) -> str:
    count = counted(len(rows), "picture")
    if names is None:
        return count
    return f"{count} ({names[rows[0]]}{', ...' * (len(rows) > 1)})"
