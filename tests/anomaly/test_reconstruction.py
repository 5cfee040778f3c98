"""Unusual pictures: scores, thresholds, and the rate of false alarms that these keep."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from sklearn.datasets import load_digits

import foveal
from foveal.anomaly.detection import anomalies
from foveal.anomaly.reconstruction import error_map
from foveal.evaluation.conformal import true_rate
from foveal.model.fitted import FittedModel
from foveal.pictures.store import content_hashes
from foveal.tables import write_table
from support.models import small_autoencoder

DIGITS = np.rint(load_digits().images * 255 / 16).astype(np.uint8)


@pytest.fixture(scope="module")
def model() -> FittedModel:
    learner = foveal.Autoencoder(code_size=4, epochs=1, threads=1, random_state=0)
    return learner.fit(DIGITS).model_


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
    np.testing.assert_allclose(found.measures["distance"], model.normal.distance(codes), rtol=1e-4)
    bound = np.sort(model.normal.errors)[int(np.ceil(0.95 * (len(model.normal.errors) + 1))) - 1]
    assert found.threshold.value == bound and found.threshold.held_out
    assert found.above.tolist() == (found.measures["error"] > bound).tolist()
    assert 0 < found.above.sum() < 60
    assert (np.diff(found.scores[found.order]) <= 0).all() and len(found.order) == 300
    assert told[-1] == (300, 300) and 1 < len(told) == len(set(told))
    assert repr(found) == f"Anomalies({found.above.sum()} of 300 pictures unusual)"


def test_by_distance_scores_are_distances(model: FittedModel) -> None:
    found = anomalies(model, DIGITS[:50], by="distance", false_alarms=0.2)
    assert found.scores is found.measures["distance"] and found.threshold.by == "distance"
    known = model.normal.distances
    assert found.threshold.value == np.sort(known)[int(np.ceil(0.8 * (len(known) + 1))) - 1]
    assert found.threshold.rate == true_rate(len(known), 0.2)


def test_held_out_pictures_exceed_the_threshold_as_often_as_asked(model: FittedModel) -> None:
    chosen = np.isin(content_hashes(DIGITS[..., None]), model.chosen_on)
    over = chosen.sum() - int(np.ceil(0.95 * (chosen.sum() + 1)))
    for by in ("error", "distance"):
        above = anomalies(model, DIGITS[chosen], by=by).above.sum()
        assert over <= above <= over + 1  # the one that sets it, where rounding lifts its score


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
    pictures = np.random.default_rng(0).random((3, 8, 8)) * 255
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
