"""Where pictures come from: folders, lists of files, arrays, .npz and IDX, all made one thing.

`gather` answers with `Pictures`: rows in a fixed order, each with a name, perhaps a label and
perhaps a part (train, validation, test). Nothing is decoded here. A new source is one more reader.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Protocol

from foveal.errors import DataError
from foveal.files import existing
from foveal.pictures.collection import Pictures
from foveal.pictures.sources import arrays, files, folder, idx, numpy_files, shards, tar, text_table
from foveal.pictures.sources.forms import check_form, listed
from foveal.pictures.sources.shards import members_too


class Reader(Protocol):
    """A module that reads one kind of source."""

    def takes(self, given: Any, /) -> bool:
        """Whether this is such a source; paths come as `Path`, and exist."""

    def read(self, given: Any, /) -> Pictures:
        """Make pictures of it."""


READERS: tuple[Reader, ...] = (tar, shards, idx, folder, numpy_files, text_table, files, arrays)
"""The first that takes what is given reads it."""


def gather(pictures: Any) -> Pictures:
    """Find pictures in whatever a person gives.

    Parameters
    ----------
    pictures : path, sequence of paths, or array
        A folder of class folders (perhaps under train/, val/, test/), a flat folder, one file,
        a list of files, an array (n, h, w), (n, h, w, c) or (n, pixels), an .npz file, or a
        folder of IDX files.

    Raises
    ------
    DataError
        Where nothing is found or the form is not known.
    """
    if isinstance(pictures, Pictures):
        return pictures
    pictures = listed(pictures)
    check_form(pictures)
    if isinstance(pictures, str) and not pictures:
        raise DataError(
            "pictures",
            needed="a path",
            came="an empty text",
            remedy="name a folder, '.' for the present one; is a variable of the shell unset?",
        )
    if isinstance(pictures, str | os.PathLike):
        pictures = _existing(Path(pictures))
    return next(reader for reader in READERS if reader.takes(pictures)).read(pictures)


def holds_pictures(path: Path) -> bool:
    """Whether a path is a source of several pictures, and not a picture."""
    return any(reader.takes(path) for reader in READERS if reader not in (files, arrays))


def are_paths(values: Any) -> bool:
    """Whether X is a path, a sequence of paths, or pictures gathered before; not an array."""
    if isinstance(values, str | os.PathLike | Pictures):
        return True
    return files.are_several(values)


def _existing(path: Path) -> Path:
    """Check that a path, or the shards that it stands for, are there."""
    return existing(path) if members_too([path]) == (path,) else path
