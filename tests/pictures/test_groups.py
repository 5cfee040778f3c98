"""Groups: what belongs together is named by folders, names, a table, or one a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from foveal.errors import DataError, UsageError
from foveal.pictures.collection import Pictures
from foveal.pictures.groups import group_ids, grouped
from foveal.pictures.sources import gather


def folder(root: Path, *names: str) -> Pictures:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    return gather(root)


def groups(pictures: Pictures, by: object) -> list[object]:
    found = grouped(pictures, by).groups
    assert found is not None
    return found.tolist()


def test_folders_below_the_class_are_groups_whatever_class_or_part_they_lie_in(
    tmp_path: Path,
) -> None:
    plain = folder(tmp_path / "plain", "cat/a1/1.png", "cat/a1/in/2.png", "cat/3.png", "dog/a1/4")
    assert groups(plain, "folder") == [None, "a1", "a1/in", "a1"]
    parts = folder(tmp_path / "parts", "train/cat/a1/1.png", "test/dog/a1/2.png", "test/dog/3.png")
    assert dict(zip(parts.names, groups(parts, "folder"), strict=True)) == {
        "test/dog/3.png": None,
        "test/dog/a1/2.png": "a1",
        "train/cat/a1/1.png": "a1",
    }


def test_a_class_that_is_called_train_is_no_part_of_a_group(tmp_path: Path) -> None:
    # classes, not parts: cat is none
    found = folder(
        tmp_path, "test/a1/1.png", "cat/a1/2.png", "cat/a2/3.png"
    )  # classes, not parts: cat is none
    assert found.parts is None
    assert groups(found, "folder") == ["a1", "a2", "a1"]


def test_an_expression_is_searched_in_the_name_or_with_a_slash_in_the_path(tmp_path: Path) -> None:
    found = folder(tmp_path, "cat/mia_1.png", "cat/mia_2.png", "dog/rex_1.png", "dog/x.png")
    assert groups(found, r"^([a-z]+)_\d") == ["mia", "mia", "rex", None]
    assert groups(found, r"[a-z]+_") == ["mia_", "mia_", "rex_", None]
    assert groups(found, r"^(\w+)/") == ["cat", "cat", "dog", "dog"]


def test_a_table_names_paths_from_where_it_lies(tmp_path: Path) -> None:
    found = folder(tmp_path / "in", "cat/1.png", "cat/2.png", "dog/3.png")
    table = tmp_path / "groups.csv"
    table.write_text(f"group,path\nmia,in/cat/1.png\nmia,{tmp_path}/in/dog/3.png\n,in/cat/2.png\n")
    assert groups(found, table) == ["mia", None, "mia"]
    assert groups(found, str(table)) == ["mia", None, "mia"]
    of_list = gather([tmp_path / "in/dog/3.png", tmp_path / "in/cat/2.png"])
    assert groups(of_list, table) == ["mia", None]


def test_what_has_no_group_is_its_own_and_that_is_said() -> None:
    pictures = Pictures.of_array(np.zeros((5, 4, 4, 1)))
    found = grouped(pictures, ["a", None, float("nan"), "", "a"])
    assert group_ids(found.groups).tolist() == [0, -1, -1, -1, 0]
    assert found.notes == ("3 pictures without a group: each is its own",)
    assert grouped(pictures, np.arange(5)).groups.tolist() == [0, 1, 2, 3, 4]
    assert grouped(pictures, np.arange(5)).notes == ()
    assert grouped(pictures, None) is pictures
    assert found.take([4, 1]).groups.tolist() == ["a", None]


@pytest.mark.parametrize(
    ("by", "words"),
    [
        ("folder", "directly in these"),
        (r"animal(\d", r"unterminated subpattern"),
        (r"animal\d", r"none that does; the first pictures are cat/1.png"),
    ],
)
def test_groups_that_nothing_has_are_refused(tmp_path: Path, by: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        grouped(folder(tmp_path, "cat/1.png", "dog/2.png"), by)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "No such file"),
        ("file,animal\ncat/1.png,a\n", "file, animal"),
        ("", "an empty file"),
        ("path,group\nelsewhere.png,a\n", "none of them"),
    ],
)
def test_a_table_that_names_nothing_is_refused(
    tmp_path: Path, text: str | None, words: str
) -> None:
    pictures = folder(tmp_path / "in", "cat/1.png")
    if text is not None:
        (tmp_path / "t.csv").write_text(text)
    with pytest.raises((DataError, UsageError), match=words):
        grouped(pictures, tmp_path / "t.csv")


def test_groups_must_be_one_a_picture() -> None:
    with pytest.raises(DataError, match="5 groups, one a picture"):
        grouped(Pictures.of_array(np.zeros((5, 4, 4, 1))), ["a"] * 4)


@pytest.mark.parametrize("by", [r"\.png$", ["one"] * 4])
def test_one_group_of_all_is_refused(tmp_path: Path, by: Any) -> None:
    pictures = Pictures.of_files([tmp_path / f"{number}.png" for number in range(4)])
    with pytest.raises(UsageError, match="at least two groups"):
        grouped(pictures, by)


def test_what_pandas_says_is_missing_is_a_group_of_its_own(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    pictures = Pictures.of_files([tmp_path / f"{number}.png" for number in range(4)])
    by = pandas.Series([1, 1, None, 2], dtype="Int64")
    assert grouped(pictures, by).groups.tolist() == [1, 1, None, 2]


def test_a_table_that_names_a_path_in_two_groups_is_refused(tmp_path: Path) -> None:
    pictures, table = folder(tmp_path, "cat/1.png", "cat/2.png"), tmp_path / "groups.csv"
    table.write_text("path,group\ncat/1.png,a\ncat/2.png,b\ncat/1.png,a\n")
    assert groups(pictures, table) == ["a", "b"]
    table.write_text(f"path,group\ncat/1.png,a\n{tmp_path}/cat/1.png,b\n")
    with pytest.raises(DataError, match=r"one group for each path, got .*'a' and 'b'"):
        grouped(pictures, table)


def test_a_table_without_groups_is_called_so(tmp_path: Path) -> None:
    pictures, table = folder(tmp_path, "cat/1.png", "cat/2.png"), tmp_path / "groups.csv"
    table.write_text("path,group\ncat/1.png,\ncat/2.png,\n")
    with pytest.raises(UsageError, match="no group beside the 2 paths of theirs"):
        grouped(pictures, table)


def test_a_table_may_write_paths_as_windows_does(tmp_path: Path) -> None:
    pictures, table = folder(tmp_path, "cat/1.png", "cat/in/2.png"), tmp_path / "groups.csv"
    table.write_text("path,group\ncat\\1.png,a\ncat\\in\\2.png,b\n")
    assert groups(pictures, table) == ["a", "b"]


def test_of_several_groups_of_an_expression_that_counts_which_takes_part(tmp_path: Path) -> None:
    pictures = folder(tmp_path, "cat/cat1_1.png", "cat/cat1_2.png", "cat/dog2_1.png")
    assert groups(pictures, r"cat(\d)|dog(\d)") == ["1", "1", "2"]
    with pytest.raises(UsageError, match="matches that name nothing"):
        grouped(pictures, r"(x)?_")
