"""Who may be judged: the one place that says which pictures give a figure that may be quoted.

A picture that taught a model, or chose its weights, says too much good of it. Axes: n picture,
m picture that is judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from foveal.arrays import Hashes, Rows, Truths
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.model.fitted import FittedModel

JudgedBy = Literal[
    "held-out pictures", "validation", "cross-validation", "folds", "training pictures"
]
"""What a figure stands on, from the best to the one that must not be quoted."""
TAUGHT = "the model was trained on it"
CHOSE = "it chose the weights (validation)"
OTHER_PART = "not of the test part"
WITHHELD = frozenset({TAUGHT, CHOSE, OTHER_PART})
"""Why pictures that could have been judged are not."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Standing:
    """What each picture was to the training of a model."""

    taught: Truths
    """Which the model was trained on, (n,)."""
    chose: Truths
    """Which chose its weights and taught nothing, (n,)."""

    @classmethod
    def of(cls, model: FittedModel, hashes: Hashes, *, features: bool = False) -> Standing:
        """Recognise pictures by their content.

        Parameters
        ----------
        model : FittedModel
            The model.
        hashes : array of int64, (n,)
            Content hashes of the pictures.
        features : bool
            Whether only its features are looked at, which fixed layers may give: then no picture
            taught them.
        """
        taught = np.isin(hashes, model.trained_on)
        chose = np.isin(hashes, model.chosen_on) & ~taught
        learned = not features or model.taught_features
        return cls(taught=taught & learned, chose=chose & learned)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class HeldOut:
    """The pictures that may be judged, and why the others are not."""

    rows: Rows
    """Rows that are judged, (m,), in order; none where no picture may be."""
    kept: Rows
    """Which of the model's kept held-out logits are those of each, (m,); -1: ask the network."""
    judged_by: JudgedBy
    """What a figure on these rows stands on."""
    reasons: Sequence[str]
    """Why each picture is not judged, (n,); empty for those judged, and for unusable ones."""
    notes: tuple[str, ...]
    """What a reader of the figure must know."""


def held_out(
    model: FittedModel,
    hashes: Hashes,
    usable: Rows,
    parts: np.ndarray[Any, Any] | None = None,
    *,
    include_training: bool = False,
) -> HeldOut:
    """Decide which pictures may be judged.

    Pictures that neither taught the model nor chose its weights are judged, and where folders name
    a test part, that alone. Where there are none of these, those that judged the model at its
    training stand in: by what was kept of them, from a head that had not seen them, or by the
    weights that they chose.

    Parameters
    ----------
    model : FittedModel
        The model.
    hashes : array of int64, (n,)
        Content hashes of the pictures.
    usable : array of int
        Rows that can be judged at all: readable, and labelled where labels are needed.
    parts : array of str, (n,), optional
        "train", "validation", "test" or "" for each row.
    include_training : bool
        Judge all pictures, those that taught the model included.

    Returns
    -------
    HeldOut
        No rows where nothing but pictures that taught it is left.
    """
    rows, notes = usable, list[str]()
    tested = usable[:0] if parts is None else usable[parts[usable] == "test"]
    if len(tested):
        rows = tested
        notes.append(f"judged on the test part: {counted(len(rows), 'picture')}")
    standing = Standing.of(model, hashes[rows])
    if include_training:
        chosen = _everything(rows, standing)
    elif (~standing.taught & ~standing.chose).any():
        chosen = _new(rows, standing)
    else:
        chosen = _stand_ins(model, rows, hashes[rows], standing)
    judged, kept, judged_by, told = chosen
    return HeldOut(
        rows=judged,
        kept=kept,
        judged_by=judged_by,
        reasons=_reasons(len(hashes), usable, rows, standing, judged),
        notes=(*notes, *told),
    )


_Chosen = tuple[Rows, Rows, JudgedBy, list[str]]
"""Rows, their places among the kept logits, what the figure stands on, and notes."""


def _everything(rows: Rows, standing: Standing) -> _Chosen:
    taught = int(standing.taught.sum())
    if not taught:
        return rows, _none(rows), "held-out pictures", []
    note = f"{taught:,} of these pictures trained the model: too good a figure"
    return rows, _none(rows), "training pictures", [note]


def _new(rows: Rows, standing: Standing) -> _Chosen:
    notes: list[str] = []
    if standing.taught.any():
        notes.append(
            f"{counted(standing.taught.sum(), 'picture')} left out: used to train the model"
        )
    if standing.chose.any():
        notes.append(
            f"{counted(standing.chose.sum(), 'picture')} left out: used to choose the weights"
        )
    judged = rows[~standing.taught & ~standing.chose]
    return judged, _none(judged), "held-out pictures", notes


def _stand_ins(model: FittedModel, rows: Rows, hashes: Hashes, standing: Standing) -> _Chosen:
    """Fall back on the pictures that judged the model at its training."""
    kept = _none(rows) if model.held_out is None else model.held_out.places(hashes)
    folded = model.provenance.judged_by == "folds"
    there = (kept >= 0) | (standing.chose & (not folded))
    judged, kept = rows[there], kept[there]
    by: JudgedBy = "validation"
    notes: list[str] = []
    left = int((~there).sum())
    if left:
        notes.append(f"{counted(left, 'picture')} left out: used to train the model")
    if not len(judged):
        return judged, kept, "held-out pictures", notes
    if folded:
        by = "folds"
        notes.append(
            "judged by folds: each picture by a whole training that had not seen it; the model was "
            "then trained on all of them"
        )
    elif standing.chose.any():
        notes.append("these pictures chose the weights (validation): slightly too good a figure")
    elif model.provenance.judged_by == "cross-validation":
        by = "cross-validation"
        notes.append(
            "judged by cross-validation: each picture by a head that had not seen it; the head of "
            "the model was then fitted on all of them"
        )
    else:
        notes.append(
            "judged by validation: by a head that had not seen these pictures; the head of the "
            "model was then fitted on them too"
        )
    return judged, kept, by, notes


def _none(rows: Rows) -> Rows:
    """Return that nothing is kept of these rows."""
    return np.full(len(rows), -1, dtype=np.intp)


def _reasons(
    count: int, usable: Rows, considered: Rows, standing: Standing, judged: Rows
) -> list[str]:
    reasons = np.full(count, "", dtype=object)
    reasons[usable] = OTHER_PART
    reasons[considered] = np.where(standing.taught, TAUGHT, np.where(standing.chose, CHOSE, ""))
    reasons[judged] = ""
    found: list[str] = reasons.tolist()
    return found
