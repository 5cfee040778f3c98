"""Files that several tests look at: each is written once."""

from __future__ import annotations

from pathlib import Path

import pytest

from foveal.exporting.export import Export, export
from foveal.model.fitted import FittedModel
from support.models import small_model

SUFFIXES = (".onnx", ".xml", ".pt2")


@pytest.fixture(scope="session")
def model() -> FittedModel:
    return small_model("conv 4 3x3 same relu | maxpool 4 | flatten | dense", channels=3)


@pytest.fixture(scope="session")
def exports(tmp_path_factory: pytest.TempPathFactory, model: FittedModel) -> dict[str, Export]:
    folder = tmp_path_factory.mktemp("exports")
    return {one: export(model, folder / f"m{one}", card=one == ".pt2") for one in SUFFIXES}


@pytest.fixture(scope="session")
def raw(tmp_path_factory: pytest.TempPathFactory, model: FittedModel) -> Export:
    return export(model, tmp_path_factory.mktemp("raw") / "m.onnx", raw=True)


@pytest.fixture
def place(exports: dict[str, Export]) -> Path:
    return exports[".onnx"].written[0].parent
