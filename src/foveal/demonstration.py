"""A demonstration on pictures that come with scikit-learn; each step answers with a value.

Digits are those of Alpaydin and Kaynak (1998), 8x8 pixels; nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits, load_sample_images

from foveal.errors import DataError
from foveal.estimators.autoencoder import Autoencoder
from foveal.estimators.cnn import CNNClassifier
from foveal.estimators.transfer import TransferClassifier
from foveal.evaluation.intervals import Estimate, wilson
from foveal.evaluation.reconstruction import Reconstruction
from foveal.figures.gallery import gallery as gallery_of
from foveal.files import told, whole_folder
from foveal.judging.evaluation import Evaluation, evaluate
from foveal.model.imagenet import imagenet
from foveal.pages.report import report
from foveal.pictures.sources import gather
from foveal.progress.events import Listener
from foveal.results import Result
from foveal.tables import write_table
from foveal.training.journal import REPORT
from foveal.training.run import Run

SHADES = 16
"""Shades of grey in scikit-learn's digits."""
FIRST = 5
"""Digits below this one teach the kernels that are reused on the others."""
CODE = 8
"""Numbers of the code that the autoencoder narrows digits to."""
DRAWS = 3
"""Times that the pictures to learn from are drawn."""
EACH = 10
"""Pictures of each of the other digits to learn from."""
DRAWN = 12
"""Digits in the gallery."""

Learner = CNNClassifier | Autoencoder
Within = Callable[[Run], AbstractContextManager[None]]
"""Makes what is entered around a training, such as handlers of signals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedDigits(Result):
    """A network that was trained on digits."""

    pictures: Path
    model: Path
    run: Path
    predictions: Path
    """The table of what it says of each digit."""
    evaluation: Evaluation
    report: Path
    """The page that tells all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FewPictures(Result):
    """How a classifier fares that learned from few pictures."""

    way: str
    """Whose kernels it has."""
    accuracy: Estimate
    learned: int
    """Numbers that it had to learn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NarrowedDigits(Result):
    """Digits as codes of a few numbers, and back."""

    model: Path
    run: Path
    report: Path
    """The page that tells all of it."""
    gallery: Path
    reconstruction: Reconstruction
    codes: tuple[int, ...]
    """Shape of the codes."""
    decoded: tuple[int, ...]
    """Shape of the pictures made of them."""
    first: tuple[float, ...]
    """The first code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedPhotograph(Result):
    """What ImageNet's network says of a photograph."""

    name: str
    label: str
    probability: float


def write_digits(to: Path) -> Path:
    """Write the digits as PNG files, one folder a class, whole or not at all.

    Returns
    -------
    Path
        Their folder, `to`/digits; where it is there already it is left as it is.
    """
    folder = to / "digits"
    with told(f"`to` {to}"):
        to.mkdir(parents=True, exist_ok=True)
        if folder.exists():
            return folder
        digits = load_digits()
        with whole_folder(folder) as working:
            for index, (image, digit) in enumerate(zip(digits.images, digits.target, strict=True)):
                place = working / str(digit)
                place.mkdir(exist_ok=True)
                shades = (image * (255 / SHADES)).round().astype("uint8")
                Image.fromarray(shades).save(place / f"{digit}.{index}.png")
    return folder


def learn_digits(
    pictures: Path, to: Path, *, threads: int | None, tell: Listener, within: Within
) -> LearnedDigits:
    """Train a network on four fifths of the digits, and judge it on the others."""
    model = to / "digits.safetensors"
    learner = CNNClassifier(test_share=0.2, random_state=0, threads=threads)
    folder = _learned(learner, pictures, model, tell, within)
    table = to / "predictions.csv"
    predicted = learner.model_.predictions(pictures)
    write_table(table, predicted.columns, [predicted.rows()])
    judged = evaluate(learner.model_, pictures)
    return LearnedDigits(
        pictures=pictures,
        model=model,
        run=folder,
        predictions=table,
        evaluation=judged,
        report=_reported(learner, pictures, model, judged),
    )


def _learned(
    learner: Learner,
    pictures: Path,
    model: Path,
    tell: Listener,
    within: Within,
) -> Path:
    """Train a learner into a file, and return the folder of its run."""
    folder = model.with_suffix(".run")
    with Run(folder, fresh=True, listeners=[tell]) as run, within(run):
        learner.fit(pictures, run=run)
        learner.model_.save(model)
        run.finish(model)
    return folder


def _reported(
    learner: Learner,
    pictures: Path,
    model: Path,
    judged: Evaluation | None = None,
) -> Path:
    """Write the report of a training into the folder of its run."""
    run = model.with_suffix(".run")
    page = report(learner.model_, pictures, run=run, evaluation=judged, name=model.name, file=model)
    return page.save(run / REPORT)


def learn_from_few(threads: int | None) -> Iterator[FewPictures]:
    """Learn kernels on some digits and reuse them on the others, with a few pictures of each."""
    X, y = load_digits(return_X_y=True)
    low = y < FIRST
    backbone = CNNClassifier(random_state=0, threads=threads).fit(X[low], y[low]).model_
    learners: dict[str, TransferClassifier | CNNClassifier] = {
        "kernels reused": TransferClassifier(backbone, random_state=0, threads=threads),
        "from scratch": CNNClassifier(random_state=0, threads=threads),
    }
    for way, learner in learners.items():
        right, judged = _drawn(learner, X, y)
        plan = learner.model_.plan
        fixed = sum(one.parameters for one in plan.layers[: plan.fixed])
        yield FewPictures(way=way, accuracy=wilson(right, judged), learned=plan.parameters - fixed)


def _drawn(learner: TransferClassifier | CNNClassifier, X: Any, y: Any) -> tuple[int, int]:
    """Fit on a few pictures, several times; return how many others are right, of how many."""
    others = np.flatnonzero(y >= FIRST)
    right = judged = 0
    for draw in range(DRAWS):
        order = np.random.default_rng(draw).permutation(others)
        few = np.concatenate([order[y[order] == digit][:EACH] for digit in range(FIRST, 10)])
        rest = np.setdiff1d(others, few)
        called = learner.fit(X[few], y[few]).predict(X[rest])
        right, judged = right + int((called == y[rest]).sum()), judged + len(rest)
    return right, judged


def narrow_digits(
    pictures: Path, to: Path, *, threads: int | None, tell: Listener, within: Within
) -> NarrowedDigits:
    """Learn without labels to encode the digits and to decode them again, and draw some."""
    model, figure = to / "codes.safetensors", to / "reconstructions.png"
    learner = Autoencoder(code_size=CODE, test_share=0.2, random_state=0, threads=threads)
    folder = _learned(learner, pictures, model, tell, within)
    judged = learner.reconstruction_
    if judged is None:
        raise DataError(
            str(pictures),
            needed="digits to judge by",
            came="none",
            remedy="remove the folder, so that they are written again",
        )
    codes = learner.transform(pictures)
    gallery_of(learner.model_, gather(pictures), DRAWN).save(figure)
    return NarrowedDigits(
        model=model,
        run=folder,
        report=_reported(learner, pictures, model),
        gallery=figure,
        reconstruction=judged,
        codes=codes.shape,
        decoded=learner.inverse_transform(codes).shape,
        first=tuple(codes[0].tolist()),
    )


def name_photographs(threads: int | None) -> Iterator[NamedPhotograph]:
    """Name what is on two photographs by a network that ImageNet trained."""
    photographs = load_sample_images()
    model = imagenet(threads=threads)
    for name, picture in zip(photographs.filenames, photographs.images, strict=True):
        shares = model.predict_proba(picture[None])[0]
        best = shares.argmax()
        yield NamedPhotograph(
            name=Path(name).name, label=str(model.classes[best]), probability=float(shares[best])
        )
