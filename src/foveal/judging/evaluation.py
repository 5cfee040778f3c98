"""Judging a model on labelled pictures, and not on those it was trained on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from foveal.arrays import Doubles, Hashes, Rows, Truths
from foveal.errors import DataError
from foveal.evaluation.baselines import LOGISTIC, MOST_CLASSES, Baseline, Fold
from foveal.evaluation.intervals import wilson
from foveal.evaluation.reliability import Answered
from foveal.judging.answers import Answers
from foveal.judging.held_out import HeldOut, JudgedBy, Standing, held_out
from foveal.judging.left_out import Unjudged
from foveal.judging.lines import html_of_evaluation, lines_of_evaluation
from foveal.judging.refusing import Refusing, refusing
from foveal.judging.source import Source, pictures_to_judge
from foveal.judging.together import Together
from foveal.judging.unfamiliar import Unfamiliar
from foveal.model.fitted import fitted_of
from foveal.pictures.ledger import Entry
from foveal.pictures.remarks import joined, summed
from foveal.pictures.store import Progress
from foveal.results import plain
from foveal.vocabulary import CROSSED
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.model.fitted import FittedModel

FOLDS = 5
"""Folds of the baselines where the model was judged by cross-validation."""
LARGEST = 4_000_000
"""Numbers that a network answers with for the pictures that are asked at once, at most."""
TAUGHT_ALIKE = "networks that were taught by mostly the same pictures err together"


class NothingToJudge(DataError):
    """Raised where no labelled picture is left that the model was not trained on."""


@dataclass(frozen=True, repr=False, slots=True, kw_only=True)
class Evaluation:
    """How a model fares, on which pictures, and beside which baselines.

    ``print(evaluation)`` gives the table that ``foveal evaluate`` prints.
    """

    judged_by: JudgedBy
    """What the figures stand on."""
    metrics: Any
    """How it fares, as its target judges it: `foveal.evaluation.metrics.Metrics` of classes."""
    unjudged: Unjudged
    """What the figures say nothing of."""
    unfamiliar: Unfamiliar | None
    """How many are unlike those that taught; None where the model keeps none, or they taught it."""
    uncalibrated_error: float | None
    """Calibration error before the temperature was applied; None where there is none."""
    temperature: float
    baselines: tuple[Baseline, ...]
    notes: tuple[str, ...]
    """What a reader must know: which pictures were left out, and why."""
    ledger: tuple[Entry, ...]
    """Every picture with what became of it."""
    answers: Answers
    """What the model said of each picture that was judged."""
    worth: float = 1.0
    """Independent pictures that each one judged is worth: less than 1 where some belong together
    or folds judged, which widens the intervals."""
    answered: tuple[Answered, ...] = ()
    """Accuracy against the share answered, where the surest are answered first; none where nothing
    says how sure the model is."""
    refusing: Refusing | None = None
    """What was reached where the least sure were left to a person; None where none were."""

    def __repr__(self) -> str:
        target = self.answers.target
        name, value = target.figures(self.metrics, self.uncalibrated_error, self.temperature)[0]
        return f"Evaluation({value} {name} on {counted(len(self.answers.rows), 'picture')})"

    def __str__(self) -> str:
        return "\n".join(lines_of_evaluation(self))

    def _repr_html_(self) -> str:
        """Return the tables that a notebook shows."""
        return html_of_evaluation(self)

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain values, with a dictionary for every picture."""
        named = [name for name in self.__slots__ if name not in ("ledger", "answers")]
        table = [dict(zip(self.columns, row, strict=True)) for row in self.rows()]
        return {**{name: plain(getattr(self, name)) for name in named}, "pictures": plain(table)}

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of `rows`; `reason` says why a picture was not judged."""
        return self.answers.columns

    def rows(self) -> Iterator[list[Any]]:
        """Return a row for every picture, judged or not, each as plain values under `columns`."""
        return self.answers.table(self.ledger)


def evaluate(
    model: FittedModel,
    X: Any,
    y: Any = None,
    *,
    include_training: bool = False,
    training: Any = None,
    groups: Any = None,
    with_baselines: bool = True,
    reject: float | None = None,
    least_probability: float | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Judge a model on labelled pictures.

    Pictures the model was trained on (by content hash) are left out. Where a test part is
    named, it alone is judged. Where there are no pictures that are new to the model, those that
    judged it at its training are: by the predictions of heads that had not seen them, which the
    model keeps, or by the weights that they chose; `judged_by` and a note say so.

    Parameters
    ----------
    model : FittedModel
        The model.
    X : path, sequence of paths, or array
        As in `fit`.
    y : array of labels, or str, optional
        Where X does not say them; or the name of the column of a table that does. Without it
        the column that the model learned says them, where the table has it.
    include_training : bool
        Judge all pictures, those that trained included.
    training : path, sequence of paths, or array, optional
        Labelled training pictures for the baselines; by default those found in X.
    groups : str, path or sequence, optional
        What belongs together, as in `CNNClassifier.fit`: intervals become as wide as that asks for.
    with_baselines : bool
        Whether to fit and judge the baselines.
    reject, least_probability : float, optional
        What is left to a person, as `FittedModel.refusal` takes it.
    progress : callable, optional
        Called now and then with pictures done and in all.

    Raises
    ------
    UsageError
        For an autoencoder, which answers nothing.
    DataError
        Where no labelled picture is left to judge.
    """
    model = fitted_of(model)
    target = model.answering()
    refusal = model.refusal(reject=reject, least_probability=least_probability)
    pictures = pictures_to_judge(model, X, y, groups)
    source = Source(model, pictures)
    source.open(progress)
    chosen = held_out(
        model,
        source.store.hashes,
        source.known,
        pictures.parts,
        include_training=include_training,
    )
    notes = [*source.notes(), *chosen.notes, *summed(source.store.remarked)]
    rows = chosen.rows
    if not len(rows):
        raise _nothing_new(notes, known=bool(len(source.known)))
    said = _said(model, source, chosen)
    together = Together.of(
        source.pictures, source.store, source.recipe, source.strata, source.known
    )
    values = source.values[rows]
    apart = together.worth(said.right, rows)
    worth = min(_worth(model, chosen), apart)
    if chosen.judged_by == "held-out pictures":
        taught = source.known[Standing.of(model, source.store.hashes[source.known]).taught]
        notes.extend(together.known_before(rows, taught, source.pictures))
    elif chosen.judged_by != "training pictures":
        notes.extend(target.of_its_own())
    if len(target.names):
        notes.extend(together.copies.conflicts(source.values, target.written_value, pictures.names))
    if worth < 1:
        crossed = chosen.judged_by in CROSSED
        because = [TAUGHT_ALIKE] * crossed
        because += ["some of these pictures belong together"] * (apart < 1 or not crossed)
        notes.append(
            f"{', and '.join(because)}: the {counted(len(rows), 'picture')} are worth "
            f"{worth * len(rows):,.0f} independent ones, which widens the intervals"
        )
    answers = Answers(
        target=target,
        rows=rows,
        values=values,
        predicted=said.predicted,
        unfamiliarity=said.unfamiliarity,
        others=_others_known(source, rows),
    )
    if refusal is not None and refusal.asked is not None and (chosen.kept >= 0).any():
        notes.append(
            "the threshold of what is answered was set on these very pictures: the share that is "
            "left is theirs, not one that new pictures confirm"
        )
    baselines: list[Baseline] = []
    if with_baselines:
        found, more = _baselines(model, source, chosen, training, apart, progress)
        baselines.extend(found)
        notes.extend(more)
    judged = target.metrics(answers.predicted, values, worth)
    return Evaluation(
        judged_by=chosen.judged_by,
        metrics=judged,
        unjudged=source.unjudged(judged),
        unfamiliar=_unfamiliar(model, said.unfamiliarity),
        uncalibrated_error=target.calibration_error(said.uncalibrated, values),
        temperature=model.temperature,
        baselines=tuple(baselines),
        notes=tuple(notes),
        ledger=tuple(_ledger(source, chosen)),
        answers=answers,
        worth=worth,
        answered=target.by_answered(answers.predicted, values, worth),
        refusing=None if refusal is None else refusing(answers, refusal, worth),
    )


def _nothing_new(notes: list[str], *, known: bool) -> NothingToJudge:
    remedy = "give other pictures, labelled as those of the model are"
    return NothingToJudge(
        "pictures",
        needed="labelled pictures that the model was not trained on",
        came="none. " + "; ".join(notes),
        remedy=f"{remedy}, or use `include_training`" if known else remedy,
    )


def _worth(model: FittedModel, chosen: HeldOut) -> float:
    """Return the independent pictures that one is worth, as training knew of groups and folds."""
    provenance = model.provenance
    judged, worth = provenance.validation_pictures, provenance.validation_effective
    if chosen.judged_by not in {"validation", *CROSSED} or worth is None or not judged:
        return 1.0
    return worth / judged


@dataclass(frozen=True, eq=False, slots=True)
class _Said:
    """What a model says of the pictures that are judged, as judging keeps it."""

    predicted: Doubles
    uncalibrated: Doubles
    """The same without the temperature."""
    right: Truths | None
    unfamiliarity: Doubles


def _said(model: FittedModel, source: Source, chosen: HeldOut) -> _Said:
    """Ask for what a model says of the pictures that are judged: what was kept, or anew.

    A part of them at a time, so that of many classes no more is held than judging needs. The
    unfamiliarity is NaN of those that taught the model or chose its weights.
    """
    target, count = source.target, len(chosen.rows)
    each = max(LARGEST // max(target.outputs or 1, 1), 1)
    parts = [_part(model, source, chosen, slice(at, at + each)) for at in range(0, count, each)]
    right = [one.right for one in parts if one.right is not None]
    unfamiliarity = np.concatenate([one.unfamiliarity for one in parts])
    standing = Standing.of(model, source.store.hashes[chosen.rows])
    unfamiliarity[standing.taught | standing.chose] = np.nan
    return _Said(
        predicted=np.concatenate([one.predicted for one in parts]),
        uncalibrated=np.concatenate([one.uncalibrated for one in parts]),
        right=np.concatenate(right) if len(right) == len(parts) else None,
        unfamiliarity=unfamiliarity,
    )


def _part(model: FittedModel, source: Source, chosen: HeldOut, part: slice) -> _Said:
    """Ask for what a model says of some of the pictures that are judged."""
    target, rows, held = source.target, chosen.rows[part], chosen.kept[part]
    outputs = np.empty((len(rows), target.outputs or 0))
    unfamiliarity = np.full(len(rows), np.nan)
    kept = held >= 0
    if model.held_out is not None:
        outputs[kept] = model.held_out.logits[held[kept]]
    if not kept.all():
        outputs[~kept], unfamiliarity[~kept] = source.asked(rows[~kept])
    values = source.values[rows]
    predicted = target.condensed(target.predicted(outputs, model.temperature), values)
    same = model.temperature == 1
    raw = predicted if same else target.condensed(target.predicted(outputs, 1.0), values)
    return _Said(predicted, raw, target.right(predicted, values), unfamiliarity)


def _others_known(source: Source, rows: Rows) -> dict[int, Any]:
    """Return what is true of pictures that are not judged, where that is known."""
    others = np.setdiff1d(np.flatnonzero(source.answers.known), rows)
    return dict(zip(others.tolist(), source.target.truths(source.values[others]), strict=True))


def _unfamiliar(model: FittedModel, unfamiliarity: np.ndarray[Any, Any]) -> Unfamiliar | None:
    """Count the new pictures that are unlike those that taught."""
    new = int(np.isfinite(unfamiliarity).sum())
    if model.familiar is None or not new:
        return None
    return Unfamiliar(
        share=wilson(int((unfamiliarity > 1).sum()), new), pictures=new, usual=model.familiar.rate
    )


def _baselines(
    model: FittedModel,
    source: Source,
    chosen: HeldOut,
    training: Any,
    worth: float,
    progress: Progress | None,
) -> tuple[list[Baseline], list[str]]:
    """Fit and judge the baselines, or the plainest one, and say why; `worth` of a picture."""
    teacher = source
    if training is not None:
        teacher = Source(model, pictures_to_judge(model, training))
        teacher.open(progress)
    taught = teacher.known[Standing.of(model, teacher.store.hashes[teacher.known]).taught]
    parts = _folds(source, chosen)
    sides = [(taught, part) for part in parts]
    if chosen.judged_by != "training pictures":  # those flatter the baselines as they do the model
        sides = [(_others(teacher, taught, source.store.hashes[part]), part) for part in parts]
    if not all(len(fitted) for fitted, _ in sides):
        counts = np.array(model.provenance.class_counts, dtype=np.int64)
        where = "the pictures" if training is None else "`training`"
        note = f"baselines on pixels need training pictures of the model: none found in {where}"
        values = source.values[chosen.rows]
        return source.target.plainest_baselines(counts, values, worth), [note]
    images = source.pixels(progress)
    others = images if teacher is source else teacher.pixels(progress)

    def folds() -> Iterator[Fold]:
        for fitted, part in sides:
            values = teacher.values[fitted], source.values[part]
            yield others[fitted], values[0], images[part], values[1]

    many = len(model.classes) > MOST_CLASSES
    left_out = [f"{LOGISTIC} is left out: it is fitted on at most {MOST_CLASSES:,} classes"]
    return source.target.baselines(folds(), worth), left_out * many


def _others(teacher: Source, taught: Rows, judged: Hashes) -> Rows:
    """Leave out what is judged, so that a baseline knows as little of it as the model."""
    others: Rows = taught[~np.isin(teacher.store.hashes[taught], judged)]
    return others


def _folds(source: Source, chosen: HeldOut) -> list[Rows]:
    """Deal the judged pictures out as the model was judged: at once, or in folds.

    Folds hold each stratum evenly, and equal pictures together.
    """
    rows = chosen.rows
    if chosen.judged_by not in CROSSED:
        return [rows]
    _, first, group = np.unique(source.store.hashes[rows], return_index=True, return_inverse=True)
    fold = np.empty(len(first), dtype=np.intp)
    fold[np.argsort(source.strata[rows[first]], kind="stable")] = np.arange(len(first)) % FOLDS
    return [rows[fold[group] == one] for one in np.unique(fold)]


def _ledger(source: Source, chosen: HeldOut) -> Iterator[Entry]:
    parts, reasons = source.pictures.parts, list(source.store.reasons)
    labels = source.pictures.labels
    assert labels is not None
    for row, name in enumerate(source.pictures.names):
        label = labels[row]
        reason = reasons[row] or source.answers.reasons[row] or source.torn.get(row, "")
        yield Entry(
            name,
            None if label is None else str(label),
            "" if parts is None else str(parts[row]),
            reason or chosen.reasons[row],
            joined(source.store.remarked.get(row, ())),
        )
