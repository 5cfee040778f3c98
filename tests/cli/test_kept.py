"""Further columns of tables, kept beside the answers of predict."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def table(digits: Path, tmp_path: Path) -> Path:
    """Write a table of digits with columns of its own, one named like an answer."""
    path = tmp_path / "rows.csv"
    paths = [f"digits/{one.relative_to(digits)}" for one in sorted(digits.rglob("*.png"))[:4]]
    (tmp_path / "digits").symlink_to(digits)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(
            [
                ("path", "scanner", "error", "note", "label"),
                *((one, f"s{row}", row, "", "0") for row, one in enumerate(paths)),
            ]
        )
    return path


def test_predict_keeps_the_columns_of_a_table_and_its_paths(
    run: Run, classifier: Path, table: Path, digits: Path
) -> None:
    written = [row["path"] for row in csv.DictReader(table.read_text().splitlines())]
    for ending in ("csv", "jsonl", "parquet"):
        to = table.with_name(f"answers.{ending}")
        code, _, _ = run("predict", classifier, table, digits, "--to", to)
        assert code == 0
        if ending == "csv":
            rows = list(csv.DictReader(to.read_text().splitlines()))
        elif ending == "jsonl":
            rows = [json.loads(line) for line in to.read_text().splitlines()]
        else:
            rows = pq.read_table(to).to_pylist()
        assert [row["path"] for row in rows[:4]] == written
        assert [row["scanner"] for row in rows[:4]] == ["s0", "s1", "s2", "s3"]
        assert [row["given:error"] for row in rows[:4]] == ["0", "1", "2", "3"]
        assert all(not row["note"] for row in rows)
        assert len(rows) > 30 and not any(row["scanner"] for row in rows[4:])
        assert str(digits) in rows[4]["path"]


def test_predict_prints_them_for_a_machine(run: Run, classifier: Path, table: Path) -> None:
    _, out, _ = run("predict", classifier, table, "--json")
    rows = json.loads(out)["pictures"]
    assert [row["scanner"] for row in rows] == ["s0", "s1", "s2", "s3"]
    assert {row["note"] for row in rows} == {None}


def test_predict_needs_neither_split_nor_label(run: Run, classifier: Path, table: Path) -> None:
    lines = table.read_text().splitlines()
    lines[0] = "path,split,label,note,label"
    table.write_text("\n".join(lines))
    code, out, _ = run("predict", classifier, table)
    assert code == 0 and out.count("digits/") == 4
    assert "the column split is not read" in out and "the column label is not read" in out
    code, _, err = run("evaluate", classifier, table)
    assert code == 3 and "in the column split" in err
