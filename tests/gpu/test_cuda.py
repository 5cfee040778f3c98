"""What a graphics processor computes, held against the processor: `pytest -m gpu`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from foveal import (
    Autoencoder,
    CNNClassifier,
    Run,
    TransferClassifier,
    load,
)
from foveal.device import choose
from foveal.errors import Interrupted
from foveal.looking.attribution import attributions
from foveal.looking.subject import subject_of
from foveal.pictures import tensors
from foveal.pictures.sources import gather
from foveal.pictures.tensors import as_tensor, picked, resident
from foveal.progress.events import StepEnded

pytestmark = pytest.mark.gpu

NET = "conv 16 3x3 same | batchnorm | relu | maxpool 2 | flatten | dropout 0.1 | dense"
PLAIN = NET.replace("dropout 0.1 | ", "")
DIGITS = load_digits()
X, Y = DIGITS.images[:1200].astype(np.uint8) * 15, DIGITS.target[:1200]
NEW, TRUE = DIGITS.images[1200:].astype(np.uint8) * 15, DIGITS.target[1200:]


def learner(**changes) -> CNNClassifier:
    options = {"net": NET, "epochs": 6, "random_state": 0, "device": "cuda"} | changes
    return CNNClassifier(**options)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_digits_are_learned_as_well_as_on_the_processor(precision: str) -> None:
    there = learner(precision=precision).fit(X, Y)
    here = learner(device="cpu").fit(X, Y)
    assert there.score(NEW, TRUE) > here.score(NEW, TRUE) - 0.02
    losses = [(a["loss"], b["loss"]) for a, b in zip(there.history_, here.history_, strict=True)]
    np.testing.assert_allclose(*np.transpose(losses), rtol=0.15, atol=0.02)


def test_what_was_learned_there_answers_the_same_here(tmp_path: Path) -> None:
    learner().fit(X, Y).save(tmp_path / "m.safetensors")
    there, here = (load(tmp_path / "m.safetensors", device=name) for name in ("cuda", "cpu"))
    np.testing.assert_allclose(there.predict_proba(NEW), here.predict_proba(NEW), atol=1e-5)


def test_a_step_in_float32_is_the_step_of_the_processor() -> None:
    first = [
        learner(device=device, epochs=0.1, precision="float32", net=PLAIN)
        .fit(X, Y)
        .model_.network.state_dict()
        for device in ("cuda", "cpu")
    ]
    for name, there in first[0].items():
        torch.testing.assert_close(there.cpu(), first[1][name].cpu(), rtol=1e-2, atol=1e-3)


def test_an_interrupted_training_goes_on_there(tmp_path: Path) -> None:
    def stopping(event: object) -> None:
        if isinstance(event, StepEnded) and event.step == 7:
            run.stop()

    run = Run(tmp_path / "one.run", listeners=[stopping])
    with pytest.raises(Interrupted):
        learner().fit(X, Y, run=run)
    run.close()
    found = learner().fit(X, Y, run=Run(tmp_path / "one.run", resume=True))
    whole = learner().fit(X, Y)
    assert len(found.history_) == len(whole.history_)
    np.testing.assert_allclose(found.history_[-1]["loss"], whole.history_[-1]["loss"], rtol=0.1)


@pytest.mark.parametrize("kind", ["dense", "conv", "variational"])
def test_autoencoders_encode_and_decode_the_same_there_and_here(kind: str, tmp_path: Path) -> None:
    variational = kind == "variational"
    learned = Autoencoder(
        "conv" if variational else kind,
        variational=variational,
        epochs=4,
        random_state=0,
        device="cuda",
    ).fit(X)
    learned.save(tmp_path / "a.safetensors")
    there, here = (load(tmp_path / "a.safetensors", device=name) for name in ("cuda", "cpu"))
    codes = here.encode(NEW)
    np.testing.assert_allclose(there.encode(NEW), codes, atol=1e-3 * np.abs(codes).max())
    np.testing.assert_allclose(there.decode(codes), here.decode(codes), atol=1e-3)


def test_transfer_gives_the_answers_of_the_processor(class_folders: Path) -> None:
    there, here = (
        TransferClassifier(random_state=0, device=name).fit(class_folders)
        for name in ("cuda", "cpu")
    )
    found, expected = there.predict_proba(class_folders), here.predict_proba(class_folders)
    np.testing.assert_allclose(found, expected, atol=0.02)


def test_fine_tuning_runs_there(class_folders: Path) -> None:
    found = TransferClassifier(fine_tune_epochs=1, random_state=0, device="cuda")
    found.fit(class_folders)
    assert found.score(class_folders) > 0.9


def test_maps_and_attributions_are_those_of_the_processor(tmp_path: Path) -> None:
    learner().fit(X, Y).save(tmp_path / "m.safetensors")
    path = tmp_path / "m.safetensors"
    there, here = (load(path, device=name) for name in ("cuda", "cpu"))
    maps = [one.activations(NEW[:4], 1) for one in (there, here)]
    np.testing.assert_allclose(*maps, atol=1e-3)
    subjects = [subject_of(str(path), device=name) for name in ("cuda", "cpu")]
    pictures = gather(NEW[:2])
    marked = [attributions(one, pictures, ["integrated"]).maps["integrated"] for one in subjects]
    np.testing.assert_allclose(*marked, atol=1e-2 * np.abs(marked[1]).max())


def test_rows_lie_there_where_they_fit_and_go_with_their_array(monkeypatch) -> None:
    images = np.random.default_rng(0).integers(0, 256, (50, 4, 4, 3), dtype=np.uint8)
    rows = np.array([3, 1, 49])
    there = picked(images, rows, "cuda")
    assert resident(images, "cuda") is resident(images, "cuda") is not None
    np.testing.assert_array_equal(there.cpu().numpy(), images[rows])
    del images
    assert not tensors._SENT
    monkeypatch.setattr(tensors, "SHARE", 0.0)
    wide = np.arange(12, dtype=np.uint16).reshape(3, 2, 2, 1)
    assert resident(wide, "cuda") is None
    assert torch.equal(picked(wide, np.array([2]), "cuda").cpu(), as_tensor(wide[[2]]))


def test_convolutions_are_exact_at_work_and_as_before_after() -> None:
    before = torch.backends.cudnn.conv.fp32_precision
    with choose("cuda").at_work():
        assert torch.backends.cudnn.conv.fp32_precision == "ieee"
    assert torch.backends.cudnn.conv.fp32_precision == before
