"""`--folds` of a training, and `--reject` of what follows it, as a person types them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

NET = "conv 4 3x3 same | maxpool 2 | batchnorm | relu | flatten | dense"


def test_folds_judge_a_training_and_its_threshold(run, class_folders: Path, tmp_path: Path) -> None:
    model = tmp_path / "m.safetensors"
    line = ("train", "cnn", class_folders, model, "--net", NET, "--epochs", 5, "--threads", 1)
    code, out, err = run(*line, "--folds", 3)
    assert code == 0, err
    assert "fold 3 of 3: accuracy" in err and "accuracy of whole trainings on folds" in out
    assert "--folds 3" in (tmp_path / "m.run" / "report.html").read_text()
    assert "Fold by fold" in (tmp_path / "m.run" / "report.html").read_text()
    with (tmp_path / "m.run" / "folds.csv").open() as file:
        assert [row["fold"] != "" for row in csv.DictReader(file)] == [True] * 60
    code, out, _ = run(*line, "--resume", "--json")
    answer = json.loads(out)
    assert answer["complete"] and answer["judged_by"] == "folds"
    assert [one["judged"] for one in answer["folds"]["folds"]] == [20, 20, 20]

    code, out, _ = run("predict", model, class_folders / "above", "--reject", 0.2, "--json")
    answer = json.loads(out)
    assert code == 0 and answer["refusal"]["asked"] == 0.2 and answer["refusal"]["held_out"] == 60
    left = [row for row in answer["pictures"] if not row["answered"]]
    assert answer["left"] == len(left) and all(row["label"] is None for row in left)
    least = sorted(row["probability"] for row in answer["pictures"])[15]
    code, out, _ = run("predict", model, class_folders, "--least-probability", 1.0)
    assert code == 0 and "left to a person: above?" in out
    table = tmp_path / "p.csv"
    line = ("predict", model, class_folders, "--least-probability", least)
    assert run(*line, "--to", table)[0] == 0
    with table.open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 60 and {row["answered"] for row in rows} == {"True", "False"}
    assert all((row["label"] == "") == (row["answered"] == "False") for row in rows)

    page = tmp_path / "judged.html"
    code, out, _ = run("evaluate", model, class_folders, "--reject", 0.2, "--report", page)
    assert code == 0 and "accuracy on these" in out and "these very pictures" in out
    assert "accuracy on these" in page.read_text()
    code, _, err = run("predict", model, class_folders, "--reject", 0.2, "--least-probability", 1)
    assert code == 2 and "--reject and --least-probability" in err
