"""PICTURES of a command: folders, files, arrays, or names on standard input."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from itertools import chain, groupby
from pathlib import Path
from typing import TYPE_CHECKING

from foveal.addresses import is_remote
from foveal.errors import DataError
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.pictures.collection import Pictures

LONGEST = 4_096
"""Characters of a name on standard input at most: the longest path that systems take."""
STDIN = "-"
"""Stands for names on standard input, one a line."""


def given(word: str) -> str | list[str]:
    """Return what one word names, before anything is looked for: a path, or many."""
    return names_on_stdin() if word == STDIN else word


def are_features(word: str | list[str]) -> bool:
    """Whether a word names a folder of parts: what was said of pictures, and no pictures."""
    from foveal.bulk.reading import are_parts

    return isinstance(word, str) and are_parts(word)


def pictures_of(word: str, label_from: str | None = None, label: str | None = None) -> Pictures:
    """Gather what one word names; files are named so that they can be opened from here.

    With `label_from` their names say their labels, with `label` columns of their table.

    Raises
    ------
    DataError
        Where nothing is there.
    """
    from foveal.pictures.naming import labelled_as
    from foveal.pictures.sources import gather

    return labelled_as(gather(given(word)), label_from, label).named_from_here()


def all_pictures(words: Sequence[str], *, missing_too: bool = False) -> list[Pictures]:
    """Gather what several words name, in order; files that follow one another go together.

    A name on standard input of a file that is not there keeps its row, as that of a file that
    cannot be read: so does a word with `missing_too`, and else it is refused.

    Raises
    ------
    DataError
        Where nothing is there.
    """
    found: list[Pictures] = []
    for alone, group in groupby(_named(words), lambda one: _stands_alone(one, missing_too)):
        names = [name for name, _ in group]
        found += map(pictures_of, names) if alone else [_files(names)]
    return found


def streamed(words: Sequence[str]) -> Sequence[Pictures] | Iterator[Pictures]:
    """Gather what several words name as `all_pictures` does, but shards one by one.

    Returns
    -------
    sequence or iterator of Pictures
        A sequence where nothing is read while it is gone through.

    Raises
    ------
    DataError
        Where nothing is there.
    """
    from foveal.pictures.sources import gather_each

    found: list[Sequence[Pictures] | Iterator[Pictures]] = []
    for alone, group in groupby(_named(words), lambda one: _stands_alone(one, False)):
        names = [name for name, _ in group]
        found += map(gather_each, map(given, names)) if alone else [[_files(names)]]
    whole = [one for one in found if isinstance(one, Sequence)]
    return list(chain(*whole)) if len(whole) == len(found) else chain(*found)


def one_source(words: Sequence[str]) -> Pictures:
    """Gather what several words name, all of it of one kind.

    Raises
    ------
    DataError
        Where nothing is there, and for arrays beside other pictures.
    """
    found = all_pictures(words)
    if len(found) == 1:
        return found[0]
    raise DataError(
        "PICTURES",
        needed="files, or one folder or array",
        came=counted(len(found), "source"),
        remedy="name one of them",
    )


def _named(words: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Yield each name, and whether it came on standard input."""
    for word in words:
        if word == STDIN:
            yield from ((name, True) for name in names_on_stdin())
        else:
            yield word, False


def _stands_alone(named: tuple[str, bool], missing_too: bool) -> bool:
    """Whether a name is a source of its own, or one file of several."""
    from foveal.pictures.sources import holds_pictures

    if is_remote(named[0]):
        return not named[1]
    path, from_stdin = Path(named[0]), named[1]
    if not named[0] or holds_pictures(path):
        return True
    return not (path.exists() or from_stdin or missing_too)


def _files(names: list[str]) -> Pictures:
    from foveal.pictures.sources import gather

    return gather(names).named_from_here()


def names_on_stdin() -> list[str]:
    """Read names from standard input: one a line, or with a zero after each (`find -print0`).

    Raises
    ------
    DataError
        Where there is none.
    """
    data = b"" if sys.stdin is None else sys.stdin.buffer.read()
    text = os.fsdecode(data)
    lines = text.split("\0") if "\0" in text else text.replace("\r\n", "\n").split("\n")
    names = [line for line in lines if line]
    if any(len(name) > LONGEST for name in names) or any(map(_binary, names)):
        raise DataError(
            "PICTURES -",
            needed="names of pictures on standard input, one a line",
            came=f"{counted(len(data), 'byte')} that are no names",
            remedy="name the picture itself, as in: foveal predict MODEL picture.jpg",
        )
    if not names:
        raise DataError(
            "PICTURES -",
            needed="names of pictures on standard input, one a line",
            came="none",
            remedy="pipe them in, as in: find photos -name '*.jpg' | foveal predict MODEL -",
        )
    return names


def _binary(name: str) -> bool:
    """Whether a line holds what stands in no name that was typed."""
    return any(ord(one) < 32 and one != "\t" for one in name)


def refuse_unreadable(missing: int, total: int, *, strict: bool) -> None:
    """End with an error where no picture can be read, and under --strict where any cannot.

    Raises
    ------
    DataError
        Its exit code is 3.
    """
    if not missing or (missing < total and not strict):
        return
    raise DataError(
        "--strict" if strict else "PICTURES",
        needed="every file to be a picture" if strict else "pictures that can be read",
        came=f"{missing:,} that cannot be read" if strict else f"{total:,}, none of them readable",
        remedy="each is named with its reason in the answer",
    )
