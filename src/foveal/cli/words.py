"""Parameters, as the library names them, written as the options of the command."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping

from foveal.errors import FovealError, UsageError
from foveal.wording import MARKED

Listing = Callable[[], Mapping[str, str]]
_listed: list[Listing] = []
"""What lists the options of all commands: set by whoever knows these, since they import this."""


def lists_options(listing: Listing) -> Listing:
    """Register what lists the options of all commands, by the parameters that they are."""
    _listed.append(listing)
    return listing


def as_options(text: str, options: Mapping[str, str]) -> str:
    """Write marked parameters as options; those that no command has keep their bare names.

    >>> as_options("allow a higher rate (`false_alarms`)", {"false_alarms": "--false-alarms"})
    'allow a higher rate (--false-alarms)'
    """
    return MARKED.sub(lambda name: options.get(name[1], name[1]), text)


def in_options(text: str) -> str:
    """Write what the library says in the words of the command line."""
    return as_options(text, _listed[-1]() if _listed else {})


def noted(notes: Iterable[str]) -> list[str]:
    """Return notes of the library as lines for a person."""
    return [f"note: {in_options(note)}" for note in notes]


def told_in_options(error: FovealError, options: Mapping[str, str]) -> dict[str, str]:
    """Return the beats of an error in the words of the command line."""
    beats = {name: as_options(str(text), options) for name, text in error.beats.items()}
    if isinstance(error, UsageError):  # other errors are about files and pictures
        beats["what"] = options.get(beats["what"], beats["what"])
    return {name: beats[name] for name in ("what", "needed", "came", "remedy")}


def quoted(path: object) -> str:
    """Quote a name as one types it again: a dash ahead would be taken for an option."""
    text = str(path)
    return shlex.quote(f"./{text}" if text.startswith("-") else text)
