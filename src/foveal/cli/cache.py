"""`foveal cache`: what the cache holds, and how to empty it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from foveal.cache import Entry, cache_folder, entries
from foveal.cache import clear as clear_all
from foveal.cli.options import CacheLimit, Json
from foveal.cli.output import print_answer
from foveal.results import Result
from foveal.wording import counted

ABOUT = {
    "stores": "decoded pictures",
    "features": "features of pictures",
    "engines": "converted networks",
    "weights": "converted weights",
    "contents": "hashes and measures",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheListing(Result):
    """What the cache holds, or held."""

    cache: Path
    """Its folder."""
    entries: tuple[Entry, ...]
    limit: int
    """Bytes that it may hold."""
    cleared: bool
    """Whether all of it was removed."""
    pruned: int
    """Bytes that were removed, so that it holds no more than it may."""


def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Remove everything in it.")] = False,
    prune: Annotated[
        bool,
        typer.Option(
            "--prune",
            help="Remove what was not used the longest, until it holds no more than it may.",
        ),
    ] = False,
    cache_limit: CacheLimit = None,
    json: Json = False,
) -> None:
    """Show what is kept on disk to save time, or remove it. It can all be made again.

    It lies in the folder that FOVEAL_CACHE names, else where the system keeps such things. What a
    running process uses stays when it is pruned.
    """
    from foveal.eviction import held, limit
    from foveal.eviction import prune as pruned_by

    most = limit()
    gone = pruned_by(held() - most) if prune and not clear else 0
    found = CacheListing(
        cache=cache_folder(), entries=tuple(entries()), limit=most, cleared=clear, pruned=gone
    )
    if clear:
        clear_all()
    print_answer(found, _lines, as_json=json)


def _lines(found: CacheListing) -> Iterator[str]:
    for one in found.entries:
        yield f"{ABOUT[one.kind]:<21} {one.bytes / 1e6:>9,.1f} MB  {one.name}"
    size = sum(one.bytes for one in found.entries)
    done = "removed" if found.cleared else "in"
    if found.pruned:
        yield f"{found.pruned / 1e6:,.1f} MB removed that were not used the longest"
    count = counted(len(found.entries), "entry", "entries")
    yield f"{count}, {size / 1e6:,.1f} MB {done} {found.cache}"
    if not found.cleared:
        yield f"it may hold {found.limit / 1e6:,.1f} MB (--cache-limit, FOVEAL_CACHE_LIMIT)"
    if found.entries and not found.cleared:
        yield "foveal cache --clear removes all of it; it can be made again"
