"""What `foveal evaluate --learning-curve` answers: would more pictures help, and of which class."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from foveal.cli.output import wrote
from foveal.cli.outputs import PAGE, Given, file_of
from foveal.cli.typed import was_typed
from foveal.cli.words import in_options
from foveal.errors import UsageError
from foveal.files import write_whole
from foveal.results import plain

if TYPE_CHECKING:
    from foveal.judging.curve import LearningCurve
    from foveal.model.fitted import FittedModel
    from foveal.pictures.collection import Pictures

CHART = ".svg"
OF_JUDGING = (
    *("include_training", "training", "baselines", "reject", "least_probability"),
    *("sheet", "report", "worst", "strict"),
)
"""Options that say how a model is judged, which a curve does not do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredCurve:
    """A learning curve, and what was written of it."""

    found: LearningCurve
    written: tuple[Path, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the curve, and the files."""
        return {**self.found.to_dict(), "written": plain(self.written)}


def curve_file(name: Any, what: str, given: Given) -> tuple[Path, ...]:
    """Check the name of the file that a curve is written to."""
    from foveal.tables import FORMATS

    return file_of(PAGE, CHART, *FORMATS)(name, what, given)


def check_curve(context: typer.Context) -> None:
    """Check what is asked for beside a learning curve.

    Raises
    ------
    UsageError
        For options that judge the model itself.
    """
    typed = [name for name in OF_JUDGING if was_typed(context, name)]
    if typed:
        flags = ", ".join(f"`{name}`" for name in typed)
        raise UsageError(
            "`learning_curve`",
            needed="no option that judges the model itself: a curve teaches anew",
            came=flags,
            remedy="leave it out, or judge the model in a line of its own",
        )


def measured_curve(
    fitted: FittedModel,
    source: Pictures,
    *,
    groups: str | None,
    to: Path | None,
    name: str,
    called: str,
) -> MeasuredCurve:
    """Measure a curve and write it: as a page, as a chart, or as a table.

    Parameters
    ----------
    fitted : FittedModel
        A transfer, or a network from scratch.
    source : Pictures
        What teaches anew.
    groups : str, optional
        What belongs together.
    to : Path, optional
        Where it is written; its ending says as what.
    name, called : str
        How model and pictures are called.
    """
    from foveal.cli.progress import shown_progress
    from foveal.learning.learning_curve import learning_curve
    from foveal.progress.events import Decoding, TeachingAnew

    with shown_progress() as show:
        found = learning_curve(
            fitted,
            source,
            groups=groups,
            progress=lambda done, total: show(Decoding(done=done, total=total)),
            fitting=lambda done, total: show(TeachingAnew(done=done, total=total)),
        )
    if to is not None:
        _write(found, to, name, called)
    return MeasuredCurve(found=found, written=() if to is None else (to,))


def _write(found: LearningCurve, to: Path, name: str, called: str) -> None:
    from foveal.pages.learning_curve import curve_chart
    from foveal.pages.report import curve_page
    from foveal.tables import write_table

    ending = to.suffix.lower()
    if ending == PAGE:
        curve_page(found, name, called, in_options).save(to)
    elif ending == CHART:
        write_whole(to, curve_chart(found).alone.encode())
    else:
        write_table(to, found.columns, [found.rows()])


def curve_lines(answer: MeasuredCurve) -> list[str]:
    """Lay it out for a person."""
    lines = list(map(in_options, answer.found.lines()))
    return [*lines, "", wrote(answer.written)] if answer.written else lines
