"""Pictures of several pages, and those that move: each page a picture of its own, where asked."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from dataclasses import replace

import numpy as np

from foveal.arrays import Array, Rows
from foveal.pictures.collection import Pictures
from foveal.pictures.decoders import ask
from foveal.pictures.encoded import MARK, Encoded, EncodedRows, Page
from foveal.pictures.encoded_content import EncodedContent
from foveal.wording import counted

MOST = 1_000
"""Pages of a file that become pictures, at most."""
_every: ContextVar[bool] = ContextVar("every page of pictures", default=False)


@contextlib.contextmanager
def every_page_read(wanted: bool) -> Iterator[None]:
    """Let whatever gathers pictures within this give every page of them, if so wanted."""
    before = _every.set(wanted)
    try:
        yield
    finally:
        _every.reset(before)


def as_wanted(pictures: Pictures) -> Pictures:
    """Return every page of pictures where that is wanted (`every_page_read`), else them."""
    return paged(pictures) if _every.get() else pictures


class Pages(EncodedRows):
    """Pages of pictures, by row.

    Parameters
    ----------
    source : sequence of Encoded
        The pictures.
    rows : array of int
        The picture of each page.
    numbers : array of int
        The number of each page, from 1 on; 0 for a picture that is its only one.
    """

    def __init__(self, source: Sequence[Encoded], rows: Rows, numbers: Rows) -> None:
        self.source, self.rows, self.numbers = source, rows, numbers

    def __len__(self) -> int:
        return len(self.rows)

    def one(self, row: int) -> Encoded:
        """Return the page of a row."""
        whole, number = self.source[int(self.rows[row])], int(self.numbers[row])
        return Page(whole, number) if number else whole


def paged(pictures: Pictures) -> Pictures:
    """Return pictures with a row for each page, named "scan.tif#3"; of each file `MOST` at most.

    Pages of one picture belong together where nothing else says what does.
    """
    content = pictures.content
    if not isinstance(content, EncodedContent):
        return pictures
    whole = [row for row, one in enumerate(content.pictures) if not isinstance(one, Page)]
    answers = ask("pages", [content.pictures[row] for row in whole])
    there = np.ones(len(pictures), dtype=np.intp)
    there[whole] = [1 if isinstance(one, str) else one.facts["pages"] for one in answers]
    if (there == 1).all():
        return pictures
    counts = np.minimum(there, MOST)
    rows = np.repeat(np.arange(len(pictures)), counts)
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    numbers = np.where(counts[rows] > 1, np.arange(len(rows)) - starts + 1, 0)
    found = pictures.take(rows.tolist())
    names = [
        f"{name}{MARK}{number}" if number else name
        for name, number in zip(found.names, numbers.tolist(), strict=True)
    ]
    several = [pictures.names[row] for row in np.flatnonzero(there > 1).tolist()]
    return replace(
        found,
        names=names,
        content=EncodedContent(Pages(content.pictures, rows, numbers)),
        groups=_together(found, [pictures.names[row] for row in rows.tolist()], numbers),
        notes=(*found.notes, *_notes(several, there)),
    )


def _together(found: Pictures, wholes: Sequence[str], numbers: Rows) -> Array:
    """Return the groups of pages: those that were given, else what they are pages of."""
    given = [None] * len(found) if found.groups is None else found.groups.tolist()
    groups = np.empty(len(found), dtype=object)
    groups[:] = [
        group if group is not None or not number else whole
        for group, whole, number in zip(given, wholes, numbers.tolist(), strict=True)
    ]
    return groups


def _notes(several: Sequence[str], there: Rows) -> Iterator[str]:
    more = ", ..." * (len(several) > 1)
    files, left = counted(len(several), "file"), int(np.maximum(there - MOST, 0).sum())
    yield f"every page is a picture: of {files} ({several[0]}{more})"
    if left:
        yield f"{counted(left, 'page')} beyond the first {MOST:,} of a file left out"
