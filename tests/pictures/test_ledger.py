"""The ledger: a table of every file that reads back as it was written."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foveal.arrays import Array
from foveal.pictures.ledger import COLUMNS, Entries, Entry, left_out, summary, write
from foveal.pictures.remarks import Remark

USED = Entry("a.png", "cat", "train", "")
LOST = Entry("b.png", None, "", "empty file")

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
file_names = st.binary(min_size=1).filter(lambda name: b"\0" not in name).map(os.fsdecode)
entries = st.builds(Entry, file_names, st.none() | texts.filter(bool), texts, texts)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        return list(csv.DictReader(file))


@settings(max_examples=150)
@given(rows=st.lists(entries, max_size=5))
def test_any_names_come_back(tmp_path: Path, rows: list[Entry]) -> None:
    path = tmp_path / "ledger.csv"
    write(path, rows)
    assert [tuple(row) for row in read(path)] == [COLUMNS] * len(rows)
    assert [(row["path"], row["label"], row["part"], row["reason"]) for row in read(path)] == [
        (row.path, row.label or "", row.part, row.reason) for row in rows
    ]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "name",
    ["a,b.png", 'say "hi".png', "two\nlines.png", "\r.png", os.fsdecode(b"caf\xe9.png"), " "],
)
def test_odd_names_come_back(tmp_path: Path, name: str) -> None:
    write(tmp_path / "ledger.csv", [Entry(name, "cat", "train", "")])
    assert read(tmp_path / "ledger.csv")[0]["path"] == name


def test_status_says_whether_a_picture_was_used(tmp_path: Path) -> None:
    assert (USED.status, LOST.status) == ("used", "left out")
    assert left_out([USED, LOST]) == [LOST]
    write(tmp_path / "ledger.csv", [USED, LOST])
    assert [row["status"] for row in read(tmp_path / "ledger.csv")] == ["used", "left out"]


@pytest.mark.parametrize(
    ("labels", "written"),
    [
        (np.array(["cat", None, "dog"], dtype=object), ["cat", None, "dog"]),
        (np.array([3, 1, 4]), ["3", "1", "4"]),
        (np.array([0.5, 1.0, np.nan]), ["0.5", "1.0", "nan"]),
        (np.array([[0, 1], [1, 0], [1, 1]]), ["[0, 1]", "[1, 0]", "[1, 1]"]),
        (None, [None, None, None]),
    ],
)
def test_entries_of_many_pictures_say_what_single_ones_do(
    labels: Array | None, written: list[str | None]
) -> None:
    found = Entries(
        names=["a.png", "b.png", "c.png"],
        labels=labels,
        parts=["train", "", "test"],
        reasons=["", "empty file", ""],
        remarked={2: (Remark("odd", "by 2"), Remark("clear"))},
    )
    told = [
        Entry("a.png", written[0], "train", ""),
        Entry("b.png", written[1], "", "empty file"),
        Entry("c.png", written[2], "test", "", "odd: by 2; clear"),
    ]
    assert list(found) == found[:] == told
    assert [found[row] for row in (-1, -2, -3)] == found[::-1] == told[::-1]
    assert left_out(found) == [told[1]]
    with pytest.raises(IndexError):
        found[3]


def test_a_failure_leaves_the_old_ledger_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "ledger.csv"
    write(path, [USED])
    before = path.read_bytes()
    impossible = Entry("lone \ud800 surrogate", "cat", "train", "")
    with pytest.raises(UnicodeEncodeError, match="surrogates not allowed"):
        write(path, [LOST, impossible])
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_the_summary_counts_all_and_names_the_first() -> None:
    lost = [Entry(f"{index}.png", None, "", f"reason {index}") for index in range(5)]
    assert summary([USED, *lost]) == (
        "5 of 6 pictures left out: 0.png (reason 0); 1.png (reason 1); 2.png (reason 2); and 2 more"
    )
    assert summary([USED, LOST]) == "1 of 2 pictures left out: b.png (empty file)"
