"""`foveal cache`: what the cache holds, and how to empty it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from foveal.cache import Entry, cache_folder, entries
from foveal.cache import clear as clear_all
from foveal.cli.options import Json
from foveal.cli.output import print_answer
from foveal.results import Result

ABOUT = {
    "stores": "decoded pictures",
    "features": "features of pictures",
    "engines": "converted networks",
    "weights": "converted weights",
    "contents": "hashes of files",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheListing(Result):
    """What the cache holds, or held."""

    cache: Path
    """Its folder."""
    entries: tuple[Entry, ...]
    cleared: bool
    """Whether all of it was removed."""


def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Remove everything in it.")] = False,
    json: Json = False,
) -> None:
    """Show what is kept on disk to save time, or remove it. It can all be made again.

    It lies in the folder that FOVEAL_CACHE names, else where the system keeps such things.
    """
    found = CacheListing(cache=cache_folder(), entries=tuple(entries()), cleared=clear)
    if clear:
        clear_all()
    print_answer(found, _lines, as_json=json)


def _lines(found: CacheListing) -> Iterator[str]:
    for one in found.entries:
        yield f"{ABOUT[one.kind]:<21} {one.bytes / 1e6:>9,.1f} MB  {one.name}"
    size = sum(one.bytes for one in found.entries)
    done = "removed" if found.cleared else "in"
    yield f"{len(found.entries)} entries, {size / 1e6:,.1f} MB {done} {found.cache}"
    if found.entries and not found.cleared:
        yield "foveal cache --clear removes all of it; it can be made again"
