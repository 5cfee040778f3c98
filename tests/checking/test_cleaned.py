"""The table of what is left: which pictures, and that the sources take it."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

import foveal
from foveal.errors import UsageError
from foveal.pictures.sources import gather
from support.digits import DIGITS, as_bytes
from support.photographs import photographs


def rows_of(table: Path) -> dict[str, dict[str, str]]:
    with table.open(newline="") as file:
        return {row["path"]: row for row in csv.DictReader(file)}


def test_what_nobody_can_want_is_left_out_and_all_else_stays(faulty, tmp_path: Path) -> None:
    table = faulty.found.save_cleaned(faulty.folder.parent / "cleaned.csv")
    rows = rows_of(table)
    everything = {f"{faulty.folder.name}/{name}" for name in faulty.found.pictures.names}
    gone = {name.removeprefix(f"{faulty.folder.name}/") for name in everything - set(rows)}
    assert gone == {
        *faulty.faults["unreadable"],
        *faulty.faults["blank"],
        *faulty.faults["contradiction"],
        "train/a/5.png",  # of equal ones the first of the listing stays
        "train/a/7.png",  # the test keeps its copy
    }
    assert len(rows) == len(faulty.found.cleaning.rows)


def test_the_table_is_a_source_with_labels_parts_groups_and_doubts(faulty) -> None:
    table = faulty.found.save_cleaned(faulty.folder.parent / "again.csv")
    pictures = gather(table)
    assert set(pictures.labels.tolist()) == {"a", "b"}
    assert set(pictures.parts.tolist()) == {"train", "test"}
    row_of = {Path(name).name: row for row, name in enumerate(pictures.names)}
    near = [row_of["8 near.png"], list(pictures.names).index(f"{faulty.folder.name}/train/a/8.png")]
    groups = pictures.groups[near].tolist()
    assert groups[0] is not None and groups[0] == groups[1]
    doubts = dict(zip(pictures.names, pictures.others["doubt"], strict=True))
    assert "softer" in doubts[f"{faulty.folder.name}/train/a/3.png"]
    assert not doubts[f"{faulty.folder.name}/train/b/3.png"]
    again = foveal.check(table, quick=True)
    kinds = {one.kind for one in again.findings}
    assert not kinds & {"unreadable", "blank", "equal", "contradiction", "leak"}


def test_columns_of_a_table_are_kept(tmp_path: Path) -> None:
    photographs(tmp_path / "p", 3, 0)
    lines = ["path,label,camera", *(f"p/{number}.png,x,c{number}" for number in range(3))]
    (tmp_path / "given.csv").write_text("\n".join(lines))
    found = foveal.check(tmp_path / "given.csv", quick=True)
    rows = rows_of(found.save_cleaned(tmp_path / "cleaned.csv"))
    assert [row["camera"] for row in rows.values()] == ["c0", "c1", "c2"]


def test_validation_keeps_its_copy_from_training_and_the_test_from_both(tmp_path: Path) -> None:
    for part in ("train", "val", "test"):
        photographs(tmp_path / part / "a", 2, 0)
    photographs(tmp_path / "train" / "a", 3, 0)
    photographs(tmp_path / "val" / "a", 3, 0)
    found = foveal.check(tmp_path, quick=True)
    kept = {found.pictures.names[row] for row in found.cleaning.rows}
    assert kept == {"test/a/0.png", "test/a/1.png", "val/a/2.png"}


def test_arrays_have_no_table(tmp_path: Path) -> None:
    found = foveal.check(as_bytes(DIGITS[:8]), np.arange(8) % 2, quick=True)
    with pytest.raises(UsageError, match="files"):
        found.save_cleaned(tmp_path / "cleaned.csv")
    with pytest.raises(UsageError, match=r"\.csv"):
        found.save_cleaned(tmp_path / "cleaned.parquet")
