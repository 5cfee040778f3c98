"""Eight bits: what is written, what is said of it, and when it is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from foveal import DataError, UsageError
from foveal.evaluation.intervals import Estimate
from foveal.exporting import quantizing
from foveal.exporting.certificate import Difference, Judged, Quantized, Speed
from foveal.exporting.export import _check_worth, export
from foveal.exporting.formats import FORMATS
from foveal.model.fitted import FittedModel
from foveal.pictures.collection import Pictures

PIXELS = np.random.default_rng(5).integers(0, 256, (40, 8, 8, 3), dtype=np.uint8)


@pytest.mark.parametrize("suffix", [".onnx", ".xml"])
def test_a_file_of_eight_bits_is_held_against_one_of_single_precision(
    tmp_path: Path, model: FittedModel, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr(quantizing, "RUNS", 10)
    labels = model.predict(PIXELS)
    shown = Pictures.of_array(PIXELS).labelled(labels)
    found = export(
        model, tmp_path / f"m{suffix}", int8=True, calibrate=shown, tolerance=0.2, force=True
    ).certificate
    assert found.calibrated_on == found.difference.pictures == 20
    assert found.difference.largest > 1e-4  # eight bits are seen
    assert found.quantized is not None and found.quantized.judged == 20
    assert found.quantized.fp32 is not None and found.quantized.fp32.accuracy is not None
    assert found.quantized.fp32.accuracy.value == 1  # by the model's own answers
    assert found.quantized.fp32_ms.runs == 10
    place = tmp_path / f"m{suffix}"
    assert json.loads(FORMATS[suffix].facts(place)["int8"]) is True
    again = FORMATS[suffix].open(place, 1)(PIXELS[:3])
    assert np.abs(again - model.predict_proba(PIXELS[:3])).max() < 0.2
    assert not list(tmp_path.glob("*plain*"))


def test_the_dense_predictor_stays_in_single_precision(
    tmp_path: Path, model: FittedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantizing, "RUNS", 2)
    shown = Pictures.of_array(PIXELS).labelled(model.predict(PIXELS))
    place = tmp_path / "m.onnx"
    export(model, place, int8=True, calibrate=shown, tolerance=0.2, force=True)
    graph = onnx.load(place).graph
    makers = {name: node.op_type for node in graph.node for name in node.output}
    inputs = {
        kind: [
            makers.get(name) for node in graph.node if node.op_type == kind for name in node.input
        ]
        for kind in ("Conv", "Gemm")
    }
    assert "DequantizeLinear" in inputs["Conv"]
    assert inputs["Gemm"] and "DequantizeLinear" not in inputs["Gemm"]


def test_only_what_follows_all_kernels_predicts() -> None:
    made = [
        onnx.helper.make_node(kind, [], [], name=name)
        for kind, name in (
            ("Conv", "a"),
            ("Gemm", "b"),
            ("Conv", "c"),
            ("Relu", "d"),
            ("MatMul", "e"),
        )
    ]
    assert quantizing.predictor(made) == ["e"]
    assert quantizing.predictor([made[1], made[4]]) == []  # dense throughout


def figures(int8: float, fp32: float, ours_ms: float, theirs_ms: float) -> Quantized:
    def judged(value: float) -> Judged:
        return Judged(accuracy=Estimate(value, 0.0, 1.0), loss=0.1)

    def speed(median: float) -> Speed:
        return Speed(median=median, low=median, high=median, runs=9)

    return Quantized(
        judged=9,
        int8=judged(int8),
        fp32=judged(fp32),
        int8_ms=speed(ours_ms),
        fp32_ms=speed(theirs_ms),
        int8_bytes=1,
        fp32_bytes=4,
        threads=1,
    )


@pytest.mark.parametrize(
    ("found", "refused"),
    [
        (figures(0.90, 0.95, 3.0, 2.0), True),
        (figures(0.90, 0.95, 1.0, 2.0), False),
        (figures(0.95, 0.95, 3.0, 2.0), False),
        (figures(0.96, 0.95, 3.0, 2.0), False),
    ],
)
def test_eight_bits_are_refused_where_they_are_slower_and_worse(
    exports: dict[str, object], found: Quantized, refused: bool
) -> None:
    certificate = exports[".pt2"].certificate.model_copy(update={"quantized": found})
    _check_worth(certificate, force=True)
    if not refused:
        _check_worth(certificate, force=False)
        return
    with pytest.raises(UsageError, match=r"3\.00 ms a picture.*90\.0 %.*2\.00 ms.*by `force`"):
        _check_worth(certificate, force=False)


def test_without_labels_answers_that_differ_are_worse() -> None:
    found = figures(0.9, 0.9, 1.0, 1.0).model_copy(update={"int8": None, "fp32": None})

    def difference(agreed: float) -> Difference:
        agreement = Estimate(agreed, 0.0, 1.0)
        return Difference(
            pictures=9, sha256="", largest=0.1, mean=0.1, scale=1.0, agreement=agreement
        )

    assert quantizing.worse(found, difference(0.9)) and not quantizing.worse(found, difference(1.0))


def test_pictures_that_find_ranges_do_not_judge() -> None:
    shown = Pictures.of_array(PIXELS)
    ranges, judged = quantizing.apart(shown, None)
    assert not set(ranges.names) & set(judged.names) and len(ranges) == len(judged) == 20
    others = Pictures.of_array(PIXELS[:10])
    ranges, judged = quantizing.apart(shown, others)
    assert len(ranges) == 40 and judged is others
    with pytest.raises(DataError, match="at least 8 pictures to find ranges on.*got 5 and 5"):
        quantizing.apart(shown.take(range(10)), None)


def test_eight_bits_with_resizing_are_refused(tmp_path: Path, model: FittedModel) -> None:
    with pytest.raises(UsageError, match="whose resizing would be in eight bits too"):
        export(model, tmp_path / "m.onnx", int8=True, calibrate=PIXELS, raw=True)
