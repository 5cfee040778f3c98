"""`foveal report`: what was asked, what came out, and how far to trust it, as one page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from foveal.cli.options import GROUPS_HELP, Device, Json, Threads, groups_of
from foveal.cli.output import print_answer, wrote
from foveal.cli.outputs import PAGE, file_of, writes
from foveal.cli.words import noted
from foveal.errors import UsageError
from foveal.results import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Written(Result):
    """A report that was written."""

    written: tuple[Path, ...]
    sections: tuple[str, ...]
    """What it tells of, in order."""
    notes: tuple[str, ...]


@writes(to=file_of(PAGE))
def report(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL", help="A .safetensors file, or the .run folder of its training."
        ),
    ],
    pictures: Annotated[
        str | None,
        typer.Argument(
            metavar="PICTURES",
            help="Pictures to show it on, and labelled ones to judge it by; those of its training "
            "if left out.",
            show_default=False,
        ),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write it here: an .html file; report.html in the folder of the run if left out.",
            show_default=False,
        ),
    ] = None,
    groups: Annotated[str | None, typer.Option(help=GROUPS_HELP)] = None,
    device: Device = "auto",
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Write the report of a training again: one page that loads nothing, for a browser.

    What was asked, what came out beside baselines, curves, mistakes, how far to trust an answer,
    what the network sees, and how to do it again.
    """
    file, run = _places(model)
    place = _target(to, run, file)
    from foveal.cli.progress import shown_progress
    from foveal.cli.reports import told_report
    from foveal.files import digest_of
    from foveal.model.opening import load
    from foveal.training.record import RunRecord

    fitted = load(file, device=device, threads=threads)
    record = None if run is None else RunRecord.read(run)
    unrelated = "" if record is None else record.unrelated(digest_of(file))
    shown, notes = _shown(pictures, None if unrelated else record)
    if unrelated:
        record, notes = None, (unrelated, *notes)
    grouping = groups_of(groups) or (record and record.options.get("groups"))
    with shown_progress() as show:
        found = told_report(
            fitted, shown, show, run=run, file=file, source=pictures or "", groups=grouping
        )
    found.save(place)
    sections = tuple(one.id for one in found.sections)
    print_answer(Written(written=(place,), sections=sections, notes=notes), _lines, as_json=json)


def _places(model: Path) -> tuple[Path, Path | None]:
    """Find the file of a model, and the folder of its run where there is one."""
    from foveal.training.record import RunRecord

    if model.is_dir():
        record = RunRecord.read(model, f"{model.stem}.safetensors")
        return model.parent / record.model, model
    run = model.with_suffix(".run")
    return model, run if (run / "config.json").is_file() else None


def _target(to: Path | None, run: Path | None, file: Path) -> Path:
    from foveal.training.journal import REPORT

    if to is not None:
        return to
    if run is None:
        raise UsageError(
            "--to",
            needed=f"a file to write to, since there is no run beside {file.name}",
            came="none",
            remedy=f"write --to {file.stem}.html",
        )
    return run / REPORT


def _shown(typed: str | None, record: Any) -> tuple[Any, tuple[str, ...]]:
    """Return the pictures to show the model on, and what to say of them."""
    from foveal.cli.sources import are_features, pictures_of

    if typed is not None:
        return pictures_of(typed), ()
    known = None if record is None else record.options.get("pictures")
    if known is None:
        return None, ("no pictures are named: what needs them is left out",)
    if isinstance(known, str) and not Path(known).exists():
        return None, ("the pictures of its training are gone: what needs them is left out",)
    if are_features(known):
        return None, ("parts of features taught it: what needs pictures is left out",)
    said = record.options.get("label_from"), record.options.get("label")
    return known if said == (None, None) else pictures_of(known, *said), ()


def _lines(answer: Written) -> Iterator[str]:
    yield from noted(answer.notes)
    yield wrote(answer.written)
