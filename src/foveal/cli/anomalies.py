"""`foveal anomalies`: pictures unlike the usual ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foveal.cli.figures import shown_passage, unreadable_line, wrote
from foveal.cli.options import (
    AnyPictures,
    Device,
    Json,
    Model,
    Strict,
    Threads,
    opened,
    print_json,
    refuse_unreadable,
    with_whole_names,
)
from foveal.cli.words import noted

if TYPE_CHECKING:
    from foveal.anomaly.threshold import Anomalies, By, Threshold
    from foveal.model.fitted import FittedModel
    from foveal.pictures.collection import Pictures as PicturesFound

SHOWN = 20
"""Lines of the printed table at most."""
WIDEST = 50
"""Columns of a path in the printed table; longer ones keep their end."""


def anomalies(
    model: Model,
    pictures: AnyPictures,
    false_alarms: Annotated[
        float, typer.Option(help="Share of usual pictures that may be called unusual.")
    ] = 0.05,
    by: Annotated[
        str | None,
        typer.Option(
            help="error of an autoencoder's reconstruction, distance of its code, or neighbours: "
            "distance to the nearest of --usual, by any model's features.",
            show_default="error for an autoencoder, else neighbours",
        ),
    ] = None,
    usual: Annotated[
        str | None,
        typer.Option(
            metavar="PICTURES",
            help="Usual pictures that set the threshold; if left out, those held out of an "
            "autoencoder's training.",
        ),
    ] = None,
    neighbours: Annotated[
        int | None,
        typer.Option(
            min=1, help="Usual pictures to compare each with, by neighbours; 1 if left out."
        ),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the table here, in the order of the pictures: .csv, .parquet or .jsonl.",
        ),
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Draw the most unusual here: a .png file, with their numbers as .csv beside.",
        ),
    ] = None,
    worst: Annotated[int, typer.Option(min=1, help="Pictures on the sheet.")] = 10,
    error_pictures: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write for each picture where an autoencoder's reconstruction differs, black for "
            "nowhere: a PNG file of the same name, in a new folder.",
        ),
    ] = None,
    device: Device = "auto",
    threads: Threads = None,
    strict: Strict = False,
    json: Json = False,
) -> None:
    """Find pictures unlike the usual ones, the most unusual first.

    By what an autoencoder cannot reconstruct, or by any model's features and --usual pictures:
    with 'imagenet' for MODEL nothing is trained.
    """
    from foveal.anomaly.detection import default_way
    from foveal.anomaly.threshold import check_by
    from foveal.figures.unusual import unusual_sheet
    from foveal.model.codec import check_half
    from foveal.pictures.sources import gather
    from foveal.tables import write_table

    _check_places(to, sheet, error_pictures)
    way = None if by is None else check_by(by)
    fitted = opened(model, device, threads, whole=True)
    way = way or default_way(fitted)
    if error_pictures is not None:
        check_half(fitted, "decoder")
    source = with_whole_names(gather(pictures))
    found = _found(fitted, source, way, false_alarms, usual, neighbours)
    drawn = None if sheet is None else unusual_sheet(fitted, source, found, worst)
    paths: list[Path] = []
    if to is not None:
        write_table(to, found.columns, [found.rows()])
        paths.append(to)
    if sheet is not None and drawn is not None:
        paths.extend(drawn.save(sheet))
    if error_pictures is not None:
        _write_errors(error_pictures, fitted, source)
        paths.append(error_pictures)
    if json:
        facts = _facts(found, paths)
        if to is None:
            facts["pictures"] = [dict(zip(found.columns, row, strict=True)) for row in found.rows()]
        print_json(facts)
    else:
        typer.echo("\n".join(_lines(found, paths, with_table=to is None)))
    left_out = found.threshold.left_out
    usual_unreadable = 0 if left_out is None else len(left_out.unreadable)
    refuse_unreadable(sum(map(bool, found.reasons)) + usual_unreadable, strict)


def _found(
    fitted: FittedModel,
    source: PicturesFound,
    way: By,
    false_alarms: float,
    usual: str | None,
    neighbours: int | None,
) -> Anomalies:
    """Score the pictures in the way that is wanted."""
    from foveal.anomaly.detection import anomalies as detect
    from foveal.pictures.sources import gather

    known = None if usual is None else with_whole_names(gather(usual))
    with shown_passage("the network" if way == "neighbours" else "the autoencoder") as tell:
        return detect(
            fitted,
            source,
            by=way,
            usual=known,
            false_alarms=false_alarms,
            neighbours=neighbours,
            progress=tell,
        )


def _write_errors(folder: Path, fitted: FittedModel, source: PicturesFound) -> None:
    """Write where the reconstructions differ from the pictures."""
    from foveal.anomaly.reconstruction import differences
    from foveal.cli.progress import passed_on
    from foveal.model.codec import compared
    from foveal.pictures.saving import write_pictures

    with shown_passage() as tell:
        batches = passed_on(compared(fitted, source), len(source), tell)
        write_pictures(folder, list(map(str, source.names)), differences(batches))


def _check_places(to: Path | None, sheet: Path | None, folder: Path | None) -> None:
    from foveal.drawing.figure import checked_figure, numbers_beside
    from foveal.errors import UsageError
    from foveal.files import checked_folder
    from foveal.tables import checked_table

    if folder is not None:
        checked_folder(folder, "--error-pictures")
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
        "compared_with": found.nearest and found.nearest.compared,
        "notes": found.notes,
        "written": list(map(str, paths)),
    }


def _lines(found: Anomalies, paths: list[Path], *, with_table: bool) -> list[str]:
    from foveal.anomaly.threshold import MEASURES

    bound = found.threshold
    lines = unreadable_line(found.names, found.reasons)
    if bound.left_out is not None:
        lines += _missing(bound.left_out.unreadable)
    lines += noted(found.notes)
    if with_table:
        lines += [*_table(found), ""]
    lines += [
        f"{int(found.above.sum()):,} of {len(found.order):,} pictures above the threshold, "
        f"{MEASURES[bound.by]} {bound.value:#.3g}",
        f"of usual pictures {bound.rate.percent()} lie above, by {_source(bound)}",
    ]
    if found.nearest is not None:
        lines.append(f"compared with the nearest of {found.nearest.compared:,} usual pictures")
    return [*lines, wrote(paths)] if paths else lines


def _missing(unreadable: Mapping[str, str], most: int = 3) -> list[str]:
    """Describe which usual pictures could not be read."""
    if not unreadable:
        return []
    named = "; ".join(f"{name} ({reason})" for name, reason in list(unreadable.items())[:most])
    more = f"; and {len(unreadable) - most:,} more" if len(unreadable) > most else ""
    return [f"note: usual pictures that cannot be read, {len(unreadable):,}: {named}{more}"]


def _source(bound: Threshold) -> str:
    if bound.left_out is None:
        return f"{bound.usual:,} that were held out of the training"
    left = bound.left_out
    reasons = (
        (left.taught, "taught the model"),
        (left.repeated, "equal to others"),
        (len(left.unreadable), "unreadable"),
    )
    told = [f"{count:,} {reason}" for count, reason in reasons if count]
    given = bound.usual + sum(count for count, _ in reasons)
    return f"{bound.usual:,} of {given:,} given ({', '.join(told)})" if told else f"{given:,} given"


def _table(found: Anomalies) -> list[str]:
    from foveal.anomaly.threshold import MEASURES

    rows = found.order[:SHOWN].tolist()
    paths = [_end(str(found.names[row])) for row in rows]
    width = max([len("path"), *map(len, paths)])
    columns = {MEASURES[found.threshold.by]: found.scores, **found.others}
    lines = [f"{'path':<{width}}" + "".join(f"  {name:>8}" for name in columns)]
    if found.nearest is not None:
        lines[0] += "         nearest usual picture"
    for row, path in zip(rows, paths, strict=True):
        numbers = "".join(f"  {values[row]:>#8.3g}" for values in columns.values())
        above = "above" if found.above[row] else ""
        near = "" if found.nearest is None else _end(str(found.nearest.name(row)))
        lines.append(f"{path:<{width}}{numbers}  {above:<5}  {near}".rstrip())
    more = len(found.order) - len(rows)
    return [*lines, f"and {more:,} more: --to FILE writes all"] if more else lines


def _end(path: str) -> str:
    return path if len(path) <= WIDEST else "..." + path[-(WIDEST - 3) :]
