"""How a command has a report written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from foveal.cli.words import in_options

if TYPE_CHECKING:
    from foveal.judging.evaluation import Evaluation
    from foveal.model.fitted import FittedModel
    from foveal.pages.report import Report
    from foveal.progress.events import Listener


def told_report(
    model: FittedModel,
    pictures: Any,
    show: Listener,
    *,
    run: Path | None,
    file: Path,
    source: str,
    evaluation: Evaluation | None = None,
    groups: Any = None,
    judging: str = "",
) -> Report:
    """Write the report of a model in the words of the command line, and show how far it is.

    Parameters
    ----------
    model : FittedModel
        The model.
    pictures : path, Pictures or None
        What it is shown on.
    show : callable
        Told how many pictures are decoded.
    run : path, optional
        The folder of its run.
    file : path
        Its file.
    source : str
        What the pictures are called; empty for those that its run names.
    evaluation : Evaluation, optional
        How it fares on them, where that is known.
    groups : str, optional
        What belongs together.
    judging : str
        The line that judged it, as it was typed; empty where its training did.
    """
    from foveal.pages.report import report
    from foveal.progress.events import Decoding

    return report(
        model,
        pictures,
        run=run,
        evaluation=evaluation,
        name=file.name,
        source=source,
        file=file if file.is_file() else None,
        groups=groups,
        judging=judging,
        said=in_options,
        progress=lambda done, total: show(Decoding(done=done, total=total, purpose="the report")),
    )
