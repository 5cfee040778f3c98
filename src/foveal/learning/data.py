"""From pictures to training data: recipe, store or features, split, scaling, ledger."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from foveal.errors import DataError
from foveal.inference.features import Extraction, Features, open_features
from foveal.inference.frozen import OWN
from foveal.learning.context import FitContext
from foveal.learning.options import Pixels, Shares, sides_of
from foveal.pictures import ledger, prepared
from foveal.pictures.augment import Augmentation
from foveal.pictures.batches import FeatureBatches, TrainingBatches, inputs, training_batches
from foveal.pictures.collection import Array, Pictures
from foveal.pictures.ledger import Entry
from foveal.pictures.remarks import joined
from foveal.pictures.scaling import Scaling, of_values
from foveal.pictures.splits import Rows, Split, split
from foveal.pictures.store import Store, open_store
from foveal.pictures.survey import choose_recipe
from foveal.progress.events import Decoding, Prepared, passing
from foveal.recipe import PictureRecipe
from foveal.targets.classes import encode_labels

FEWEST_UNLABELLED = 2
"""Training pictures from which there is anything to tell them apart by."""
FEW_PHOTOGRAPHS = 5_000
"""Photographs below which a pretrained network is likely the better start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingData:
    """Prepared pictures with their classes and their split."""

    store: prepared.Prepared
    """The pictures, or what a frozen network made of them."""
    class_ids: np.ndarray[Any, np.dtype[np.intp]]
    """Class number of each row; -1 without a label. 0 where labels are not asked for."""
    classes: Array
    """The labels, in the order of their numbers; none where they are not asked for."""
    split: Split
    recipe: PictureRecipe

    @property
    def images(self) -> Array:
        """The pixels of the pictures, where no network came before."""
        assert self.store.images is not None
        return self.store.images

    @property
    def scaling(self) -> Scaling:
        """How the values of the pictures become the network's input."""
        return of_values(self.recipe)

    @property
    def class_counts(self) -> np.ndarray[Any, np.dtype[np.intp]]:
        """Training pictures of each class; of all, where there are no classes."""
        return np.bincount(self.class_ids[self.split.train], minlength=len(self.classes))

    def batches(
        self, batch_size: int, augmentation: Augmentation, seed: int, device: str
    ) -> TrainingBatches | FeatureBatches:
        """Return the training pictures, by epoch."""
        return training_batches(
            self.store,
            self.store.scaled_by(self.scaling),
            class_ids=self.class_ids,
            rows=self.split.train,
            batch_size=batch_size,
            augmentation=augmentation,
            seed=seed,
            device=device,
        )

    def inputs(self, rows: Rows, batch_size: int, device: str) -> Iterator[torch.Tensor]:
        """Return rows in order, unvaried, as a network's input."""
        by = self.store.scaled_by(self.scaling)
        return inputs(self.store, rows, by, batch_size=batch_size, device=device)


Opening = Callable[[Pictures], tuple[prepared.Prepared, PictureRecipe]]
"""Opens pictures for training: decoded, or as features."""


def as_pixels(asked: Pixels, context: FitContext) -> Opening:
    """Open pictures as pixels, of the size asked for."""

    def opening(pictures: Pictures) -> tuple[Store, PictureRecipe]:
        recipe = choose_recipe(
            pictures,
            size=sides_of(asked.size),
            channels=asked.channels,
            resize=asked.resize,
        )
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
    shares: Shares,
    context: FitContext,
    *,
    labelled: bool = True,
) -> TrainingData:
    """Prepare pictures for training; the ledger and the run are told.

    Parameters
    ----------
    pictures : Pictures
        All that there are.
    opening : callable
        Opens them: decoded, or as features.
    shares : Shares
        Which are held out, where no folder names them.
    context : FitContext
        Run and seed.
    labelled : bool
        Whether classes are to be learned; otherwise labels are not looked at.

    Raises
    ------
    DataError
        Where fewer than two classes, or too few training pictures, are left.
    """
    began, run = time.perf_counter(), context.run
    classes, class_ids = _classes_of(pictures, labelled)
    store, recipe = opening(pictures)
    run.agree("pictures", store.fingerprint, "the pictures changed meanwhile: begin with `fresh`")
    usable = np.flatnonzero(store.readable & (class_ids >= 0))
    parts = split(
        class_ids,
        store.hashes,
        pictures.parts,
        usable,
        validation_share=shares.validation_share,
        test_share=shares.test_share,
        seed=context.seed,
    )
    entries = list(_entries(pictures, store, class_ids, parts))
    if run.folder is not None:
        ledger.write(run.folder / "ledger.csv", entries)
    _check(classes, class_ids, parts, entries)
    recipe = store.measured(recipe, parts.train)
    data = TrainingData(
        store=store, class_ids=class_ids, classes=classes, split=parts, recipe=recipe
    )
    missing = ledger.left_out(entries)
    run.tell(
        Prepared(
            pictures=len(pictures),
            left_out=len(missing),
            classes=dict(zip(map(str, classes), map(int, data.class_counts), strict=False)),
            train=len(parts.train),
            validation=len(parts.validation),
            test=len(parts.test),
            duplicates=parts.moved,
            size="x".join(map(str, recipe.shape)),
            warm=store.warm,
            seconds=time.perf_counter() - began,
            notes=tuple(_notes(pictures, entries, data)),
        )
    )
    return data


def _classes_of(pictures: Pictures, labelled: bool) -> tuple[Array, Array]:
    if not labelled:
        return np.empty(0, dtype=str), np.zeros(len(pictures), dtype=np.intp)
    assert pictures.labels is not None
    classes, class_ids = encode_labels(pictures.labels)
    if len(classes) < 2:
        raise _too_few(f"{len(classes)} class: {', '.join(map(str, classes))}")
    return classes, class_ids


def _too_few(came: str) -> DataError:
    return DataError(
        "classes",
        needed="at least 2 classes, each with pictures to train on",
        came=came,
        remedy="add pictures of the missing classes, or remove their folders",
    )


def _check(classes: Array, class_ids: Array, parts: Split, entries: list[Entry]) -> None:
    trained = np.unique(class_ids[parts.train])
    missing = f" ({ledger.summary(entries)})" if ledger.left_out(entries) else ""
    if not len(classes):
        if len(parts.train) < FEWEST_UNLABELLED:
            raise DataError(
                "pictures",
                needed=f"at least {FEWEST_UNLABELLED} different pictures to train on",
                came=f"{len(parts.train)} sample{'s' * (len(parts.train) != 1)}{missing}",
                remedy="add pictures; those of another part do not count",
            )
        return
    if len(classes) < 2 or len(trained) < len(classes):
        without = [str(classes[code]) for code in range(len(classes)) if code not in trained]
        came = f"{len(trained)} class with pictures" if len(trained) == 1 else f"{len(trained)}"
        if without:
            came += f"; none to train on in {', '.join(without[:5])}"
        raise _too_few(came + missing)


def _entries(
    pictures: Pictures, store: prepared.Prepared, class_ids: Array, parts: Split
) -> Iterator[Entry]:
    where = np.full(len(pictures), "", dtype="<U10")
    for name in ("train", "validation", "test"):
        where[getattr(parts, name)] = name
    reasons = list(store.reasons)
    nothing = [None] * len(pictures)
    labels = nothing if pictures.labels is None else pictures.labels.tolist()
    for row, name in enumerate(pictures.names):
        reason = reasons[row]
        if not reason and class_ids[row] < 0:
            reason = "no class: lies beside the class folders"
        if not reason and not where[row]:
            reason = "the same picture stands in another part"
        label = None if labels[row] is None else str(labels[row])
        remark = joined(store.remarked.get(row, ()))
        yield Entry(name, label, str(where[row]), reason, remark)


def _notes(pictures: Pictures, entries: list[Entry], data: TrainingData) -> Iterator[str]:
    if ledger.left_out(entries):
        yield ledger.summary(entries)
    yield from data.store.remarks
    if data.store.images is None:
        return
    few = len(data.split.train) < FEW_PHOTOGRAPHS
    if pictures.content.shape is None and few and len(data.classes):
        yield (
            f"{len(data.split.train):,} pictures are few for training from scratch: if they are "
            "photographs, transfer learning from a pretrained network is likely more accurate"
        )
    if not len(data.split.validation):
        yield "no validation pictures: the last weights are kept, and nothing is claimed of them"
