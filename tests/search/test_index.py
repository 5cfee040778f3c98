"""An index of pictures: its vectors, what is found, how it is kept, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.spatial.distance import cdist

from foveal.errors import DataError, UsageError
from foveal.model.fitted import FittedModel
from foveal.search import graph
from foveal.search.build import build, open_index
from support.digits import DIGITS, as_bytes
from support.models import small_model

CLASSIFIER = small_model("conv 4 3x3 same | flatten | dense 6 | dense")


# What is in it, and what is found ----------------------------------------------------------


def test_a_picture_of_the_index_finds_itself_and_its_twin(
    model: FittedModel, digits: Path, kept: Path
) -> None:
    for made in (build(model, digits), open_index(kept, model)):
        found = made.query(digits / "3.png", 3)[0]
        assert set(found.names[:2]) == {"3.png", "again.png"}
        assert found.distances[:2] == (0.0, 0.0) and found.distances[2] > 0
        assert list(found.rows[:2]) == sorted(found.rows[:2])


def test_pictures_of_any_size_and_kind_can_be_searched_for(
    model: FittedModel, digits: Path, tmp_path: Path
) -> None:
    picture = Image.open(digits / "7.png")
    picture.resize((90, 90), Image.Resampling.NEAREST).convert("RGB").save(tmp_path / "large.png")
    made = build(model, digits)
    found = made.query([tmp_path / "large.png", digits / "7.png"], 1)
    assert [one.names for one in found] == [("7.png",), ("7.png",)]
    assert found[0].query == str(tmp_path / "large.png") and found[0].distances[0] > 0


def test_what_cannot_be_read_is_named_and_stops_nothing(
    model: FittedModel, digits: Path, kept: Path
) -> None:
    for made in (build(model, digits), open_index(kept, model)):
        assert [(one.path, bool(one.reason)) for one in made.unreadable] == [("wreck.png", True)]
        assert len(made) == 31 and "wreck.png" not in made.held.names.to_pylist()
        queries = [digits / "wreck.png", digits / "2.png", digits / "gone.png"]
        found = made.query(queries, 1)
        assert [bool(one.reason) for one in found] == [True, False, True]
        assert [one.names for one in found] == [(), ("2.png",), ()]


def test_more_than_there_are_gives_all(model: FittedModel, digits: Path, kept: Path) -> None:
    for made in (build(model, digits), open_index(kept, model)):
        found = made.query(digits / "0.png", 1_000)[0]
        assert sorted(found.rows) == list(range(31))
        assert list(found.distances) == sorted(found.distances)
        with pytest.raises(UsageError, match="at least 1 picture to find, got 0"):
            made.query(digits / "0.png", 0)


def test_vectors_that_someone_gives_are_checked(model: FittedModel) -> None:
    made = build(model, as_bytes(DIGITS[:20]))
    rows, distances = made.nearest([[0, 0, 0, 0]], 2)
    assert len(rows[0]) == len(distances[0]) == 2
    assert made.nearest(np.empty((0, 4)), 2) == ([], [])
    with pytest.raises(DataError, match=r"shape \(q, 4\), got float64 of shape \(1, 3\)"):
        made.nearest([[0.0, 0, 0]])
    with pytest.raises(DataError, match=r"shape \(q, 4\), got float64 of shape \(4,\)"):
        made.nearest(np.zeros(4))
    with pytest.raises(DataError, match="<U1 of shape"):
        made.nearest([["a", "b", "c", "d"]])
    for bad in (np.nan, np.inf, 1e39):
        with pytest.raises(DataError, match="infinity or beyond in row 1"):
            made.nearest([[0.0, 0, 0, 0], [0, bad, 0, 0]])


# Approximate search ------------------------------------------------------------------------


def test_the_graph_finds_what_all_vectors_say(model: FittedModel, tmp_path: Path) -> None:
    pictures = as_bytes(DIGITS)
    place = tmp_path / "d.index"
    linked: list[tuple[int, int]] = []
    near = build(
        model, pictures, place=place, approximate=True, linking=lambda *at: linked.append(at)
    )
    exact = open_index(place, model, approximate=False)
    assert near.held.graph is not None and exact.held.graph is None
    assert linked == [(1797, 1797)]
    assert repr(near) == "SearchIndex(1,797 pictures, euclidean, approximate)"
    queries = model.encode(pictures[:200]) + np.float32(0.01)
    rows, distances = near.nearest(queries, 10)
    right, truth = exact.nearest(queries, 10)
    recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(rows, right, strict=True)])
    assert recall > 0.97
    for one, row, far, best in zip(queries, rows, distances, truth, strict=True):
        np.testing.assert_allclose(far, cdist(one[None], exact.held.vectors[row])[0], rtol=1e-6)
        assert list(far) == sorted(far) and (far >= best - 1e-12).all()


def test_where_the_graph_leads_nowhere_all_are_looked_at(
    model: FittedModel, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, exact = open_index(kept, model), open_index(kept, model, approximate=False)
    lost = (np.array([0]), np.array([9.0]))
    monkeypatch.setattr(graph.Graph, "nearest", lambda *_, **__: [lost, lost])
    rows, distances = made.nearest(np.eye(4)[:2], 6)
    right, truth = exact.nearest(np.eye(4)[:2], 6)
    np.testing.assert_array_equal(rows, right)
    np.testing.assert_array_equal(distances, truth)
