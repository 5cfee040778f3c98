"""`foveal similar`: the pictures that are most like others, by what a model makes of them."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foveal.cli.options import Device, Json, Model, Strict, Threads, opened, print_json
from foveal.cli.words import noted

if TYPE_CHECKING:
    from foveal.model.fitted import FittedModel
    from foveal.pictures.collection import Pictures
    from foveal.progress.events import Listener
    from foveal.search.index import Neighbours, SearchIndex

ARRAYS = (".npz", ".npy")
"""Endings of files that hold many pictures."""


def similar(
    model: Model,
    where: Annotated[
        str,
        typer.Argument(
            metavar="WHERE",
            help="Where to search: an index folder that --to left, or PICTURES: a folder, "
            "an .npz file, or a folder of IDX files.",
        ),
    ],
    queries: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="QUERY...",
            help="Pictures to search for: files or folders. None are needed with --to.",
            show_default=False,
        ),
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Pictures found for each QUERY.")] = 10,
    to: Annotated[
        Path | None,
        typer.Option(metavar="INDEX", help="Keep the index of PICTURES here: NAME.index."),
    ] = None,
    approximate: Annotated[
        bool,
        typer.Option(
            "--approximate",
            help="Search by a graph of neighbours, as beyond a million pictures (extra: search).",
        ),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Search an index of another model all the same.")
    ] = False,
    device: Device = "auto",
    threads: Threads = None,
    strict: Strict = False,
    json: Json = False,
) -> None:
    """Find the pictures most like others: by an autoencoder's codes, or a classifier's features.

    With 'imagenet' for MODEL what a network trained on ImageNet sees, without any training.
    """
    from foveal.cli.progress import shown_progress
    from foveal.progress.events import passing
    from foveal.search.index_writer import checked_place

    _check(where, queries, to)
    if to is not None:
        checked_place(to)
    fitted = opened(model, device, threads, whole=True)
    with shown_progress() as show:
        index = _index(fitted, where, to, approximate, force, show)
        progress = passing(show, "the network")
        found = [
            one
            for pictures in _sources(queries or [])
            for one in index.query(pictures, top, progress=progress)
        ]
    if json:
        print_json(_plain(index, found, to))
    else:
        typer.echo("\n".join(_lines(index, found, to)))
    _refuse_unreadable(index, found, strict)


def _check(where: str, queries: list[str] | None, to: Path | None) -> None:
    from foveal.errors import UsageError
    from foveal.search.index_file import is_index

    if not queries and to is None:
        raise UsageError(
            "QUERY",
            needed="a picture to search for, or --to to keep an index",
            came="neither",
            remedy="name a picture: foveal similar MODEL WHERE QUERY",
        )
    if to is not None and is_index(Path(where)):
        raise UsageError(
            "--to",
            needed="PICTURES to make an index of",
            came=f"the index {where}",
            remedy="leave --to out, or name the pictures",
        )


def _index(
    fitted: FittedModel,
    where: str,
    to: Path | None,
    approximate: bool,
    force: bool,
    show: Listener,
) -> SearchIndex:
    """Open an index, or build one."""
    from foveal.cli.options import with_whole_names
    from foveal.pictures.sources import gather
    from foveal.progress.events import passing
    from foveal.search.index_file import is_index
    from foveal.search.similar import searched

    return searched(
        fitted,
        where if is_index(Path(where)) else with_whole_names(gather(where)),
        place=to,
        approximate=True if approximate else None,
        force=force,
        progress=passing(show, "the network"),
        linking=passing(show, "the graph of neighbours"),
    )


def _sources(queries: list[str]) -> list[Pictures]:
    """Gather what is searched for, in order; files that follow each other go together.

    A file that is not there is named with its reason, as one that cannot be read.
    """
    from foveal.cli.options import with_whole_names
    from foveal.pictures.sources import gather

    found: list[Pictures] = []
    for many, group in groupby(queries, _holds_many):
        if many:
            found += [with_whole_names(gather(one)) for one in group]
        else:
            found.append(gather(list(group)))
    return found


def _holds_many(query: str) -> bool:
    return Path(query).is_dir() or Path(query).suffix.lower() in ARRAYS


def _lines(index: SearchIndex, found: list[Neighbours], to: Path | None) -> list[str]:
    """Lay the answers out for a person."""
    from foveal.pictures.ledger import Entry, summary

    lines = noted(index.notes)
    if index.unreadable:
        used = [Entry("", None, "", "")] * len(index)
        lines.append(f"note: {summary([*index.unreadable, *used])}")
    if to is not None:
        lines.append(f"{len(index):,} pictures in {to}")
    for one in found:
        lines += [""] * bool(lines) + [one.query]
        if one.reason:
            lines.append(f"unreadable: {one.reason}")
            continue
        lines.append("rank  distance  path")
        pairs = zip(one.distances, one.names, strict=True)
        lines += [
            f"{rank:>4}  {distance:>8.4g}  {name}"
            for rank, (distance, name) in enumerate(pairs, start=1)
        ]
    return lines


def _plain(index: SearchIndex, found: list[Neighbours], to: Path | None) -> dict[str, Any]:
    """Lay the answers out for a machine."""
    return {
        "model": index.model.digest(),
        "measure": index.measure,
        "approximate": index.graph is not None,
        "pictures": len(index),
        "unreadable": [{"path": one.path, "error": one.reason} for one in index.unreadable],
        "notes": list(index.notes),
        "to": None if to is None else str(to),
        "queries": [
            {
                "path": one.query,
                "error": one.reason or None,
                "found": [
                    {"rank": rank, "distance": distance, "path": name}
                    for rank, (distance, name) in enumerate(
                        zip(one.distances, one.names, strict=True), start=1
                    )
                ],
            }
            for one in found
        ],
    }


def _refuse_unreadable(index: SearchIndex, found: list[Neighbours], strict: bool) -> None:
    from foveal.errors import DataError

    missing = len(index.unreadable) + sum(bool(one.reason) for one in found)
    if strict and missing:
        raise DataError(
            "--strict",
            needed="every file to be a picture",
            came=f"{missing} that cannot be read",
            remedy="each is named above, with its reason",
        )
