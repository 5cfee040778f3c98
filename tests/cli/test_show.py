"""`foveal show`: what a model file is."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from foveal import Autoencoder, load
from foveal.evaluation.intervals import wilson

FIXTURES = Path(__file__).parents[1] / "fixtures"


def shown(run, model: object) -> tuple[str, dict]:
    code, out, err = run("show", model)
    assert (code, err) == (0, "")
    code, said, _ = run("show", model, "--json")
    assert code == 0
    return out, json.loads(said)


@pytest.mark.parametrize("kind", ["classifier", "transfer", "autoencoder"])
def test_the_file_is_what_sha256sum_says_it_is(run, kind: str) -> None:
    path = FIXTURES / f"{kind}-format1.safetensors"
    out, facts = shown(run, path)
    content = path.read_bytes()
    wanted = hashlib.sha256(content).hexdigest()
    assert facts["file"] == {
        "path": str(path),
        "bytes": len(content),
        "sha256": wanted,
        "format": 1,
    }
    assert wanted in out
    model = load(path)
    assert facts["digest"] == model.digest()
    assert facts["network"] == model.plan.text and facts["parameters"] == model.plan.parameters
    assert str(model.plan) in out  # few layers: the table is whole


def test_a_classifier_says_its_classes_and_how_it_was_judged(run) -> None:
    path = FIXTURES / "classifier-format1.safetensors"
    out, facts = shown(run, path)
    known = load(path).provenance
    assert facts["task"] == "classification" and facts["classes"] == list(range(10))
    assert facts["class_counts"] == known.class_counts
    assert sum(known.class_counts) == facts["training_pictures"]
    accuracy = wilson(known.validation_right, known.validation_pictures)
    assert facts["accuracy"]["value"] == pytest.approx(
        known.validation_right / known.validation_pictures
    )
    assert f"{accuracy.percent()} on 359 pictures, by validation" in out
    assert (
        f"0 ({known.class_counts[0]})" in out
        and "180 steps of 32 by sgd" in out
        and "seed 0; weights" in out
    )
    assert out.splitlines()[-1] == f"next: foveal predict {path} PICTURES"


def test_a_transfer_says_whose_kernels_it_reuses(run) -> None:
    out, facts = shown(run, FIXTURES / "transfer-format1.safetensors")
    assert facts["provenance"]["backbone"]["source"] == "model"
    assert facts["provenance"]["judged_by"] == "cross-validation"
    for word in ("by cross-validation", "cut at 3", "logistic regression, C = ", "fixed"):
        assert word in out


def test_an_autoencoder_says_how_it_fares_beside_pca(run) -> None:
    out, facts = shown(run, FIXTURES / "autoencoder-format1.safetensors")
    assert (facts["task"], facts["classes"], facts["accuracy"]) == ("reconstruction", [], None)
    judged = facts["reconstruction"]
    assert f"{judged['autoencoder']['mse']:.5f} on 359 pictures" in out
    assert f"PCA of the same size {judged['pca']['mse']:.5f}" in out
    assert "4 numbers a picture" in out and "next: foveal encode" in out


def test_an_autoencoder_says_what_its_codes_keep(run, tmp_path: Path) -> None:
    draws = np.random.default_rng(0).integers(0, 256, (40, 8, 8), dtype=np.uint8)
    options = {"encoder": "flatten", "code_size": 4, "epochs": 1, "random_state": 0, "threads": 1}
    Autoencoder(**options).fit(draws).save(str(tmp_path / "m.safetensors"))
    out, facts = shown(run, tmp_path / "m.safetensors")
    judged = facts["reconstruction"]
    ours, theirs = (f"{100 * judged[name]['kept']:.1f} %" for name in ("autoencoder", "pca"))
    more = f"16 components {100 * judged['larger_kept']['kept']:.1f} %"
    assert f"variance kept  {ours}; PCA of the same size {theirs}; {more}\n" in out
    out, _ = shown(run, FIXTURES / "autoencoder-format1.safetensors")
    assert "variance kept" not in out  # a file of an earlier version does not know it


def test_imagenet_is_in_no_file(run) -> None:
    out, facts = shown(run, "imagenet")
    assert facts["file"] is None and len(facts["classes"]) == 1_000
    assert facts["provenance"]["backbone"]["name"] == "efficientnet_lite0"
    assert "tench, goldfish" in out and "988 more" in out
    assert len(out.splitlines()) < 30  # many layers: the table is condensed


def test_what_is_no_model_is_refused(run, tmp_path: Path) -> None:
    (tmp_path / "m.safetensors").write_bytes(b"no model")
    code, out, err = run("show", tmp_path / "m.safetensors")
    assert (code, out) == (4, "") and "error:" in err
