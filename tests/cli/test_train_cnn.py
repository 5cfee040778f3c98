"""`foveal train cnn`, and what may follow it, as a person types them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

NET = "conv 4 3x3 same | maxpool 2 | batchnorm | relu | flatten | dense"


def train(run, pictures: Path, model: Path, *more: object) -> tuple[int, str, str]:
    return run("train", "cnn", pictures, model, "--net", NET, "--epochs", 6, "--threads", 1, *more)


def test_the_whole_walk(run, class_folders: Path, tmp_path: Path) -> None:
    model = tmp_path / "m.safetensors"
    (class_folders / "above" / "broken.jpg").write_bytes(b"\xff\xd8 broken")
    code, out, err = train(run, class_folders, model, "--test-share", "0.2")
    assert code == 0
    assert "validation accuracy" in out and out.strip().splitlines()[-1].startswith("next: foveal")
    assert "above/broken.jpg" in err and "epoch 6" in err
    folder = tmp_path / "m.run"
    assert {path.name for path in folder.iterdir()} == {
        "lock",
        "config.json",
        "ledger.csv",
        "events.jsonl",
        "done.json",
        "report.html",
    }
    with (folder / "ledger.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 61
    assert [row["path"] for row in rows if row["status"] == "left out"] == ["above/broken.jpg"]

    code, out, err = run("evaluate", model, class_folders)
    assert code == 0
    for word in ("accuracy", "macro F1", "log loss", "calibration error", "majority class"):
        assert word in out
    code, out, _ = run("evaluate", model, class_folders, "--json", "--no-baselines")
    assert json.loads(out)["metrics"]["pictures"] == 12

    code, out, _ = run("predict", model, class_folders)
    assert code == 0 and "no answer" in out
    assert len([line for line in out.splitlines() if not line.startswith("note: ")]) == 62
    table = tmp_path / "p.parquet"
    code, out, _ = run("predict", model, class_folders, class_folders / "above", "--to", table)
    assert code == 0 and "92 rows" in out
    found = pq.read_table(table).to_pylist()
    facts = ["path", "label", "probability", "error", "unfamiliarity", "unfamiliar"]
    assert list(found[0]) == [*facts, "p:above", "p:below"]
    broken = [row for row in found if row["error"]]
    assert len(broken) == 2 and broken[0]["label"] is None
    assert Path(broken[0]["path"]).exists()
    code, _, err = run("predict", model, class_folders, "--strict", "--to", table)
    assert code == 3 and "cannot be read" in err


def test_evaluate_says_which_pictures_were_wrong(run, class_folders: Path, tmp_path: Path) -> None:
    model, table, sheet = tmp_path / "m.safetensors", tmp_path / "rows.csv", tmp_path / "w.png"
    train(run, class_folders, model, "--test-share", "0.2")
    code, out, _ = run("evaluate", model, class_folders, "--to", table, "--sheet", sheet)
    assert code == 0
    assert out.splitlines()[-2:] == [
        f"wrote {table}, {sheet} and {tmp_path / 'w.csv'}",
        f"next: foveal predict {model} PICTURES",
    ]
    with table.open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        "path",
        "true",
        "predicted",
        "probability",
        "loss",
        "unfamiliarity",
        "unfamiliar",
        *("part", "reason", "remark"),
    ]
    assert len(rows) == 60 and all(Path(row["path"]).exists() for row in rows)
    assert sum(row["reason"] == "" for row in rows) == 12
    code, out, _ = run("evaluate", model, class_folders, "--json")
    pictures = json.loads(out)["pictures"]
    assert [one["path"] for one in pictures] == [row["path"] for row in rows]
    assert [one["predicted"] or "" for one in pictures] == [row["predicted"] for row in rows]
    parquet = tmp_path / "rows.parquet"
    code, out, _ = run("evaluate", model, class_folders, "--to", parquet, "--json")
    assert code == 0 and json.loads(out)["pictures"] is None
    assert pq.read_table(parquet).column_names == list(rows[0])
    same = "--to", tmp_path / "t.csv", "--sheet", tmp_path / "t.png"
    code, _, err = run("evaluate", model, class_folders, *same)
    assert code == 2 and "another name than that of --to" in " ".join(err.split())


def test_resume_after_completion_does_nothing(run, class_folders: Path, tmp_path: Path) -> None:
    model = tmp_path / "m.safetensors"
    train(run, class_folders, model)
    before = model.stat().st_mtime_ns
    code, out, _ = run("train", "cnn", class_folders, model, "--resume")
    assert (code, model.stat().st_mtime_ns) == (0, before)
    assert "nothing to resume" in out


def test_a_replaced_model_is_kept(run, class_folders: Path, tmp_path: Path) -> None:
    model = tmp_path / "m.safetensors"
    aside = tmp_path / "m.run" / "replaced.safetensors"
    _, out, _ = train(run, class_folders, model)
    assert not aside.exists() and "was there before" not in out
    first = model.read_bytes()
    _, out, _ = train(run, class_folders, model, "--seed", "1")
    assert aside.read_bytes() == first != model.read_bytes()
    assert f"the model that was there before is kept: {aside}" in out


def test_a_refused_training_leaves_the_run_of_the_model_that_is_there(
    run, class_folders: Path, tmp_path: Path
) -> None:
    model, record = tmp_path / "m.safetensors", tmp_path / "m.run"
    train(run, class_folders, model)
    before = {path: path.read_bytes() for path in [model, *record.iterdir()]}
    refused = (("--test-share", "20"), ("--net", "1x8x8 | conv"), ("--groups", "nothing(here)"))
    for options in refused:
        code, _, err = run("train", "cnn", class_folders, model, *options)
        assert code in (2, 3) and "needed:" in err
        assert {path: path.read_bytes() for path in [model, *record.iterdir()]} == before


def test_a_model_may_lie_beside_the_class_folders(run, class_folders: Path) -> None:
    model = class_folders / "m.safetensors"
    for options in ((), ("--seed", "1")):
        code, out, err = train(run, class_folders, model, "--json", *options)
        assert code == 0, err
        assert json.loads(out)["classes"] == ["above", "below"]


def test_strict_training_refuses_unreadable_files(run, class_folders: Path, tmp_path: Path) -> None:
    (class_folders / "above" / "broken.jpg").write_bytes(b"\xff\xd8 broken")
    model = tmp_path / "m.safetensors"
    code, _, err = train(run, class_folders, model, "--strict")
    assert code == 3 and "above/broken.jpg" in err
    assert not model.exists()


def test_npz_and_json_report(run, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    y = np.arange(60) % 2
    x = generator.integers(0, 100, (60, 8, 8), dtype=np.uint8) + (y * 100)[:, None, None]
    np.savez(tmp_path / "d.npz", x=x.astype(np.uint8), y=y)
    model = tmp_path / "m.safetensors"
    code, out, _ = train(run, tmp_path / "d.npz", model, "--json")
    report = json.loads(out)
    assert code == 0 and report["classes"] == [0, 1]
    assert report["validation_accuracy"]["low"] <= report["validation_accuracy"]["value"]
    code, out, _ = run("predict", model, tmp_path / "d.npz", "--json")
    assert len(json.loads(out)["pictures"]) == 60


def test_tensorboard_curves_are_written(run, class_folders: Path, tmp_path: Path) -> None:
    curves = tmp_path / "curves"
    code, _, _ = train(run, class_folders, tmp_path / "m.safetensors", "--tensorboard", curves)
    assert code == 0 and list(curves.glob("events.out.tfevents.*"))
