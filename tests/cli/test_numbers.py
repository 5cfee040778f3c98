"""Numbers from the command line: trained, judged, shown, predicted, reported, looked at."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make pictures of some brightness, which a table calls light; a few rows are none."""
    folder = tmp_path_factory.mktemp("light")
    generator = np.random.default_rng(0)
    rows: list[tuple[str, Any]] = []
    for at, light in enumerate(generator.uniform(60, 200, 90)):
        values = np.clip(light + generator.normal(0, 10, (8, 8)), 0, 255).astype(np.uint8)
        Image.fromarray(values).save(folder / f"{at:02}.png")
        rows.append((f"{at:02}.png", round(float(light), 2)))
    rows[3], rows[5], rows[8] = ("03.png", "nan"), ("05.png", "many"), ("08.png", "")
    with (folder / "t.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("path", "light"), *rows])
    return folder / "t.csv"


TRAIN = ("--target", "numbers", "--label", "light", "--threads", "1")


@pytest.fixture(scope="module")
def model(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from foveal.cli import main

    path = tmp_path_factory.mktemp("model") / "m.safetensors"
    words = ["train", "cnn", str(table), str(path), "--net", "conv 4 3x3 relu | flatten | dense"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["foveal", *words, "--epochs", "40", *TRAIN])
        with pytest.raises(SystemExit, match="0"):
            main.main()
    return path


def test_what_is_no_number_is_named_in_the_ledger(model: Path) -> None:
    with (model.with_suffix(".run") / "ledger.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    reasons = {row["path"]: row["reason"] for row in rows if row["status"] == "left out"}
    assert reasons == {
        "03.png": "no number: 'nan'",
        "05.png": "no number: 'many'",
        "08.png": "no label",
    }


def test_training_says_how_it_fares_and_how_to_judge_it(
    table: Path, tmp_path: Path, run: Run
) -> None:
    path = tmp_path / "m.safetensors"
    words = ("--net", "flatten | dense", "--epochs", "2", "--no-report")
    code, out, _ = run("train", "cnn", str(table), str(path), *TRAIN, *words)
    assert code == 0 and "validation mean absolute error  " in out
    assert out.rstrip().endswith(f"evaluate {path} {table} --label light")
    code, out, _ = run("train", "cnn", str(table), str(path), *TRAIN, *words, "--fresh", "--json")
    facts = json.loads(out)
    assert facts["task"] == "regression" and facts["validation_accuracy"] is None
    assert set(facts["figures"]) <= {"mean absolute error", "R2", "rank correlation"}


def test_it_is_judged_beside_baselines(model: Path, table: Path, tmp_path: Path, run: Run) -> None:
    rows, sheet = tmp_path / "rows.csv", tmp_path / "sheet.png"
    more = ("--to", str(rows), "--sheet", str(sheet), "--report", str(tmp_path / "r.html"))
    code, out, _ = run("evaluate", str(model), str(table), "--label", "light", *more)
    assert code == 0
    for word in (
        "mean absolute error",
        "R2",
        "rank correlation",
        "within intervals",
        "median",
        "ridge regression on pixels",
        "2 without a number",
        "no proof of them",
    ):
        assert word in out
    with rows.open(encoding="utf-8") as file:
        judged = [row for row in csv.DictReader(file) if not row["reason"]]
    for row in judged:
        made, true = float(row["number"]), float(row["true"])
        assert float(row["residual"]) == pytest.approx(made - true, abs=1e-9)
        assert float(row["low"]) < made < float(row["high"])
    assert sheet.exists() and (tmp_path / "sheet.csv").read_text().startswith("path,true,number")
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    for word in ("How near answers come", "What is farthest off", "Answers that are too high"):
        assert word in page
    code, out, _ = run("evaluate", str(model), str(table), "--label", "light", "--json")
    facts = json.loads(out)
    assert facts["metrics"]["stated"] == 0.9 and facts["baselines"][0]["measure"]
    assert 0 < facts["metrics"]["r2"]["value"] <= 1


def test_what_is_true_is_a_number_or_nothing(
    model: Path, table: Path, tmp_path: Path, run: Run
) -> None:
    (tmp_path / "30.png").write_bytes((table.parent / "30.png").read_bytes())
    (tmp_path / "05.png").write_bytes((table.parent / "05.png").read_bytes())
    (tmp_path / "07.png").write_bytes(b"no picture")
    (tmp_path / "t.csv").write_text("path,light\n30.png,90.5\n07.png,12.25\n05.png,many\n")
    words = ("evaluate", model, tmp_path / "t.csv", "--label", "light", "--include-training")
    code, _, err = run(*words, "--no-baselines", "--to", tmp_path / "to.parquet")
    assert code == 0, err
    found = pq.read_table(tmp_path / "to.parquet")
    assert found.schema.field("true").type == pa.float64()
    rows = found.to_pylist()
    assert [one["true"] for one in rows] == [90.5, 12.25, None]
    assert rows[0]["reason"] is None and rows[1]["reason"].startswith("not a picture")
    assert rows[2]["reason"] == "no number: 'many'"
    code, out, _ = run(*words, "--no-baselines", "--json")
    assert code == 0 and [one["true"] for one in json.loads(out)["pictures"]] == [90.5, 12.25, None]


def test_predictions_have_an_interval(model: Path, table: Path, tmp_path: Path, run: Run) -> None:
    code, out, _ = run("predict", str(model), str(table.parent / "00.png"))
    assert code == 0 and out.splitlines()[0].split() == ["path", "light", "90", "%", "interval"]
    to = tmp_path / "p.jsonl"
    code, out, _ = run("predict", str(model), str(table), "--to", str(to))
    assert code == 0 and "answers:" not in out
    first = json.loads(to.read_text().splitlines()[0])
    assert first["low"] < first["number"] < first["high"] and first["error"] is None


def test_it_is_shown_and_looked_at(model: Path, table: Path, tmp_path: Path, run: Run) -> None:
    _, out, _ = run("show", str(model))
    assert "answers              a number" in out and "mean absolute error" in out
    picture, to = str(table.parent / "00.png"), tmp_path / "looks"
    code, _, _ = run("look", str(model), picture, "--to", str(to), "--only", "attribution,way")
    assert code == 0
    with (to / "attribution.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    made = float(rows[0]["class"].replace(",", ""))
    assert 20 < made < 260 and rows[0]["probability"] in ("", "nan")


def test_the_farthest_off_are_looked_at(model: Path, table: Path, tmp_path: Path, run: Run) -> None:
    words = ("--to", str(tmp_path / "looks"), "--only", "mistakes", "--label", "light")
    code, _, err = run("look", str(model), str(table), *words)
    assert code == 0, err
    told = (tmp_path / "looks" / "mistakes.csv").read_text(encoding="utf-8")
    assert told.startswith("row,path,true,number,low,high,residual")
    assert "Answers that are too high" in told and "Answers that are too low" in told


def test_whole_trainings_on_folds_learn_numbers_too(table: Path, tmp_path: Path, run: Run) -> None:
    path = tmp_path / "m.safetensors"
    words = ("--net", "flatten | dense", "--epochs", "2", "--no-report", "--folds", "2")
    code, out, err = run("train", "cnn", str(table), str(path), *TRAIN, *words)
    assert code == 0, err
    assert "mean absolute error of whole trainings on folds  " in out
    code, out, _ = run("evaluate", str(path), str(table), "--label", "light")
    assert code == 0 and "judged by folds" in out and "within intervals" in out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--label", "light"), 3, ["learn them as numbers (--target numbers"]),
        (("--label", "lights", "--target", "numbers"), 3, ["did you mean 'light'?"]),
        (("--label", "light", "--target", "number"), 2, ["--target", "'numbers'"]),
        ((*TRAIN, "--class-weight", "balanced"), 2, ["--class-weight", "leave it out"]),
        ((*TRAIN, "--net", "flatten | dense 1 relu"), 2, ["a plain sum at the end"]),
        (("--target", "numbers"), 3, ["--label"]),
    ],
)
def test_wrong_lines_say_what_to_do(
    words: tuple[str, ...], code: int, said: list[str], table: Path, tmp_path: Path, run: Run
) -> None:
    path = str(tmp_path / "m.safetensors")
    found, _, err = run("train", "cnn", str(table), path, *words, "--epochs", "1")
    assert found == code, err
    for word in said:
        assert word in " ".join(err.split())


def test_a_decimal_comma_is_refused(tmp_path: Path, table: Path, run: Run) -> None:
    commas = table.parent / "commas.csv"
    commas.write_text('path;light\n00.png;"12,5"\n01.png;"13,25"\n', encoding="utf-8")
    path = str(tmp_path / "m.safetensors")
    code, _, err = run("train", "cnn", str(commas), path, *TRAIN)
    assert code == 3 and "whose comma may be either" in " ".join(err.split())
