"""Tables of pictures as text: .csv and .tsv, whatever separates their values."""

from __future__ import annotations

import codecs
import csv
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from foveal.errors import DataError
from foveal.pictures.collection import Pictures
from foveal.pictures.sources.columns import PATH, Listed, check_columns, doubled, of_paths, told
from foveal.wording import counted

ENDINGS = (".csv", ".tsv")
SEPARATORS = ",;\t|"
END = "\0end"
"""A line after the last, which no quote may have taken in."""
MOST_KEPT = 10_000
"""Different values, such as labels, that are kept once."""


def takes(given: Any) -> bool:
    """Whether this is a path with the ending of a table."""
    return isinstance(given, Path) and given.suffix.lower() in ENDINGS and not given.is_dir()


def read(table: Path) -> Pictures:
    """Read a table of pictures; every row has its row, one that cannot be read its reason."""
    try:
        with _opened(table) as file:
            return told([_listed(table, file)], str(table))
    except (OSError, UnicodeError, csv.Error) as error:
        raise DataError(
            str(table),
            needed="a table of path and label as text",
            came=str(error)[:100],
            remedy="check the file; save the table as CSV in UTF-8",
        ) from error


def _opened(table: Path) -> TextIO:
    """Open a text of UTF-8, or of UTF-16 where its first bytes say so; names may be no text."""
    with table.open("rb") as file:
        start = file.read(3)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return table.open(encoding="utf-16", newline="")
    return table.open(encoding="utf-8-sig", errors="surrogateescape", newline="")


def _listed(table: Path, file: TextIO) -> Listed:
    head = file.readline()
    file.seek(0)
    text = itertools.chain(file, [END])
    lines = csv.reader(text, delimiter=_separator(table, head), skipinitialspace=True)
    named = [name.strip() for name in next(lines) if name != END]
    check_columns(named, str(table))
    doubts = doubled(named, str(table))
    first = {one: at for at, one in reversed([*enumerate(named)])}
    names = [
        f"{one} {at + 1}" if one in doubts or first[one] < at else one
        for at, one in enumerate(named)
    ]
    columns: dict[str, list[Any]] = {name: [] for name in names}
    problems: dict[int, str] = {}
    values = [columns[name] for name in names]
    once: dict[str, str] = {}
    for row, cells in enumerate(_filled(lines)):
        if len(cells) != len(names):
            problems[row] = f"{counted(len(cells), 'value')} where the table has {len(names)}"
            cells = (cells + [""] * len(names))[: len(names)]
        for column, cell in zip(values, cells, strict=True):
            column.append(once.setdefault(cell, cell) if len(once) < MOST_KEPT else cell)
    _check_text(table, columns)
    return of_paths(columns, str(table), table.absolute().parent, problems, doubts)


def _filled(lines: Iterator[list[str]]) -> Iterator[list[str]]:
    """Leave blank lines out.

    Raises
    ------
    csv.Error
        Where a quote is open to the end, and rows are lost in one value.
    """
    for cells in lines:
        if cells == [END]:
            return
        if any(cells):
            yield cells
    raise csv.Error("a quote that is never closed")


def _separator(table: Path, head: str) -> str:
    """Choose what separates values by the head: a tab in .tsv, else what stands there most."""
    if table.suffix.lower() == ".tsv":
        return "\t"
    return max(SEPARATORS, key=head.count)


def _check_text(table: Path, columns: dict[str, list[str]]) -> None:
    """Refuse values that are no UTF-8, but for paths, which need not be text."""
    for name, values in columns.items():
        odd = next((one for one in values if not one.isascii() and _escaped(one)), None)
        if odd is not None and name != PATH:
            raise DataError(
                str(table),
                needed=f"text in UTF-8 in the column {name}",
                came=repr(odd)[:80],
                remedy="save the table as CSV in UTF-8",
            )


def _escaped(text: str) -> bool:
    return any("\udc80" <= one <= "\udcff" for one in text)
