"""Files that arrive in a folder: each is predicted once, when it is whole."""

from __future__ import annotations

import csv
import random
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from foveal.model.predictions import columns_of
from foveal.model.watching import PATIENCE, REST, Watch
from foveal.tables import GrowingTable
from support.models import small_model
from support.warm import started


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def model():
    return small_model(channels=3)


def put(file: Path, seed: int = 0) -> Path:
    pixels = np.random.default_rng(seed).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file)
    return file


def rows_of(table: Path) -> list[dict[str, str]]:
    with table.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def made(model, tmp_path: Path):
    folder = tmp_path / "new"
    folder.mkdir()
    clock = Clock()
    with GrowingTable(tmp_path / "rows.csv", columns_of(model.target)) as table:
        yield Watch(model, folder, table, clock=clock, sleep=lambda seconds: None), clock


def test_a_file_has_its_row_once_it_rests_and_only_once(made, model) -> None:
    watch, clock = made
    file = put(watch.folder / "a.png")
    assert watch.look() == 0
    clock.now += REST - 0.5
    assert watch.look() == 0
    file.write_bytes(put(watch.folder / "a.png", 1).read_bytes() + b"more")  # still written
    clock.now += 0.5
    assert watch.look() == 0
    clock.now += REST
    assert watch.look() == 1
    put(watch.folder / "a.png", 2)  # the same name again: it has its row
    for _ in range(3):
        clock.now += PATIENCE
        assert watch.look() == 0
    (row,) = rows_of(watch.table.path)
    assert row["path"] == str(file) and float(row["p:a"]) > 0 and row["error"] == ""


def test_what_may_be_cut_short_is_waited_for_and_named_in_the_end(made, model) -> None:
    watch, clock = made
    whole = put(watch.folder / ".hidden.png", 3).read_bytes()
    late, never = watch.folder / "late.png", watch.folder / "never.png"
    late.write_bytes(whole[:200])
    never.write_bytes(whole[:200])
    watch.look()
    clock.now += REST
    assert watch.look() == 0 and watch.look() == 0
    late.write_bytes(whole)
    watch.look()
    clock.now += REST
    assert watch.look() == 1
    clock.now += PATIENCE
    assert watch.look() == 1
    rows = {Path(row["path"]).name: row["error"] for row in rows_of(watch.table.path)}
    assert rows["late.png"] == "" and "truncated" in rows["never.png"] and len(rows) == 2
    assert (watch.rows, watch.unreadable) == (2, 1)


def test_rows_are_those_of_predict_and_the_table_is_no_picture(made, model, tmp_path) -> None:
    watch, clock = made
    (watch.folder / "deep").mkdir()
    files = [put(watch.folder / "9.png", 1), put(watch.folder / "10.png", 2)]
    files.append(put(watch.folder / "deep" / "x.png", 3))
    within = watch.folder / "rows.jsonl"
    with GrowingTable(within, columns_of(model.target)) as table:
        inner = Watch(model, watch.folder, table, clock=clock)
        for one in (watch, inner):
            one.look()
        clock.now += REST
        assert (watch.look(), inner.look()) == (3, 3)
        clock.now += PATIENCE
        assert inner.look() == 0
    rows = rows_of(watch.table.path)
    assert [row["path"] for row in rows] == list(map(str, files))
    found = [[float(row[f"p:{name}"]) for name in "abc"] for row in rows]
    assert np.allclose(found, model.predict_proba(files), rtol=0, atol=1e-6)


def test_each_file_has_one_row_whatever_kills_the_watcher(tmp_path: Path) -> None:
    folder, table = tmp_path / "new", tmp_path / "rows.csv"
    folder.mkdir()
    small_model(channels=3).save(tmp_path / "m.safetensors")
    draw, made = random.Random(0), 0
    for turn in range(2):
        for _ in range(40):
            put(folder / f"{made}.png", made)
            made += 1
        process = started(tmp_path / "m.safetensors", folder, table, program=WATCHER)
        until = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < until:
            lines = table.read_bytes().count(b"\n") if table.exists() else 0
            if lines > made - 40 * draw.random():
                break
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        if turn == 0:  # as a disk leaves it whose machine fell over
            with table.open("ab") as file:
                file.write(b'"half a row, "')
    with GrowingTable(table, columns_of(small_model(channels=3).target)) as grown:
        watch = Watch(small_model(channels=3), folder, grown, clock=(clock := Clock()))
        watch.look()
        clock.now += REST
        watch.look()
        assert grown.known == {str(folder / f"{row}.png") for row in range(made)}
    lines = table.read_text().splitlines()
    assert len(lines) == made + 1 and len(set(lines)) == len(lines)


WATCHER = """
import sys
from pathlib import Path
import foveal.model.watching as watching
from foveal.model.opening import load
from foveal.model.predictions import columns_of
from foveal.tables import GrowingTable
watching.REST, watching.PAUSE, watching.MOST = 0.0, 0.01, 3
model = load(sys.argv[1], threads=1)
with GrowingTable(Path(sys.argv[3]), columns_of(model.target)) as table:
    for rows in watching.Watch(model, Path(sys.argv[2]), table).looks():
        pass
"""
