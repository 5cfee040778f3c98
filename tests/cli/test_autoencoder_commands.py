"""`foveal train autoencoder`, `foveal encode` and `foveal decode`, as a person types them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from foveal import Autoencoder, load
from foveal.cli.output import SCHEMA
from foveal.progress.events import StepEnded
from foveal.training import run as runs
from support.models import small_autoencoder, small_model

SMALL = ("--encoder", "flatten | dense 24 relu", "--code-size", 6, "--epochs", 2, "--threads", 1)


def train(run, pictures: Path, model: Path, *more: object) -> tuple[int, str, str]:
    return run("train", "autoencoder", pictures, model, *SMALL, *more)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """An untrained model of grey pictures of 8x8, four numbers a code."""
    small_autoencoder().save(tmp_path / "m.safetensors")
    return tmp_path / "m.safetensors"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four grey pictures in two folders, of equal names, and a file that is none."""
    root = tmp_path / "pictures"
    for index, name in enumerate(["a/1.png", "a/2.jpg", "b/1.png", "b/1.bmp"]):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(index).integers(0, 256, (8, 8), dtype=np.uint8)
        Image.fromarray(pixels).save(root / name)
    (root / "a" / "broken.png").write_bytes(b"broken")
    return root


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
    assert (code, out) == (0, f"60 pictures in {made}, 1 rows without a code\n")
    sources = {path.relative_to(class_folders) for path in class_folders.rglob("*.png")}
    assert {path.relative_to(made) for path in made.rglob("*.*")} == sources
    fitted = load(model, threads=1)
    for name in sorted(sources)[::7]:
        wanted = fitted.decode(fitted.encode([class_folders / name]))[0]
        assert np.abs(pixels_of(made / name) - wanted).max() <= 0.5 / 255 + 1e-5


def test_decoded_pictures_are_those_of_python_and_named_after_their_sources(
    run, model: Path, folder: Path, tmp_path: Path
) -> None:
    table, made = tmp_path / "c.parquet", tmp_path / "decoded"
    assert run("encode", model, folder, "--to", table)[0] == 0
    assert run("decode", model, table, "--to", made)[0] == 0
    names = {
        "a/1.png": "a/1.png",
        "a/2.jpg": "a/2.png",
        "b/1.png": "b/1.png.png",
        "b/1.bmp": "b/1.bmp.png",
    }
    assert {str(path.relative_to(made)) for path in made.rglob("*.*")} == set(names.values())
    fitted = load(model)
    for source, place in names.items():
        wanted = fitted.decode(fitted.encode([folder / source]))[0]
        assert np.abs(pixels_of(made / place) - wanted).max() <= 0.5 / 255 + 1e-5


def test_several_sources_become_one_table(run, model: Path, folder: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=np.zeros((3, 8, 8), np.uint8))
    table = tmp_path / "c.parquet"
    sources = folder / "a", folder / "b" / "1.png", tmp_path / "x.npz"
    code, out, _ = run("encode", model, *sources, "--to", table)
    assert code == 0 and out.startswith("7 rows")
    names = [row["path"] for row in pq.read_table(table).to_pylist()]
    there = [str(folder / "a" / name) for name in ("1.png", "2.jpg", "broken.png")]
    assert names == [*there, str(folder / "b" / "1.png"), "0", "1", "2"]
    assert run("decode", model, table, "--to", tmp_path / "decoded")[0] == 0
    assert len(list((tmp_path / "decoded").rglob("*.png"))) == 6


def test_results_are_json_where_asked(run, model: Path, folder: Path, tmp_path: Path) -> None:
    table, made = tmp_path / "c.parquet", tmp_path / "decoded"
    code, out, _ = run("encode", model, folder, "--to", table, "--json")
    found = json.loads(out)
    assert code == 0 and found.pop("seconds") > 0
    assert found == {
        "version": SCHEMA,
        "to": str(table),
        "rows": 5,
        "unreadable": 1,
        "code_size": 4,
        "features": None,
        "model": load(model).digest(),
    }
    code, out, _ = run("decode", model, table, "--to", made, "--json")
    found = json.loads(out)
    assert code == 0 and found.pop("seconds") > 0
    assert found == {"version": SCHEMA, "to": str(made), "pictures": 4, "missing": 1, "notes": []}


KEYS = {
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


def test_strict_ends_with_three_after_the_work(
    run, model: Path, folder: Path, tmp_path: Path
) -> None:
    table, made = tmp_path / "c.parquet", tmp_path / "decoded"
    code, out, err = run("encode", model, folder, "--to", table, "--strict")
    assert code == 3 and "1 that cannot be read" in err and "5 rows" in out
    assert pq.read_table(table).num_rows == 5
    code, _, err = run("decode", model, table, "--to", made, "--strict")
    assert code == 3 and "1 that cannot be read" in err
    assert len(list(made.rglob("*.png"))) == 4
    (folder / "a" / "broken.png").unlink()
    assert run("encode", model, folder, "--to", table, "--strict")[0] == 0


def test_strict_training_refuses_unreadable_files(run, class_folders: Path, tmp_path: Path) -> None:
    (class_folders / "above" / "broken.jpg").write_bytes(b"broken")
    code, _, err = train(run, class_folders, tmp_path / "m.safetensors", "--strict")
    assert code == 3 and "above/broken.jpg" in err
    assert not (tmp_path / "m.safetensors").exists()


def test_codes_are_drawn_by_a_seed(run, folder: Path, tmp_path: Path) -> None:
    model = tmp_path / "v.safetensors"
    small_autoencoder(variational=True).save(model)
    tables = [tmp_path / f"{name}.parquet" for name in ("means", "one", "again", "two")]
    for table, sample in zip(tables, (None, 1, 1, 2), strict=True):
        more = [] if sample is None else ["--sample", sample]
        assert run("encode", model, folder, "--to", table, *more)[0] == 0
    means, one, again, two = (table.read_bytes() for table in tables)
    assert one == again and len({means, one, two}) == 3


def test_names_with_spaces_can_be_copied_from_the_last_line(
    run, model: Path, folder: Path, tmp_path: Path
) -> None:
    table = tmp_path / "my codes.parquet"
    _, out, _ = run("encode", model, folder, "--to", table)
    assert out.splitlines()[-1] == f"next: foveal decode {model} '{table}' --to decoded"


# What is refused --------------------------------------------------------------------------


def refused(run, code: int, word: str, *arguments: object) -> None:
    """Hold a command against its exit code, its message, and what it leaves: nothing."""
    found, out, err = run(*arguments)
    assert (found, out) == (code, "")
    assert word in " ".join(err.split()), err
    assert all(len(line) <= 80 for line in err.splitlines() if "/" not in line)


def test_encode_refuses_before_any_work(run, model: Path, folder: Path, tmp_path: Path) -> None:
    names = {path.name for path in tmp_path.iterdir()}
    table = tmp_path / "c.parquet"
    refused(run, 2, "a file name ending in .parquet", "encode", model, folder, "--to", "c.txt")
    nowhere = tmp_path / "no" / "c.parquet"
    refused(run, 2, "a folder that exists", "encode", model, folder, "--to", nowhere)
    refused(run, 2, "--to", "encode", model, folder)
    refused(run, 4, "nothing there", "encode", tmp_path / "n.safetensors", folder, "--to", table)
    refused(run, 3, "nothing there", "encode", model, tmp_path / "nowhere", "--to", table)
    options = ("--to", table, "--sample", 1)
    refused(run, 2, "needed: a variational autoencoder", "encode", model, folder, *options)
    assert {path.name for path in tmp_path.iterdir()} == names


def test_classifiers_give_features_and_decode_nothing(
    run, model: Path, folder: Path, tmp_path: Path
) -> None:
    classifier, table = tmp_path / "c.safetensors", tmp_path / "c.parquet"
    small_model().save(classifier)
    code, out, _ = run("encode", classifier, folder, "--to", table, "--json")
    told, written = json.loads(out), pq.read_table(table)
    assert code == 0 and told["code_size"] is None
    rows = [one for one in written.column("features").to_pylist() if one is not None]
    assert {len(one) for one in rows} == {told["features"]}
    found = load(classifier).features(folder)
    np.testing.assert_array_equal(np.array(rows, np.float32), found[np.isfinite(found).all(axis=1)])
    refused(run, 2, "an autoencoder", "encode", classifier, folder, "--to", table, "--sample", 1)
    table.unlink()
    assert run("encode", model, folder, "--to", table)[0] == 0
    refused(run, 2, "an autoencoder", "decode", classifier, table, "--to", tmp_path / "d")
    code, _, err = run("predict", model, folder)
    assert code == 2 and "needed: a classifier" in err
    code, _, err = run("evaluate", model, folder)
    assert code == 2 and "needed: a classifier" in err


def test_codes_written_as_text_are_decoded_alike(
    run, model: Path, folder: Path, tmp_path: Path
) -> None:
    for name in ("parquet", "csv", "jsonl"):
        table = tmp_path / f"c.{name}"
        assert run("encode", model, folder, "--to", table)[0] == 0
        code, out, _ = run("decode", model, table, "--to", tmp_path / name)
        assert code == 0 and ("does not say whose codes" in out) == (name != "parquet")
    first, *others = (
        {path.name: path.read_bytes() for path in (tmp_path / name).rglob("*.png")}
        for name in ("parquet", "csv", "jsonl")
    )
    assert first and others == [first, first]


def test_decode_refuses_what_lies_there(run, model: Path, folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "c.parquet"
    run("encode", model, folder, "--to", table)
    before = sorted(folder.rglob("*"))
    refused(run, 2, "a folder that is new, or empty", "decode", model, table, "--to", folder)
    refused(run, 2, "got: a file", "decode", model, table, "--to", table)
    nowhere = tmp_path / "no" / "where"
    refused(run, 2, "a folder within one that exists", "decode", model, table, "--to", nowhere)
    assert sorted(folder.rglob("*")) == before
    (tmp_path / "empty").mkdir()
    assert run("decode", model, table, "--to", tmp_path / "empty")[0] == 0


def test_codes_of_another_model_are_decoded_only_by_force(
    run, model: Path, folder: Path, tmp_path: Path
) -> None:
    other, table, made = (tmp_path / name for name in ("o.safetensors", "c.parquet", "decoded"))
    small_autoencoder(shape=(3, 5, 4)).save(other)
    run("encode", model, folder, "--to", table)
    refused(run, 3, "codes of this model", "decode", other, table, "--to", made)
    assert not made.exists()
    assert run("decode", other, table, "--to", made, "--force")[0] == 0
    assert pixels_of(next(made.rglob("*.png"))).shape == (5, 4, 3)
    longer = tmp_path / "l.safetensors"
    small_autoencoder(6).save(longer)
    refused(run, 3, "lists of 6", "decode", longer, table, "--to", tmp_path / "e", "--force")


def test_files_that_are_no_codes_are_refused(
    run, model: Path, folder: Path, tmp_path: Path
) -> None:
    table, made = tmp_path / "c.parquet", tmp_path / "decoded"
    run("encode", model, folder, "--to", table)
    for content in (b"", b"path,code\n", table.read_bytes()[:-20]):
        (tmp_path / "bad.parquet").write_bytes(content)
        bad = tmp_path / "bad.parquet"
        refused(run, 3, "a whole Parquet file", "decode", model, bad, "--to", made)
    refused(run, 3, "a whole Parquet file", "decode", model, tmp_path / "no", "--to", made)
    assert not made.exists()


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--code-size", 1_000], "--code-size"),
        (["--loss", "huber"], "'bce'"),
        (["--noise", "salt"], "'masks'"),
        (["--kind", "wide", "--encoder", "flatten"], "'dense'"),
        (["--decoder", "dense 7"], "needed: a picture of 3x16x16"),
        (["--encoder", "flaten"], "flatten"),
        (["--seconds", 3], "epochs and seconds"),
    ],
)
def test_wrong_options_of_a_training_end_with_two(
    run, class_folders: Path, tmp_path: Path, options: list, word: str
) -> None:
    code, _, err = train(run, class_folders, tmp_path / "m.safetensors", *options)
    assert code == 2 and word in " ".join(err.split())
    assert not (tmp_path / "m.safetensors").exists()


# Resuming ---------------------------------------------------------------------------------


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


# Floats -----------------------------------------------------------------------------------


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
