"""`foveal reconstruct`: pictures beside what an autoencoder makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foveal.cli.figures import shown_passage, unreadable_line, wrote
from foveal.cli.options import (
    AnyPictures,
    Device,
    Json,
    Model,
    Threads,
    print_json,
    with_whole_names,
)
from foveal.cli.words import noted

if TYPE_CHECKING:
    from foveal.looking.pictured import GalleryFigure


def reconstruct(
    model: Model,
    pictures: AnyPictures,
    to: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="Draw a gallery here: a .png file, with its numbers as .csv beside.",
        ),
    ],
    count: Annotated[int, typer.Option(min=1, help="Pictures drawn, evenly spaced.")] = 12,
    device: Device = "auto",
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Reconstruct pictures by an autoencoder: how well it does, and a gallery to look at.

    Judged are pictures that did not teach it; those that did are marked.
    """
    from foveal.looking.figure import checked_figure
    from foveal.looking.pictured import gallery_of
    from foveal.model.loading import load
    from foveal.pictures.sources import gather

    checked_figure(to)
    fitted = load(model, device=device, threads=threads)
    with shown_passage() as tell:
        found = gallery_of(fitted, with_whole_names(gather(pictures)), count, tell)
    paths = found.figure.save(to)
    if json:
        print_json(_facts(found, paths))
    else:
        typer.echo("\n".join(_lines(found, paths)))


def _facts(found: GalleryFigure, paths: Sequence[Path]) -> dict[str, Any]:
    from dataclasses import asdict

    worst, median = _worst_and_median(found)
    training = found.training_mse
    return {
        "pictures": len(found.reasons),
        "unreadable": sum(map(bool, found.reasons)),
        "judged": len(found.chosen.rows),
        "judged_by": found.chosen.judged_by,
        "mse": asdict(found.mse),
        "median": median,
        "worst": {"path": found.names[worst], "mse": float(found.errors[worst])},
        "taught": int(found.taught.sum()),
        "training_mse": training and asdict(training),
        "drawn": [dict(zip(found.figure.columns, row, strict=True)) for row in found.figure.rows],
        "notes": found.chosen.notes,
        "written": list(map(str, paths)),
    }


def _lines(found: GalleryFigure, paths: Sequence[Path]) -> list[str]:
    worst, median = _worst_and_median(found)
    training, judged = found.training_mse, found.chosen
    lines = [
        *unreadable_line(found.names, found.reasons),
        *noted(judged.notes),
        f"{len(judged.rows):,} {judged.judged_by.removesuffix(' pictures')} pictures, "
        "black = 0 and white = 1",
        f"mean MSE    {found.mse.plain()}",
        f"median MSE  {median:#.3g}",
        f"worst MSE   {found.errors[worst]:#.3g}  {found.names[worst]}",
    ]
    if training is not None:
        lines.append(f"of the {found.taught.sum():,} that taught the model {training.plain()}")
    return [*lines, wrote(paths)]


def _worst_and_median(found: GalleryFigure) -> tuple[int, float]:
    """Return the row with the largest error among the pictures that are judged, and the median."""
    import numpy as np

    errors = found.errors[found.chosen.rows]
    return int(found.chosen.rows[np.argmax(errors)]), float(np.median(errors))
