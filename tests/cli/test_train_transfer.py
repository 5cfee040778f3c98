"""`foveal train transfer`, and what may follow it, as a person types them."""

from __future__ import annotations

import csv
import json
import pickle
import subprocess
import sys
from pathlib import Path

import fsspec
import pytest

from foveal.cli.output import SCHEMA
from support.models import small_model

NET = "conv 4 3x3 same | batchnorm | relu | conv 8 3x3 same relu | maxpool 4 | flatten | dense"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A network of one's own to start from."""
    small_model(NET, channels=3, side=16).save(tmp_path / "own.safetensors")
    return tmp_path / "own.safetensors"


def transfer(run, pictures: Path, model: Path, own: Path, *more: object) -> tuple[int, str, str]:
    return run("train", "transfer", pictures, model, "--backbone", own, "--threads", 1, *more)


def test_the_whole_walk(run, class_folders: Path, tmp_path: Path, own: Path) -> None:
    model = tmp_path / "m.safetensors"
    (class_folders / "above" / "broken.jpg").write_bytes(b"\xff\xd8 broken")
    code, out, err = transfer(run, class_folders, model, own, "--test-share", "0.2")
    assert code == 0
    lines = out.strip().splitlines()
    assert (
        lines[0].startswith("cross-validated accuracy  ")
        and "on 48 pictures; the largest class is 50.0 %" in lines[0]
    )
    assert lines[-1] == f"next: foveal evaluate {model} {class_folders}"
    for word in ("above/broken.jpg", "fixed", "updated", "logistic regression, C = ", "48 right"):
        assert word in err, word
    with (tmp_path / "m.run" / "ledger.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["path"] for row in rows if row["status"] == "left out"] == ["above/broken.jpg"]
    assert len(rows) == 61
    assert (tmp_path / "m.run" / "done.json").exists()
    kinds = [
        json.loads(line)["kind"]
        for line in (tmp_path / "m.run" / "events.jsonl").read_text().splitlines()
    ]
    assert kinds[:3] == ["prepared", "planned", "head"]

    own.unlink()  # the model is whole without it
    code, out, _ = run("evaluate", model, class_folders)
    assert code == 0
    for word in ("accuracy", "macro F1", "log loss", "calibration error", "majority class"):
        assert word in out
    code, out, _ = run("evaluate", model, class_folders, "--json", "--no-baselines")
    assert json.loads(out)["metrics"]["pictures"] == 12

    code, out, _ = run("predict", model, class_folders)
    assert code == 0 and "no answer" in out
    assert len([line for line in out.splitlines() if not line.startswith("note: ")]) == 62
    code, out, _ = run("predict", model, class_folders, "--to", tmp_path / "p.csv", "--json")
    said = json.loads(out)
    written = (tmp_path / "p.csv").read_text().splitlines()[1:]
    assert said.pop("unfamiliar") == sum(row.split(",")[5] == "True" for row in written)
    assert 0 < said.pop("false_alarms")["value"] <= 0.1
    assert len(said.pop("notes")) <= 1
    assert said == {
        "version": SCHEMA,
        "to": str(tmp_path / "p.csv"),
        "rows": 61,
        "unreadable": 1,
        "left": None,
        "refusal": None,
        "pictures": None,
    }
    code, _, err = run("predict", model, class_folders, "--strict", "--json")
    assert code == 3 and json.loads(err)["exit_code"] == 3


def test_the_training_folder_is_judged_by_cross_validation(
    run, class_folders: Path, tmp_path: Path, own: Path
) -> None:
    model = tmp_path / "m.safetensors"
    code, out, _ = transfer(run, class_folders, model, own)
    figure = out.split("accuracy  ")[1].split(" on ")[0]
    code, out, _ = run("evaluate", model, class_folders)
    assert code == 0 and f"accuracy           {figure}" in out
    assert "note: judged by cross-validation: each picture by a head that had not seen it" in out
    assert "60 pictures, judged by cross-validation, intervals at 95 %" in out
    code, out, _ = run("evaluate", model, class_folders, "--json", "--strict")
    facts = json.loads(out)
    assert code == 0 and facts["judged_by"] == "cross-validation"
    assert facts["metrics"]["pictures"] == 60


KEYS = {
    "version",
    "model",
    "run",
    "complete",
    "replaced",
    "report",
    "network",
    "fixed_layers",
    "backbone",
    "logistic",
    "ridge",
    "task",
    "figures",
    "classes",
    "judged_by",
    "validation_pictures",
    "validation_accuracy",
    "validation_effective",
    "unjudged",
    "best_epoch",
    "notes",
    "temperature",
    "epochs",
    "folds",
    "cuts",
}


def test_the_report_is_json_where_asked(
    run, class_folders: Path, tmp_path: Path, own: Path
) -> None:
    code, out, _ = transfer(
        run, class_folders, tmp_path / "a.safetensors", own, "--json", "--cut", "auto"
    )
    report = json.loads(out)
    assert code == 0 and set(report) == KEYS
    assert report["backbone"]["source"] == "model"
    assert report["backbone"]["name"] == "own.safetensors"
    assert set(report["logistic"]) == {"C", "folds", "views"}
    assert report["judged_by"] == "cross-validation" and report["validation_pictures"] == 60
    accuracy = report["validation_accuracy"]
    assert accuracy["low"] <= accuracy["value"] <= accuracy["high"]
    assert set(report["cuts"]) == {"1", "2", "3", "4", "5", "6"}
    assert report["cuts"][report["backbone"]["stage"]] == min(report["cuts"].values())

    options = [
        "--json",
        "--head",
        "dense 8 relu",
        "--epochs",
        2,
        "--fine-tune-epochs",
        1,
        "--cut",
        3,
    ]
    code, out, _ = transfer(run, class_folders, tmp_path / "b.safetensors", own, *options)
    report = json.loads(out)
    assert code == 0 and set(report) == KEYS
    assert (report["logistic"], report["judged_by"]) == (None, "validation")
    assert report["fixed_layers"] == 3 and len(report["epochs"]) == 3


def test_what_was_fine_tuned_is_judged_on_validation_pictures(
    run, class_folders: Path, tmp_path: Path, own: Path
) -> None:
    model = tmp_path / "m.safetensors"
    code, out, err = transfer(run, class_folders, model, own, "--fine-tune-epochs", 2)
    assert code == 0 and out.startswith("validation accuracy  ")
    assert "epoch 2" in err and "fine-tuning" in err


def test_other_labels_need_no_picture_again(
    run, class_folders: Path, tmp_path: Path, own: Path
) -> None:
    transfer(run, class_folders, tmp_path / "a.safetensors", own)
    (class_folders / "above").rename(class_folders / "higher")
    code, _, err = transfer(run, class_folders, tmp_path / "b.safetensors", own, "--float16")
    assert code == 0 and "were there already" not in err  # in another precision
    code, _, err = transfer(run, class_folders, tmp_path / "c.safetensors", own, "--seed", 3)
    assert code == 0 and "features of 60 pictures were there already" in err
    code, out, _ = run("cache", "--json")
    assert {one["kind"] for one in json.loads(out)["entries"]} >= {"features"}


def test_resume_after_completion_does_nothing(
    run, class_folders: Path, tmp_path: Path, own: Path
) -> None:
    model = tmp_path / "m.safetensors"
    transfer(run, class_folders, model, own)
    before = model.read_bytes()
    code, out, _ = run("train", "transfer", class_folders, model, "--resume")
    assert (code, model.read_bytes()) == (0, before)
    assert "nothing to resume" in out
    code, _, err = run("train", "cnn", class_folders, model, "--resume")
    assert code == 2 and "transfer" in err and "--fresh" in err


def test_strict_training_refuses_unreadable_files(
    run, class_folders: Path, tmp_path: Path, own: Path
) -> None:
    (class_folders / "above" / "broken.jpg").write_bytes(b"\xff\xd8 broken")
    code, _, err = transfer(run, class_folders, tmp_path / "m.safetensors", own, "--strict")
    assert code == 3 and "above/broken.jpg" in err
    assert not (tmp_path / "m.safetensors").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--backbone", "nonesuch"], 2, ["'nonesuch'", "foveal backbones"]),
        (["--backbone", "resnet18"], 2, ["--weights", "--download"]),
        (["--backbone", "resnet18", "--weights", "evil.pt"], 3, ["a pickle", "not opened"]),
        (["--backbone", "resnet18", "--weights", "nowhere.safetensors"], 3, ["nowhere"]),
        (["--backbone", "resnet18", "--weights", "own.safetensors"], 3, ["tensors"]),
        (["--weights", "own.safetensors"], 2, ["brings its own", "tf_efficientnet_lite0"]),
        (["--download"], 2, ["brings its own"]),
        (["--backbone", "nowhere.safetensors"], 4, ["nothing there"]),
        (["--backbone", "own.safetensors", "--size", "32"], 2, ["size", "leave them out"]),
        (["--backbone", "own.safetensors", "--cut", "7"], 2, ["1, 2, 3, 4, 5, 6"]),
        (["--cut", "block99"], 2, ["block1", "foveal backbones efficientnet_lite0"]),
        (["--backbone", "own.safetensors", "--head", "logstic"], 2, ["'logistic'"]),
        (
            ["--backbone", "own.safetensors", "--cut", "auto", "--fine-tune-epochs", "1"],
            2,
            ["both"],
        ),
        (["--backbone", "own.safetensors", "--cut", "6", "--fine-tune-epochs", "1"], 2, ["lower"]),
        (["--C", "0"], 2, ["C"]),
        (["--views", "0"], 2, ["views"]),
        (["--engine", "abacus"], 2, ["openvino"]),
        (["--size", "wide"], 2, ["--size", "48x64"]),
    ],
)
def test_errors_say_what_to_do_and_have_their_exit_codes(
    run, class_folders: Path, own: Path, monkeypatch, arguments: list[str], code: int, words
) -> None:
    monkeypatch.chdir(own.parent)
    (own.parent / "evil.pt").write_bytes(pickle.dumps({"a": 1}))
    found, _, err = run("train", "transfer", class_folders, "m.safetensors", *arguments)
    assert found == code, err
    for word in words:
        assert word in " ".join(err.split()), err
    assert [line.split(":")[0] for line in err.splitlines() if line[:1] != " "] == [
        "error",
        "needed",
        "got",
        "do",
    ]
    assert all(len(line) <= 80 for line in err.splitlines())
    assert not (own.parent / "m.safetensors").exists()


def test_weights_are_kept_in_the_options_of_a_run(
    run, class_folders: Path, tmp_path: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    options = ["--backbone", "resnet18", "--weights", "own.safetensors"]
    run("train", "transfer", class_folders, tmp_path / "m.safetensors", *options)
    config = json.loads((tmp_path / "m.run" / "config.json").read_text())
    assert config["agreed"]["command"] == "transfer"
    assert config["agreed"]["options"]["weights"] == str(own)


def test_help_names_every_option(run) -> None:
    code, out, _ = run("train", "--help")
    assert code == 0 and "transfer" in out and "cnn" in out
    code, out, _ = run("train", "transfer", "--help")
    assert code == 0
    text = " ".join(out.replace("│", " ").split())
    for word in ("--backbone", "--cut", "--head", "--C", "--fine-tune-epochs", "--views"):
        assert word in text
    for word in (
        "--float16",
        "--engine",
        "--download",
        "--weights",
        "Features of pictures are kept",
    ):
        assert word in text


def test_help_of_transfer_starts_without_torch() -> None:
    program = (
        "import sys; sys.argv = ['foveal', 'train', 'transfer', '--help']\n"
        "from foveal.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'PIL', 'sklearn', 'timm'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)\n"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    assert "--fine-tune-epochs" in found.stdout


def test_parts_of_features_teach_as_the_pictures_do(
    run, class_folders: Path, tmp_path: Path, own: Path
) -> None:
    (class_folders / "above" / "broken.jpg").write_bytes(b"\xff\xd8 broken")
    parts, models = tmp_path / "parts", [tmp_path / "a.safetensors", tmp_path / "b.safetensors"]
    line = ("encode", own, class_folders, "--to", f"{parts}/", "--part-size", 25, "--threads", 1)
    assert run(*line)[0] == 0
    code, out, err = transfer(run, parts, models[0], own)
    assert code == 0, err
    first = out.splitlines()[0]
    assert out.strip().splitlines()[-1] == f"next: foveal show {models[0]}"
    assert "those in" in err and "none goes through the network" in err
    assert "the report shows none of the pictures" in err
    notes = json.loads(transfer(run, parts, models[0], own, "--resume", "--json")[1])["notes"]
    assert any("none goes through the network" in note for note in notes)
    assert (tmp_path / "a.run" / "report.html").stat().st_size > 10_000
    assert transfer(run, class_folders, models[1], own)[0] == 0
    said = [json.loads(run("show", one, "--json")[1])["accuracy"] for one in models]
    assert said[0] == said[1]
    with (tmp_path / "a.run" / "ledger.csv").open() as file:
        rows = list(csv.DictReader(file))
    lost = [Path(row["path"]).name for row in rows if row["status"] == "left out"]
    assert lost == ["broken.jpg"] and len(rows) == 61
    code, out, _ = run("report", models[0], "--to", tmp_path / "a.html")
    assert code == 0 and "parts of features taught it" in out
    assert transfer(run, parts, models[0], own, "--folds", 3)[0] == 2
    code, _, err = transfer(run, parts, models[0], own, "--fresh", "--fine-tune-epochs", 1)
    assert code == 2 and "--fine-tune-epochs" in err and "pictures" in err
    code, _, err = run("train", "transfer", parts, models[0], "--fresh")
    assert code == 3 and "--backbone" in err
    assert transfer(run, parts, models[0], own, "--fresh", "--strict")[0] == 3
    fsspec.filesystem("memory").put(str(parts), "/top/features", recursive=True)
    code, out, err = transfer(run, "memory://top/features", tmp_path / "c.safetensors", own)
    assert code == 0 and out.splitlines()[0] == first, err
