"""`foveal train --target labels` and what follows: several labels a picture, by the commands."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from support.several import NAMES, pictures, written

Run = Callable[..., tuple[int, str, str]]
NET = ("--net", "conv 8 5x5 relu | maxpool 4 | flatten | dense", "--threads", 1)


def trained(run: Run, folder: Path, *options: object) -> tuple[Path, str, str]:
    model = folder / "m.safetensors"
    code, out, err = run(
        *("train", "cnn", folder / "table.csv", model, "--target", "labels", "--epochs", 10),
        *(*NET, *options),
    )
    assert code == 0, err
    return model, out, err


def test_a_column_with_a_separator_is_learned_and_told_of(run: Run, tmp_path: Path) -> None:
    table = written(tmp_path, 160, separator="|")
    model, out, err = trained(run, tmp_path)
    assert "labels are separated by '|'" in err
    for name in ("micro F1", "macro F1", "mean average precision", "exact matches"):
        assert re.search(rf"validation {name}  \d+\.\d % \(", out), name
    page = (tmp_path / "m.run" / "report.html").read_text()
    for words in ("names 4 labels", "How far to trust a label", "average precision", "micro F1"):
        assert words in page
    with (tmp_path / "m.run" / "ledger.csv").open() as file:
        assert {row["part"] for row in csv.DictReader(file)} == {"train", "validation"}

    new, there = pictures(3, 9, noise=10)
    for row, image in enumerate(new):
        Image.fromarray(image).save(tmp_path / f"new-{row}.png")
    names = [tmp_path / f"new-{row}.png" for row in range(3)]
    code, out, _ = run("predict", model, *names, "--json")
    rows = json.loads(out)["pictures"]
    wanted = [";".join(np.array(NAMES)[row == 1]) or ";" for row in there]
    assert code == 0 and [row["labels"] for row in rows] == wanted
    assert set(rows[0]) >= {f"p:{name}" for name in NAMES}
    code, out, _ = run("predict", model, *names)
    assert "labels" in out.splitlines()[0]

    code, out, _ = run("evaluate", model, table, "--json")
    found = json.loads(out)
    assert code == 0 and found["judged_by"] == "validation"
    assert [one["label"] for one in found["metrics"]["labels"]] == NAMES
    assert [one["measure"] for one in found["baselines"]] == ["micro F1"] * 3
    code, out, _ = run("show", model, "--json")
    assert code == 0 and json.loads(out)["task"] == "labels"
    code, out, _ = run("show", model)
    assert "4 labels" in out


def test_columns_of_0_and_1_are_learned_by_their_names(run: Run, tmp_path: Path) -> None:
    written(tmp_path, 60)
    model, out, err = trained(run, tmp_path, "--label", ",".join(NAMES), "--no-report")
    assert f"--label {','.join(NAMES)}" in out.splitlines()[-1]
    table = tmp_path / "table.csv"
    code, out, _ = run("evaluate", model, table, "--label", ",".join(NAMES), "--no-baselines")
    assert code == 0 and "micro F1" in out
    table.write_text(table.read_text().replace(",1,", ",7,", 1))
    code, _, err = run(
        *("train", "cnn", table, tmp_path / "n.safetensors", "--target", "labels"),
        *("--label", ",".join(NAMES), *NET),
    )
    assert code == 3 and "0 and 1" in err and "7 in row" in err


def test_every_picture_has_a_row_with_its_labels_whether_it_was_judged_or_not(
    run: Run, tmp_path: Path
) -> None:
    order = ["top", "right", "left", "bottom"]
    asked = ("--label", ",".join(order))
    written(tmp_path, 60)
    model, *_ = trained(run, tmp_path, *asked, "--no-report")
    table = written(tmp_path, 6, seed=1)
    (tmp_path / "1-2.png").write_bytes(b"no picture")
    rows = table.read_text().splitlines()
    table.write_text("\n".join([*rows[:4], rows[4].partition(",")[0] + "," * 5, *rows[5:]]))
    code, _, err = run(
        *("evaluate", model, table, *asked, "--no-baselines", "--to", tmp_path / "to.csv")
    )
    assert code == 0, err
    with (tmp_path / "to.csv").open() as file:
        told = list(csv.DictReader(file))
    _, there = pictures(6, 1)
    wanted = [";".join(one for one in order if row[NAMES.index(one)]) or ";" for row in there]
    wanted[3] = ""
    assert [one["true"] for one in told] == wanted
    assert [one["path"] for one in told] == [f"1-{row}.png" for row in range(6)]
    assert told[2]["reason"].startswith("not a picture") and told[3]["reason"] == "no label"
    assert [bool(one["predicted"]) for one in told] == [not one["reason"] for one in told]
    assert sum(bool(one["reason"]) for one in told) == 2


def test_looks_ask_about_a_label(run: Run, tmp_path: Path) -> None:
    written(tmp_path, 60)
    model, *_ = trained(run, tmp_path, "--no-report")
    picture = tmp_path / "0-0.png"
    look = ("look", model, "--to")
    asked = ("--only", "attribution", "--class", "left")
    assert run(*look, tmp_path / "a", picture, *asked)[0] == 0
    with (tmp_path / "a" / "attribution.csv").open() as file:
        (row, *_) = csv.DictReader(file)
    assert "left" in row.values()
    code, _, err = run(*look, tmp_path / "b", tmp_path / "table.csv", "--only", "mistakes")
    assert code == 0, err
    code, _, err = run(*look, tmp_path / "c", picture, "--only", "attribution", "--class", "lef")
    assert code == 2 and "left" in err


def test_a_separator_that_there_is_not_is_refused(run: Run, tmp_path: Path) -> None:
    written(tmp_path, 10)
    code, _, err = run(
        "train", "cnn", tmp_path / "table.csv", tmp_path / "m.safetensors", "--separator", "/"
    )
    assert code == 2 and "--separator" in err


@pytest.mark.parametrize("by", ["separator", "columns"])
def test_check_counts_each_label(run: Run, tmp_path: Path, by: str) -> None:
    table = written(tmp_path, 40)
    _, there = pictures(40, 0)
    said = ("--separator", "auto") if by == "separator" else ("--label", ",".join(NAMES))
    cleaned = tmp_path / "cleaned.csv"
    code, out, _ = run("check", table, "--quick", "--json", *said, "--cleaned", cleaned)
    found = json.loads(out)
    assert code == 0
    counts = {one["label"]: one["pictures"] for one in found["classes"]}
    assert counts == dict(zip(NAMES, there.sum(axis=0).tolist(), strict=True))
    with cleaned.open() as file:
        labels = [row["label"] for row in csv.DictReader(file)]
    assert labels[:3] == [";".join(np.array(NAMES)[row == 1]) or ";" for row in there[:3]]
