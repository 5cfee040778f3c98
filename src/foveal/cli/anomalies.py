"""`foveal anomalies`: pictures unlike those an autoencoder was trained on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foveal.cli.figures import shown_passage, unreadable_line, wrote
from foveal.cli.options import (
    Device,
    Json,
    Model,
    Pictures,
    Strict,
    Threads,
    print_json,
    refuse_unreadable,
    with_whole_names,
)

if TYPE_CHECKING:
    from foveal.model.anomalies import Anomalies, Threshold

SHOWN = 20
"""Lines of the printed table at most."""
WIDEST = 50
"""Columns of a path in the printed table; longer ones keep their end."""


def anomalies(
    model: Model,
    pictures: Pictures,
    false_alarms: Annotated[
        float, typer.Option(help="Share of usual pictures that may be called unusual.")
    ] = 0.05,
    by: Annotated[
        str, typer.Option(help="error of the reconstruction, or distance of the code.")
    ] = "error",
    usual: Annotated[
        str | None,
        typer.Option(
            metavar="PICTURES",
            help="Usual pictures that set the threshold; if left out, those held out of training.",
        ),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the table here: .csv, .parquet or .jsonl."),
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Draw the most unusual here: a .png file, with their numbers as .csv beside.",
        ),
    ] = None,
    worst: Annotated[int, typer.Option(min=1, help="Pictures on the sheet.")] = 10,
    device: Device = "auto",
    threads: Threads = None,
    strict: Strict = False,
    json: Json = False,
) -> None:
    """Find pictures unlike those an autoencoder was trained on, the most unusual first."""
    from foveal.looking.pictured import sheet_of
    from foveal.model import anomalies as finding
    from foveal.model.loading import load
    from foveal.model.tables import write_table
    from foveal.pictures.sources import gather

    _check_places(to, sheet)
    way = finding.checked_by(by)
    fitted = load(model, device=device, threads=threads)
    source = with_whole_names(gather(pictures))
    with shown_passage() as tell:
        found = finding.anomalies(
            fitted, source, false_alarms=false_alarms, by=way, usual=usual, progress=tell
        )
    paths: list[Path] = []
    if to is not None:
        write_table(to, finding.COLUMNS, [found.rows()])
        paths.append(to)
    if sheet is not None:
        paths.extend(sheet_of(fitted, source, found, worst).save(sheet))
    if json:
        facts = _facts(found, paths)
        if to is None:
            rows = [dict(zip(finding.COLUMNS, row, strict=True)) for row in found.rows()]
            facts["pictures"] = rows
        print_json(facts)
    else:
        typer.echo("\n".join(_lines(found, paths, with_table=to is None)))
    refuse_unreadable(sum(map(bool, found.reasons)), strict)


def _check_places(to: Path | None, sheet: Path | None) -> None:
    from foveal.errors import UsageError
    from foveal.looking.figure import checked_figure, numbers_beside
    from foveal.model.tables import checked_table

    if to is not None:
        checked_table(to)
    if sheet is None:
        return
    checked_figure(sheet, "--sheet")
    if to is not None and numbers_beside(sheet).absolute() == to.absolute():
        raise UsageError(
            f"--sheet {sheet}",
            needed="another name than the table's: the sheet's numbers go beside it as .csv",
            came=f"--to {to}",
            remedy=f"write {sheet.stem}-sheet.png",
        )


def _facts(found: Anomalies, paths: list[Path]) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "threshold": asdict(found.threshold),
        "rows": len(found.reasons),
        "above": int(found.above.sum()),
        "unreadable": sum(map(bool, found.reasons)),
        "written": list(map(str, paths)),
    }


def _lines(found: Anomalies, paths: list[Path], *, with_table: bool) -> list[str]:
    lines = unreadable_line(found.names, found.reasons)
    if with_table:
        lines += [*_table(found), ""]
    bound = found.threshold
    measure = "MSE" if bound.by == "error" else "distance"
    lines += [
        f"{int(found.above.sum()):,} of {len(found.order):,} pictures above the threshold, "
        f"{measure} {bound.value:#.3g}",
        f"of usual pictures {bound.rate.percent()} lie above, by {_source(bound)}",
    ]
    return [*lines, wrote(paths)] if paths else lines


def _source(bound: Threshold) -> str:
    if bound.held_out:
        return f"{bound.usual:,} that were held out of the training"
    left = [f"{bound.taught:,} that taught the model"] * bool(bound.taught)
    left += [f"{bound.unreadable:,} unreadable"] * bool(bound.unreadable)
    return f"{bound.usual:,} given" + (f" ({' and '.join(left)} left out)" if left else "")


def _table(found: Anomalies) -> list[str]:
    rows = found.order[:SHOWN].tolist()
    paths = [_end(str(found.names[row])) for row in rows]
    width = max([len("path"), *map(len, paths)])
    columns = {"MSE": found.errors, "distance": found.distances}
    if found.threshold.by == "distance":
        columns = dict(reversed(columns.items()))
    lines = [f"{'path':<{width}}" + "".join(f"  {name:>8}" for name in columns)]
    for row, path in zip(rows, paths, strict=True):
        numbers = "".join(f"  {values[row]:>#8.3g}" for values in columns.values())
        lines.append(f"{path:<{width}}{numbers}" + "  above" * bool(found.above[row]))
    more = len(found.order) - len(rows)
    return [*lines, f"and {more:,} more: --to FILE writes all"] if more else lines


def _end(path: str) -> str:
    return path if len(path) <= WIDEST else "..." + path[-(WIDEST - 3) :]
