"""Indexes made and opened: exactly or by a graph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import foveal
from foveal.errors import DataError, UsageError
from foveal.model.fitted import FittedModel
from foveal.pictures import decode
from foveal.search import build as index
from foveal.search import graph
from foveal.search.build import build, open_index
from support.digits import DIGITS, as_bytes
from support.models import small_model

CLASSIFIER = small_model("conv 4 3x3 same | flatten | dense 6 | dense")


def test_few_pictures_and_none(model: FittedModel, digits: Path, tmp_path: Path) -> None:
    one = build(model, [digits / "0.png"], place=tmp_path / "one.index", approximate=True)
    assert one.query(digits / "1.png", 10)[0].names == (str(digits / "0.png"),)
    assert one.query([digits / "wreck.png"])[0].rows == ()
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="a folder without files"):
        build(model, tmp_path / "empty")
    with pytest.raises(DataError, match="1 of 1 picture left out: .*wreck.png"):
        build(model, [digits / "wreck.png"], place=tmp_path / "none.index")
    assert not (tmp_path / "none.index").exists()


@pytest.mark.usefixtures("decoded_here")
def test_a_second_build_decodes_nothing(
    model: FittedModel, digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, int]] = []
    first = build(model, digits, progress=lambda *done: told.append(done))
    assert told[-1] == (31, 31)  # the twin goes through once
    monkeypatch.setattr(decode, "decode", lambda *_: pytest.fail("decoded again"))
    second = build(model, digits, place=tmp_path / "d.index")
    np.testing.assert_array_equal(first.held.vectors, second.held.vectors)
    assert second.query(digits / "5.png", 1)[0].names == ("5.png",)


def test_beyond_many_vectors_search_is_approximate(
    model: FittedModel, digits: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert build(model, digits).held.graph is None
    monkeypatch.setattr(index, "EXACT_UP_TO", 30)
    made = build(model, digits)
    assert made.held.graph is not None and "approximate" in made.notes[0]
    assert made.query(digits / "9.png", 1)[0].names == ("9.png",)
    assert build(model, digits, approximate=False).held.graph is None
    monkeypatch.setattr(graph, "available", lambda: False)
    made = build(model, digits)
    assert made.held.graph is None and "pip install 'foveal[search]'" in made.notes[0]
    opened = open_index(kept, model)
    assert opened.held.graph is None and "searched exactly" in opened.notes[0]
    for asked in (lambda: build(model, digits, approximate=True),
                  lambda: open_index(kept, model, approximate=True)):  # fmt: skip
        with pytest.raises(UsageError, match=r"Install it: pip install 'foveal\[search\]'"):
            asked()


def test_an_index_without_a_graph_cannot_be_searched_by_one(
    model: FittedModel, digits: Path, tmp_path: Path
) -> None:
    build(model, digits, place=tmp_path / "plain.index")
    assert open_index(tmp_path / "plain.index", model).held.graph is None
    with pytest.raises(UsageError, match="an index with a graph, got one without"):
        open_index(tmp_path / "plain.index", model, approximate=True)


def test_an_index_of_another_model_is_refused_unless_forced(
    model: FittedModel, kept: Path, digits: Path
) -> None:
    other = foveal.Autoencoder(code_size=4, epochs=1, threads=1, random_state=1)
    other = other.fit(as_bytes(DIGITS[:100])).model_
    with pytest.raises(DataError, match="one of this model .* got one of another"):
        open_index(kept, other)
    assert len(open_index(kept, other, force=True).query(digits / "0.png", 2)[0].rows) == 2
    with pytest.raises(DataError, match="vectors of 6 numbers, .* got vectors of 4"):
        open_index(kept, CLASSIFIER, force=True)
