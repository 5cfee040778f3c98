"""`foveal cache`: what the cache holds, and how to empty it."""

from __future__ import annotations

from typing import Annotated

import typer

from foveal.cli.options import Json, print_json

ABOUT = {
    "stores": "decoded pictures",
    "features": "features of pictures",
    "engines": "converted networks",
    "weights": "converted weights",
    "contents": "hashes of files",
}


def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Remove everything in it.")] = False,
    json: Json = False,
) -> None:
    """Show what is kept on disk to save time, or remove it. It can all be made again."""
    from foveal import cache as room

    found = room.entries()
    size = sum(one.bytes for one in found)
    if clear:
        room.clear()
    if json:
        entries = [{"kind": one.kind, "name": one.name, "bytes": one.bytes} for one in found]
        print_json({"cache": str(room.cache_folder()), "entries": entries, "cleared": clear})
        return
    for one in found:
        typer.echo(f"{ABOUT[one.kind]:<21} {one.bytes / 1e6:>9,.1f} MB  {one.name}")
    done = "removed" if clear else "in"
    typer.echo(f"{len(found)} entries, {size / 1e6:,.1f} MB {done} {room.cache_folder()}")
    if found and not clear:
        typer.echo("next: foveal cache --clear")
