"""`foveal similar`: the pictures that are most like others, by what a model makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foveal.addresses import is_remote
from foveal.cli.groups import found_groups, groups_lines
from foveal.cli.options import Device, Json, Strict, Threads, opened
from foveal.cli.output import print_answer, wrote
from foveal.cli.outputs import Given, figure, file_of, or_parts, with_option, writes
from foveal.cli.parts import Engine, InParts, PartSize, Shards, parts_wanted
from foveal.cli.sources import all_pictures, pictures_of, refuse_unreadable
from foveal.cli.words import noted
from foveal.results import plain
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.model.fitted import FittedModel
    from foveal.pictures.collection import Pictures
    from foveal.progress.events import Listener
    from foveal.search.index import Neighbours, SearchIndex


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarPictures:
    """What was found in an index."""

    index: SearchIndex
    queries: Sequence[Neighbours]
    to: Path | None
    """Where the index is kept; None where it is not."""
    written: Sequence[Path] = ()
    """Files of the sheet."""

    def to_dict(self) -> dict[str, Any]:
        """Return what was searched, and for each query what was found."""
        return {
            **self.index.to_dict(),
            "to": plain(self.to),
            "queries": plain(self.queries),
            "written": plain(self.written),
        }


def _index_or_parts(name: Any, what: str, given: Given) -> tuple[Path, ...]:
    from foveal.search.index_file import ENDING
    from foveal.search.index_writer import checked_place

    return or_parts(lambda name, *_: (checked_place(Path(name)),), ENDING)(name, what, given)


@writes(to=with_option("groups", file_of(".csv"), _index_or_parts), sheet=figure)
def similar(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="MODEL",
            help="A .safetensors file; 'imagenet' if left out before a folder.",
            show_default=False,
        ),
    ] = None,
    where: Annotated[
        str | None,
        typer.Argument(
            metavar="WHERE",
            help="Where to search: an index folder or parts that --to left, or PICTURES: a folder, "
            "an .npz file, or a folder of IDX files.",
            show_default=False,
        ),
    ] = None,
    queries: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="QUERY",
            help="Pictures to search for: files or folders. None are needed with --to or --groups.",
            show_default=False,
        ),
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Pictures found for each QUERY.")] = 10,
    groups: Annotated[
        bool,
        typer.Option(
            "--groups",
            help="Without QUERY: which of PICTURES belong together, equal ones and near copies.",
        ),
    ] = False,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|DIR/",
            help="Keep the index of PICTURES here: NAME.index; of very many as parts in a folder, "
            "whose name ends in /: the same line goes on with what is there. With --groups write "
            "the group of every picture here: a .csv file, which foveal train ... --groups takes.",
            show_default=False,
        ),
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Draw each QUERY beside what was found, or the groups, here: a .png file, with "
            "the numbers as .csv beside.",
        ),
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
    shards: Shards = None,
    part_size: PartSize = None,
    engine: Engine = None,
    device: Device = "auto",
    threads: Threads = None,
    strict: Strict = False,
    json: Json = False,
) -> None:
    """Find the pictures most like others: by an autoencoder's codes, or a classifier's features.

    With 'imagenet' for MODEL what a network trained on ImageNet sees, without any training.
    """
    from foveal.search.index_file import ENDING

    graph = approximate or force
    named, place, wanted = _named(model, where, queries or [])
    of_parts = (shards, part_size, engine)
    in_parts = parts_wanted(None if groups else to, *of_parts, others=(ENDING,))
    searching = [*wanted, *["--sheet"] * bool(sheet), *["--approximate or --force"] * graph]
    _check(place, wanted, to, groups=groups, graph=graph)
    if in_parts:
        _check_parts(place, searching)
    file = None if to is None or in_parts else Path(to)
    fitted = opened(named, device, threads, whole=True)
    if to is not None and in_parts:
        parts = InParts(to, *of_parts, strict=strict, json=json)
        _encode(parts, fitted, named, place, device, threads)
        return
    if groups:
        grouped = found_groups(fitted, pictures_of(place), file, sheet)
        print_answer(grouped, groups_lines, as_json=json)
        reasons = grouped.found.reasons
        refuse_unreadable(sum(map(bool, reasons)), len(reasons), strict=strict)
        return
    answer = _searched(fitted, place, wanted, top, file, sheet, approximate, force)
    print_answer(answer, _lines, as_json=json)
    index, lost = answer.index, sum(bool(one.reason) for one in answer.queries)
    refuse_unreadable(lost, len(answer.queries), strict=strict)
    refuse_unreadable(len(index.unreadable), len(index.unreadable) + len(index), strict=strict)


def _named(model: str | None, where: str | None, queries: list[str]) -> tuple[str, str, list[str]]:
    """Return model, place and queries of a line that may leave the model out before a folder."""
    from foveal.errors import UsageError
    from foveal.model.imagenet import NAME

    if model is not None and model != NAME and _holds_pictures(model):
        return NAME, model, [*([] if where is None else [where]), *queries]
    if model is None or where is None:
        raise UsageError(
            "WHERE",
            needed="the pictures to search in",
            came="nothing" if model is None else f"{model} alone",
            remedy="name a folder behind it",
        )
    return model, where, queries


def _holds_pictures(word: str) -> bool:
    """Whether a word that may name a model names pictures."""
    if is_remote(word):
        return not word.lower().endswith(".safetensors")
    return Path(word).is_dir() or word.lower().endswith(".npz")


def _check(where: str, queries: list[str], to: str | None, *, groups: bool, graph: bool) -> None:
    """Check that the words of a line go together."""
    from foveal.errors import UsageError
    from foveal.search.index_file import is_index

    if groups and (queries or graph):
        raise UsageError(
            "--groups",
            needed="PICTURES alone: each is compared with all others",
            came=f"a QUERY too, {queries[0]}" if queries else "--approximate or --force too",
            remedy="leave it out",
        )
    if not groups and not queries and to is None:
        raise UsageError(
            "QUERY",
            needed="a picture to search for, or --to to keep an index",
            came="neither",
            remedy="name a picture: foveal similar MODEL WHERE QUERY; --groups needs none",
        )
    if is_index(Path(where)) and (groups or to is not None):
        raise UsageError(
            "--groups" if groups else "--to",
            needed=f"PICTURES to {'compare' if groups else 'make an index of'}",
            came=f"the index {where}",
            remedy="name the pictures" if groups else "leave --to out, or name the pictures",
        )


def _check_parts(where: str, searching: Sequence[str]) -> None:
    """Check that a line that writes an index as parts asks for nothing else."""
    from foveal.bulk.reading import are_parts
    from foveal.errors import UsageError

    if searching:
        raise UsageError(
            "--to DIR/",
            needed="PICTURES alone: parts are searched once all of them are there",
            came=f"{searching[0]} too",
            remedy="leave it out, then search by: foveal similar MODEL DIR/ QUERY",
        )
    if are_parts(where):
        raise UsageError(
            "--to DIR/",
            needed="PICTURES to encode",
            came=f"{where}, which are parts already",
            remedy="search them, or name the pictures",
        )


def _encode(
    parts: InParts,
    fitted: FittedModel,
    model: str,
    pictures: str,
    device: str,
    threads: int | None,
) -> None:
    """Write an index as parts: those of `foveal encode`."""
    from foveal.model.bulk_work import EncodeWork, Encoding

    work = EncodeWork(
        model=model,
        digest=fitted.digest(),
        device=device,
        threads=threads,
        codes=fitted.autoencodes,
    )
    parts.answer(work, Encoding(fitted, some_of_many=True), [pictures])


def _searched(
    fitted: FittedModel,
    where: str,
    queries: list[str],
    top: int,
    to: Path | None,
    sheet: Path | None,
    approximate: bool,
    force: bool,
) -> SimilarPictures:
    """Search for the queries, and draw what was found."""
    from foveal.bulk.reading import are_parts
    from foveal.cli.progress import shown_progress
    from foveal.progress.events import passing
    from foveal.search.index_file import is_index

    kept = is_index(Path(where)) or are_parts(where)
    place = where if kept else pictures_of(where)
    with shown_progress() as show:
        index = _index(fitted, place, to, approximate, force, show)
        progress, searching = passing(show, "the network"), passing(show, "the search")
        sources = all_pictures(queries, missing_too=True)
        found = index.queries(sources, top, progress=progress, searching=searching)
    return SimilarPictures(
        index=index,
        queries=found,
        to=to,
        written=() if sheet is None else _drawn(fitted, place, sources, found, sheet),
    )


def _drawn(
    fitted: FittedModel,
    where: str | Pictures,
    sources: list[Pictures],
    found: Sequence[Neighbours],
    sheet: Path,
) -> Sequence[Path]:
    """Draw what was found; nothing where nothing could be searched for."""
    from foveal.figures.similar import similar_sheet

    if all(one.reason for one in found):
        return ()
    return similar_sheet(fitted, where, sources, found).save(sheet)


def _index(
    fitted: FittedModel,
    where: str | Pictures,
    to: Path | None,
    approximate: bool,
    force: bool,
    show: Listener,
) -> SearchIndex:
    """Open an index, or build one."""
    from foveal.progress.events import passing
    from foveal.search.similar import searched

    return searched(
        fitted,
        where,
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
        lines.append(f"{counted(len(index), 'picture')} in {answer.to}")
    for one in answer.queries:
        lines += [""] * bool(lines) + [one.query]
        if one.reason:
            lines.append(f"no answer: {one.reason}")
            continue
        lines.append("rank  distance  path")
        lines += [f"{rank:>4}  {distance:>8.4g}  {name}" for rank, distance, name in one.ranked()]
    return [*lines, "", wrote(answer.written)] if answer.written else lines
