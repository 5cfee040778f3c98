"""Answers of many pictures in a folder of part files: options, and what is said of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foveal.addresses import is_remote
from foveal.cli.output import print_answer
from foveal.cli.sources import refuse_unreadable, streamed
from foveal.cli.words import noted
from foveal.errors import UsageError
from foveal.wording import agreeing, counted

if TYPE_CHECKING:
    from foveal.bulk.run import PartsWritten
    from foveal.bulk.work import Seeing, Work

Shards = Annotated[
    str | None,
    typer.Option(
        metavar="I/N",
        help="With --to DIR/: do the parts of one of several processes, as 2/8 for the second of "
        "eight, each started with the same line.",
        show_default=False,
    ),
]
PartSize = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="With --to DIR/: pictures of a part at most.",
        show_default="4096, or as the folder was begun",
    ),
]


Engine = Annotated[
    str | None,
    typer.Option(
        metavar="ray[://HOST:PORT]",
        help="With --to DIR/: let actors of Ray do the parts, each by its own --threads, on this "
        "machine or a cluster. All of its machines must see MODEL, PICTURES and DIR/.",
        show_default="this process",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredInParts:
    """What lies in a folder of parts, and how long it took."""

    written: PartsWritten
    model: str
    """Hash of the model."""
    seconds: float
    notes: Sequence[str]
    """What a reader should know."""

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        more = {"model": self.model, "seconds": self.seconds, "notes": list(self.notes)}
        return {**self.written.to_dict(), **more}


def parts_wanted(
    to: str | None,
    shards: str | None,
    part_size: int | None,
    engine: str | None = None,
    *,
    others: tuple[str, ...] = (),
) -> bool:
    """Whether answers are to go into a folder of parts; no name of one ends as `others` say.

    Raises
    ------
    UsageError
        For options of parts without such a folder.
    """
    from foveal.bulk.folder import names_parts
    from foveal.cluster import Cluster

    if engine is not None:
        Cluster.read(engine)
    if to is not None and names_parts(to, others=others):
        return True
    asked = {"shards": shards, "part_size": part_size, "engine": engine}
    name = next((name for name, value in asked.items() if value is not None), None)
    if name is None:
        return False
    raise UsageError(
        name,
        needed="a folder of parts (`to`), a name that ends in /",
        came="none" if to is None else to,
        remedy="write --to parts/",
    )


@dataclass(frozen=True, slots=True)
class InParts:
    """Where the parts of an answer go, and how it is told."""

    to: str
    shards: str | None
    part_size: int | None
    engine: str | None
    strict: bool
    json: bool

    def answer(
        self, work: Work, worker: Seeing, pictures: Sequence[str], notes: Sequence[str] = ()
    ) -> None:
        """Do work on pictures into the folder, and say what lies there then.

        `notes` say what a reader should know of the work besides.
        """
        from foveal.bulk.on_ray import on_ray
        from foveal.bulk.pieces import Share
        from foveal.bulk.run import here, write_parts
        from foveal.cli.progress import shown_progress
        from foveal.cluster import Cluster

        doing = here(worker) if self.engine is None else on_ray(work, Cluster.read(self.engine))
        share = None if self.shards is None else Share.read(self.shards)
        began = time.perf_counter()
        with shown_progress() as show:
            written = write_parts(
                self.to if is_remote(self.to) else Path(self.to),
                work,
                streamed(pictures),
                doing,
                share=share,
                part_size=self.part_size,
                recipe=worker.recipe,
                tell=show,
            )
        seconds = time.perf_counter() - began
        found = AnsweredInParts(
            written=written,
            model=work.facts["model"],
            seconds=seconds,
            notes=[*written.notes, *notes],
        )
        print_answer(found, _lines, as_json=self.json)
        refuse_unreadable(written.unreadable, written.rows, strict=self.strict)


def _lines(found: AnsweredInParts) -> Iterator[str]:
    one = found.written
    share = f" of share {one.shards}" if one.shards != "1/1" else ""
    where = f"{share} in {one.to}{_before(one)}"
    told = [f"{one.unreadable:,} unreadable", *(f"{n:,} {name}" for name, n in one.counts.items())]
    yield (f"{counted(one.rows, 'row')} in {counted(one.parts, 'part')}{where}: " + ", ".join(told))
    yield from noted(found.notes)
    if one.whole:
        yield f"whole: {counted(one.all_rows, 'row')} in {counted(one.all_parts, 'part')}"
    else:
        yield f"not whole yet: {one.all_parts:,} parts in all, some of other shares"


def _before(one: PartsWritten) -> str:
    """Say how many parts were there before, if any were."""
    if not one.kept:
        return ""
    if one.parts == 1:
        return ", which was there before"
    return f", {one.kept:,} of them {agreeing(one.kept, 'was', 'were')} there before"
