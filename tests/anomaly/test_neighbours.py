"""Unusual pictures by their neighbours: scores, thresholds, and which usual pictures count."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors

import foveal
from foveal.anomaly import neighbours as by_neighbours
from foveal.anomaly.detection import anomalies
from foveal.anomaly.threshold import LeftOut
from foveal.drawing.thumbnails import drawn
from foveal.errors import DataError, UsageError
from foveal.evaluation.conformal import true_rate
from foveal.figures.unusual import unusual_sheet
from foveal.model.fitted import FittedModel
from foveal.pictures.collection import Pictures
from foveal.pictures.sources import gather
from foveal.pictures.store import content_hashes
from foveal.search.vectors import Vectors
from support.models import small_autoencoder, small_model

DIGITS = np.rint(load_digits().images * 255 / 16).astype(np.uint8)


def unusual(model, pictures, usual, *, neighbours: int = 1, **options):
    return anomalies(
        model, pictures, by="neighbours", usual=usual, neighbours=neighbours, **options
    )


@pytest.fixture(scope="module")
def model() -> FittedModel:
    """A classifier whose features nothing was taught."""
    return small_model()


def directions(model: FittedModel, pictures: np.ndarray) -> np.ndarray:
    found = np.asarray(model.features(pictures), np.float64)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


@pytest.mark.parametrize("neighbours", [1, 4])
def test_scores_are_mean_distances_to_the_nearest(model: FittedModel, neighbours: int) -> None:
    told: list[tuple[int, int]] = []
    found = unusual(
        model,
        DIGITS[:90],
        DIGITS[90:300],
        neighbours=neighbours,
        progress=lambda *done: told.append(done),
    )
    oracle = NearestNeighbors(n_neighbors=neighbours).fit(directions(model, DIGITS[90:300]))
    far, rows = oracle.kneighbors(directions(model, DIGITS[:90]))
    np.testing.assert_allclose(found.scores, far.mean(axis=1), atol=1e-6)
    assert found.nearest is not None and found.nearest.rows.tolist() == rows[:, 0].tolist()
    among, _ = oracle.kneighbors()  # of the usual ones, each without itself
    ranked = np.sort(among.mean(axis=1))
    assert found.threshold.value == pytest.approx(ranked[int(np.ceil(0.95 * 211)) - 1], abs=1e-6)
    assert found.threshold.rate == true_rate(210, 0.05) and found.threshold.by == "neighbours"
    assert found.above.tolist() == (found.scores > found.threshold.value).tolist()
    assert (210, 210) in told and told[-1] == (90, 90)


def test_usual_pictures_lie_above_at_most_as_often_as_asked(
    model: FittedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over many draws of 40 usual pictures and 400 more; not less often either, by much.

    The vectors are made once: only which pictures are drawn differs.
    """
    whole = by_neighbours.vectors_of(model, gather(DIGITS))
    features = whole.features[np.arange(len(DIGITS))]
    rows_of = {picture.tobytes(): row for row, picture in enumerate(DIGITS)}

    def known(_: FittedModel, pictures: Pictures, progress: object) -> Vectors:
        rows = [rows_of[picture.tobytes()] for picture in pictures.content.array]
        reasons = ("",) * len(rows)
        return replace(whole, features=features[rows], reasons=reasons, hashes=whole.hashes[rows])

    monkeypatch.setattr(by_neighbours, "vectors_of", known)
    generator = np.random.default_rng(0)
    alarms = []
    for _ in range(400):
        drawn_rows = generator.permutation(len(DIGITS))
        usual, others = drawn_rows[:40], drawn_rows[40:440]
        found = unusual(model, DIGITS[others], DIGITS[usual], false_alarms=0.2)
        alarms.append(found.above.mean())
    assert 0.175 < np.mean(alarms) <= 0.205  # 8 of 41 is 0.195


def test_a_usual_picture_is_compared_with_the_others(model: FittedModel) -> None:
    found = unusual(model, DIGITS[:60], DIGITS[:60])
    assert found.nearest is not None
    assert (found.nearest.rows != np.arange(60)).all() and (found.scores > 0).all()
    bound = found.threshold
    over = 60 - int(np.ceil(0.95 * 61))
    assert found.above.sum() == over and bound.usual == 60
    one = unusual(model, DIGITS[7:8], DIGITS[:60])
    assert one.scores[0] == pytest.approx(found.scores[7], rel=1e-6)


def test_copies_count_once(model: FittedModel) -> None:
    usual = np.concatenate([DIGITS[:40], *[DIGITS[3:4]] * 30])
    once, often = (unusual(model, DIGITS[:60], one) for one in (DIGITS[:40], usual))
    np.testing.assert_array_equal(once.scores, often.scores)
    assert often.threshold == replace(once.threshold, left_out=LeftOut(repeated=30))


def test_what_taught_the_features_sets_no_threshold_but_is_compared_with() -> None:
    learner = foveal.CNNClassifier(
        "1x8x8 | flatten | dense 12 relu | dense 10", epochs=1, threads=1, random_state=0
    )
    taught_model = learner.fit(DIGITS[:400], load_digits().target[:400]).model_
    assert taught_model.taught_features
    taught = np.isin(content_hashes(DIGITS[:500, ..., None]), taught_model.trained_on)
    assert 300 < taught.sum() < 400
    found = unusual(taught_model, DIGITS[500:520], DIGITS[:500], false_alarms=0.2)
    assert found.threshold.left_out == LeftOut(taught=int(taught.sum()))
    assert found.threshold.usual == (~taught).sum()
    scores = unusual(taught_model, DIGITS[:500], DIGITS[:500], false_alarms=0.2).scores
    ranked = np.sort(scores[~taught])
    assert found.threshold.value == ranked[int(np.ceil(0.8 * (len(ranked) + 1) - 1e-9)) - 1]
    far = NearestNeighbors(n_neighbors=1).fit(directions(taught_model, DIGITS[:500]))
    oracle = far.kneighbors(directions(taught_model, DIGITS[500:520]))[0][:, 0]
    np.testing.assert_allclose(found.scores, oracle, atol=1e-6)


def test_pictures_that_taught_a_head_alone_set_the_threshold_too() -> None:
    head = foveal.TransferClassifier(small_model(), random_state=0)
    fitted = head.fit(DIGITS[:100], load_digits().target[:100]).model_
    assert len(fitted.trained_on) and not fitted.taught_features
    bound = unusual(fitted, DIGITS[100:110], DIGITS[:100]).threshold
    assert bound.usual == 100 and bound.left_out == LeftOut()


def test_unreadable_pictures_have_a_row_and_set_nothing(model: FittedModel, tmp_path: Path) -> None:
    for row in range(30):
        Image.fromarray(DIGITS[row]).save(tmp_path / f"{row:02}.png")
    (tmp_path / "31.png").write_bytes(b"no picture")
    found = unusual(model, tmp_path, tmp_path)
    reason = "not a picture, or of a format that is not read"
    assert found.threshold.left_out == LeftOut(unreadable={"31.png": reason})
    assert found.threshold.usual == 30
    rows = list(found.rows())
    assert found.columns == ("path", "score", "above", "error", "nearest")
    assert rows[30][:3] == ["31.png", None, None] and "not a picture" in rows[30][3]
    assert rows[30][4] is None and np.isnan(found.scores[30]) and 30 not in found.order
    assert all(row[4] in {f"{other:02}.png" for other in range(30)} - {row[0]} for row in rows[:30])


def test_codes_are_compared_as_they_are() -> None:
    model = small_autoencoder(4)
    found = unusual(model, DIGITS[:20], DIGITS[20:60])
    far = NearestNeighbors(n_neighbors=1).fit(model.encode(DIGITS[20:60]))
    oracle = far.kneighbors(model.encode(DIGITS[:20]))[0][:, 0]
    np.testing.assert_allclose(found.scores, oracle, rtol=1e-5)


@pytest.mark.parametrize("high", [255, 16, 1])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.uint8])
def test_pictures_that_taught_are_known_whatever_numbers_they_come_as(
    dtype: type, high: int
) -> None:
    X = np.rint(load_digits().images[:120] * (high / 16)).astype(dtype)
    learner = foveal.Autoencoder(code_size=3, epochs=1, random_state=0, threads=1).fit(X)
    found = unusual(learner.model_, X[100:], X, false_alarms=0.3).threshold
    known = np.unique(learner.model_.trained_on)
    assert found.left_out is not None and found.left_out.taught >= len(known) >= 80
    assert found == replace(
        anomalies(learner.model_, X[100:], usual=X, false_alarms=0.3).threshold,
        by="neighbours",
        value=found.value,
    )


def test_series_of_near_copies_are_told_of(model: FittedModel) -> None:
    once = DIGITS[:60]
    assert unusual(model, DIGITS[90:99], once).notes == ()
    series = np.concatenate([once, once, once])
    series[60:120, 0, 0] ^= 1
    series[120:, 7, 7] ^= 1
    (note,) = unusual(model, DIGITS[90:99], series).notes
    assert "180 of 180 usual pictures have near copies" in note
    assert unusual(model, DIGITS[90:99], series, neighbours=3).notes == ()
    few = unusual(model, DIGITS[90:99], series[:70])
    assert few.notes == (), "a few of them do not move the threshold"


def test_the_sheet_has_each_beside_its_nearest(model: FittedModel) -> None:
    found = unusual(model, DIGITS[:50], DIGITS[50:90])
    figure = unusual_sheet(model, DIGITS[:50], found, 3)
    assert found.nearest is not None
    worst = found.order[:3].tolist()
    assert [row[0] for row in figure.rows] == [found.names[row] for row in worst]
    page = np.asarray(figure.image)
    for row in worst:
        for picture in (DIGITS[row], DIGITS[50:90][found.nearest.rows[row]]):
            wanted = np.asarray(drawn(picture[..., None] / np.float32(255)))
            assert _contains(page, wanted)


def _contains(page: np.ndarray, part: np.ndarray) -> bool:
    high, wide = part.shape[:2]
    starts = np.argwhere((page[: -high + 1, : -wide + 1] == part[0, 0]).all(axis=2))
    return any((page[y : y + high, x : x + wide] == part).all() for y, x in starts)


def test_what_cannot_be_judged_is_refused(model: FittedModel) -> None:
    with pytest.raises(UsageError, match="false_alarms: needed a rate above 0"):
        unusual(model, DIGITS[:2], DIGITS[:40], false_alarms=1.5)
    with pytest.raises(UsageError, match="neighbours: needed a whole number"):
        unusual(model, DIGITS[:2], DIGITS[:40], neighbours=1.5)
    with pytest.raises(UsageError, match="false_alarms: needed a rate above 0"):
        unusual(model, DIGITS[:2], DIGITS[:40], false_alarms="0.05")
    with pytest.raises(UsageError, match="neighbours: needed a whole number"):
        unusual(model, DIGITS[:2], DIGITS[:40], neighbours=0)
    with pytest.raises(DataError, match="more than 3 that differ, .* got 3"):
        unusual(model, DIGITS[:2], DIGITS[:3], neighbours=3, false_alarms=0.5)
    with pytest.raises(DataError, match=r"with 1 other, got 1\. [^,]*$"):
        unusual(model, DIGITS[:2], DIGITS[:1])
    with pytest.raises(DataError, match="at least 19 .* got 12"):
        unusual(model, DIGITS[:2], DIGITS[:12])
    with pytest.raises(DataError, match="taught it and 0 cannot be read"):
        whole = replace(small_autoencoder(4), trained_on=content_hashes(DIGITS[:30, ..., None]))
        unusual(whole, DIGITS[:2], DIGITS[:30])
    with pytest.raises(UsageError, match="the encoder: .* got the decoder alone"):
        unusual(replace(small_autoencoder(4), half="decoder"), DIGITS[:2], DIGITS[:30])
