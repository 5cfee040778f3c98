"""Features that actors compute are those that are computed here; Ray itself is left out."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from foveal.cluster import Cluster
from foveal.inference import extracting_on_ray
from foveal.inference.features import open_features
from foveal.pictures.sources import gather
from support.passes import extraction, values


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Do each item by an actor of its own, as if in another process; notes how many pictures."""
    counts: list[int] = []

    def handed_out(cluster: Cluster, task: Any, items: Iterator[Any], **_: Any) -> Any:
        for item in items:
            counts.append(len(item.pictures))
            there, sent = pickle.loads(pickle.dumps((task, item)))
            yield pickle.loads(pickle.dumps(there.open(1)(sent)))

    monkeypatch.setattr(extracting_on_ray, "handed_out", handed_out)
    monkeypatch.setattr(extracting_on_ray, "PIECE", 4)
    return counts


@pytest.mark.parametrize("views", [1, 2])
def test_features_are_the_same(
    folder: Path, given: list[int], views: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, int]] = []
    made = replace(extraction(views=views), cluster=Cluster())
    found = open_features(gather(folder), made, progress=lambda *one: told.append(one))
    assert given == [4, 4, 1] and told[-1] == (9, 9)
    assert found.computed == 8 * views
    again = open_features(gather(folder), made)
    assert again.warm and given == [4, 4, 1]
    monkeypatch.setenv("FOVEAL_CACHE", str(tmp_path / "another"))
    here = open_features(gather(folder), extraction(views=views))
    assert here.computed == 8 * views
    for one, other in zip(found.views, here.views, strict=True):
        rows = np.arange(9)
        np.testing.assert_allclose(one[rows], other[rows], atol=1e-5)
    np.testing.assert_array_equal(found.hashes, here.hashes)
    assert list(found.reasons) == list(here.reasons)


def test_what_is_missing_alone_is_given_out(folder: Path, given: list[int]) -> None:
    open_features(gather([folder / f"{row}.png" for row in range(6)]), extraction())
    found = open_features(gather(folder), replace(extraction(), cluster=Cluster()))
    assert given == [3] and found.computed == 2
    assert np.isfinite(values(found)).all()
