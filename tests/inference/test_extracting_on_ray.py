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
from support.passes import RECIPE, extraction, values


class Given(list[int]):
    """How many pictures each item had, and what else actors were given."""

    threads: int | None = None
    size = 0
    """Bytes of the largest item."""


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Given:
    """Do each item by an actor of its own, as if in another process."""
    counts = Given()

    def handed_out(
        cluster: Cluster, task: Any, items: Iterator[Any], threads: int | None, **_: Any
    ) -> Any:
        counts.threads = threads
        for item in items:
            counts.append(len(item.pictures))
            counts.size = max(counts.size, len(pickle.dumps(item)))
            there, sent = pickle.loads(pickle.dumps((task, item)))
            yield pickle.loads(pickle.dumps(there.open(1)(sent)))

    monkeypatch.setattr(extracting_on_ray, "handed_out", handed_out)
    monkeypatch.setattr(extracting_on_ray, "PIECE", 4)
    return counts


@pytest.mark.parametrize("views", [1, 2])
def test_features_are_the_same(
    folder: Path, given: Given, views: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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


def test_what_is_missing_alone_is_given_out(folder: Path, given: Given) -> None:
    open_features(gather([folder / f"{row}.png" for row in range(6)]), extraction())
    found = open_features(gather(folder), replace(extraction(), cluster=Cluster()))
    assert given == [3] and found.computed == 2
    assert np.isfinite(values(found)).all()


def test_actors_have_the_threads_that_were_asked_for(folder: Path, given: Given) -> None:
    made = replace(extraction(), cluster=Cluster())
    open_features(gather(folder), made)
    assert given.threads is None  # the cores of the cluster decide
    asked = replace(made.session.device, asked=3)
    made = replace(extraction(views=2), cluster=Cluster())
    object.__setattr__(made.session, "device", asked)
    open_features(gather(folder), made)
    assert given.threads == 3


def test_of_an_array_the_rows_of_a_piece_alone_are_sent_and_mean_what_all_do(
    given: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many grey pictures as a network has channels are no picture with its planes first."""
    grey = np.random.default_rng(0).integers(0, 2, (203, 24, 32)).astype(np.float32)
    grey[202] *= 255  # without it the others would be of 0 to 1
    monkeypatch.setattr(extracting_on_ray, "PIECE", 40)
    plain = extraction(recipe=replace(RECIPE, adapts=True))
    found = open_features(gather(grey), replace(plain, cluster=Cluster()))
    assert given == [40, 40, 40, 40, 40, 3] and given.size < 2 * grey[:40].nbytes
    monkeypatch.setenv("FOVEAL_CACHE", str(tmp_path / "another"))
    np.testing.assert_allclose(values(found), values(open_features(gather(grey), plain)), atol=1e-5)
