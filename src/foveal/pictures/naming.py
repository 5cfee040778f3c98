"""Names of files: what they say, by a regular expression, and how a table names them."""

from __future__ import annotations

import contextlib
import os
import re
import warnings
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from foveal.arrays import Array
from foveal.errors import DataError, PictureWarning, UsageError
from foveal.parameters import did_you_mean
from foveal.pictures.collection import Pictures
from foveal.pictures.label_sets import of_columns
from foveal.pictures.remote_objects import RemoteObject
from foveal.pictures.sources import gather
from foveal.pictures.sources.columns import LABEL
from foveal.pictures.sources.labels import labels_of, objects_of
from foveal.wording import counted

FEW = 3
"""Names that a message gives as examples."""


NO_NAME = "none that does"


def matched(names: Sequence[str], text: str, parameter: str, forms: str) -> list[str | None]:
    """Search a regular expression in names of pictures.

    Parameters
    ----------
    names : sequence of str
        The names.
    text : str
        The expression: searched in the name of the file, or in the path where it has a "/". Its
        first group that takes part, or all that it matches where it has none, is what it says;
        None where it does not match.
    parameter : str
        Who asks, for the error.
    forms : str
        What may be asked for.

    Raises
    ------
    UsageError
        For what is no expression, and for one that matches no name.
    """
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise UsageError(
            parameter, needed=forms, came=f"{text!r} ({error})", remedy="mend the expression"
        ) from error
    found: list[str | None] = []
    hits = 0
    for name in names:
        match = pattern.search(name if "/" in text else PurePosixPath(name).name)
        hits += match is not None
        found.append(None if match is None else _named_by(match))
    if not any(found):
        came = "matches that name nothing" if hits else NO_NAME
        raise nameless(names, parameter, f"names that match, as {text!r} asks for", forms, came)
    return found


def _named_by(match: re.Match[str]) -> str | None:
    """Return the first group that takes part in a match, or all of it where there is none."""
    if not match.re.groups:
        return match[0] or None
    return next((group for group in match.groups() if group), None)


def nameless(
    names: Sequence[str], parameter: str, needed: str, forms: str, came: str = NO_NAME
) -> UsageError:
    """Return an error for names that say nothing."""
    first = ", ".join(map(str, names[:FEW]))
    return UsageError(
        parameter,
        needed=needed,
        came=f"{came}; the first pictures are {first}",
        remedy=f"give {forms}",
    )


def labelled_by_names(pictures: Pictures, label_from: str | None) -> Pictures:
    """Return the same pictures under labels that their names say.

    Parameters
    ----------
    pictures : Pictures
        The pictures.
    label_from : regular expression or None
        As `matched` takes it; with None the pictures stay as they are.

    Raises
    ------
    UsageError
        For what is no expression, and for one that matches no name.
    """
    if label_from is None:
        return pictures
    forms = r"a regular expression for names, such as '^(cat|dog)' or '/(\w+)_\d+'"
    found = matched(pictures.names, label_from, "label_from", forms)
    labels, notes = labels_of(found)
    lone = sum(one is None for one in found)
    notes += tuple([f"{counted(lone, 'name')} without a label: not matched"] * bool(lone))
    found_by = replace(pictures.without_doubt(LABEL), labels=labels, labelled_by=())
    return found_by.noted(notes)


def labelled_by_columns(pictures: Pictures, label: str | None) -> Pictures:
    """Return the same pictures under labels that columns of their table say.

    Parameters
    ----------
    pictures : Pictures
        The pictures.
    label : str or None
        The name of a column, such as "age", or of several with commas between them; with None the
        pictures stay as they are.

    Returns
    -------
    Pictures
        Labels are (n,) of one column; of several that hold 0 and 1 they are the sets of those that
        hold 1, (n,), and of others (n, columns), whose names `labelled_by` has.

    Raises
    ------
    DataError
        For a column that there is not.
    """
    if label is None:
        return pictures
    known = _columns_of(pictures)
    names = [label] if label in known else [one.strip() for one in label.split(",")]
    for name in names:
        if name not in known:
            raise _no_column(name, known)
    read = [labels_of(known[name]) for name in names]
    nothing = [None] * len(pictures)
    columns = [nothing if one is None else one.tolist() for one, _ in read]
    labels = read[0][0]
    if len(columns) > 1:
        labels = np.stack([objects_of(one) for one in columns], axis=1)
        with contextlib.suppress(DataError):  # who learns labels says what is wrong with them
            labels = of_columns(dict(zip(names, columns, strict=True)), "label")
    elif labels is None:
        labels = objects_of(columns[0])
    notes = [note for _, told in read for note in told]
    notes += [
        note for note in pictures.notes if not any(f"column {name} is" in note for name in names)
    ]
    others = {name: values for name, values in pictures.others.items() if name not in names}
    if pictures.labels is not None and LABEL not in names and pictures.labels.ndim == 1:
        others[LABEL] = objects_of(pictures.labels.tolist())
    found = replace(pictures, labels=labels, others=others, notes=tuple(notes))
    return replace(found.without_doubt(LABEL), labelled_by=tuple(names))


def labelled_as_before(pictures: Pictures, columns: Sequence[str]) -> Pictures:
    """Return the same pictures under labels of the columns that a model learned.

    Where others were asked for, and where a table has not all of these columns, the labels stay.

    Parameters
    ----------
    pictures : Pictures
        The pictures.
    columns : sequence of str
        The columns; none where the model learned what its source said.
    """
    if not columns or pictures.labelled_by is not None:
        return pictures
    more = f" and {len(columns) - FEW:,} more" if len(columns) > FEW else ""
    said = f"column{'s' * (len(columns) > 1)} {', '.join(columns[:FEW])}{more}"
    lost = [name for name in columns if name not in _columns_of(pictures)]
    if not lost:
        note = f"labels are of {said}, as at its training (`label` names another)"
        return labelled_by_columns(pictures, ", ".join(columns)).noted([note])
    if pictures.labels is None:
        return pictures
    return pictures.noted([f"labels are not of {said}, as at its training: not all are there"])


def _columns_of(pictures: Pictures) -> dict[str, list[Any]]:
    """Return the values of each column of a table that labels may be of."""
    known = {name: values.tolist() for name, values in pictures.others.items()}
    if pictures.labels is not None and pictures.labels.ndim == 1:
        known.setdefault(LABEL, pictures.labels.tolist())
    return known


def _no_column(name: str, known: Collection[str]) -> DataError:
    like = did_you_mean(name, known)
    return DataError(
        "label",
        needed="the name of a column of the table of pictures, or several with commas between",
        came=f"{name!r}, where there are {', '.join(known)}"
        if known
        else f"{name!r}, where no table says anything of the pictures",
        remedy=like or "name a column that the table has",
    )


def labelled_as(pictures: Pictures, label_from: str | None, label: str | None) -> Pictures:
    """Return the same pictures under labels that their names or columns of their table say.

    Raises
    ------
    UsageError
        Where both are asked for; else as `labelled_by_names` and `labelled_by_columns` do.
    """
    if label_from is not None and label is not None:
        raise UsageError(
            "`label` and `label_from`",
            needed="one of them: a column of a table says labels, or names of files do",
            came="both",
            remedy="leave one of them out",
        )
    return labelled_by_columns(labelled_by_names(pictures, label_from), label)


def list_pictures(
    folder: Any, *, label_from: str | None = None, label: str | None = None
) -> tuple[list[str], Array]:
    r"""List the pictures of a folder and their labels, for what splits both by itself.

    Parameters
    ----------
    folder : path, frame, or whatever else names encoded pictures
        As `fit` takes it: a folder of class folders, a table, shards.
    label_from : regular expression, optional
        Reads labels off the names of the files, such as ``r"^(cat|dog)\."``, instead: its first
        group, or all that it matches. With a "/" it is searched in the path.

    Returns
    -------
    tuple
        The paths, and the label of each (n,). Pictures without a label are left out, with a
        `foveal.PictureWarning`. What names parts (train, validation, test) is not told.

    Raises
    ------
    DataError
        Where there are no labels, and for arrays, which have no paths.
    UsageError
        For an expression that matches no name.

    Examples
    --------
    ::

        paths, labels = foveal.list_pictures("photos/")
        cross_val_score(TransferClassifier(), paths, labels)
    """
    found = labelled_as(gather(folder), label_from, label)
    if found.content.in_memory is not None:
        raise DataError(
            "folder",
            needed="files, or pictures within files",
            came="an array",
            remedy="give the array itself, and its labels as y",
        )
    found.undoubted("label")
    if found.labels is None:
        raise DataError(
            "folder",
            needed="labels: a folder a class, a table with the column label, or `label_from`",
            came="pictures without labels",
            remedy="say by `label_from` how labels are read off the names",
        )
    known = [row for row, one in enumerate(found.labels.tolist()) if one is not None]
    if len(known) < len(found):
        lost = counted(len(found) - len(known), "picture")
        warnings.warn(f"{lost} without a label left out", PictureWarning, stacklevel=2)
    names = found.with_whole_names().names
    return [names[row] for row in known], np.array(found.labels[known].tolist())


def paths_from(pictures: Pictures, folder: Path) -> list[str] | None:
    """Name pictures as a table in a folder names them, so that both can move together.

    Returns
    -------
    list of str or None
        Paths from the folder, addresses as they are; None where some are no files, but arrays or
        parts of files.
    """
    encoded = getattr(pictures.content, "pictures", ())
    files = [one for one in encoded if isinstance(one, Path | RemoteObject)]
    if len(files) < len(pictures):
        return None
    start = os.path.realpath(folder)
    return [_from(start, file) for file in files]


def _from(start: str, file: Path | RemoteObject) -> str:
    if isinstance(file, RemoteObject):
        return file.name
    whole = os.path.realpath(file)
    try:
        return Path(os.path.relpath(whole, start)).as_posix()
    except ValueError:  # on another drive
        return whole
