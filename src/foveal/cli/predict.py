"""`foveal predict`: a class and its probability for every picture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foveal.cli.options import (
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

if TYPE_CHECKING:
    from foveal.model.fitted import FittedModel

WIDEST = 60
"""Columns of a path in the printed table; longer ones keep their end."""


def predict(
    model: Model,
    pictures: Annotated[
        list[str],
        typer.Argument(metavar="PICTURES...", help="Files or folders, .npz, or IDX folders."),
    ],
    to: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the table here: .csv, .parquet or .jsonl."),
    ] = None,
    top: Annotated[
        int, typer.Option(min=1, help="Classes shown for each picture in the printed table.")
    ] = 1,
    device: Device = "auto",
    threads: Threads = None,
    strict: Strict = False,
    json: Json = False,
) -> None:
    """Predict the class of pictures. Every file has a row; what cannot be read says why.

    With 'imagenet' for MODEL the 1,000 classes of ImageNet, without any training.
    """
    from foveal.tables import checked_table, write_table

    if to is not None:
        checked_table(to)
    fitted = opened(model, device, threads)
    table = _Table(fitted, pictures)
    if to is not None:
        count = write_table(to, table.columns, table.batches())
        summary = {"to": str(to), "rows": count, "unreadable": table.unreadable}
        if json:
            print_json(summary)
        else:
            typer.echo(f"{count:,} rows in {to}, {table.unreadable} unreadable")
    else:
        rows = [row for batch in table.batches() for row in batch]
        if json:
            print_json([dict(zip(table.columns, row, strict=True)) for row in rows])
        else:
            typer.echo("\n".join(_lines(rows, list(map(str, fitted.classes)), top)))
    refuse_unreadable(table.unreadable, strict)


class _Table:
    """Rows of several sources, batch by batch."""

    def __init__(self, fitted: FittedModel, sources: list[str]) -> None:
        from foveal.pictures.sources import gather

        self.fitted = fitted
        self.sources = [with_whole_names(gather(source)) for source in sources]
        self.columns = [
            "path",
            "label",
            "probability",
            "error",
            *(f"p:{label}" for label in fitted.classes),
        ]
        self.unreadable = 0

    def batches(self) -> Iterator[list[list[Any]]]:
        for source in self.sources:
            for predictions in self.fitted.predicting(source):
                self.unreadable += sum(bool(reason) for reason in predictions.reasons)
                yield list(predictions.rows())


def _lines(rows: list[list[Any]], classes: list[str], top: int) -> list[str]:
    paths = [_end(str(row[0])) for row in rows]
    labels = ["" if row[1] is None else str(row[1]) for row in rows]
    width = max([len("path"), *map(len, paths)])
    wide = max([len("label"), *map(len, labels)])
    lines = [f"{'path':<{width}}  {'label':<{wide}}  probability"]
    for path, label, row in zip(paths, labels, rows, strict=True):
        said = f"unreadable: {row[3]}" if row[3] else f"{100 * row[2]:>9.1f} %"
        lines.append(f"{path:<{width}}  {label:<{wide}}  {said}" + _next(row, classes, top))
    return lines


def _next(row: list[Any], classes: list[str], top: int) -> str:
    """Name the classes that follow the first."""
    if row[3] or top < 2:
        return ""
    shares = dict(zip(classes, row[4:], strict=True))
    order = sorted(shares, key=lambda label: -shares[label])[1:top]
    return "  then " + ", ".join(f"{label} {100 * shares[label]:.1f} %" for label in order)


def _end(path: str) -> str:
    return path if len(path) <= WIDEST else "..." + path[-(WIDEST - 3) :]
