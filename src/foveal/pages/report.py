"""The report of a model: what was asked, what came out, and how far to trust it, in one file.

Two trainings with the same outcome give the same report: it holds no dates, no durations, no host.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foveal.drawing.charts import STYLE
from foveal.files import digest_of
from foveal.judging.curve import LearningCurve
from foveal.judging.evaluation import Evaluation, NothingToJudge, evaluate
from foveal.model.fitted import FittedModel, fitted_of
from foveal.pages.course import course, network
from foveal.pages.document import Section
from foveal.pages.errors import certainty, mistakes
from foveal.pages.folds import folds
from foveal.pages.inside import codes, inside
from foveal.pages.labels import certainty_of_labels, mistakes_of_labels
from foveal.pages.learning_curve import curve_section
from foveal.pages.material import Material
from foveal.pages.numbers import farthest, nearness
from foveal.pages.origin import again, ledger, notes
from foveal.pages.outcome import asked, lead, outcome
from foveal.pages.shell import rendered, write_page
from foveal.pictures.collection import Pictures
from foveal.pictures.groups import grouped
from foveal.pictures.sources import gather
from foveal.pictures.store import Progress
from foveal.training.record import RunRecord
from foveal.wording import unmarked

SECTIONS: tuple[Callable[[Material], Section | None], ...] = (
    *(asked, outcome, folds, course, certainty, certainty_of_labels, nearness),
    *(mistakes, mistakes_of_labels, farthest, network, inside, codes),
    *(ledger, notes, again),
)
"""In the order in which they are read."""
MOST_SMALL = 2_000
"""Pictures that are decoded once more for the baselines, at most, where features were kept."""


@dataclass(frozen=True, repr=False, slots=True, kw_only=True)
class Report:
    """A report, as values."""

    title: str
    lead: str
    """What came out, in a sentence."""
    sections: tuple[Section, ...]

    def __repr__(self) -> str:
        return f"Report({self.title!r}, {len(self.sections)} sections)"

    def html(self) -> str:
        """Return it as one page that loads nothing."""
        return rendered(
            "report.html",
            title=self.title,
            lead=self.lead,
            sections=self.sections,
            chart_style=STYLE,
        )

    def save(self, path: str | Path) -> Path:
        """Write it as one file, whole or not at all.

        Raises
        ------
        UsageError
            For another ending than .html, or a folder that is not there.
        ResourceError
            Where the disk is full.
        """
        return write_page(Path(path), self.html())


def report(
    model: Any,
    X: Any = None,
    *,
    run: str | Path | None = None,
    evaluation: Evaluation | None = None,
    name: str = "",
    source: str = "",
    file: str | Path | None = None,
    groups: Any = None,
    judging: str = "",
    said: Callable[[str], str] = unmarked,
    progress: Progress | None = None,
) -> Report:
    """Write the report of a model.

    Parameters
    ----------
    model : FittedModel or learner that was fitted
        The model.
    X : path, sequence of paths, or array, optional
        Labelled pictures that judge a classifier, as in `evaluate`: those that it was trained on
        will do, since what judged it is kept in it. Of an autoencoder any pictures. Where left
        out, what takes pictures is left out.
    run : path, optional
        The folder of its run, which holds what was asked and what happened. Of a run that is not
        complete, or that made another file, the report says nothing but that.
    evaluation : Evaluation, optional
        How it fares on X, where that is known already.
    name, source : str
        How model and pictures are called.
    file : path, optional
        The model's file, of which the report says the hash.
    groups : str, path or sequence, optional
        What belongs together, as in `evaluate`.
    judging : str
        The line that judged it on `source`, where that was not its training.
    said : callable
        Words the library's text as its reader knows it.
    progress : callable, optional
        Called now and then with pictures done and in all.

    Raises
    ------
    UsageError, DataError
        As `evaluate` does, and for a folder that holds no run.
    """
    fitted = fitted_of(model)
    pictures = None if X is None else grouped(gather(X), groups)
    if evaluation is None and pictures is not None and not fitted.autoencodes:
        evaluation = _evaluated(fitted, pictures, progress)
    record = None if run is None else RunRecord.read(run)
    sha256 = "" if file is None else digest_of(Path(file))
    unrelated = "" if record is None else record.unrelated(sha256)
    material = Material(
        model=fitted,
        name=name or repr(fitted),
        source=source,
        pictures=pictures,
        evaluation=evaluation,
        record=None if unrelated else record,
        sha256=sha256,
        unrelated=unrelated,
        judging=judging,
        said=said,
    )
    found = [write(material) for write in SECTIONS]
    return Report(
        title=name or repr(fitted),
        lead=lead(material),
        sections=tuple(one for one in found if one is not None),
    )


def _evaluated(
    model: FittedModel, pictures: Pictures, progress: Progress | None
) -> Evaluation | None:
    """Judge a classifier; None where no picture may judge it."""
    if pictures.labels is None:
        return None
    affordable = not model.plan.fixed or len(pictures) <= MOST_SMALL
    try:
        return evaluate(model, pictures, with_baselines=affordable, progress=progress)
    except NothingToJudge:
        return None


def curve_page(
    found: LearningCurve, name: str, source: str = "", said: Callable[[str], str] = str
) -> Report:
    """Write a learning curve as a page of its own.

    Parameters
    ----------
    found : LearningCurve
        What `foveal.learning_curve` said.
    name, source : str
        How model and pictures are called.
    said : callable
        Writes parameters that are marked in sentences.
    """
    of = f" of {source}" if source else ""
    lead = f"How a network such as {name} fares by the number of pictures{of} that teach it."
    section = curve_section(found, said)
    return Report(title=f"Learning curve: {name}", lead=lead, sections=(section,))
