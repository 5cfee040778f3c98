"""`foveal similar`: the pictures that are most like others, by what a model makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foveal.cli.options import Device, Json, Model, Strict, Threads, opened
from foveal.cli.output import print_answer
from foveal.cli.sources import all_pictures, pictures_of, refuse_unreadable
from foveal.cli.words import noted
from foveal.results import plain

if TYPE_CHECKING:
    from foveal.model.fitted import FittedModel
    from foveal.progress.events import Listener
    from foveal.search.index import Neighbours, SearchIndex


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarPictures:
    """What was found in an index."""

    index: SearchIndex
    queries: Sequence[Neighbours]
    to: Path | None
    """Where the index is kept; None where it is not."""

    def to_dict(self) -> dict[str, Any]:
        """Return what was searched, and for each query what was found."""
        return {
            **self.index.to_dict(),
            "to": plain(self.to),
            "queries": plain(self.queries),
        }


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
        sources = all_pictures(queries or [], missing_too=True)
        neighbours = [
            one for found in sources for one in index.query(found, top, progress=progress)
        ]
    found = SimilarPictures(index=index, queries=neighbours, to=to)
    print_answer(found, _lines, as_json=json)
    lost = sum(bool(one.reason) for one in neighbours)
    refuse_unreadable(lost, len(neighbours), strict=strict)
    refuse_unreadable(len(index.unreadable), len(index.unreadable) + len(index), strict=strict)


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
    from foveal.progress.events import passing
    from foveal.search.index_file import is_index
    from foveal.search.similar import searched

    return searched(
        fitted,
        where if is_index(Path(where)) else pictures_of(where),
        place=to,
        approximate=True if approximate else None,
        force=force,
        progress=passing(show, "the network"),
        linking=passing(show, "the graph of neighbours"),
    )


def _lines(answer: SimilarPictures) -> list[str]:
    """Lay the answers out for a person."""
    from foveal.pictures.ledger import Entry, summary

    index = answer.index
    lines = noted(index.notes)
    if index.unreadable:
        used = [Entry("", None, "", "")] * len(index)
        lines.append(f"note: {summary([*index.unreadable, *used])}")
    if answer.to is not None:
        lines.append(f"{len(index):,} pictures in {answer.to}")
    for one in answer.queries:
        lines += [""] * bool(lines) + [one.query]
        if one.reason:
            lines.append(f"unreadable: {one.reason}")
            continue
        lines.append("rank  distance  path")
        lines += [f"{rank:>4}  {distance:>8.4g}  {name}" for rank, distance, name in one.ranked()]
    return lines
