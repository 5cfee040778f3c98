"""Every fault that was put into a folder is found under its kind, and nothing else is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import foveal
from foveal.checking.findings import KINDS
from foveal.errors import DataError
from support.digits import DIGITS, as_bytes
from support.photographs import photograph, photographs


def test_each_fault_is_found_under_its_kind_and_no_other(faulty) -> None:
    names = faulty.found.pictures.names
    found = {one.kind: {names[row] for row in one.rows} for one in faulty.found.findings}
    assert found == faulty.faults


def test_findings_come_in_the_order_of_their_kinds(faulty) -> None:
    order = list(KINDS)
    places = [order.index(one.kind) for one in faulty.found.findings]
    assert places == sorted(places)


def test_counts_agree(faulty) -> None:
    told = faulty.found.to_dict()
    assert told["total"] == 4 * 24 + 5  # beside the 96 are 5 files more
    assert told["total"] == told["pictures"] + len(told["unreadable"])
    assert sum(one["pictures"] for one in told["classes"]) == told["pictures"]
    assert {one["path"] for one in told["unreadable"]} == faulty.faults["unreadable"]
    assert all(one["error"] for one in told["unreadable"])
    json.dumps(told)


def test_a_clean_folder_has_no_findings(tmp_path: Path) -> None:
    for seed, label in enumerate("ab"):
        photographs(tmp_path / label, 20, seed)
    found = foveal.check(tmp_path, quick=True)
    assert found.findings == () and len(found.cleaning.rows) == 40


def test_small_and_unequal_classes_are_named(tmp_path: Path) -> None:
    for seed, (label, count) in enumerate((("many", 30), ("few", 3))):
        photographs(tmp_path / label, count, seed)
    found = foveal.check(tmp_path, quick=True)
    few, imbalance = found.of("few"), found.of("imbalance")
    assert few is not None and [item.why for item in few.items] == ["few: 3 pictures"]
    assert imbalance is not None and "many has 30" in imbalance.items[0].why


def test_a_class_that_a_split_leaves_none_to_train_on_is_named(tmp_path: Path) -> None:
    for seed, folder in enumerate(("train/a", "train/b", "test/a", "test/c")):
        photographs(tmp_path / folder, 20, seed)
    few = foveal.check(tmp_path, quick=True).of("few")
    assert few is not None
    assert [item.why for item in few.items] == ["c: 20 pictures, none to train on"]
    assert foveal.check(tmp_path / "test", quick=True).of("few") is None


def test_groups_on_both_sides_of_a_split_are_a_leak(tmp_path: Path) -> None:
    for seed, part in enumerate(("train", "test")):
        photographs(tmp_path / part / "a", 4, seed)
    groups = ["x", "y", "y", "z", "x", "u", "v", "w"]
    found = foveal.check(tmp_path, quick=True, groups=groups).of("leak")
    names = ["test/a/0.png", "test/a/1.png", "test/a/2.png", "test/a/3.png"]
    assert found is not None and [item.why for item in found.items] == ["group x in test and train"]
    assert found.items[0].paths == (names[0], "train/a/0.png")


def test_arrays_with_labels_are_checked_too() -> None:
    images = as_bytes(DIGITS[:60]).copy()
    images[7] = images[3]
    images[11] = 128
    labels = np.repeat(["p", "q"], 30).tolist()
    labels[5] = None
    found = foveal.check(images, labels, quick=True)
    rows = {one.kind: one.rows for one in found.findings}
    assert rows["equal"] == (3, 7)
    assert rows["blank"] == (11,)
    assert rows["unlabelled"] == (5,)


def test_a_table_without_labels_says_where_they_may_be(tmp_path: Path) -> None:
    paths = photographs(tmp_path, 3, 0)
    rows = [f"{path.name},{path.stem};,x" for path in paths]
    table = tmp_path / "table.csv"
    table.write_text("\n".join(["path,defects,line", *rows]))
    (note,) = foveal.check(table, quick=True).notes
    assert "it has also defects, line (`label` names one)" in note
    assert not foveal.check(table, "defects", quick=True).notes
    assert not foveal.check(tmp_path, quick=True).notes


def test_several_labels_of_which_there_is_none_are_called_so() -> None:
    found = foveal.check(as_bytes(DIGITS[:3]), [["a", "b"], [], ["a"]], quick=True)
    assert [found.classes.name(row) for row in range(3)] == ["a;b", "none", "a"]


def test_numbers_that_are_measures_are_no_classes() -> None:
    found = foveal.check(as_bytes(DIGITS[:30]), np.linspace(0, 1, 30), quick=True)
    assert found.classes.names == () and found.of("few") is None


def test_the_source_is_not_touched(tmp_path: Path) -> None:
    paths = photographs(tmp_path / "a", 3, 0)
    before = [(path.stat().st_mtime_ns, path.read_bytes()) for path in paths]
    foveal.check(tmp_path, quick=True)
    assert [(path.stat().st_mtime_ns, path.read_bytes()) for path in paths] == before
    assert sorted(tmp_path.rglob("*.png")) == sorted(paths)


def test_of_pictures_none_of_which_can_be_read_each_has_its_reason(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(b"nothing")
    found = foveal.check(tmp_path, quick=True)
    assert found.unreadable == 3 and [one.kind for one in found.findings] == ["unreadable"]


def test_labels_of_another_number_are_refused(tmp_path: Path) -> None:
    photographs(tmp_path, 3, 0)
    with pytest.raises(DataError, match="one a picture"):
        foveal.check(tmp_path, ["a", "b"], quick=True)


def test_grey_pictures_saved_in_colour_are_odd_among_coloured_ones(tmp_path: Path) -> None:
    photographs(tmp_path, 24, 0)
    photograph(99).convert("L").convert("RGB").save(tmp_path / "grey.png")
    found = foveal.check(tmp_path, quick=True).of("colour")
    assert found is not None and found.items[0].paths == ("grey.png",)
