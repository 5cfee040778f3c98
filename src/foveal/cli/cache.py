"""`foveal cache`: what the cache holds, and how to empty it."""

from __future__ import annotations

from typing import Annotated

import typer

from foveal.cli.options import Json, print_json


def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Remove everything in it.")] = False,
    json: Json = False,
) -> None:
    """Show the decoded pictures kept on disk, or remove them. They can be made again."""
    from foveal.pictures.store import cache_folder, clear_stores, list_stores

    stores = list_stores()
    size = sum(one.bytes for one in stores)
    if clear:
        clear_stores()
    if json:
        entries = [
            {"name": one.name, "pictures": one.pictures, "bytes": one.bytes} for one in stores
        ]
        print_json({"cache": str(cache_folder()), "stores": entries, "cleared": clear})
        return
    for one in stores:
        typer.echo(f"{one.name}  {one.pictures:>9,} pictures  {one.bytes / 1e6:>9,.1f} MB")
    done = "removed" if clear else "in"
    typer.echo(f"{len(stores)} stores, {size / 1e6:,.1f} MB {done} {cache_folder()}")
    if stores and not clear:
        typer.echo("next: foveal cache --clear")
