"""How a classifier is taught: loss, judge, batches, variations, and networks that cannot learn."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import log_softmax
from sklearn.utils.class_weight import compute_class_weight
from torch import nn

from foveal.device import choose
from foveal.errors import UsageError
from foveal.learning.classification import LabelledTask, scratch_plan, scratch_task
from foveal.learning.context import FitContext
from foveal.learning.descent import check_batches
from foveal.learning.opening import AsPixels
from foveal.learning.options import Descent, Labels, Pixels, Shares
from foveal.learning.preparing import prepare
from foveal.nets.plan import plan
from foveal.pictures.collection import Pictures
from foveal.targets.classes import Classes
from foveal.targets.kinds import labelled_of
from foveal.training.run import Run

NET = "conv 2 3x3 relu | flatten | dense"
TWO = Classes(names=np.array(["a", "b"]))


def task(
    labels: Labels | None = None,
    pixels: Pixels | None = None,
    channels: int = 1,
    share: float = 0.25,
    batch_size: int | None = 4,
) -> LabelledTask:
    """Make a task of 24 pictures, three quarters of them of class "a"."""
    y = np.array(["a"] * 18 + ["b"] * 6)
    drawn = np.random.default_rng(0).integers(0, 256, (24, 8, 8, channels), dtype=np.uint8)
    pictures = Pictures.of_array(drawn).labelled(y)
    asked, pixels = Descent(batch_size=batch_size), pixels or Pixels()
    context = FitContext(run=Run(listeners=[]), seed=0, device=choose("cpu", 1))
    target, shares = (
        labelled_of("classification", **asdict(labels or Labels())),
        Shares(validation_share=share),
    )
    data = prepare(pictures, AsPixels(pixels, context), target, shares, context)
    return scratch_task(data, asked, pixels, context)


class Fixed(nn.Module):
    """Says the same logits of every picture."""

    def __init__(self, *logits: float) -> None:
        super().__init__()
        self.logits = torch.tensor(logits)

    def forward(self, images_nchw: torch.Tensor) -> torch.Tensor:
        return self.logits.expand(len(images_nchw), -1)


@pytest.mark.parametrize("asked", [None, "balanced", {"b": 5.0}])
def test_classes_weigh_in_the_loss_by_the_training_pictures(asked: Any) -> None:
    found = task(Labels(label_smoothing=0.0, class_weight=asked), share=0.0)
    assert found.data.class_counts.tolist() == [18, 6]
    batch = next(found.batches.epoch(0))
    loss = found.loss_of(Fixed(1.0, -0.5), batch).minimised
    rows = batch.values_n.numpy()
    taught = np.array(["a", "b"])[found.data.taught]
    weights = compute_class_weight(asked, classes=np.array(["a", "b"]), y=taught)[rows]
    losses = -log_softmax([1.0, -0.5])[rows]
    assert float(loss) == pytest.approx(float((losses * weights).sum() / weights.sum()), rel=1e-5)


def test_validation_pictures_judge_by_log_loss_without_smoothing_or_weights() -> None:
    found = task(Labels(label_smoothing=0.2, class_weight={"b": 9.0}))
    judged = found.data.values[found.data.split.validation]
    scores = found.judge(Fixed(1.0, -0.5))
    assert scores is not None and scores.pictures == len(judged) == 6
    assert scores.accuracy == (judged == 0).mean()
    assert scores.loss == pytest.approx(-log_softmax([1.0, -0.5])[judged].mean(), rel=1e-6)


def test_without_validation_pictures_nothing_is_judged() -> None:
    assert task(share=0.0).judge(Fixed(1.0, 0.0)) is None


def test_the_options_of_labels_reach_the_target_and_the_habits() -> None:
    found = task(Labels(label_smoothing=0.2, class_weight="balanced"))
    assert found.data.target.label_smoothing == found.habits.label_smoothing == 0.2


@pytest.mark.parametrize(
    ("pixels", "channels", "level", "flip"),
    [
        (Pixels(), 1, "light", False),
        (Pixels(), 3, "light", True),
        (Pixels(flip=True), 1, "light", True),
        (Pixels(flip=False), 3, "light", False),
        (Pixels(augmentation="none"), 3, "none", False),
        (Pixels(augmentation="strong"), 3, "strong", True),
    ],
)
def test_colour_pictures_are_mirrored_and_grey_ones_may_be_characters(
    pixels: Pixels, channels: int, level: str, flip: bool
) -> None:
    found = task(pixels=pixels, channels=channels)
    assert (found.augmentation.level, found.augmentation.flip) == (level, flip)
    assert bool(found.notes) is (not flip and level != "none")


def test_batches_are_never_larger_than_the_training_part() -> None:
    assert task(batch_size=100).batch_size == 18
    assert task(batch_size=5).batch_size == 5


def test_a_network_is_planned_with_an_output_a_class() -> None:
    data = task().data
    found = scratch_plan(NET, data.target, data.recipe)
    assert found.input == (1, 8, 8) and found.output == (2,)


# Networks that gradient descent cannot teach ---------------------------------------------------


@pytest.mark.parametrize("end", ["dense 2 softmax", "dense 2 | sigmoid", "dense 2 | softmax"])
def test_a_network_that_ends_with_probabilities_is_refused(end: str) -> None:
    data = task().data
    with pytest.raises(UsageError, match=r"plain sums at the end.*'dense 2'"):
        scratch_plan(f"flatten | {end}", data.target, data.recipe)
    assert scratch_plan("flatten | dense 2", data.target, data.recipe).output == (2,)


@pytest.mark.parametrize("batch_size", [1, 4, 5, 7, 17, 24])
def test_the_smallest_step_is_known_before_any_is_taken(batch_size: int) -> None:
    found = task(batch_size=batch_size)
    assert found.fewest == min(len(batch.values_n) for batch in found.batches.epoch(0))


def test_batch_normalisation_needs_two_pictures_in_every_batch() -> None:
    normalised = plan("1x8x8 | batchnorm | flatten | dense 2", classes=2)
    check_batches(normalised, 1, kept=1)
    check_batches(normalised, 2)
    with pytest.raises(UsageError, match="at least 2 pictures a step"):
        check_batches(normalised, 1)
