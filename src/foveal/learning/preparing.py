"""From pictures to training data: recipe, store or features, split, scaling, ledger."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np

from foveal.allocator import give_back
from foveal.arrays import Array, Rows
from foveal.learning import account
from foveal.learning.context import FitContext
from foveal.learning.data import TrainingData
from foveal.learning.earlier import Earlier
from foveal.learning.opening import Opening
from foveal.learning.options import Shares
from foveal.pictures import ledger
from foveal.pictures.collection import Pictures
from foveal.pictures.copies import CopySearch
from foveal.pictures.decoders import end_after
from foveal.pictures.pixels import DecodedPixels
from foveal.pictures.splits import split
from foveal.pictures.units import units_of
from foveal.progress.events import Prepared
from foveal.recipe import PictureRecipe
from foveal.targets.target import Answers, Target

T = TypeVar("T", bound=Target)


def prepare(
    pictures: Pictures,
    opening: Opening,
    target: T,
    shares: Shares,
    context: FitContext,
    earlier: Earlier | None = None,
    *,
    suits: Callable[[T, PictureRecipe], object] = lambda *_: None,
) -> TrainingData[T]:
    """Prepare pictures for training; the ledger and the run are told.

    Parameters
    ----------
    pictures : Pictures
        All that there are.
    opening : Opening
        Opens them: decoded, or as features.
    target : Target
        What is to be learned, before any label was read.
    shares : Shares
        Which are held out, where no folder names them.
    context : FitContext
        Run and seed.
    earlier : Earlier, optional
        What is gone on from: it says which pictures stay held out.
    suits : callable, optional
        Called with the target as the labels have it and with the recipe, before the long work:
        raises for a network that does not suit them.

    Raises
    ------
    UsageError, DataError
        Where labels are not the target's, or too few training pictures are left; what `suits`
        raises.
    """
    began, run = time.perf_counter(), context.run
    target = target.learned(pictures.undoubted("split", "group"))
    answers = _weighed(target.answers(pictures), pictures.weights)
    _check_named(pictures, target, answers)
    recipe = opening.recipe(pictures)
    suits(target, recipe)
    with run.group.first_then_others():  # what the first keeps the others find
        store = opening.store(pictures, recipe)
    run.agree("pictures", store.fingerprint, "the pictures changed meanwhile: begin with `fresh`")
    if earlier is not None:
        digest = earlier.model.digest()
        run.agree("earlier", digest, "bring the earlier model back, or begin with `fresh`")
    before = None if earlier is None else earlier.before(store.hashes)
    usable = np.flatnonzero(store.readable & answers.known)
    strata = target.strata(answers.values_n)
    contradicted = target.contradicted(store.hashes, answers.values_n, usable)
    usable = np.setdiff1d(usable, list(contradicted))
    search = CopySearch(pictures, recipe, strata, usable, context.device.threads)
    copies = search.among(store)
    units = units_of(store.hashes, usable, pictures.groups, copies.pairs)
    parts = split(
        strata,
        units,
        pictures.parts,
        usable,
        validation_share=shares.validation_share,
        test_share=shares.test_share,
        seed=context.seed,
        before=before,
    )
    reasons = list(answers.reasons)
    for row, reason in contradicted.items():
        reasons[row] = reason
    if before is not None:
        placed = np.concatenate([parts.train, parts.validation, parts.test])
        for row in np.setdiff1d(np.flatnonzero(before.taught), placed).tolist():
            reasons[row] = reasons[row] or "it taught the earlier model, and may not judge this one"
    answers = replace(answers, reasons=reasons)
    entries = account.entries_of(pictures, store, answers, units, parts)
    if run.folder is not None:
        ledger.write(run.folder / "ledger.csv", entries)
    target.check_enough(
        answers.values_n[parts.train],
        store.hashes[parts.train],
        lambda: account.beside(entries, target),
    )
    data = TrainingData(
        store=store,
        target=target,
        values=answers.values_n,
        units=units,
        split=parts,
        recipe=recipe if earlier is not None else store.measured(recipe, parts.train),
        near=copies.pairs,
        weights=_on_average_one(pictures.weights, parts.train),
        entries=entries,
        labelled_by=pictures.labelled_by or (),
    )
    give_back()  # what listing, decoding and the search for copies took
    if not isinstance(store.images, DecodedPixels):
        end_after(len(pictures))
    run.tell(
        Prepared(
            pictures=len(pictures),
            left_out=sum(map(bool, entries.reasons)),
            classes=dict(zip(map(str, target.names), map(int, data.class_counts), strict=False)),
            train=len(parts.train),
            validation=len(parts.validation),
            test=len(parts.test),
            duplicates=parts.moved,
            size="x".join(map(str, data.recipe.shape)),
            warm=store.warm,
            seconds=time.perf_counter() - began,
            notes=(
                *([] if earlier is None else earlier.notes(store.hashes, parts, target.names)),
                *account.together(pictures, data, copies),
                *account.lost(entries),
                *account.notes(pictures, data),
            ),
        )
    )
    return data


def _check_named(pictures: Pictures, target: Target, answers: Answers) -> None:
    """Refuse pictures of which too few may train, whatever they hold: by labels, names of parts."""
    named = pictures.parts
    if named is None:
        return
    may_train = (named == "") | (named == "train")

    def beside() -> str:
        entries = ledger.Entries(
            names=pictures.names,
            labels=pictures.labels,
            parts=np.where(may_train, "train", named).tolist(),
            reasons=answers.reasons,
            remarked={},
        )
        return account.beside(entries, target)

    rows = np.flatnonzero(answers.known & may_train)
    differing = np.arange(len(rows))  # what they hold is not known yet
    target.check_enough(answers.values_n[rows], differing, beside)


def _weighed(answers: Answers, weights: Array | None) -> Answers:
    """Leave rows out that weigh nothing."""
    if weights is None:
        return answers
    reasons = [
        reason or ("its `sample_weight` is 0" if weight == 0 else "")
        for reason, weight in zip(answers.reasons, weights.tolist(), strict=True)
    ]
    return replace(answers, reasons=reasons)


def _on_average_one(weights: Array | None, rows: Rows) -> Array | None:
    """Scale weights so that learning rates mean the same with them as without."""
    if weights is None:
        return None
    scaled: Array = weights / weights[rows].mean()
    return scaled
