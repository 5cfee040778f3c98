"""`foveal predict`: a row for every picture, wherever its name comes from."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np


def test_imagenet_needs_no_training(run, class_folders: Path, tmp_path: Path) -> None:
    few = tmp_path / "few"
    few.mkdir()
    for index in range(2):
        shutil.copy(class_folders / "above" / f"above.{index}.png", few)
    (few / "broken.png").write_bytes(b"no picture")
    code, out, _ = run("predict", "imagenet", few, "--top", 3, "--threads", 1)
    lines = out.splitlines()
    assert code == 0 and len(lines) == 4
    assert sum("unreadable: " in line for line in lines) == 1
    named = [line for line in lines if "  then " in line]
    assert len(named) == 2
    for line in named:
        shares = [float(one.split()[-1]) for one in line.replace(",", "").split(" %")[:-1]]
        assert len(shares) == 3 and shares == sorted(shares, reverse=True)
    table = tmp_path / "p.csv"
    code, out, _ = run("predict", "imagenet", few, "--to", table, "--threads", 1)
    assert code == 0 and "3 rows" in out and "1 unreadable" in out
    with table.open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 and len(rows[0]) == 1_004
    (broken,) = [row for row in rows if row["error"]]
    assert broken["label"] == "" and broken["path"].endswith("broken.png")
    whole = [row for row in rows if not row["error"]]
    for row in whole:
        shares = {name[2:]: float(row[name]) for name in row if name.startswith("p:")}
        assert np.isclose(sum(shares.values()), 1)
        assert max(shares, key=shares.__getitem__) == row["label"]
        assert f"{row['label']} " in out or any(row["label"] in line for line in named)
    assert run("predict", "imagenet", few, "--strict", "--to", table)[0] == 3
    assert run("predict", "imagenet", few, "--top", 0)[0] == 2
