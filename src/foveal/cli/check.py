"""`foveal check`: what is wrong with pictures and their labels, before anything is trained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foveal.cli.figures import shown_passage
from foveal.cli.options import (
    GROUPS_HELP,
    AnyPictures,
    CacheLimit,
    Json,
    Label,
    LabelFrom,
    Strict,
    Threads,
    groups_of,
)
from foveal.cli.output import print_answer, wrote
from foveal.cli.outputs import PAGE, file_of, writes
from foveal.cli.sources import given, refuse_unreadable
from foveal.cli.words import in_options, noted, quoted
from foveal.results import plain
from foveal.vocabulary import SEPARATORS, TARGETS
from foveal.wording import agreeing, counted

if TYPE_CHECKING:
    from foveal.checking.check import Check
    from foveal.checking.findings import Finding, Item

NAMED = 3
"""Examples of a kind of finding that are printed, at most."""
PATHS = 3
"""Pictures of one example that are named, at most."""
CLASSES = 8
"""Classes whose counts are printed, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was found, and what was written of it."""

    found: Check
    source: str
    """PICTURES, as they were typed."""
    written: Sequence[Path]

    def to_dict(self) -> dict[str, Any]:
        """Return findings, counts and files."""
        facts = self.found.to_dict()
        for one in facts["findings"]:
            one["remedy"] = in_options(one["remedy"])
        return {**facts, "written": plain(self.written)}


@writes(to=file_of(PAGE), cleaned=file_of(".csv"))
def check(
    pictures: AnyPictures,
    to: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Show what was found here: an .html file."),
    ] = None,
    cleaned: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the pictures that are left here: a .csv file, which every command takes "
            "as PICTURES.",
        ),
    ] = None,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick",
            help="Leave out what takes a network: labels that look wrong, and pictures unlike all "
            "others.",
        ),
    ] = False,
    groups: Annotated[str | None, typer.Option(help=GROUPS_HELP)] = None,
    label_from: LabelFrom = None,
    label: Label = None,
    target_kind: Annotated[
        str | None,
        typer.Option(
            "--target",
            metavar="|".join(TARGETS),
            help="What labels say; if left out they are numbers where they plainly are.",
            show_default=False,
        ),
    ] = None,
    separator: Annotated[
        str | None,
        typer.Option(
            metavar="SEPARATOR",
            help="What stands between several labels of a picture in one cell of a table: "
            f"{' '.join(SEPARATORS)} or auto, the first of these that occurs.",
            show_default=False,
        ),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(
            metavar="ray[://HOST:PORT]",
            help="Let actors of Ray look at the pictures, each by its own --threads, on this "
            "machine or a cluster, all of whose machines must see PICTURES and FOVEAL_CACHE.",
            show_default="this process",
        ),
    ] = None,
    cache_limit: CacheLimit = None,
    threads: Threads = None,
    strict: Strict = False,
    json: Json = False,
) -> None:
    """Find what is wrong with pictures and their labels, before a network learns it.

    Unreadable, blank, dark and blurred ones; equal ones and near copies, under several labels or on
    both sides of a split; classes too small; odd sizes, formats and colours; labels that look
    wrong. The pictures are not touched.
    """
    from foveal.checking.check import checked
    from foveal.cluster import Cluster
    from foveal.pictures.groups import grouped
    from foveal.pictures.naming import labelled_as
    from foveal.pictures.sources import gather

    cluster = None if engine is None else Cluster.read(engine)
    labelled = labelled_as(gather(given(pictures)), label_from, label)
    named = grouped(labelled, groups_of(groups)).named_from_here()
    with shown_passage("the checks", "the network") as tell:
        found = checked(named, quick, threads, tell, target_kind, separator, cluster)
    written = list(_written(found, pictures, to, cleaned))
    answer = Checked(found=found, source=pictures, written=written)
    print_answer(answer, _lines, as_json=json)
    refuse_unreadable(found.unreadable, len(found.reasons), strict=strict)


def _written(found: Check, source: str, to: Path | None, cleaned: Path | None) -> Iterator[Path]:
    from foveal.pages.check import check_page

    if to is not None:
        yield check_page(found, source=source, said=in_options).save(to)
    if cleaned is not None:
        yield found.save_cleaned(cleaned)


def _lines(answer: Checked) -> Iterator[str]:
    found = answer.found
    yield from noted(found.notes)
    yield _counts(found)
    for one in found.findings:
        yield ""
        yield from _told(one)
    yield ""
    kept = len(found.cleaning.rows)
    as_they_are = agreeing(kept, "as it is", "as they are")
    yield f"{kept:,} of {counted(len(found.reasons), 'picture')} may teach {as_they_are}"
    if answer.written:
        yield wrote(answer.written)
    else:
        source = quoted(answer.source)
        yield f"look at them: foveal check {source} --to check.html --cleaned cleaned.csv"


def _counts(found: Check) -> str:
    total, counts = len(found.reasons), found.counts.tolist()
    classes = [f"{name} {n:,}" for name, n in zip(found.classes.names, counts, strict=True)]
    more = f" and {len(classes) - CLASSES:,} more" if len(classes) > CLASSES else ""
    named = f"; {', '.join(classes[:CLASSES])}{more}" if classes else ""
    named += f"; {found.summary}" if found.summary is not None else ""
    readable = total - found.unreadable
    return f"{counted(total, 'picture')}: {readable:,} can be read, {found.unreadable:,} not{named}"


def _told(one: Finding) -> Iterator[str]:
    yield f"{one.count:>7,}  {one.about.title}: {in_options(one.about.remedy)}"
    for item in one.items[:NAMED]:
        yield f"         {_example(item)}"
    if len(one.items) > NAMED:
        yield f"         and {len(one.items) - NAMED:,} more"


def _example(item: Item) -> str:
    if not item.paths:
        return item.why
    more = f" and {len(item.paths) - PATHS:,} more" if len(item.paths) > PATHS else ""
    return f"{', '.join(item.paths[:PATHS])}{more}: {item.why}"
