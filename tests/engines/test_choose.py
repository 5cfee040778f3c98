"""Which engines there are, and which one is taken."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from foveal.engines import choose, openvino
from foveal.engines.engine import Frozen
from foveal.errors import ResourceError, UsageError


def frozen() -> Frozen:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten())
    return Frozen(network=network, picture=(8, 8, 1), dtype="uint8", scale=(1 / 255,), shift=(0.0,))


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide OpenVINO and the ONNX exporter."""
    found = importlib.util.find_spec

    def find(name: str, package: str | None = None) -> object:
        return None if name in ("openvino", "onnxscript") else found(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find)


def test_all_are_available_here() -> None:
    assert choose.available() == ["openvino", "onnxruntime", "torch"]


@pytest.mark.usefixtures("without")
def test_what_is_missing_is_no_error_until_asked_for() -> None:
    assert choose.available() == ["torch"]
    assert choose.default("resnet18", choose.available()) == "torch"
    assert choose.make("torch", frozen(), threads=1).name == "torch"
    with pytest.raises(UsageError, match=r"needed openvino for openvino.*pip install openvino;"):
        choose.make("openvino", frozen(), threads=1, fallback=True)
    with pytest.raises(UsageError, match=r"needed onnxscript for onnxruntime.*foveal\[onnx\]"):
        choose.make("onnxruntime", frozen(), threads=1)


def test_unknown_engine() -> None:
    with pytest.raises(UsageError, match="one of 'openvino', 'onnxruntime', 'torch'"):
        choose.make("tensorrt", frozen(), threads=1)


def test_torch_steps_in_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> dict[str, bytes]:
        raise RuntimeError("no such operation\nand a long story")

    monkeypatch.setattr(openvino, "convert", fails)
    it = frozen()
    engine = choose.make("openvino", it, threads=1, fallback=True)
    assert engine.name == "torch"
    assert engine.note == (
        "openvino could not run this network (RuntimeError: no such operation); torch does"
    )
    assert len(next(iter(engine.run([it.example(2)])))) == 2
    with pytest.raises(UsageError, match="engine: needed a network that openvino can run"):
        choose.make("openvino", it, threads=1)


def test_another_answer_than_torchs_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    convert = openvino.convert

    def wrong(scaled: nn.Module, it: Frozen) -> dict[str, bytes]:
        with torch.no_grad():
            next(scaled.parameters()).add_(0.5)
        parts = convert(scaled, it)  # type: ignore[arg-type]
        with torch.no_grad():
            next(scaled.parameters()).sub_(0.5)
        return parts

    monkeypatch.setattr(openvino, "convert", wrong)
    assert "differ" in choose.make("openvino", frozen(), threads=1, fallback=True).note


def test_a_network_that_depends_on_its_input_falls_back() -> None:
    class Moody(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images.flatten(1) if float(images.sum()) > 0 else -images.flatten(1)

    it = Frozen(network=Moody(), picture=(8, 8, 1), dtype="uint8", scale=(1.0,), shift=(0.0,))
    engine = choose.make("openvino", it, threads=1, fallback=True)
    assert engine.name == "torch" and engine.note
    np.testing.assert_array_equal(
        next(iter(engine.run([it.example(1)]))), it.example(1).reshape(1, -1).astype(np.float32)
    )


def test_default_follows_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    table = (("conv", ("onnxruntime", "torch", "openvino")), ("", ("openvino", "torch")))
    monkeypatch.setattr(choose, "TABLE", table)
    assert choose.default("convnext_atto", ["torch", "openvino"]) == "torch"
    assert choose.default("resnet18", ["torch", "openvino"]) == "openvino"
    assert choose.default("resnet18", ["torch", "onnxruntime"]) == "torch"
    assert choose.default("resnet18", []) == "torch"


def test_the_shipped_table_names_engines_and_ends_with_all() -> None:
    assert choose.TABLE[-1][0] == ""
    for _, order in choose.TABLE:
        assert set(order) <= set(choose.NEEDS)
        assert "torch" in order


def test_measured_choices_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "engines.json"
    assert choose.kept_choice(path, "lite0") is None
    choose.keep(path, "lite0", {"torch": 2.0, "openvino": 1.0})
    choose.keep(path, "resnet18", {"torch": 1.0, "onnxruntime": 3.0, "openvino": 2.0})
    assert choose.kept_choice(path, "lite0") == "torch"
    assert choose.kept_choice(path, "resnet18") == "onnxruntime"
    assert choose.kept_choice(path, "vgg") is None
    for damage in (b"", b"{", b"[]", b'{"lite0": 3}', b'{"lite0": {"torch": "x"}}', b"\xff"):
        path.write_bytes(damage)
        assert choose.kept_choice(path, "lite0") is None
    choose.keep(path, "lite0", {"torch": 2.0})
    assert choose.kept_choice(path, "lite0") == "torch"
    choose.keep(tmp_path / "absent" / "engines.json", "lite0", {"torch": 2.0})
    assert choose.kept_choice(tmp_path / "absent" / "engines.json", "lite0") == "torch"
    with pytest.raises(ResourceError, match="folder that can be written to"):
        choose.keep(path / "engines.json", "lite0", {"torch": 2.0})


@pytest.mark.usefixtures("without")
def test_an_engine_that_went_away_is_not_chosen(tmp_path: Path) -> None:
    choose.keep(tmp_path / "e.json", "lite0", {"torch": 1.0, "openvino": 9.0})
    assert choose.kept_choice(tmp_path / "e.json", "lite0") == "torch"


def test_measures_every_engine() -> None:
    rates = choose.measure(frozen(), threads=1, seconds=0.05)
    assert set(rates) == {"openvino", "onnxruntime", "torch"}
    assert min(rates.values()) > 0
