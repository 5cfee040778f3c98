"""Several labels of one picture, or none at all: as cells, lists, or columns of 0 and 1 say it.

A picture without any label is known to have none, which teaches as much as one that has some; it
is another thing than a picture of which nothing is known. So an empty list says none and None says
missing; a row of zeros says none and a row of NaN missing; of a text, a separator alone says none
and an empty cell missing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from foveal.arrays import Array, Doubles, Truths
from foveal.errors import DataError
from foveal.parameters import Choice, check
from foveal.pictures.collection import Pictures
from foveal.pictures.missing import is_missing
from foveal.vocabulary import SEPARATORS, normal_name
from foveal.wording import agreeing, counted

AUTO = "auto"
SETS = (set, frozenset)
LISTS = (list, tuple, np.ndarray)
NEEDED = "for each picture a list of labels, or a row of 0 and 1 with a column for each label"


@dataclass(frozen=True, slots=True)
class LabelSet:
    """The labels of one picture."""

    labels: tuple[Any, ...] = ()
    """Each once, sorted."""
    among: tuple[Any, ...] = ()
    """All labels that there are, in order, where whoever gave these said so; else empty."""

    def __str__(self) -> str:
        return joined(self.labels)


def joined(labels: Iterable[Any], separator: str = SEPARATORS[0]) -> str:
    """Write labels as one text: a separator alone where there is none.

    >>> joined(["red", "round"]), joined([])
    ('red;round', ';')
    """
    return separator.join(map(str, labels)) or separator


def set_of(labels: Iterable[Any], among: tuple[Any, ...] = ()) -> LabelSet:
    """Make the labels of a picture: each once, texts composed (NFC)."""
    once = {normal_name(one) if isinstance(one, str) else one for one in labels}
    return LabelSet(tuple(sorted(once, key=lambda one: (isinstance(one, str), one))), among)


def says_several(y: Any) -> bool:
    """Whether labels in Python say several a picture: by columns, by lists or by sets."""
    columns = getattr(y, "columns", None)
    if columns is not None:
        return len(columns) > 1
    if isinstance(y, str | bytes):
        return False
    shape = getattr(y, "shape", None)
    if shape is not None and len(shape) != 1:
        return len(shape) == 2 and shape[1] > 1
    if not isinstance(y, list | tuple) and getattr(getattr(y, "dtype", None), "kind", "") != "O":
        return False
    first = next((one for one in y if not _missing(one)), None)
    if isinstance(first, LISTS) and len(first) == 1:  # one label in each row is a column
        return any(isinstance(one, (*SETS, *LISTS)) and len(one) != 1 for one in y)
    return isinstance(first, _COLLECTIONS)


def label_sets(y: Any) -> Array:
    """Read labels in Python, several a picture.

    Parameters
    ----------
    y : sequence of lists, or array (n, k)
        Lists, tuples or sets of labels; or columns of 0 and 1, of an array, a sparse matrix or a
        frame, whose columns name the labels. Numbers as labels come in sets: lists of numbers are
        rows of 0 and 1.

    Returns
    -------
    array of LabelSet, (n,)
        None where nothing is known of a picture.

    Raises
    ------
    DataError
        For rows of unlike lengths, for columns of other numbers, and for rows of another form.
    """
    if hasattr(y, "columns"):
        return of_columns({str(name): y[name].tolist() for name in y.columns}, "y")
    if hasattr(y, "toarray"):
        y = y.toarray()
    if getattr(y, "ndim", 1) == 2 and y.dtype.kind in "biuf":
        return _of_matrix(y.astype(np.float64), tuple(range(y.shape[1])), "y")
    rows = list(y)
    there = {row: one for row, one in enumerate(rows) if not _missing(one)}
    if any(isinstance(one, LISTS) and any(map(_is_number, one)) for one in there.values()):
        return _of_rows(rows, None, "y")
    odd = next((row for row, one in there.items() if not isinstance(one, _COLLECTIONS)), None)
    if odd is not None:
        raise _other("y", f"{type(rows[odd]).__name__} in row {odd}: {rows[odd]!r:.40}")
    known: dict[Any, LabelSet] = {}
    return _objects(
        [_interned(one, known) if row in there else None for row, one in enumerate(rows)]
    )


def of_columns(columns: dict[str, Sequence[Any]], where: str) -> Array:
    """Read columns of 0 and 1, each named by its label; see `label_sets`."""
    rows = list(zip(*columns.values(), strict=True))
    return _of_rows(rows, tuple(map(normal_name, columns)), where)


def of_texts(
    texts: Sequence[Any], *, separator: str | None = None, known: Collection[Any] = ()
) -> tuple[list[LabelSet | None], tuple[str, ...]]:
    """Read cells that name several labels with a separator between them.

    Parameters
    ----------
    texts : sequence, (n,)
        Texts, or a single label that is a number; None where the cell is empty. A separator alone
        says that there is no label.
    separator : str, optional
        What separates them; where left out the first of `SEPARATORS` that stands in any text.
    known : collection of labels
        A text that is one of these is not taken apart, and what separates is what yields most.

    Returns
    -------
    tuple
        The labels of each picture, None where the cell is empty; notes.
    """
    whole = {str(one) for one in known}
    some = {one for one in texts if isinstance(one, str) and one not in whole}
    by = separator or _separator(some, whole)
    read: dict[Any, LabelSet] = {}
    twice = 0
    for text in {one for one in texts if one is not None}:
        parts = _parts(text, by) if text in some else [text]
        read[text] = set_of(parts)
    for text in texts:
        twice += text in some and len(read[text].labels) < len(_parts(text, by))
    notes = [] if known or by is None else [f"labels are separated by {by!r}"]
    bear = agreeing(twice, "bears", "bear")
    notes += [f"{counted(twice, 'picture')} {bear} a label twice: it counts once"] * bool(twice)
    if not known and by is not None:
        notes += _left_within(read.values(), by)
    return [None if one is None else read[one] for one in texts], tuple(notes)


def taken_apart(pictures: Pictures, separator: str | None) -> Pictures:
    """Return the same pictures, texts that name several labels taken apart.

    Parameters
    ----------
    pictures : Pictures
        The pictures.
    separator : {"auto", ";", "|", ","}, optional
        What stands between labels; "auto" for the first of these that occurs. Where left out the
        pictures stay as they are.
    """
    if separator is None or pictures.labels is None or says_several(pictures.labels):
        return pictures
    check({"separator": separator}, {"separator": Choice((AUTO, *SEPARATORS))})
    asked = None if separator == AUTO else separator
    sets, notes = of_texts(pictures.labels.tolist(), separator=asked)
    return replace(pictures, labels=_objects(sets)).noted(notes)


def matrix_of(sets: Sequence[LabelSet | None], names: Sequence[Any]) -> tuple[Truths, list[str]]:
    """Lay label sets out as a matrix of the names.

    Sets of columns without names are those of the names in their order, where as many.

    Returns
    -------
    tuple
        Whether each picture bears each label, (n, k); and of each picture the first label that is
        none of the names, empty where there is no such.
    """
    places = {str(name): at for at, name in enumerate(names)}
    numbered = {one.among for one in sets if one is not None} == {tuple(range(len(names)))}
    if numbered and not set(places) & set(map(str, range(len(names)))):
        places = {str(at): at for at in range(len(names))}  # columns in the order of the names
    found = np.zeros((len(sets), len(names)), dtype=bool)
    unknown = [""] * len(sets)
    for row, one in enumerate(sets):
        for label in () if one is None else one.labels:
            place = places.get(str(label))
            if place is None:
                unknown[row] = unknown[row] or str(label)
            else:
                found[row, place] = True
    return found, unknown


_COLLECTIONS = (LabelSet, *SETS, *LISTS)


def _interned(given: Any, known: dict[Any, LabelSet]) -> LabelSet:
    """Make the labels of a picture; equal ones are one object, which a million rows share."""
    if isinstance(given, LabelSet):
        return given
    key = frozenset(given)
    return known.setdefault(key, set_of(key))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number | np.bool_)


def _missing(value: Any) -> bool:
    return not isinstance(value, _COLLECTIONS) and is_missing(value)


def _of_rows(rows: list[Any], names: tuple[Any, ...] | None, where: str) -> Array:
    """Read rows of 0 and 1, of which each value, or the whole row, may be missing."""
    there = [one for one in rows if not _missing(one)]
    lengths = sorted({len(one) for one in there if isinstance(one, LISTS)})
    if len(lengths) > 1 or not all(isinstance(one, LISTS) for one in there):
        came = f"rows of unlike lengths: {' and '.join(map(str, lengths[:3]))}"
        raise _other(where, came if len(lengths) > 1 else "rows of several kinds")
    among = tuple(range(lengths[0])) if names is None else names
    blank = [np.nan] * len(among)
    try:
        filled = [blank if _missing(one) else list(one) for one in rows]
        cells = [[np.nan if is_missing(one) else float(one) for one in row] for row in filled]
    except (TypeError, ValueError) as error:
        raise _other(where, f"a value that is no number: {error}"[:100]) from error
    return _of_matrix(np.array(cells, dtype=np.float64), among, where)


def _of_matrix(matrix: Doubles, among: tuple[Any, ...], where: str) -> Array:
    """Read a matrix of 0 and 1; a row of NaN is missing."""
    missing: Truths = np.isnan(matrix)
    odd = np.argwhere((matrix != 0) & (matrix != 1) & ~missing)
    if len(odd):
        row, at = odd[0]
        raise _other(where, f"{matrix[row, at]:g} in row {row}, column {among[at]}")
    torn = np.flatnonzero(missing.any(axis=1) & ~missing.all(axis=1))
    if len(torn):
        at = int(missing[torn[0]].argmax())
        raise _other(
            where,
            f"no value in row {torn[0]}, column {among[at]}, where other columns have one",
            "say 0 or 1 of every label, or nothing of any: a row that is empty is left out",
        )
    known: dict[bytes, LabelSet] = {}
    sets: list[LabelSet | None] = []
    there: Truths = matrix == 1
    counts: list[int] = missing.sum(axis=1).tolist()
    for row, empty in zip(there, (one == len(among) for one in counts), strict=True):
        key = row.tobytes()
        if not empty and key not in known:
            known[key] = set_of([among[at] for at in np.flatnonzero(row)], among)
        sets.append(None if empty else known[key])
    return _objects(sets)


def _separator(texts: Collection[str], known: Collection[str]) -> str | None:
    """Choose what separates labels: the first that occurs, or which yields most known ones."""
    there = [one for one in SEPARATORS if any(one in text for text in texts)]
    if not known:
        return there[0] if there else None
    yields = {
        one: sum(part in known for text in texts for part in _parts(text, one)) for one in there
    }
    return max(there, key=lambda one: yields[one], default=None)


def _parts(text: str, separator: str | None) -> list[str]:
    """Take a text apart, without the spaces around labels; nothing of what is empty."""
    parts = [text] if separator is None else text.split(separator)
    return [part.strip() for part in parts if part.strip()]


def _left_within(sets: Iterable[LabelSet], separator: str) -> list[str]:
    """Say that labels hold what might have separated them."""
    names = sorted({str(label) for one in sets for label in one.labels})
    odd = [name for name in names if any(one in name for one in SEPARATORS if one != separator)]
    if not odd:
        return []
    return [f"labels that hold another separator: {odd[0]!r}{', ...' * (len(odd) > 1)}"]


def _objects(values: Sequence[Any]) -> Array:
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found


def _other(where: str, came: str, remedy: str = "") -> DataError:
    return DataError(
        where,
        needed=NEEDED,
        came=came,
        remedy=remedy
        or "name the labels as texts, or write 0 and 1; numbers as labels come in "
        "sets; boxes and masks are not supported",
    )
