"""Verdicts on pictures: which of them count, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from foveal import CNNClassifier, DataError, TransferClassifier
from foveal.judging.evaluation import evaluate
from foveal.pictures import decode
from support.models import small_model

NET = "conv 4 3x3 same | maxpool 2 | batchnorm | relu | flatten | dense"


def learner(**changes) -> CNNClassifier:
    options = {"net": NET, "epochs": 6, "random_state": 0, "threads": 1} | changes
    return CNNClassifier(**options)


def test_evaluate_leaves_training_pictures_out_and_says_so(class_folders: Path) -> None:
    model = learner(test_share=0.2).fit(class_folders).model_
    found = evaluate(model, class_folders)
    assert found.metrics.pictures == 12
    assert any("the model was trained on them" in note for note in found.notes)
    assert [baseline.name for baseline in found.baselines][0] == "majority class"
    assert len(found.baselines) == 3
    everything = evaluate(model, class_folders, include_training=True, with_baselines=False)
    assert everything.metrics.pictures == 60
    trained = sorted(class_folders.rglob("*.png"))
    hashes = model.trained_on
    assert len(hashes) == len(set(hashes.tolist())) and len(trained) == 60


def test_evaluating_training_pictures_only_is_refused(class_folders: Path) -> None:
    model = learner(validation_share=0.0).fit(class_folders).model_
    with pytest.raises(DataError, match="`include_training`"):
        evaluate(model, class_folders)


def drawn(count: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Draw dark and light grey pictures, larger than the network's."""
    y = np.arange(count) % 2
    X = np.random.default_rng(0).integers(0, 160, (count, 12, 12), dtype=np.uint8)
    return X + (60 * y).astype(np.uint8)[:, None, None], np.array(["dark", "light"])[y]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("pictures")
    for index, (pixels, label) in enumerate(zip(*drawn(), strict=True)):
        (root / label).mkdir(exist_ok=True)
        Image.fromarray(pixels).save(root / label / f"{index:02d}.png")
    return root


def test_evaluation_of_pictures_that_were_seen_decodes_none_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = TransferClassifier(small_model(NET), random_state=0, threads=1, test_share=0.25)
    model = learner.fit(folder).model_
    calls = []
    monkeypatch.setattr(decode, "decode", lambda *asked: calls.append(asked))
    found = evaluate(model, folder, with_baselines=False)
    assert found.metrics.pictures == 10 and not calls
