"""The threshold: which usual pictures set it, and what lies above."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

import foveal
from foveal.anomaly.detection import anomalies
from foveal.anomaly.threshold import LeftOut
from foveal.errors import DataError, UsageError
from foveal.evaluation.conformal import true_rate
from foveal.model.fitted import FittedModel
from foveal.pictures.store import content_hashes
from support.models import small_autoencoder

DIGITS = np.rint(load_digits().images * 255 / 16).astype(np.uint8)


@pytest.fixture(scope="module")
def model() -> FittedModel:
    learner = foveal.Autoencoder(code_size=4, epochs=1, threads=1, random_state=0)
    return learner.fit(DIGITS).model_


def test_only_scores_beyond_the_threshold_are_above() -> None:
    found = anomalies(small_autoencoder(4), DIGITS[:4], false_alarms=0.2)
    middle = float(np.sort(found.measures["error"])[1])
    at = replace(found, threshold=replace(found.threshold, value=middle))
    assert at.above.tolist() == (found.measures["error"] > middle).tolist() and at.above.sum() == 2


def test_usual_pictures_that_taught_are_left_out(model: FittedModel) -> None:
    hashes = content_hashes(DIGITS[..., None])
    taught = np.isin(hashes, model.trained_on)
    assert taught.sum() == len(model.trained_on) > 1000
    found = anomalies(model, DIGITS[:5], usual=DIGITS)
    bound = found.threshold
    assert bound.left_out == LeftOut(taught=taught.sum()) and bound.usual == (~taught).sum()
    assert not bound.held_out
    scores = np.sort(anomalies(model, DIGITS[~taught]).scores)
    assert bound.value == pytest.approx(scores[int(np.ceil(0.95 * (len(scores) + 1))) - 1])
    with pytest.raises(DataError, match=rf"got {taught.sum()}, of which {taught.sum()} taught it"):
        anomalies(model, DIGITS[:5], usual=DIGITS[taught])


def test_usual_files_are_known_by_their_pixels_and_may_be_unreadable(
    model: FittedModel, tmp_path: Path
) -> None:
    taught = np.isin(content_hashes(DIGITS[..., None]), model.trained_on)
    picked = [*np.flatnonzero(taught)[:3], *np.flatnonzero(~taught)[:25]]
    for row in picked:
        Image.fromarray(DIGITS[row]).save(tmp_path / f"{row}.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    found = anomalies(model, tmp_path, usual=tmp_path)
    bound = found.threshold
    assert found.notes[0].startswith("3 of the pictures taught the model")
    assert anomalies(model, DIGITS[~taught][:5]).notes == ()
    assert bound.left_out is not None and list(bound.left_out.unreadable) == ["broken.png"]
    assert bound.left_out.taught == 3 and bound.usual == 25
    same = anomalies(model, DIGITS[:5], usual=DIGITS[picked]).threshold
    assert bound.value == pytest.approx(same.value, rel=1e-5)
    wider = anomalies(model, DIGITS[:5], usual=tmp_path, by="distance", false_alarms=0.2)
    assert wider.threshold.rate == true_rate(25, 0.2)


def test_copies_of_a_usual_picture_set_the_threshold_once(model: FittedModel) -> None:
    others = DIGITS[~np.isin(content_hashes(DIGITS[..., None]), model.trained_on)][:30]
    once = anomalies(model, DIGITS[:5], usual=others).threshold
    often = anomalies(model, DIGITS[:5], usual=np.concatenate([others, *[others[:1]] * 40]))
    assert often.threshold == replace(once, left_out=LeftOut(repeated=40))


def test_too_few_usual_pictures_for_the_rate_are_refused(model: FittedModel) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (12, 8, 8), dtype=np.uint8)
    with pytest.raises(DataError, match="at least 19 that did not teach.*got 12"):
        anomalies(model, DIGITS[:5], usual=noise)
    assert anomalies(model, DIGITS[:5], usual=noise, false_alarms=0.1).threshold.usual == 12
    without = replace(model, normal=replace(model.normal, errors=np.empty(0)))
    with pytest.raises(DataError, match="got 0.*`usual`"):
        anomalies(without, DIGITS[:5])


@pytest.mark.parametrize("rate", [0, 1, -0.1, float("nan")])
def test_rates_that_are_none_are_refused(rate: float) -> None:
    with pytest.raises(UsageError, match="a rate above 0 and below 1"):
        anomalies(small_autoencoder(4), DIGITS[:2], false_alarms=rate)


def test_usual_files_are_measured_as_the_arrays_they_hold(tmp_path: Path) -> None:
    levels = np.random.default_rng(0).integers(0, 17, (60, 8, 8)).astype(float)
    options = {"encoder": "flatten", "code_size": 4, "epochs": 1, "random_state": 0, "threads": 1}
    model = foveal.Autoencoder(**options).fit(levels[:40]).model_
    for row in range(40, 60):
        picture = Image.fromarray((levels[row] * (255 / 16)).round().astype(np.uint8))
        picture.save(tmp_path / f"{row}.png")
    of_files = anomalies(model, levels[40:], usual=tmp_path, false_alarms=0.2).threshold
    of_arrays = anomalies(model, levels[40:], usual=levels[40:], false_alarms=0.2).threshold
    assert abs(of_files.value - of_arrays.value) < 0.05 * of_arrays.value
