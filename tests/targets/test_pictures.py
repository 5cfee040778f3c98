"""The pictures themselves as a target: no label is looked at, and errors are means of a value."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss, mean_absolute_error, mean_squared_error

from foveal.errors import DataError
from foveal.pictures.collection import Pictures
from foveal.targets.pictures import COLOUR, Originals

BARE = Pictures.of_array(np.zeros((4, 1, 1, 1), np.uint8))


@pytest.mark.parametrize(
    "pictures",
    [BARE, BARE.labelled(np.array(["a", None, "a", "b"], dtype=object))],
    ids=["without labels", "with labels"],
)
def test_every_picture_is_its_own_answer(pictures: Pictures) -> None:
    target = Originals().learned(pictures)
    answers = target.answers(pictures)
    assert answers.known.tolist() == [True] * 4
    assert len(np.unique(target.strata(answers.values_n))) == 1
    assert target.counts(answers.values_n).tolist() == [4]
    assert not len(target.names) and target.outputs is None


def test_two_pictures_that_differ_are_enough() -> None:
    Originals().check_enough(np.zeros(2), np.array([5, 6]), str)


@pytest.mark.parametrize(
    ("hashes", "message"),
    [
        ([], r"got 0 samples \(3 left out\)"),
        ([5], r"got 1 sample \(3 left out\)\. .*another part do not count"),
        ([5, 5, 5], "got 3 that are all the same. Add pictures that differ"),
    ],
)
def test_fewer_are_not(hashes: list[int], message: str) -> None:
    found = np.array(hashes, dtype=np.int64)
    with pytest.raises(DataError, match="at least 2 different pictures to train on, " + message):
        Originals().check_enough(np.zeros(len(found)), found, lambda: " (3 left out)")


def test_errors_are_those_of_scikit_learn() -> None:
    generator = np.random.default_rng(0)
    made, wanted = generator.normal(size=(2, 3, 1, 4, 4))
    tensors = torch.from_numpy(made), torch.from_numpy(wanted)
    rows = wanted.reshape(3, -1), made.reshape(3, -1)
    assert float(Originals().error(*tensors)) == pytest.approx(mean_squared_error(*rows))
    found = Originals(criterion="l1").error(*tensors)
    assert float(found) == pytest.approx(mean_absolute_error(*rows))


def test_errors_of_colour_weigh_more_by_a_loop_over_pixels() -> None:
    generator = np.random.default_rng(1)
    made, wanted = generator.random((2, 2, 3, 4, 5))
    squared, colour = [], []
    for n, y, x in np.ndindex(2, 4, 5):
        errors = [float(made[n, c, y, x] - wanted[n, c, y, x]) for c in range(3)]
        bright = 0.299 * errors[0] + 0.587 * errors[1] + 0.114 * errors[2]
        squared += [error**2 for error in errors]
        colour += [(error - bright) ** 2 for error in errors]
    found = Originals(criterion="colour").error(torch.from_numpy(made), torch.from_numpy(wanted))
    assert float(found) == pytest.approx(np.mean(squared) + COLOUR * np.mean(colour))
    assert COLOUR > 0


@pytest.mark.parametrize("channels", [1, 3])
def test_errors_of_brightness_alone_weigh_as_ever(channels: int) -> None:
    wanted = torch.rand(2, channels, 4, 4)
    made = wanted + torch.rand(2, 1, 4, 4)  # all channels alike
    found = Originals(criterion="colour").error(made, wanted)
    torch.testing.assert_close(found, Originals().error(made, wanted))


def test_the_cross_entropy_takes_logits() -> None:
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(3, 1, 4, 4))
    black_or_white = generator.integers(0, 2, logits.shape)
    found = Originals(criterion="bce").error(
        torch.from_numpy(logits), torch.from_numpy(black_or_white.astype(np.float64))
    )
    shares = 1 / (1 + np.exp(-logits))
    assert float(found) == pytest.approx(log_loss(black_or_white.ravel(), shares.ravel()))
