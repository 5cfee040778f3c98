"""Folders: of class folders, perhaps within parts, or of files alone."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePath
from typing import Any, TypeVar

import numpy as np

from foveal.errors import DataError
from foveal.pictures.collection import Pictures
from foveal.pictures.encoded import Beneath
from foveal.pictures.encoded_content import EncodedContent
from foveal.pictures.opening import endings
from foveal.pictures.sources.parts import PARTS
from foveal.pictures.texts import Texts
from foveal.vocabulary import MANIFEST, normal_name

MADE = frozenset(
    {
        *("__macosx", "__pycache__", "@eadir", "$recycle.bin", "system volume information"),
        *("thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "lost+found"),
    }
)
"""Names, besides hidden ones, that systems and programs give to what is theirs."""
WRITTEN = {".run": "config.json", ".index": "facts.json", "": MANIFEST}
"""What a folder that Foveal wrote holds, by how its name ends: a run, an index, parts."""
NAMED = 5
"""Files and folders that a note names, at most."""


def takes(given: Any) -> bool:
    """Whether this is a folder."""
    return isinstance(given, Path) and given.is_dir()


def read(root: Path) -> Pictures:
    """Read a folder: parts, then classes, then files; every regular file has a row.

    What a system or a program keeps for itself has none: hidden files and folders, `MADE`, and
    folders that Foveal wrote, such as the run of a model that lies beside its pictures.
    """
    found, folders, passed = _listing(root)
    if not found:
        raise DataError(
            str(root),
            needed="a folder with pictures",
            came="a folder without files" + (f" but {', '.join(passed[:3])}" if passed else ""),
            remedy="name the folder that holds the pictures or the class folders",
        )
    labels, parts = said_by_folders(found, str(root))
    names = Texts(found)
    return Pictures(
        names=names,
        content=EncodedContent(Beneath(root, names)),
        labels=None if labels is None else np.array(labels, dtype=object),
        parts=None if parts is None else np.array(parts),
        notes=(*passed_over(passed), *_empty(folders, found, parts is not None)),
    )


def said_by_folders(
    found: Sequence[str], where: str
) -> tuple[list[str | None] | None, list[str] | None]:
    """Read labels and parts of files off their folders: parts, then classes.

    Parameters
    ----------
    found : sequence of str
        The files, relative to what holds them, with / between steps.
    where : str
        What holds them.

    Returns
    -------
    tuple
        Labels, None where no file has one; parts, None where no folder names them.

    Raises
    ------
    DataError
        Where parts and classes stand side by side.
    """
    tops = {file.partition("/")[0] for file in found if "/" in file}
    has_parts = _are_parts(where, tops)
    labels: list[str | None] = []
    parts: list[str] = []
    named: dict[str, str] = {}  # one text a class, however many pictures it has
    for file in found:
        steps = file.split("/")[:-1]
        parts.append(PARTS[steps.pop(0).lower()] if has_parts and steps else "")
        label = steps[0] if steps else None
        labels.append(None if label is None else named.setdefault(label, normal_name(label)))
    unlabelled = all(label is None for label in labels)
    return None if unlabelled else labels, parts if has_parts else None


def passed_over(passed: list[str], why: str = "as of a system or a program") -> list[str]:
    """Say what was not looked at, and why."""
    if not passed:
        return []
    more = f" and {len(passed) - NAMED:,} more" if len(passed) > NAMED else ""
    return [f"passed over, {why}: {', '.join(passed[:NAMED])}{more}"]


def _empty(folders: list[str], found: list[str], has_parts: bool) -> list[str]:
    """Name class folders without a single file."""
    depth = 2 if has_parts else 1
    filled = {"/".join(file.split("/")[:depth]) for file in found}
    empty = [
        folder
        for folder in sorted(folders, key=lambda one: one.split("/"))
        if folder.count("/") + 1 == depth and folder not in filled
    ]
    named = ", ".join(empty[:NAMED]) + (f" and {len(empty) - NAMED:,} more" * (len(empty) > NAMED))
    return [f"without any picture, and so no class: the folder {named}"] if empty else []


def _are_parts(where: str, tops: set[str]) -> bool:
    parts = {top for top in tops if top.lower() in PARTS}
    classes = tops - parts
    if not parts:
        return False
    if not classes:
        # A lone folder named "test" with classes within is a part; one with pictures is too.
        return True
    if {"train", "training"} & {top.lower() for top in parts}:
        raise DataError(
            where,
            needed="either parts (train, val, test) or classes at the top of the folder",
            came=f"both: {', '.join(sorted(tops))}",
            remedy="move the class folders into train/, or name the folder of one part",
        )
    return False


def _listing(root: Path) -> tuple[list[str], list[str], list[str]]:
    """List what is below a folder, relative to it: files in an order people expect, and folders.

    Names are texts with / between steps: a path takes ten times their memory.

    Names that are passed over come third; what lies in such folders is left out. Links are
    followed, each folder once. A folder that cannot be read stands for itself, so that the ledger
    names it; so does one that is named like a picture, whatever it holds.
    """
    found: list[str] = []
    folders: list[str] = []
    passed: list[str] = []
    seen: set[tuple[int, int]] = set()

    def closed(error: OSError) -> None:
        found.append(Path(os.fsdecode(error.filename)).relative_to(root).as_posix())

    for folder, below, files in os.walk(root, followlinks=True, onerror=closed):
        at = Path(folder)
        status = at.stat()
        if (status.st_dev, status.st_ino) in seen:
            below.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        here = "".join(f"{step}/" for step in at.relative_to(root).parts)
        if here and _is_written(at.name, files):
            below.clear()
            (found if _like_picture(at.name) else folders).remove(here[:-1])
            passed.append(here[:-1])
            continue
        passed.extend(here + name for name in sorted([*below, *files]) if is_made(name))
        below[:] = [name for name in below if not is_made(name)]
        folders.extend(here + name for name in below if not _like_picture(name))
        found.extend(here + name for name in below if _like_picture(name))
        found.extend(here + name for name in files if not is_made(name))
    return in_order(found), folders, passed


def _is_written(name: str, files: Sequence[str]) -> bool:
    """Whether Foveal wrote a folder of this name that holds these files."""
    return any(name.endswith(ending) and mark in files for ending, mark in WRITTEN.items())


def _like_picture(name: str) -> bool:
    return PurePath(name).suffix.lower() in endings()


def seen_files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, as they come, but for what `is_made` and Foveal wrote."""
    for at, below, names in os.walk(folder):
        if at != str(folder) and _is_written(at, names):
            below.clear()
            continue
        below[:] = [name for name in below if not is_made(name)]
        yield from (Path(at) / name for name in names if not is_made(name))


P = TypeVar("P", str, Path)


def in_order(names: Iterable[P]) -> list[P]:
    """Sort names as people expect, step by step: "cat.9" before "cat.10"."""
    return sorted(names, key=_natural)


def is_made(name: str) -> bool:
    """Whether a system or a program made a file or folder for itself."""
    return name.startswith(".") or name.lower() in MADE


def _natural(name: str | Path) -> bytes:
    """Return what a name is sorted by: its steps, of each the numbers as numbers; then itself.

    Bytes, since many names are sorted at once: a number is written behind the count of its digits,
    and numbers stand before texts.

    >>> sorted(["b/1", "cat.10", "cat.9", "a", "b"], key=_natural)
    ['a', 'b', 'b/1', 'cat.9', 'cat.10']
    """
    text = name if isinstance(name, str) else name.as_posix()
    steps = [step for step in text.split("/") if step not in ("", ".")]
    return b"".join(map(_natural_step, steps)) + b"\0" + _bytes_of(str(name))


def _natural_step(step: str) -> bytes:
    found = [b"\1"]
    for piece in re.split(r"(\d+)", step):
        if piece.isdecimal():
            digits = str(int(piece)).encode()
            found.append(b"\1" + len(digits).to_bytes(2, "big") + digits)
        elif piece:
            found.append(b"\2" + _bytes_of(piece) + b"\0")
    return b"".join(found) + b"\0"


def _bytes_of(text: str) -> bytes:
    """Write a text so that bytes are sorted as its characters are."""
    return text.encode("utf-8", "surrogatepass")
