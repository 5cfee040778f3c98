"""What each number of a code does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from foveal.errors import DataError, UsageError
from foveal.looking.subject import NothingToSee, subject_of
from foveal.looking.traversal import traversal
from foveal.model.normal import spread
from foveal.pictures.sources import gather
from support.digits import DIGITS, as_bytes
from support.models import small_autoencoder, small_model

PICTURES = as_bytes(DIGITS[:30])


def test_one_number_moves_over_the_percentiles_and_the_others_stay() -> None:
    model = small_autoencoder(4)
    found = traversal(subject_of(model), gather(PICTURES), steps=5)
    codes = model.encode(PICTURES)
    low, high = np.percentile(codes, (5, 95), axis=0)
    np.testing.assert_allclose(found.ranges, np.stack([low, high], axis=1), rtol=1e-5)
    assert sorted(found.numbers) == [0, 1, 2, 3]
    for row, number in enumerate(found.numbers):
        for step, share in enumerate(np.linspace(0, 1, 5)):
            code = codes[0].copy()
            code[number] = low[number] + share * (high[number] - low[number])
            assert found.steps[row, step] == pytest.approx(code[number], rel=1e-5)
            np.testing.assert_allclose(
                found.pictures[row, step], model.decode(code[None])[0], atol=1e-5
            )
    assert found.source == "the 5th to the 95th percentile of the codes of 30 pictures"


def test_numbers_that_change_the_picture_most_come_first() -> None:
    found = traversal(subject_of(small_autoencoder(6)), gather(PICTURES), steps=3)
    ends = found.pictures[:, -1].astype(float) - found.pictures[:, 0]
    np.testing.assert_allclose(found.changes, (ends**2).mean(axis=(1, 2, 3)), rtol=1e-6)
    assert (np.diff(found.changes) <= 0).all()
    fewer = traversal(subject_of(small_autoencoder(6)), gather(PICTURES), count=2, steps=3)
    assert fewer.numbers == found.numbers[:2]


def test_of_few_pictures_the_training_says_how_far() -> None:
    draws = np.random.default_rng(0)
    codes = draws.normal(size=(500, 4)) * [1, 2, 3, 4] + [0, 1, 0, 5]
    model = small_autoencoder(4)
    assert model.normal is not None
    mean, whitening = spread(codes)
    model = replace(model, normal=replace(model.normal, mean=mean, whitening=whitening))
    found = traversal(subject_of(model), gather(PICTURES[:1]), steps=2)
    oracle = codes.mean(axis=0)[:, None] + 2 * codes.std(axis=0)[:, None] * [-1, 1]
    np.testing.assert_allclose(found.ranges, oracle, rtol=0.01, atol=0.01)
    with pytest.raises(NothingToSee, match="at least 20 pictures"):
        traversal(subject_of(replace(model, normal=None)), gather(PICTURES[:1]))


def test_numbers_that_do_nothing_are_counted() -> None:
    model = small_autoencoder(4)
    decoder = [one for one in model.network if getattr(one, "in_features", 0) == 4]
    decoder[0].weight.data[:, 2] = 0
    found = traversal(subject_of(model), gather(PICTURES), steps=3)
    assert found.still == 1
    assert found.numbers[-1] == 2


@pytest.mark.parametrize("half", ["encoder", "decoder"])
def test_a_network_that_gives_no_numbers_says_so(half: str) -> None:
    model = small_autoencoder(4)
    dense = [one for one in model.network if hasattr(one, "in_features")]
    dense[0 if half == "encoder" else -1].weight.data.fill_(np.nan)
    with pytest.raises(NothingToSee, match="gives numbers"):
        traversal(subject_of(model), gather(PICTURES))


def test_pictures_of_one_kind_alone_do_not_move() -> None:
    same = np.repeat(PICTURES[:1], 25, axis=0)
    found = traversal(subject_of(small_autoencoder(4)), gather(same), steps=3)
    assert found.still == 4
    np.testing.assert_allclose(found.changes, 0, atol=1e-9)


def test_what_is_no_autoencoder_or_no_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NothingToSee, match="an autoencoder"):
        traversal(subject_of(small_model()), gather(PICTURES))
    with pytest.raises(NothingToSee, match="an autoencoder"):
        traversal(subject_of("1x8x8 | flatten | dense 2"), gather(PICTURES))
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"bad\.png"):
        traversal(subject_of(small_autoencoder()), gather([bad]))
    half = replace(small_autoencoder(), half="encoder")
    with pytest.raises(UsageError, match="decoder"):
        traversal(subject_of(half), gather(PICTURES))
