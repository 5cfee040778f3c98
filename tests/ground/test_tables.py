"""Tables: every row in each format, or no file."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from foveal import UsageError
from foveal.tables import GrowingTable, write_table

ROWS = [
    [["a.png", "cat", 0.9, None, 0.9, 0.1]],
    [["b\udce9.png", None, None, "truncated", None, None], ["c,d.png", "dog", 1.0, None, 0.0, 1.0]],
]


COLUMNS = ["path", "label", "probability", "error", "p:cat", "p:dog"]


@pytest.mark.parametrize("order", [1, -1])
def test_tables_hold_every_row_in_each_format(tmp_path: Path, order: int) -> None:
    batches = ROWS[::order]
    for ending in (".csv", ".parquet", ".jsonl"):
        assert write_table(tmp_path / f"t{ending}", COLUMNS, iter(batches)) == 3
    assert not list(tmp_path.glob(".*"))
    table = pq.read_table(tmp_path / "t.parquet").to_pylist()
    lines = [json.loads(one) for one in (tmp_path / "t.jsonl").read_text().splitlines()]
    flat = [row for batch in batches for row in batch]
    assert [row["label"] for row in table] == [row[1] for row in flat]
    assert [row["p:dog"] for row in lines] == [row[5] for row in flat]
    assert [row["error"] for row in table] == [row[3] for row in flat]


def test_an_empty_table_has_its_columns(tmp_path: Path) -> None:
    assert write_table(tmp_path / "t.parquet", COLUMNS, []) == 0
    assert pq.read_table(tmp_path / "t.parquet").column_names == COLUMNS


def test_a_table_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    def batches():
        yield ROWS[0]
        raise RuntimeError("the picture frame fell down")

    for ending in (".csv", ".parquet", ".jsonl"):
        with pytest.raises(RuntimeError, match="picture frame"):
            write_table(tmp_path / f"t{ending}", COLUMNS, batches())
    assert not list(tmp_path.iterdir())


def test_other_endings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.csv, \.parquet, \.jsonl"):
        write_table(tmp_path / "t.xlsx", COLUMNS, [])


NAMES = ["plain", "two\r\nlines", 'a "quoted", one', "caf\u00e9", "odd \udcff byte", ""]


@pytest.mark.parametrize("ending", [".csv", ".jsonl"])
@pytest.mark.parametrize("cut", range(0, 40, 3))
def test_a_growing_table_loses_no_whole_row_and_keeps_no_half_one(
    tmp_path: Path, ending: str, cut: int
) -> None:
    path = tmp_path / f"t{ending}"
    with GrowingTable(path, ["path", "value"]) as table:
        table.add([[name, None] for name in NAMES])
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) - cut])
    with GrowingTable(path, ["path", "value"]) as table:
        kept = [name for name in NAMES if name in table.known]
        assert kept == NAMES[: len(kept)] and (cut > 0 or kept == NAMES)
        table.add([[name, None] for name in NAMES[len(kept) :]])
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", b"other,columns\r\n"),
        ("t.csv", b"path,value\r\na\r\n"),
        ("t.csv", b"\x00\x01binary\n"),
        ("t.jsonl", b'{"path": "a"}\n'),
        ("t.jsonl", b"[1]\n"),
        ("t.jsonl", b"nonsense\n"),
        ("t.parquet", b""),
    ],
)
def test_a_growing_table_leaves_what_is_none_alone(
    tmp_path: Path, name: str, content: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UsageError):
        GrowingTable(path, ["path", "value"])
    assert path.read_bytes() == content


def test_a_table_grows_by_one_process_at_a_time(tmp_path: Path) -> None:
    with GrowingTable(tmp_path / "t.csv", ["path"]) as table:
        with pytest.raises(UsageError) as error:
            GrowingTable(tmp_path / "t.csv", ["path"])
        assert "another process" in str(error.value)
        table.add([["a"]])
    with GrowingTable(tmp_path / "t.csv", ["path"]) as table:
        assert table.known == {"a"}
