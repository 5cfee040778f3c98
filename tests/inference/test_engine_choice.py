"""Which engine runs a network, and that each sees the same numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from foveal.engines import choose, openvino
from foveal.errors import UsageError
from foveal.inference import session as passes
from foveal.inference.features import open_features
from foveal.pictures.scaling import of_bytes
from foveal.pictures.sources import gather
from support.passes import CUT, RECIPE, Draw, by_hand, extraction, values


def costs(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let opening an engine cost so much, whether it has to be converted or not."""
    monkeypatch.setattr(passes, "LOADING", seconds)
    monkeypatch.setattr(passes, "CONVERTING", seconds)
    monkeypatch.setattr(passes, "batch_for", lambda *_: 1)


def test_short_passes_are_torchs_and_long_ones_are_not(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = gather(folder)
    assert open_features(pictures, extraction(engine=None)).engine == "torch"
    saved = CUT.multiply_adds * 9 * (1 / passes.TORCH_PACE - 1 / passes.ENGINE_PACE)
    costs(monkeypatch, saved * 0.99)
    monkeypatch.setenv("FOVEAL_CACHE", str(tmp_path / "another"))
    assert open_features(pictures, extraction(engine=None)).engine == choose.available()[0]


def test_what_was_computed_before_is_found_by_short_passes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = gather(folder)
    with monkeypatch.context() as patch:
        costs(patch, 0.0)
        first = open_features(pictures, extraction(engine=None))
    assert first.engine == "openvino"
    again = open_features(pictures, extraction(engine=None))
    assert again.engine == "openvino" and again.warm
    one = open_features(gather(folder / "3.png"), extraction(engine=None))
    assert one.engine == "openvino" and one.warm


def test_pictures_that_are_added_to_those_of_torch_are_torchs_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = [folder / f"{row}.png" for row in range(7)]
    assert open_features(gather(some), extraction(engine=None)).engine == "torch"
    costs(monkeypatch, 0.0)
    more = open_features(gather(folder), extraction(engine=None))
    assert (more.engine, more.computed, more.found) == ("torch", 1, 7)
    asked = open_features(gather(folder), extraction(engine="openvino"))
    assert (asked.engine, asked.found) == ("openvino", 0)


def test_many_more_than_torch_had_are_not_torchs(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert open_features(gather(folder / "3.png"), extraction(engine=None)).engine == "torch"
    costs(monkeypatch, 0.0)
    assert open_features(gather(folder), extraction(engine=None)).engine == "openvino"


def test_an_engine_that_cannot_run_it_gives_way_to_torch_with_a_note(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = open_features(gather(folder), extraction())
    monkeypatch.setenv("FOVEAL_CACHE", str(tmp_path / "another"))

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("no such operation")

    monkeypatch.setattr(openvino, "engine", fails)
    costs(monkeypatch, 0.0)
    found = open_features(gather(folder), extraction(engine=None))
    assert found.engine == "torch" and found.computed
    assert found.notes == (
        "openvino could not run this network (RuntimeError: no such operation); torch does",
    )
    np.testing.assert_array_equal(values(found), values(plain))
    with pytest.raises(UsageError, match="engine: needed a network that openvino can run"):
        open_features(gather(folder), extraction(engine="openvino"))


def test_an_engine_that_was_measured_is_preferred(cache: Path) -> None:
    assert passes.preferred("own") == "openvino"
    passes.measured_engines().parent.mkdir(parents=True)
    choose.keep(passes.measured_engines(), "own", {"openvino": 1.0, "torch": 2.0})
    assert passes.preferred("own") == "torch"
    assert passes.preferred("resnet18") == "openvino"


def test_the_frozen_network_sees_bytes_and_units_alike(draw_picture: Draw) -> None:
    image = draw_picture(0, 12, 16)[None]
    answers = []
    for unit in (False, True):
        by = replace(of_bytes(RECIPE), stored="float32", white=1.0) if unit else of_bytes(RECIPE)
        frozen = passes.described(CUT, RECIPE, by)
        given = image.astype(np.float32) / 255 if unit else image
        answers += [*choose.make("torch", frozen, threads=1).run([given])]
    np.testing.assert_allclose(answers[0], answers[1], atol=1e-5)
    np.testing.assert_allclose(answers[0], by_hand(image), atol=1e-4)
