"""Names under which a command writes: told beside its options, checked before anything heavy.

A command says by `writes` which of its parameters name what is written, each with its check; none
of them imports torch.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from foveal.addresses import is_remote
from foveal.errors import UsageError
from foveal.files import checked_folder, checked_output, is_file, is_folder

READ = (
    *("pictures", "where", "first", "second", "codes"),
    *("training", "usual", "calibrate"),
)
"""Parameters that name what is read, besides a model; of several queries each has its answer."""
Given = Mapping[str, Any]
"""All parameters of a line, by name."""
Output = Callable[[Any, str, Given], tuple[Path, ...]]
"""Called with a name that was given, what it was given as, and the line: checks the name, and
returns the files, or the folder, that will be written."""
C = TypeVar("C", bound=Callable[..., Any])
MODEL, PAGE = ".safetensors", ".html"
"""Endings of model files, and of pages."""


def writes(**outputs: Output) -> Callable[[C], C]:
    """Say of a command which of its parameters name what it writes."""

    def told(command: C) -> C:
        command.writes = outputs  # type: ignore[attr-defined]
        return command

    return told


def written_by(command: Any) -> Mapping[str, Output]:
    """Return which parameters of a command name what it writes; none where it does not say."""
    found: Mapping[str, Output] = getattr(command, "writes", {})
    return found


def check_outputs(command: Any, given: Given) -> None:
    """Check all names under which a command is to write.

    Raises
    ------
    UsageError
        For a name that cannot be written under, for two that would write the same file, and for
        one of what the command reads.
    """
    taken: dict[Path, str] = {}
    for name, check in written_by(command).items():
        if given.get(name) is None:
            continue
        for place in check(given[name], f"`{name}`", given):
            other = taken.setdefault(place.absolute(), name)
            if other != name:
                raise _twice(name, given[name], other, place)
            _check_unread(place, f"`{name}` {given[name]}", given)


def words_of(value: Any) -> list[str]:
    """Return the words of an argument; none where it is left out."""
    if value is None:
        return []
    return list(map(str, value)) if isinstance(value, list | tuple) else [str(value)]


def check_apart(place: Path, what: str, given: Given) -> None:
    """Check that what is drawn, a file or a folder, is not among the pictures that are read.

    Raises
    ------
    UsageError
        Where it would be.
    """
    there = place.resolve()
    above = there.parents if place.suffix else (there, *there.parents)
    for name, word in _read(given):
        whole = is_folder(word)
        if not whole and (name == "model" or not is_file(word)):
            continue
        folder = Path(word) if whole else Path(word).parent
        if folder.resolve() in (above if whole else (there,)):
            other = f"{there.name}-new" if folder.resolve() == there else there.name
            raise UsageError(
                f"{what} {place}",
                needed="a place apart from the pictures: what is drawn would be taken for one",
                came=f"one among those of {word}",
                remedy=f"write {os.path.normpath(folder / '..' / other)}",
            )


def _read(given: Given) -> Iterator[tuple[str, str]]:
    """Yield the words of a line that name what is read, each with its parameter."""
    for key in ("model", *READ):
        yield from ((key, word) for word in words_of(given.get(key)))


def file_of(*endings: str) -> Output:
    """Make the check of one file, which ends in one of these; the first is proposed."""

    def check(name: Any, what: str, _: Given) -> tuple[Path, ...]:
        return (checked_output(Path(name), endings, what),)

    return check


def model_file(name: Any, what: str, given: Given) -> tuple[Path, ...]:
    """Check the name of a model; of one at an address whoever writes it tells."""
    return () if is_remote(name) else (checked_output(Path(name), (MODEL,), "model", exact=True),)


def table(name: Any, what: str, given: Given) -> tuple[Path, ...]:
    """Check the name of a table."""
    from foveal.tables import FORMATS

    return file_of(*FORMATS)(name, what, given)


def figure(name: Any, what: str, given: Given) -> tuple[Path, ...]:
    """Check the name of a figure, beside which its numbers go."""
    from foveal.drawing.figure import checked_figure, numbers_beside

    place = checked_figure(Path(name), what)
    check_apart(place, what, given)
    return place, numbers_beside(place)


def folder(name: Any, what: str, given: Given) -> tuple[Path, ...]:
    """Check the name of a folder for pictures, which is new, or empty."""
    place = checked_folder(Path(name), what)
    check_apart(place, what, given)
    return (place,)


def or_parts(one: Output, *others: str) -> Output:
    """Make the check of one file, or of a folder of parts where the name is that of one.

    Folders of other things have names that end as `others` say.
    """

    def check(name: Any, what: str, given: Given) -> tuple[Path, ...]:
        from foveal.bulk.folder import checked_place, names_parts

        if names_parts(name, others=others):
            return () if is_remote(name) else (checked_place(Path(name)),)
        try:
            return one(name, what, given)
        except UsageError as error:
            if Path(name).suffix:
                raise
            raise UsageError(  # perhaps a folder is meant
                error.what,
                needed=error.needed,
                came=error.came,
                remedy=f"{error.remedy}, or {name}/ for a folder of parts",
            ) from None

    return check


def with_option(option: str, one: Output, other: Output) -> Output:
    """Make the check that is one where an option is given, else the other."""

    def check(name: Any, what: str, given: Given) -> tuple[Path, ...]:
        return (one if given[option] else other)(name, what, given)

    return check


def _check_unread(place: Path, what: str, given: Given) -> None:
    """Check that what is written is none of the files that are read.

    A model may be: whoever trains one keeps that which was there.
    """
    for name, word in _read(given) if place.is_file() and place.suffix != MODEL else ():
        if is_file(word) and place.samefile(word):
            raise UsageError(
                what,
                needed="another file than those that are read: it would be lost",
                came=f"that of `{name}`",
                remedy=f"write {place.with_stem(f'{place.stem}-new')}",
            )


def _twice(name: str, given: Any, other: str, place: Path) -> UsageError:
    beside = place != Path(given)
    return UsageError(
        f"`{name}` {given}",
        needed=f"another name than that of `{other}`"
        + f": its numbers go beside it as {place.suffix}" * beside,
        came=f"{place} for both",
        remedy=f"write {Path(given).stem}-{name.replace('_', '-')}{Path(given).suffix}",
    )
