"""`foveal export` as a person types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.models import small_autoencoder


def test_a_file_is_written_with_its_proof_and_its_card(
    run, classifier: Path, digits: Path, tmp_path: Path
) -> None:
    target = tmp_path / "m.pt2"
    code, out, _ = run("export", classifier, target, "--pictures", digits, "--card")
    assert code == 0
    assert "takes     images uint8 nx8x8x1: black = 0, white = 255" in out
    assert "gives     predictions float32 nx3: p:a, p:b, p:c" in out
    assert "on 30 given pictures: differs by" in out and "answers the same 100.0 %" in out
    assert "note: pictures are to be resized before" in out and "--raw puts that" in out
    assert {one.name for one in tmp_path.iterdir()} == {"m.pt2", "m.pt2.parity.json", "m.pt2.md"}
    found = json.loads((tmp_path / "m.pt2.parity.json").read_text())
    assert found["difference"]["pictures"] == 30


def test_half_of_an_autoencoder_is_written(run, tmp_path: Path) -> None:
    small_autoencoder().save(tmp_path / "a.safetensors")
    line = ("export", tmp_path / "a.safetensors", tmp_path / "e.pt2", "--half", "encoder")
    code, out, _ = run(*line)
    assert code == 0 and "gives     codes float32 nx4" in out


def test_a_snippet_is_printed_and_nothing_written(run, classifier: Path, tmp_path: Path) -> None:
    code, out, _ = run("export", classifier, tmp_path / "m.onnx", "--as", "snippet")
    assert code == 0 and "onnxruntime.InferenceSession" in out
    compile(out, "snippet", "exec")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("m.tflite", (), "write .onnx or .xml"),
        ("m.onnx", ("--int8",), "--calibrate"),
        ("m.pt2", ("--as", "poem"), "--as"),
        ("m.pt2", ("--half", "encoder"), "got:    a classifier"),
    ],
)
def test_what_cannot_be_written_is_said(
    run, classifier: Path, tmp_path: Path, name: str, options: tuple[str, ...], said: str
) -> None:
    code, _, err = run("export", classifier, tmp_path / name, *options)
    assert code == 2 and said in err
    assert not list(tmp_path.iterdir())
