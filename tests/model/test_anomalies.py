"""Unusual pictures: scores, thresholds, and the rate of false alarms that these keep."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy.stats import beta
from sklearn.datasets import load_digits
from tests_support import small_autoencoder, small_model

import foveal
from foveal.anomaly.detection import anomalies
from foveal.anomaly.reconstruction import error_map
from foveal.anomaly.threshold import LeftOut
from foveal.errors import DataError, UsageError
from foveal.evaluation.conformal import threshold_of, true_rate
from foveal.model.fitted import FittedModel
from foveal.pictures.store import content_hashes
from foveal.tables import write_table

DIGITS = np.rint(load_digits().images * 255 / 16).astype(np.uint8)


@pytest.fixture(scope="module")
def model() -> FittedModel:
    learner = foveal.Autoencoder(code_size=4, epochs=1, threads=1, random_state=0)
    return learner.fit(DIGITS).model_


# The threshold -------------------------------------------------------------------------------


@given(st.integers(1, 2000), st.floats(0.001, 0.999))
def test_the_interval_of_the_rate_is_that_of_the_beta_distribution(
    usual: int, false_alarms: float
) -> None:
    rank = int(np.ceil((1 - false_alarms) * (usual + 1) - 1e-9))
    if rank > usual:
        with pytest.raises(DataError, match="that did not teach, for a rate of false alarms"):
            threshold_of(np.arange(usual), false_alarms)
        return
    oracle = beta(usual + 1 - rank, rank)
    found = true_rate(usual, false_alarms)
    assert found.value == pytest.approx(oracle.mean())
    np.testing.assert_allclose([found.low, found.high], oracle.ppf([0.025, 0.975]), rtol=1e-9)
    assert found.low < found.value < found.high and found.value <= false_alarms + 1e-9


def test_the_true_rate_lies_in_its_interval_as_often_as_promised() -> None:
    generator = np.random.default_rng(0)
    found = true_rate(60, 0.1)
    rates = np.array([1 - threshold_of(generator.random(60), 0.1) for _ in range(4000)])
    assert rates.mean() == pytest.approx(found.value, abs=0.003)
    inside = ((rates >= found.low) & (rates <= found.high)).mean()
    assert inside == pytest.approx(0.95, abs=0.012)


@given(st.lists(st.integers(0, 6), min_size=3, max_size=40), st.floats(0.05, 0.9))
def test_exchangeable_scores_exceed_the_threshold_at_most_as_often_as_asked(
    scores: list[int], false_alarms: float
) -> None:
    values = np.array(scores, dtype=float)  # many of them equal
    if np.ceil((1 - false_alarms) * len(values) - 1e-9) > len(values) - 1:
        return
    above = [
        value > threshold_of(np.delete(values, row), false_alarms)
        for row, value in enumerate(values)
    ]
    assert np.mean(above) <= false_alarms + 1e-9


# Maps of the error ---------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(2, 3, 4, 1), (3, 5, 2, 3), (1, 1, 1, 4)])
def test_error_maps_are_the_mean_over_channels(shape: tuple[int, ...]) -> None:
    generator = np.random.default_rng(0)
    wanted, made = generator.random(shape), generator.random(shape)
    oracle = np.zeros(shape[:3])
    for n, y, x, c in np.ndindex(*shape):
        oracle[n, y, x] += (wanted[n, y, x, c] - made[n, y, x, c]) ** 2 / shape[3]
    np.testing.assert_allclose(error_map(wanted, made), oracle, rtol=1e-5, atol=1e-7)


# Scores --------------------------------------------------------------------------------------


def test_every_picture_has_error_distance_and_verdict(model: FittedModel) -> None:
    pictures = DIGITS[:300]
    told: list[tuple[int, int]] = []
    found = anomalies(model, pictures, progress=lambda *done: told.append(done))
    codes = model.encode(pictures)
    made = model.decode(codes)[..., 0]
    errors = [np.mean((one / 255 - other) ** 2) for one, other in zip(pictures, made, strict=True)]
    np.testing.assert_allclose(found.measures["error"], errors, rtol=1e-4)
    np.testing.assert_allclose(
        found.measures["distance"], model.normality.distance(codes), rtol=1e-4
    )
    bound = np.sort(model.normality.errors)[
        int(np.ceil(0.95 * (len(model.normality.errors) + 1))) - 1
    ]
    assert found.threshold.value == bound and found.threshold.held_out
    assert found.above.tolist() == (found.measures["error"] > bound).tolist()
    assert 0 < found.above.sum() < 60
    assert (np.diff(found.scores[found.order]) <= 0).all() and len(found.order) == 300
    assert told[-1] == (300, 300) and 1 < len(told) == len(set(told))
    assert repr(found) == f"Anomalies({found.above.sum()} of 300 pictures unusual)"


def test_by_distance_scores_are_distances(model: FittedModel) -> None:
    found = anomalies(model, DIGITS[:50], by="distance", false_alarms=0.2)
    assert found.scores is found.measures["distance"] and found.threshold.by == "distance"
    known = model.normality.distances
    assert found.threshold.value == np.sort(known)[int(np.ceil(0.8 * (len(known) + 1))) - 1]
    assert found.threshold.rate == true_rate(len(known), 0.2)


def test_held_out_pictures_exceed_the_threshold_as_often_as_asked(model: FittedModel) -> None:
    chosen = np.isin(content_hashes(DIGITS[..., None]), model.chosen_on)
    over = chosen.sum() - int(np.ceil(0.95 * (chosen.sum() + 1)))
    for by in ("error", "distance"):
        above = anomalies(model, DIGITS[chosen], by=by).above.sum()
        assert over <= above <= over + 1  # the one that sets it, where rounding lifts its score


def test_only_scores_beyond_the_threshold_are_above() -> None:
    found = anomalies(small_autoencoder(4), DIGITS[:4], false_alarms=0.2)
    middle = float(np.sort(found.measures["error"])[1])
    at = replace(found, threshold=replace(found.threshold, value=middle))
    assert at.above.tolist() == (found.measures["error"] > middle).tolist() and at.above.sum() == 2


def test_pictures_of_another_kind_are_unusual(model: FittedModel) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 8, 8), dtype=np.uint8)
    assert anomalies(model, noise).above.mean() > 0.9
    assert anomalies(model, 255 - DIGITS[:200]).above.mean() > 0.9


def test_unreadable_files_have_a_row_with_the_reason(model: FittedModel, tmp_path: Path) -> None:
    names = ["a.png", 'b\u00e9 \u732b,".png', "c.png"]
    for name, picture in zip(names, DIGITS, strict=False):
        Image.fromarray(picture).save(tmp_path / name)
    (tmp_path / "b.png").write_bytes(b"no picture")
    found = anomalies(model, tmp_path)
    rows = {row[0]: row for row in found.rows()}
    assert set(rows) == {*names, "b.png"}
    broken = rows["b.png"]
    assert broken[1:3] == [None, None] and "not a picture" in broken[3] and broken[4:] == [None] * 2
    alone = anomalies(model, DIGITS[:3])
    for row, name in enumerate(names):
        _, score, above, reason, mse, distance = rows[name]
        assert score == mse == pytest.approx(alone.measures["error"][row], rel=1e-4)
        assert distance == pytest.approx(alone.measures["distance"][row], rel=1e-4)
        assert above is bool(alone.above[row]) and reason is None
    place = list(found.names).index("b.png")
    assert (
        np.isnan([found.measures["error"][place], found.measures["distance"][place]]).all()
        and not found.above[place]
    )
    assert place not in found.order and len(found.order) == 3


def test_the_table_is_written_with_its_types(model: FittedModel, tmp_path: Path) -> None:
    Image.fromarray(DIGITS[0]).save(tmp_path / "b.png")
    (tmp_path / "a.png").write_bytes(b"no picture")
    found = anomalies(model, tmp_path)
    write_table(tmp_path / "t.parquet", found.columns, [found.rows()])
    table = pq.read_table(tmp_path / "t.parquet")
    kinds = {field.name: str(field.type) for field in table.schema}
    assert kinds == {
        "path": "string",
        "score": "double",
        "above": "bool",
        "error": "string",
        "mse": "double",
        "distance": "double",
    }
    assert [list(row.values()) for row in table.to_pylist()] == list(found.rows())


def test_a_picture_of_no_numbers_is_not_taken_for_a_usual_one() -> None:
    model = small_autoencoder(4)
    pictures = np.random.default_rng(0).random((3, 8, 8))
    pictures[1, 2, 3] = np.nan
    found = anomalies(model, pictures, false_alarms=0.2)
    assert list(found.reasons) == ["", "NaN or infinity among its values", ""]
    assert np.isnan(found.measures["error"][1]) and np.isnan(found.measures["distance"][1])
    assert len(list(found.rows())) == 3


@pytest.mark.parametrize("shape", [(3, 9, 5), (1, 1, 1)])
def test_colour_odd_sizes_and_single_pixels(shape: tuple[int, int, int], tmp_path: Path) -> None:
    channels, height, width = shape
    model = small_autoencoder(1, shape)
    Image.new("RGB", (7, 11), (200, 20, 2)).save(tmp_path / "one.png")
    found = anomalies(model, tmp_path, false_alarms=0.2)
    assert len(found.measures["error"]) == 1 and np.isfinite(found.measures["error"]).all()
    array = np.full((1, height, width, channels), 7, np.uint8)
    assert np.isfinite(anomalies(model, array, false_alarms=0.2).measures["distance"]).all()


# Usual pictures ------------------------------------------------------------------------------


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
    without = replace(model, normality=replace(model.normality, errors=np.empty(0)))
    with pytest.raises(DataError, match="got 0.*`usual`"):
        anomalies(without, DIGITS[:5])


# Refusals ------------------------------------------------------------------------------------


def test_only_whole_autoencoders_find_anomalies() -> None:
    with pytest.raises(UsageError, match="the model: needed an autoencoder, got a classifier"):
        anomalies(small_model(), DIGITS[:2], by="error")
    whole = small_autoencoder(4)
    for half, missing in (("encoder", "decoder"), ("decoder", "encoder")):
        with pytest.raises(UsageError, match=f"the {missing}: .* got the {half} alone"):
            anomalies(replace(whole, half=half), DIGITS[:2])
    with pytest.raises(UsageError, match="knows the spread of its codes"):
        anomalies(replace(whole, normality=None), DIGITS[:2])


@pytest.mark.parametrize("rate", [0, 1, -0.1, float("nan")])
def test_rates_that_are_none_are_refused(rate: float) -> None:
    with pytest.raises(UsageError, match="a rate above 0 and below 1"):
        anomalies(small_autoencoder(4), DIGITS[:2], false_alarms=rate)


def test_other_words_are_refused() -> None:
    with pytest.raises(UsageError, match="usual: needed usual pictures, to compare with, got none"):
        anomalies(small_autoencoder(4), DIGITS[:2], by="neighbours")
    with pytest.raises(
        UsageError, match="neighbours: needed unusual .* by neighbours, got by error"
    ):
        anomalies(small_autoencoder(4), DIGITS[:2], neighbours=2)
    with pytest.raises(UsageError, match="usual: needed usual pictures"):
        anomalies(small_model(), DIGITS[:2])
    with pytest.raises(UsageError, match="one of error, distance, neighbours, got 'score'"):
        anomalies(small_autoencoder(4), DIGITS[:2], by="score")  # type: ignore[arg-type]


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
