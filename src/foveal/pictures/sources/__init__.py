"""Where pictures come from: folders, tables, shards, frames, arrays and more, all made one thing.

`gather` answers with `Pictures`: rows in a fixed order, each with a name, perhaps a label and
perhaps a part (train, validation, test). Nothing is decoded here. A new source is one more reader.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from foveal.addresses import is_remote
from foveal.errors import DataError
from foveal.files import existing
from foveal.pictures.collection import Pictures
from foveal.pictures.pages import as_wanted, every_page_read
from foveal.pictures.sources import (
    arrays,
    files,
    folder,
    frame,
    idx,
    numpy_files,
    numpy_folder,
    parquet,
    part_files,
    python_list,
    remote,
    shards,
    tar,
    text_table,
)
from foveal.pictures.sources.forms import check_form, listed
from foveal.pictures.sources.shards import members_too


class Reader(Protocol):
    """A module that reads one kind of source."""

    def takes(self, given: Any, /) -> bool:
        """Whether this is such a source; paths come as `Path`, and exist."""

    def read(self, given: Any, /) -> Pictures:
        """Make pictures of it."""


READERS: tuple[Reader, ...] = (
    *(remote, tar, parquet, part_files, shards, idx, numpy_folder, folder, numpy_files, text_table),
    *(frame, python_list, files, arrays),
)
"""The first that takes what is given reads it."""


def gather(pictures: Any) -> Pictures:
    """Find pictures in whatever a person gives.

    Parameters
    ----------
    pictures : path, sequence of paths, frame, sequence of PIL.Image.Image, or array
        A folder of class folders (perhaps under train/, val/, test/), a flat folder, one file,
        a list of files; a table of paths (.csv, .tsv, .parquet: path, and label, group, split
        where they are known), or a frame of pandas, polars or pyarrow with these columns; .tar
        shards, Parquet with encoded pictures, or a folder or list of these; pictures of Pillow;
        an array (n, h, w), (n, h, w, c) or (n, pixels), an .npz file, a folder of .npy files, or
        of IDX files. Paths of folders, tables and shards, and within tables, may be addresses
        that fsspec reads, such as s3://bucket/photos (extra `remote`).

    Raises
    ------
    DataError
        Where nothing is found or the form is not known.
    """
    if isinstance(pictures, Pictures):
        return pictures
    if isinstance(pictures, str) and not pictures:
        raise DataError(
            "pictures",
            needed="a path",
            came="an empty text",
            remedy="name a folder, '.' for the present one; is a variable of the shell unset?",
        )
    if isinstance(pictures, str | os.PathLike) and not is_remote(pictures):
        pictures = _existing(Path(pictures))
    pictures = listed(pictures)
    reader = next(reader for reader in READERS if reader.takes(pictures))
    if reader in (files, arrays):
        check_form(pictures)
    return as_wanted(reader.read(pictures))


def gather_each(pictures: Any) -> Sequence[Pictures] | Iterator[Pictures]:
    """Find pictures as `gather` does, but shards one by one, as they are asked for.

    Returns
    -------
    sequence or iterator of Pictures
        One source, or as many as there are shards.
    """
    if remote.takes(pictures):
        found = remote.each(pictures)
        return [*map(as_wanted, found)] if isinstance(found, list) else map(as_wanted, found)
    given = Path(pictures) if isinstance(pictures, str | os.PathLike) and pictures else pictures
    if isinstance(given, Pictures) or part_files.takes(given) or not shards.takes(given):
        return [gather(pictures)]
    return map(as_wanted, shards.each(given))


def every_page(pictures: Any) -> Pictures:
    """Find pictures as `gather` does, each page of a TIFF, GIF or DICOM a picture of its own.

    Parameters
    ----------
    pictures : path, sequence of paths, frame, or whatever else names encoded pictures
        As `fit` takes it.

    Returns
    -------
    Pictures
        What `fit`, `predict` and all else take in place of a path. Pages are named "scan.tif#3";
        those of one file stay together in every split, unless groups are told.

    Examples
    --------
    ::

        foveal.load("cells.safetensors").predictions(foveal.every_page("scans/"))
    """
    with every_page_read(True):
        return gather(pictures)


def holds_pictures(path: Path) -> bool:
    """Whether a path is a source of several pictures, and not a picture."""
    return any(reader.takes(path) for reader in READERS if reader not in (files, arrays))


def are_encoded(values: Any) -> bool:
    """Whether X names or holds encoded pictures, or is a table of them; not an array."""
    if isinstance(values, str | os.PathLike | Pictures):
        return True
    return any(reader.takes(values) for reader in READERS if reader is not arrays)


def _existing(path: Path) -> Path:
    """Check that a path, or the shards that it stands for, are there."""
    return existing(path) if members_too([path]) == (path,) else path
