"""`foveal reconstruct`: pictures beside what an autoencoder makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foveal.cli.figures import shown_passage
from foveal.cli.options import AnyPictures, Device, Json, Model, Threads
from foveal.cli.output import print_answer, table_rows, unreadable_line, wrote
from foveal.cli.outputs import figure, writes
from foveal.cli.sources import pictures_of
from foveal.cli.words import noted
from foveal.results import plain

if TYPE_CHECKING:
    from foveal.drawing.figure import Figure
    from foveal.looking.reconstructions import ReconstructionErrors


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnGallery:
    """How an autoencoder reconstructs pictures, and where some of them were drawn."""

    figure: Figure[ReconstructionErrors]
    written: tuple[Path, ...]

    @property
    def found(self) -> ReconstructionErrors:
        """How well each picture is reconstructed."""
        return self.figure.values

    @property
    def unreadable(self) -> int:
        """Pictures that cannot be read."""
        return sum(map(bool, self.found.reasons))

    @property
    def median(self) -> float:
        """Median of the squared errors of the pictures that are judged."""
        import numpy as np

        return float(np.median(self.found.errors[self.found.chosen.rows]))

    @property
    def worst(self) -> dict[str, Any]:
        """The picture with the largest squared error among those that are judged."""
        import numpy as np

        rows = self.found.chosen.rows
        row = int(rows[np.argmax(self.found.errors[rows])])
        return {"path": self.found.names[row], "mse": float(self.found.errors[row])}

    def to_dict(self) -> dict[str, Any]:
        """Return how well it does, on which pictures, and what was written."""
        found = self.found
        return {
            "pictures": len(found.reasons),
            "unreadable": self.unreadable,
            "judged": len(found.chosen.rows),
            "judged_by": found.chosen.judged_by,
            "mse": plain(found.mse),
            "median": self.median,
            "worst": self.worst,
            "taught": int(found.taught.sum()),
            "training_mse": plain(found.training_mse),
            "kept": found.variance.kept,
            "colour_kept": found.variance.colour_kept,
            "drawn": table_rows(self.figure.columns, self.figure.rows),
            "notes": plain(found.chosen.notes),
            "written": plain(self.written),
        }


@writes(to=figure)
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
    from foveal.figures.gallery import gallery
    from foveal.model.opening import load

    fitted = load(model, device=device, threads=threads)
    with shown_passage() as tell:
        figure = gallery(fitted, pictures_of(pictures), count, tell)
    answer = DrawnGallery(figure=figure, written=figure.save(to))
    print_answer(answer, _lines, as_json=json)


def _lines(answer: DrawnGallery) -> list[str]:
    from foveal.evaluation.reconstruction import kept_line

    found, worst = answer.found, answer.worst
    judged = found.chosen.judged_by.removesuffix(" pictures")
    lines = [
        *unreadable_line(found.names, found.reasons),
        *noted(found.chosen.notes),
        f"{len(found.chosen.rows):,} {judged} pictures, black = 0 and white = 1",
        f"mean MSE    {found.mse.plain()}",
        f"median MSE  {answer.median:#.3g}",
        f"worst MSE   {worst['mse']:#.3g}  {worst['path']}",
        f"variance kept, about the mean training picture  {kept_line(found.variance)}",
    ]
    if found.training_mse is not None:
        taught = int(found.taught.sum())
        lines.append(f"of the {taught:,} that taught the model {found.training_mse.plain()}")
    return [*lines, wrote(answer.written)]
