"""From pictures to training data: recipe, store or features, split, scaling, ledger."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

import numpy as np
import torch

from foveal.allocator import give_back
from foveal.arrays import Array, Hashes, Rows, RowsOfPictures
from foveal.evaluation.intervals import effective_number
from foveal.inference.extracting import Extraction
from foveal.inference.features import Features, open_features
from foveal.inference.frozen import OWN
from foveal.learning.context import FitContext
from foveal.learning.earlier import Earlier
from foveal.learning.option_groups import sides_of
from foveal.learning.options import Pixels, Shares
from foveal.pictures import ledger, prepared
from foveal.pictures.augment import Augmentation
from foveal.pictures.batches import FeatureBatches, TrainingBatches, inputs, training_batches
from foveal.pictures.collection import Pictures
from foveal.pictures.copies import CopySearch, NearCopies
from foveal.pictures.decoders import end_after
from foveal.pictures.ledger import Entry
from foveal.pictures.pixels import DecodedPixels
from foveal.pictures.scaling import Scaling, of_values
from foveal.pictures.splits import Split, split
from foveal.pictures.store import Store, open_store
from foveal.pictures.survey import choose_recipe
from foveal.pictures.units import NO_PAIRS, Pairs, units_of
from foveal.progress.events import Decoding, Prepared, passing
from foveal.recipe import PictureRecipe
from foveal.targets.head import Examples, Vectors
from foveal.targets.labelled import Labelled
from foveal.targets.target import Answers, Target
from foveal.wording import counted

FEW_PHOTOGRAPHS = 5_000
"""Photographs below which a pretrained network is likely the better start."""

MOST_APART = 3
"""Classes of which it is told where else their pictures are."""
T = TypeVar("T", bound=Target)
T_co = TypeVar("T_co", bound=Target, covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingData(Generic[T_co]):
    """Prepared pictures with what is to be said of them, and their split."""

    store: prepared.Prepared
    """The pictures, or what a frozen network made of them."""
    target: T_co
    """What a network is taught to say of a picture, as the labels have it."""
    values: Array
    """Value of each row, such as the number of its class; see `Answers`."""
    units: Hashes
    """What may not be torn apart, as `foveal.pictures.units.units_of` gives it."""
    split: Split
    recipe: PictureRecipe
    weights: Array | None = None
    """What each row weighs in the loss, 1 on average over training; None for the same."""
    entries: Sequence[Entry] = ()
    """What became of every row."""
    labelled_by: tuple[str, ...] = ()
    """Columns of a table that labels were asked to be of."""
    near: Pairs = field(default_factory=lambda: NO_PAIRS)
    """Near copies among the pictures; see `Pictures.near`."""

    @property
    def images(self) -> RowsOfPictures:
        """The pixels of the pictures, where no network came before."""
        assert self.store.images is not None
        return self.store.images

    @property
    def scaling(self) -> Scaling:
        """How the values of the pictures become the network's input."""
        return of_values(self.recipe)

    @property
    def taught(self) -> Array:
        """Values of the training pictures."""
        found: Array = self.values[self.split.train]
        return found

    @property
    def class_counts(self) -> Rows:
        """Training pictures of each class; of all, where there are no classes."""
        return self.target.counts(self.taught)

    def worth(self, right_n: np.ndarray[Any, Any] | None, rows: Rows) -> float | None:
        """Compute the independent pictures that judged rows are worth; None for all of them.

        `right_n` says whether each is answered right; None where nothing is right or wrong.
        """
        worth = effective_number(right_n, self.units[rows]) if len(rows) else 0.0
        return None if worth == len(rows) else worth

    def examples(
        self,
        rows: Rows,
        features_vnd: Vectors,
        context: FitContext,
    ) -> Examples:
        """Return rows with their features, for a head to be fitted on."""
        return Examples(
            features_vnd=features_vnd,
            values_n=self.values[rows],
            units_n=self.units[rows],
            weights_n=None if self.weights is None else self.weights[rows],
            seed=context.seed,
            threads=context.device.threads,
        )

    def batches(
        self, batch_size: int, augmentation: Augmentation, seed: int, device: str
    ) -> TrainingBatches | FeatureBatches:
        """Return the training pictures, by epoch."""
        return training_batches(
            self.store,
            self.store.scaled_by(self.scaling),
            values=self.target.scaled(self.values),
            rows=self.split.train,
            batch_size=batch_size,
            augmentation=augmentation,
            seed=seed,
            device=device,
            weights=self.weights,
        )

    def inputs(self, rows: Rows, batch_size: int, device: str) -> Iterator[torch.Tensor]:
        """Return rows in order, unvaried, as a network's input."""
        by = self.store.scaled_by(self.scaling)
        return inputs(self.store, rows, by, batch_size=batch_size, device=device)


Opening = Callable[[Pictures], tuple[prepared.Prepared, PictureRecipe]]
"""Opens pictures for training: decoded, or as features."""


def as_pixels(asked: Pixels, context: FitContext, earlier: Earlier | None = None) -> Opening:
    """Open pictures as pixels, of the size asked for, or as those of an earlier model were."""

    def recipe_of(pictures: Pictures) -> PictureRecipe:
        if earlier is not None:
            return earlier.recipe(pictures, asked)
        return choose_recipe(
            pictures,
            size=sides_of(asked.size),
            channels=asked.channels,
            resize=asked.resize,
        )

    def opening(pictures: Pictures) -> tuple[Store, PictureRecipe]:
        recipe = recipe_of(pictures.themselves())
        store = open_store(
            pictures,
            recipe,
            threads=context.device.threads,
            progress=lambda done, total: context.run.tell(Decoding(done=done, total=total)),
        )
        return store, recipe

    return opening


def as_features(extraction: Extraction, context: FitContext) -> Opening:
    """Open pictures as the features that a frozen network makes of them."""

    def opening(pictures: Pictures) -> tuple[Features, PictureRecipe]:
        name = extraction.session.network.name
        progress = passing(context.run.tell, "the network" if name == OWN else name)
        return open_features(pictures, extraction, progress=progress), extraction.recipe

    return opening


def prepare(
    pictures: Pictures,
    opening: Opening,
    target: T,
    shares: Shares,
    context: FitContext,
    earlier: Earlier | None = None,
) -> TrainingData[T]:
    """Prepare pictures for training; the ledger and the run are told.

    Parameters
    ----------
    pictures : Pictures
        All that there are.
    opening : callable
        Opens them: decoded, or as features.
    target : Target
        What is to be learned, before any label was read.
    shares : Shares
        Which are held out, where no folder names them.
    context : FitContext
        Run and seed.
    earlier : Earlier, optional
        What is gone on from: it says which pictures stay held out.

    Raises
    ------
    UsageError, DataError
        Where labels are not the target's, or too few training pictures are left.
    """
    began, run = time.perf_counter(), context.run
    target = target.learned(pictures.undoubted("split", "group"))
    answers = target.answers(pictures)
    with run.group.first_then_others():  # what the first keeps the others find
        store, recipe = opening(pictures)
    run.agree("pictures", store.fingerprint, "the pictures changed meanwhile: begin with `fresh`")
    if earlier is not None:
        digest = earlier.model.digest()
        run.agree("earlier", digest, "bring the earlier model back, or begin with `fresh`")
    before = None if earlier is None else earlier.before(store.hashes)
    answers = _weighed(answers, pictures.weights)
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
    entries = _entries(pictures, store, answers, units, parts)
    if run.folder is not None:
        ledger.write(run.folder / "ledger.csv", entries)
    missing = ledger.left_out(entries)
    lost = ledger.summary(entries) if missing else ""
    target.check_enough(
        answers.values_n[parts.train],
        store.hashes[parts.train],
        _beside(entries, target, lost),
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
            left_out=len(missing),
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
                *_together(pictures, data, copies),
                *([lost] if lost else []),
                *_notes(pictures, data),
            ),
        )
    )
    return data


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


def _entries(
    pictures: Pictures, store: prepared.Prepared, answers: Answers, units: Hashes, parts: Split
) -> ledger.Entries:
    where = [""] * len(pictures)
    for name in ("train", "validation", "test"):
        for row in getattr(parts, name).tolist():
            where[row] = name
    held_out = np.concatenate([parts.validation, parts.test])
    reasons = [
        unreadable or unanswered
        for unreadable, unanswered in zip(store.reasons, answers.reasons, strict=True)
    ]
    for row, reason in enumerate(reasons):
        if not reason and not where[row]:
            reasons[row] = _moved(row, pictures, store.hashes, units, held_out)
    return ledger.Entries(
        names=pictures.names,
        labels=pictures.labels,
        parts=where,
        reasons=reasons,
        remarked=store.remarked,
    )


def _beside(entries: Sequence[Entry], target: Target, lost: str) -> str:
    """Say where pictures are that do not train: of classes that others bear alone; left out."""
    used = Counter((one.label, one.part) for one in entries if not one.reason)
    known = set(map(str, target.names)).difference(label for label, part in used if part == "train")
    apart = Counter({one: count for one, count in used.items() if one[0] in known})
    told = [
        f"{counted(count, 'picture')} of {label} in the {part} part alone"
        for (label, part), count in apart.most_common(MOST_APART)
    ]
    if lost:
        told.append(lost)
    return f" ({'; '.join(told)})" if told else ""


def _moved(row: int, pictures: Pictures, hashes: Hashes, units: Hashes, held_out: Rows) -> str:
    """Say why a picture that could train may not: what it belongs to stands in another part."""
    if hashes[row] in hashes[held_out]:
        return "the same picture stands in another part"
    groups = [None] * len(hashes) if pictures.groups is None else pictures.groups
    group = groups[row]
    if group is not None and any(groups[other] == group for other in held_out):
        return f"its group, {group}, stands in another part"
    near = held_out[units[held_out] == units[row]][0]
    return f"a near copy, {pictures.names[near]}, stands in another part"


def _together(pictures: Pictures, data: TrainingData[Target], copies: NearCopies) -> Iterator[str]:
    """Say which pictures are kept together, and what that means for a figure."""
    used = np.sort(np.concatenate([data.split.train, data.split.validation, data.split.test]))
    if pictures.groups is not None:
        count = len(np.unique(data.units[used]))
        yield (
            f"{counted(len(used), 'picture')} of {counted(count, 'group')}: no group "
            "is torn apart by any split"
        )
    if len(copies.pairs):
        yield (
            f"{len(copies.rows):,} of {counted(copies.looked_at, 'picture')} are near "
            "copies of others, "
            f"such as {copies.named(pictures.names)}: near copies are kept on one side of every "
            f"split{'; name what else belongs together (`groups`)' * (pictures.groups is None)}"
        )
    if isinstance(data.target, Labelled) and len(data.target.names):
        yield from copies.conflicts(data.values, data.target.written_value, pictures.names)
    for code, label in enumerate(data.target.names):
        units = data.units[used[data.target.named(data.values[used], code)]]
        if len(units) == 1:
            yield (
                f"there is but one picture of {label}: it is not held out, and no figure says how "
                "others of this class fare"
            )
        elif len(units) and len(np.unique(units)) == 1:
            yield (
                f"all {counted(len(units), 'picture')} of {label} belong together: none "
                "of them is held "
                "out, and no figure says how others of this class fare"
            )


def _notes(pictures: Pictures, data: TrainingData[Target]) -> Iterator[str]:
    yield from pictures.notes
    yield from data.store.remarks
    yield from data.target.remarks(data.taught)
    if data.store.images is None:
        return
    few = len(data.split.train) < FEW_PHOTOGRAPHS
    if pictures.content.shape is None and few and len(data.target.names):
        yield (
            f"{counted(len(data.split.train), 'picture')}, few for training from scratch: of "
            "photographs, transfer learning from a pretrained network is likely more accurate"
        )
    if not len(data.split.validation):
        yield "no validation pictures: the last weights are kept, and nothing is claimed of them"
