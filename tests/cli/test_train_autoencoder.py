"""`foveal train autoencoder`, and what may follow it, as a person types them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from foveal import Autoencoder, load
from foveal.progress.events import StepEnded
from foveal.training import run as runs
from support.models import small_autoencoder

SMALL = ("--encoder", "flatten | dense 24 relu", "--code-size", 6, "--epochs", 2, "--threads", 1)


def train(run, pictures: Path, model: Path, *more: object) -> tuple[int, str, str]:
    return run("train", "autoencoder", pictures, model, *SMALL, *more)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """An untrained model of grey pictures of 8x8, four numbers a code."""
    small_autoencoder().save(tmp_path / "m.safetensors")
    return tmp_path / "m.safetensors"


def pixels_of(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        found = np.asarray(picture, dtype=np.float64) / 255
    return found[..., None] if found.ndim == 2 else found


def test_the_whole_walk(run, class_folders: Path, tmp_path: Path) -> None:
    model, table, made = (tmp_path / name for name in ("m.safetensors", "c.parquet", "decoded"))
    (class_folders / "above" / "broken.jpg").write_bytes(b"\xff\xd8 broken")
    code, out, err = train(run, class_folders, model, "--test-share", 0.2)
    assert code == 0
    lines = out.strip().splitlines()
    assert lines[0].startswith("test MSE  ") and "PCA of the same size" in lines[0]
    assert lines[-1] == f"next: foveal encode {model} {class_folders} --to codes.parquet"
    for word in ("above/broken.jpg", "epoch 2", "encoder", "PCA, 6 components", "validation loss"):
        assert word in err, word
    with (tmp_path / "m.run" / "ledger.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["path"] for row in rows if row["status"] == "left out"] == ["above/broken.jpg"]
    assert len(rows) == 61
    assert (tmp_path / "m.run" / "done.json").exists()
    events = (tmp_path / "m.run" / "events.jsonl").read_text().splitlines()
    kinds = [json.loads(line)["kind"] for line in events]
    assert kinds[:2] == ["prepared", "planned"] and kinds[-2:] == ["reconstructed", "finished"]

    code, out, _ = run("encode", model, class_folders, "--to", table, "--threads", 1)
    assert code == 0
    first, last = out.strip().splitlines()
    assert first == f"61 rows in {table}, 1 unreadable, 6 numbers a code"
    assert last == f"next: foveal decode {model} {table} --to decoded"
    found = pq.read_table(table).to_pylist()
    assert sum(row["code"] is None for row in found) == 1
    assert all(Path(row["path"]).exists() for row in found)

    code, out, _ = run("decode", model, table, "--to", made, "--threads", 1)
    assert (code, out) == (0, f"60 pictures in {made}, 1 row without a code\n")
    sources = {path.relative_to(class_folders) for path in class_folders.rglob("*.png")}
    assert {path.relative_to(made) for path in made.rglob("*.*")} == sources
    fitted = load(model, threads=1)
    for name in sorted(sources)[::7]:
        wanted = fitted.decode(fitted.encode([class_folders / name]))[0]
        assert np.abs(pixels_of(made / name) - wanted).max() <= 0.5 / 255 + 1e-5


KEYS = {
    "report",
    "version",
    "model",
    "run",
    "complete",
    "replaced",
    "network",
    "encoder_layers",
    "code_size",
    "coding",
    "reconstruction",
    "validation_pictures",
    "best_epoch",
    "notes",
    "epochs",
}


def test_the_report_of_a_training_is_json_where_asked(
    run, class_folders: Path, tmp_path: Path
) -> None:
    model = tmp_path / "m.safetensors"
    options = ["--json", "--noise", "masks", "--variational", "--beta", 0.5, "--loss", "bce"]
    code, out, _ = train(run, class_folders, model, *options)
    report = json.loads(out)
    assert code == 0 and set(report) == KEYS
    fitted = load(model)
    assert report["coding"] == {
        "loss": "bce",
        "noise": "masks",
        "noise_level": 0.25,
        "beta": 0.5,
    }
    assert (report["code_size"], report["validation_pictures"]) == (6, 12)
    assert report["network"] == fitted.plan.text
    assert report["encoder_layers"] == fitted.plan.encoder_layers
    assert [one["epoch"] for one in report["epochs"]] == [1, 2]
    kept = fitted.provenance.coding.reconstruction
    assert report["reconstruction"]["autoencoder"]["mse"] == kept.autoencoder.mse
    assert report["reconstruction"]["judged_by"] == "validation"
    code, out, _ = train(
        run, class_folders, tmp_path / "n.safetensors", "--json", "--validation-share", 0
    )
    assert code == 0 and json.loads(out)["reconstruction"] is None


def test_the_options_are_those_of_python(run, class_folders: Path, tmp_path: Path) -> None:
    model = tmp_path / "m.safetensors"
    options = ["--noise", "gaussian", "--noise-level", 0.1, "--loss", "l1", "--ema", 0.9]
    options += ["--decoder", "dense 768", "--batch-size", 8, "--flip", "--seed", 3]
    assert train(run, class_folders, model, *options)[0] == 0
    learner = Autoencoder(
        encoder="flatten | dense 24 relu",
        decoder="dense 768",
        code_size=6,
        epochs=2,
        threads=1,
        noise="gaussian",
        noise_level=0.1,
        loss="l1",
        ema=0.9,
        batch_size=8,
        flip=True,
        random_state=3,
    )
    assert learner.fit(class_folders).model_.digest() == load(model).digest()


def test_strict_training_refuses_unreadable_files(run, class_folders: Path, tmp_path: Path) -> None:
    (class_folders / "above" / "broken.jpg").write_bytes(b"broken")
    code, _, err = train(run, class_folders, tmp_path / "m.safetensors", "--strict")
    assert code == 3 and "above/broken.jpg" in err
    assert not (tmp_path / "m.safetensors").exists()


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--code-size", 1_000], "--code-size"),
        (["--loss", "huber"], "'bce'"),
        (["--noise", "salt"], "'masks'"),
        (["--kind", "wide", "--encoder", "flatten"], "'dense'"),
        (["--decoder", "dense 7"], "needed: a picture of 3x16x16"),
        (["--encoder", "flaten"], "flatten"),
        (["--seconds", 3], "--epochs and --seconds"),
    ],
)
def test_wrong_options_of_a_training_end_with_two(
    run, class_folders: Path, tmp_path: Path, options: list, word: str
) -> None:
    code, _, err = train(run, class_folders, tmp_path / "m.safetensors", *options)
    assert code == 2 and word in " ".join(err.split())
    assert not (tmp_path / "m.safetensors").exists()


def test_a_stopped_training_is_resumed_by_command(
    run, class_folders: Path, tmp_path: Path, monkeypatch
) -> None:
    whole, model = tmp_path / "whole.safetensors", tmp_path / "m.safetensors"
    options = ["--variational", "--noise", "gaussian", "--ema", 0.9, "--batch-size", 8]
    assert train(run, class_folders, whole, *options)[0] == 0
    tell = runs.Run.tell

    def stopping(self, event) -> None:
        tell(self, event)
        if isinstance(event, StepEnded) and event.step == 8:
            self.stop()

    with monkeypatch.context() as patched:
        patched.setattr(runs.Run, "tell", stopping)
        code, _, err = train(run, class_folders, model, *options)
    assert code == 130 and "--resume" in err and not model.exists()
    code, _, err = train(run, class_folders, model, *options)
    assert code == 2 and "--fresh" in err
    code, _, err = run("train", "autoencoder", class_folders, model, "--resume", "--beta", 2)
    assert code == 2 and "beta=1.0, as the run began" in " ".join(err.split())
    code, _, err = run("train", "cnn", class_folders, model, "--resume")
    assert code == 2 and "autoencoder, as the run began" in " ".join(err.split())
    code, out, err = run("train", "autoencoder", class_folders, model, "--resume")
    assert code == 0 and "going on from step 8" in err and "validation MSE" in out
    assert model.read_bytes() == whole.read_bytes()
    code, out, _ = run("train", "autoencoder", class_folders, model, "--resume")
    assert code == 0 and "nothing to resume" in out


def test_halves_on_disk_do_what_the_learner_does(tmp_path: Path) -> None:
    X = np.random.default_rng(0).random((40, 6, 6))
    X[0, 0, :2] = 0, 1  # black and white are in it: its units are those of decoded pictures
    options = {"encoder": "flatten | dense 24 relu", "code_size": 6, "validation_share": 0.0}
    learner = Autoencoder(**options, epochs=3, threads=1, random_state=0).fit(X)
    learner.save(tmp_path / "m.safetensors")
    encoder, decoder = (
        load(tmp_path / "m.safetensors", half=half, threads=1) for half in ("encoder", "decoder")
    )
    made = decoder.decode(encoder.encode(X))[..., 0]
    np.testing.assert_allclose(made, learner.inverse_transform(learner.transform(X)), atol=1e-6)
