"""`foveal anomalies`: pictures unlike the usual ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from foveal.cli.figures import shown_passage
from foveal.cli.options import PICTURES_HELP, Device, Json, Strict, Threads, opened
from foveal.cli.output import path_end, print_answer, table_rows, unreadable_line, wrote
from foveal.cli.outputs import figure, folder, or_parts, table, writes
from foveal.cli.parts import Engine, InParts, PartSize, Shards, parts_wanted
from foveal.cli.sources import pictures_of, refuse_unreadable
from foveal.cli.words import noted
from foveal.errors import UsageError
from foveal.remote_copies import origin
from foveal.results import plain
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.anomaly.threshold import Anomalies, By, Threshold
    from foveal.model.fitted import FittedModel
    from foveal.pictures.collection import Pictures

SHOWN = 20
"""Lines of the printed table at most."""
WIDEST = 50
"""Columns of a path in the printed table; longer ones keep their end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundAnomalies:
    """How unusual pictures are, and what was written of it."""

    found: Anomalies
    written: Sequence[Path]
    with_rows: bool
    """Whether the rows are printed; they are not where they were written."""

    def to_dict(self) -> dict[str, Any]:
        """Return threshold, counts and files, and the rows that are printed."""
        found = self.found
        return {
            **found.to_dict(),
            "written": plain(self.written),
            "pictures": table_rows(found.columns, found.rows()) if self.with_rows else None,
        }


@writes(to=or_parts(table), sheet=figure, error_pictures=folder)
def anomalies(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="MODEL",
            help="A .safetensors file; 'imagenet' if left out, with --usual.",
            show_default=False,
        ),
    ] = None,
    pictures: Annotated[
        str | None,
        typer.Argument(metavar="PICTURES", help=PICTURES_HELP, show_default=False),
    ] = None,
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
        str | None,
        typer.Option(
            metavar="FILE|DIR/",
            help="Write the table here, in the order of the pictures: .csv, .parquet or .jsonl. Of "
            "many pictures parts of it in a folder, whose name ends in /: the same line goes on "
            "with what is there.",
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
    shards: Shards = None,
    part_size: PartSize = None,
    engine: Engine = None,
    device: Device = "auto",
    threads: Threads = None,
    strict: Strict = False,
    json: Json = False,
) -> None:
    """Find pictures unlike the usual ones, the most unusual first.

    By what an autoencoder cannot reconstruct, or by any model's features and --usual pictures:
    with 'imagenet' for MODEL, or none, nothing is trained.
    """
    from foveal.anomaly.detection import default_way
    from foveal.anomaly.threshold import check_by
    from foveal.figures.unusual import unusual_sheet
    from foveal.model.codec import check_half
    from foveal.tables import write_table

    in_parts = parts_wanted(to, shards, part_size, engine)
    place = None if to is None or in_parts else Path(to)
    way = None if by is None else check_by(by)
    named, pictures = _named(model, pictures)
    fitted = opened(named, device, threads, whole=True)
    way = way or default_way(fitted)
    if in_parts:
        _check_alone(sheet, error_pictures)
        asked = _Asked(way, false_alarms, usual, neighbours)
        many = InParts(str(to), shards, part_size, engine, strict=strict, json=json)
        _in_parts(fitted, named, pictures, asked, (device, threads), many)
        return
    if error_pictures is not None:
        check_half(fitted, "decoder")
    source = pictures_of(pictures)
    found = _found(fitted, source, way, false_alarms, usual, neighbours)
    drawn = None if sheet is None else unusual_sheet(fitted, source, found, worst)
    written: list[Path] = []
    if place is not None:
        write_table(place, found.columns, [found.rows()])
        written.append(place)
    if sheet is not None and drawn is not None:
        written.extend(drawn.save(sheet))
    if error_pictures is not None:
        _write_errors(error_pictures, fitted, source)
        written.append(error_pictures)
    answer = FoundAnomalies(found=found, written=written, with_rows=place is None)
    print_answer(answer, _lines, as_json=json)
    refuse_unreadable(sum(map(bool, found.reasons)), len(found.reasons), strict=strict)
    left_out = found.threshold.left_out
    lost = 0 if left_out is None else len(left_out.unreadable)
    refuse_unreadable(lost, lost + found.threshold.usual, strict=strict)


def _named(model: str | None, pictures: str | None) -> tuple[str, str]:
    """Return the model and the pictures of a command that may leave the model out."""
    if model is not None and pictures is not None:
        return model, pictures
    if model is None or model == "imagenet" or model.endswith(".safetensors"):
        raise UsageError(
            "PICTURES",
            needed="the pictures to look at",
            came="nothing" if model is None else f"{model} alone",
            remedy="name a folder behind it",
        )
    return "imagenet", model


def _found(
    fitted: FittedModel,
    source: Pictures,
    way: By,
    false_alarms: float,
    usual: str | None,
    neighbours: int | None,
) -> Anomalies:
    """Score the pictures in the way that is wanted."""
    from foveal.anomaly.detection import anomalies as detect

    known = None if usual is None else pictures_of(usual)
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


class _Asked(NamedTuple):
    """How pictures are to be scored."""

    way: By
    false_alarms: float
    usual: str | None
    neighbours: int | None


def _check_alone(sheet: Path | None, folder: Path | None) -> None:
    """Refuse beside parts what needs all pictures at once."""
    if sheet is None and folder is None:
        return
    raise UsageError(
        "sheet" if sheet is not None else "error_pictures",
        needed="a table of all pictures (`to`)",
        came="a folder of parts",
        remedy="leave it out, or write one file",
    )


def _in_parts(
    fitted: FittedModel,
    model: str,
    pictures: str,
    asked: _Asked,
    machine: tuple[str, int | None],
    many: InParts,
) -> None:
    """Score pictures into a folder of parts; `machine` is device and threads."""
    from foveal.anomaly.bulk_work import AnomalyWork, Scoring
    from foveal.anomaly.detection import opened as opened_way

    usual = None if asked.usual is None else pictures_of(asked.usual)
    with shown_passage("the network" if asked.way == "neighbours" else "the autoencoder") as tell:
        way = opened_way(fitted, asked.way, asked.false_alarms, usual, asked.neighbours, tell)
    worker, bound = Scoring(way), way.threshold
    work = AnomalyWork(
        model=origin(Path(model)),
        digest=fitted.digest(),
        device=machine[0],
        threads=machine[1],
        by=asked.way,
        false_alarms=asked.false_alarms,
        neighbours=asked.neighbours,
        usual=asked.usual,
        usual_mark=worker.usual,
    )
    lost = {} if bound.left_out is None else bound.left_out.unreadable
    usual_above = f"{bound.rate.percent()} of usual pictures, by {_source(bound)}"
    told = f"above the threshold, {_bound(bound)}, lie {usual_above}"
    many.answer(work, worker, [pictures], [*way.notes, *_missing(lost), told])
    refuse_unreadable(len(lost), len(lost) + bound.usual, strict=many.strict)


def _write_errors(folder: Path, fitted: FittedModel, source: Pictures) -> None:
    """Write where the reconstructions differ from the pictures."""
    from foveal.anomaly.reconstruction import differences
    from foveal.cli.progress import passed_on
    from foveal.model.codec import compared
    from foveal.pictures.saving import write_pictures

    with shown_passage() as tell:
        batches = passed_on(compared(fitted, source), len(source), tell)
        write_pictures(folder, list(map(str, source.names)), differences(batches))


def _lines(answer: FoundAnomalies) -> list[str]:
    found = answer.found
    bound = found.threshold
    lines = unreadable_line(found.names, found.reasons)
    if bound.left_out is not None:
        lines += noted(_missing(bound.left_out.unreadable))
    lines += noted(found.notes)
    if answer.with_rows:
        lines += [*_table(found), ""]
    lines += [
        f"{int(found.above.sum()):,} of {counted(len(found.order), 'picture')} above "
        f"the threshold, {_bound(bound)}",
        f"of usual pictures {bound.rate.percent()} lie above, by {_source(bound)}",
    ]
    if found.nearest is not None:
        lines.append(
            f"compared with the nearest of {counted(found.nearest.compared, 'usual picture')}"
        )
    return [*lines, wrote(answer.written)] if answer.written else lines


def _missing(unreadable: Mapping[str, str], most: int = 3) -> list[str]:
    """Describe which usual pictures could not be read."""
    if not unreadable:
        return []
    named = "; ".join(f"{name} ({reason})" for name, reason in list(unreadable.items())[:most])
    more = f"; and {len(unreadable) - most:,} more" if len(unreadable) > most else ""
    return [f"usual pictures that cannot be read, {len(unreadable):,}: {named}{more}"]


def _bound(bound: Threshold) -> str:
    from foveal.anomaly.threshold import MEASURES

    return f"{MEASURES[bound.by]} {bound.value:#.3g}"


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
    paths = [path_end(found.names[row], WIDEST) for row in rows]
    width = max([len("path"), *map(len, paths)])
    columns = {MEASURES[found.threshold.by]: found.scores, **found.others}
    lines = [f"{'path':<{width}}" + "".join(f"  {name:>8}" for name in columns)]
    if found.nearest is not None:
        lines[0] += "         nearest usual picture"
    for row, path in zip(rows, paths, strict=True):
        numbers = "".join(f"  {values[row]:>#8.3g}" for values in columns.values())
        above = "above" if found.above[row] else ""
        near = "" if found.nearest is None else path_end(found.nearest.name(row), WIDEST)
        lines.append(f"{path:<{width}}{numbers}  {above:<5}  {near}".rstrip())
    more = len(found.order) - len(rows)
    return [*lines, f"and {more:,} more: --to FILE writes all"] if more else lines
