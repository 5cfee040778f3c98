"""An interrupted `fit` leaves a learner with the best weights it had."""

from __future__ import annotations

import signal
from typing import Any

import numpy as np
import pytest

from foveal import Autoencoder, CNNClassifier, Interrupted, Run, TransferClassifier
from foveal.progress.events import EpochEnded, Event, Prepared, StepEnded
from support.models import small_model

generator = np.random.default_rng(0)
LABELS = np.arange(80) % 2
IMAGES = generator.integers(0, 200, (80, 8, 8, 1), dtype=np.uint8)
IMAGES[LABELS == 1, 2:6, 2:6] += 50
COMMON: dict[str, Any] = {"batch_size": 8, "threads": 1, "random_state": 0}


def classifier(epochs: float) -> CNNClassifier:
    return CNNClassifier("conv 4 3x3 same relu | flatten | dense", epochs=epochs, **COMMON)


def autoencoder(epochs: float) -> Autoencoder:
    return Autoencoder(code_size=4, encoder="flatten | dense 8 relu", epochs=epochs, **COMMON)


def transfer(epochs: float) -> TransferClassifier:
    backbone = small_model("conv 4 3x3 same relu | maxpool 2 | flatten | dense", side=8)
    return TransferClassifier(
        backbone, cut="2", head="dense 8 relu", fine_tune_epochs=2, epochs=epochs, **COMMON
    )


def interrupted_after(kind: type[Event], times: int) -> Run:
    left = times

    def listen(event: Event) -> None:
        nonlocal left
        left -= isinstance(event, kind)
        if isinstance(event, kind) and left == 0:
            signal.raise_signal(signal.SIGINT)

    return Run(listeners=[listen])


@pytest.mark.parametrize("make", [classifier, autoencoder, transfer])
def test_an_interrupted_fit_keeps_the_best_weights_so_far(make: Any) -> None:
    learner = make(50)
    with pytest.raises(KeyboardInterrupt, match="the best weights so far are kept"):
        learner.fit(IMAGES, LABELS, run=interrupted_after(EpochEnded, 3))
    assert 2 <= len(learner.history_) <= 3
    assert learner.model_.provenance.best_epoch <= 3
    rows = learner.transform(IMAGES) if make is autoencoder else learner.predict_proba(IMAGES)
    assert len(rows) == 80 and np.isfinite(rows).all()


def test_what_is_kept_is_what_was_best() -> None:
    learner = classifier(50)
    with pytest.raises(KeyboardInterrupt):
        learner.fit(IMAGES, LABELS, run=interrupted_after(StepEnded, 3 * 8 + 4))  # in the fourth
    best = max(learner.history_, key=lambda e: (e["validation_accuracy"], -e["validation_loss"]))
    assert learner.model_.provenance.best_epoch == best["epoch"]


def test_before_the_first_step_nothing_is_changed() -> None:
    learner = classifier(1).fit(IMAGES, LABELS)
    before = learner.model_
    with pytest.raises(KeyboardInterrupt):
        learner.fit(IMAGES, LABELS, run=interrupted_after(Prepared, 1))
    assert learner.model_ is before


def test_a_run_without_a_folder_that_is_asked_to_stop_keeps_what_it_had() -> None:
    learner = classifier(50)
    run = Run(listeners=[lambda event: run.stop() if isinstance(event, EpochEnded) else None])
    with pytest.raises(Interrupted, match="Use the best weights so far, which are kept"):
        learner.fit(IMAGES, LABELS, run=run)
    assert len(learner.history_) == 1 and learner.model_.provenance.best_epoch == 1
