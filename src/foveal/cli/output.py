"""How a command answers: its result as text for a person, or as one JSON object for a machine.

A command computes one value and hands it to `print_answer`. Both forms are made of it.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

import typer

from foveal.cli.words import in_options
from foveal.results import plain
from foveal.visible import visible_line

SCHEMA = 1
"""Version of every object that --json prints; raised when a key goes or means something else."""

STEERING = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What JSON leaves as it is, and a terminal obeys: controls, directions, ends of lines."""


class Answer(Protocol):
    """What a command found."""

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        ...


A = TypeVar("A", bound=Answer)


def print_answer(answer: A, lines: Callable[[A], Iterable[str]], *, as_json: bool) -> None:
    """Print what a command found.

    Parameters
    ----------
    answer : Answer
        The result; its dictionary is what `--json` prints.
    lines : callable
        Lays the result out for a person, line by line: an end of a line within one is written
        as its escape, lest the name of a file looks like a line of its own.
    as_json : bool
        Whether `--json` was given.
    """
    if as_json:
        print_json(answer.to_dict())
    else:
        typer.echo("\n".join(map(visible_line, lines(answer))))


def at_terminal() -> bool:
    """Whether a person reads what is printed, and not a file or another program."""
    return sys.stdout is not None and sys.stdout.isatty()


def print_json(facts: Mapping[str, Any]) -> None:
    """Print one object with the version of its schema; notes in the words of the command line."""
    typer.echo(as_text({"version": SCHEMA, **told_in_options(facts)}))


def told_in_options(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return facts with their notes in the words of the command line."""
    found = dict(facts)
    if "notes" in found:
        found["notes"] = list(map(in_options, found["notes"]))
    return found


def as_text(facts: Mapping[str, Any]) -> str:
    """Write facts as JSON; characters that are no text, as file names may hold, as escapes.

    So are those that steer a terminal, and those that what is printed to has no letters for.
    """
    values = plain(facts)
    text = json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False)
    text = STEERING.sub(lambda letter: f"\\u{ord(letter[0]):04x}", text)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(values, indent=1, allow_nan=False)
    return text


def table_rows(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
    """Return the rows of a table as objects, each value under the name of its column."""
    return [dict(zip(columns, row, strict=True)) for row in rows]


def path_end(path: object, most: int) -> str:
    """Return a path within so many columns, as it is shown; of a longer one its end."""
    text = visible_line(path)
    return text if len(text) <= most else "..." + text[-(most - 3) :]


def unreadable_line(names: Iterable[object], reasons: Iterable[str]) -> list[str]:
    """Describe which pictures could not be read, in one line; no line where all could."""
    from foveal.pictures.ledger import Entry, summary

    entries = [
        Entry(str(name), None, "", reason) for name, reason in zip(names, reasons, strict=True)
    ]
    return [f"note: {summary(entries)}"] if any(entry.reason for entry in entries) else []


def wrote(paths: Iterable[Path]) -> str:
    """Name the files that were written."""
    *first, last = map(str, paths)
    return f"wrote {', '.join(first)} and {last}" if first else f"wrote {last}"
