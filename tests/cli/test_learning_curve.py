"""`foveal evaluate --learning-curve`, as a person types it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from support.models import small_model


@pytest.fixture
def transfer(run, class_folders: Path, tmp_path: Path) -> Path:
    small_model("conv 4 3x3 same relu | maxpool 4 | flatten | dense", channels=3, side=16).save(
        tmp_path / "backbone.safetensors"
    )
    model = tmp_path / "m.safetensors"
    line = ("--backbone", tmp_path / "backbone.safetensors", "--threads", 1, "--no-report")
    assert run("train", "transfer", class_folders, model, *line)[0] == 0
    return model


def test_a_curve_is_told_and_written(run, transfer: Path, class_folders: Path) -> None:
    (class_folders / "above" / "broken.png").write_bytes(b"no picture")
    line = ("evaluate", transfer, class_folders, "--learning-curve")
    page, chart, table = (transfer.with_name(f"curve.{end}") for end in ("html", "svg", "csv"))
    code, out, err = run(*line, "--to", page)
    assert code == 0 and "taught anew 120 of 120 times" in err
    assert "with twice as many of every class, 120 instead of 60, the accuracy would" in out
    assert " percentage points (" in out and "taught by  accuracy" in out
    assert "1 picture left out: cannot be read" in out
    assert "Would more pictures help?" in page.read_text() and "<svg" in page.read_text()
    assert "recall of above" in page.read_text()
    assert run(*line, "--to", chart)[0] == 0 and chart.read_text().startswith("<svg")
    code, out, _ = run(*line, "--to", table, "--json")
    answer = json.loads(out)
    assert answer["written"] == [str(table)] and answer["classes"] == ["above", "below"]
    with table.open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["pictures"]) for row in rows] == [one["pictures"] for one in answer["points"]]
    assert float(rows[-1]["accuracy"]) == answer["points"][-1]["accuracy"]["value"]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--report", "r.html"), "--report"),
        (("--reject", 0.1), "--reject"),
        (("--to", "curve.png"), ".html, .svg"),
    ],
)
def test_what_a_curve_does_not_answer_is_refused(
    run, transfer: Path, class_folders: Path, more: tuple[object, ...], told: str
) -> None:
    code, _, err = run("evaluate", transfer, class_folders, "--learning-curve", *more)
    assert code == 2 and told in err
