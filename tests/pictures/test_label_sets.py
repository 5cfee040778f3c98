"""Several labels of a picture, however they are written: none is another thing than missing."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.sparse import csr_matrix

from foveal.errors import DataError
from foveal.pictures.label_sets import (
    LabelSet,
    joined,
    label_sets,
    matrix_of,
    of_columns,
    of_texts,
    says_several,
    set_of,
)
from foveal.pictures.sources import gather


class Frame:
    """What a frame of pandas answers, as far as it is asked."""

    def __init__(self, **columns: list[Any]) -> None:
        self.named, self.columns = columns, list(columns)

    def __getitem__(self, name: str) -> np.ndarray:
        return np.array(self.named[name], dtype=object)


def labels_of(found: Any) -> list[Any]:
    return [None if one is None else list(one.labels) for one in found]


def test_cells_are_taken_apart_at_the_separator_that_they_hold() -> None:
    found, notes = of_texts(["red; round", "large ;red;", None, "round", ";"])
    assert labels_of(found) == [["red", "round"], ["large", "red"], None, ["round"], []]
    assert notes == ("labels are separated by ';'",)
    found, notes = of_texts(["a|b", "c,d"])
    assert labels_of(found) == [["a", "b"], ["c,d"]]
    assert notes == (
        "labels are separated by '|'",
        "labels that hold another separator: 'c,d'",
    )
    assert labels_of(of_texts(["a, b", "c"])[0]) == [["a", "b"], ["c"]]
    assert labels_of(of_texts(["a b", "c"])[0]) == [["a b"], ["c"]]
    assert labels_of(of_texts(["a b", "c"], separator=" ")[0]) == [["a", "b"], ["c"]]


def test_a_label_twice_in_a_cell_counts_once_and_is_said() -> None:
    found, notes = of_texts(["red;red;round", "red;round"])
    assert labels_of(found) == [["red", "round"]] * 2
    assert "1 picture bears a label twice: it counts once" in notes


def test_names_that_a_model_knows_are_not_taken_apart() -> None:
    found, notes = of_texts(["Doe, Jane", "Doe, Jane;cat", "cat;dog"], known=["Doe, Jane", "cat"])
    assert labels_of(found) == [["Doe, Jane"], ["Doe, Jane", "cat"], ["cat", "dog"]]
    assert notes == ()
    found, _ = of_texts(["a;b,c"], known=["a;b", "c"])  # what yields more of them separates
    assert labels_of(found) == [["a;b", "c"]]


def test_lists_and_sets_name_labels_and_an_empty_one_says_none() -> None:
    found = label_sets([["red", "round", "red"], (), None, {"cafe\u0301"}, float("nan")])
    assert labels_of(found) == [["red", "round"], [], None, ["caf\u00e9"], None]
    assert labels_of(label_sets([{3, 5}, {5}, set()])) == [[3, 5], [5], []]
    same = label_sets([["a", "b"], ["b", "a"]])
    assert same[0] is same[1]  # a million rows share few objects


@pytest.mark.parametrize("make", [np.array, lambda y: y, lambda y: np.array(y) == 1, csr_matrix])
def test_columns_of_0_and_1_are_numbered_labels(make: Any) -> None:
    found = label_sets(make([[1, 0, 1], [0, 0, 0]]))
    assert labels_of(found) == [[0, 2], []]
    assert found[0].among == (0, 1, 2)


def test_columns_of_a_frame_name_the_labels_and_an_empty_row_is_missing() -> None:
    found = label_sets(Frame(red=[1, 0, None, 0.0], round=[True, False, float("nan"), 1]))
    assert labels_of(found) == [["red", "round"], [], None, ["round"]]
    assert found[0].among == ("red", "round")


@pytest.mark.parametrize(
    ("y", "came"),
    [
        ([[1, 0], [2, 0]], "2 in row 1, column 0"),
        ([[1, 0], [1]], "rows of unlike lengths: 1 and 2"),
        ([[1, 0], [float("nan"), 0]], "no value in row 1, column 0, where other columns have one"),
        (np.array([[0.5, 1.0]]), "0.5 in row 0, column 0"),
        ([["a"], "b"], "str in row 1: 'b'"),
        ([["a", "b"], [1, 0]], "a value that is no number"),
        ([["a", "b"], 3], "int in row 1"),
    ],
)
def test_what_says_no_labels_is_refused(y: Any, came: str) -> None:
    with pytest.raises(DataError) as caught:
        label_sets(y)
    assert came in str(caught.value)


def test_the_column_of_a_frame_that_is_wrong_is_named() -> None:
    with pytest.raises(DataError, match="7 in row 0, column round"):
        of_columns({"red": ["1"], "round": ["7"]}, "table.csv")
    with pytest.raises(DataError, match="a value that is no number"):
        of_columns({"red": ["yes"], "round": ["0"]}, "table.csv")


@pytest.mark.parametrize(
    ("y", "several"),
    [
        (["a", "b"], False),
        ([1, 2], False),
        (np.array([[1], [0]]), False),
        ([[1], [0]], False),
        (np.array([[1, 0]]), True),
        ([[1, 0]], True),
        ([["a"], ["a", "b"]], True),
        ([None, {"a"}], True),
        ([set(), {"a"}], True),
        (np.array([LabelSet(("a",)), None], dtype=object), True),
        (Frame(a=[1], b=[0]), True),
        (Frame(a=[1]), False),
        (csr_matrix([[1, 0]]), True),
        (np.zeros((2, 3, 3)), False),
    ],
)
def test_the_form_of_labels_says_whether_they_are_several(y: Any, several: bool) -> None:
    assert says_several(y) is several


def test_labels_are_written_so_that_they_are_read_again() -> None:
    sets = [set_of(["b", "a"]), set_of([]), set_of(["c"])]
    texts = [str(one) for one in sets]
    assert texts == ["a;b", ";", "c"]
    assert labels_of(of_texts(texts)[0]) == [["a", "b"], [], ["c"]]
    assert joined(["a", "b"], "|") == "a|b"


def test_a_matrix_names_what_it_does_not_know() -> None:
    sets = [set_of(["a", "c"]), None, set_of([2]), set_of(["b", "z"])]
    found, unknown = matrix_of(sets, ["a", "b", "c", "2"])
    assert found.tolist() == [
        [True, False, True, False],
        [False] * 4,
        [False, False, False, True],
        [False, True, False, False],
    ]
    assert unknown == ["", "", "", "z"]


def test_frames_and_samples_of_shards_hold_lists_of_labels(tmp_path: Path) -> None:
    labels = [["red", "round"], [], None]
    Image.new("L", (4, 4)).save(tmp_path / "0.png")
    frame = pd.DataFrame({"path": [str(tmp_path / "0.png")] * 3, "label": labels})
    assert labels_of(gather(frame).labels) == labels
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for row, names in enumerate(labels[:2]):
            facts = json.dumps({"label": names}).encode()
            for name, data in (
                (f"{row}.png", (tmp_path / "0.png").read_bytes()),
                (f"{row}.json", facts),
            ):
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    assert labels_of(gather(tmp_path / "a.tar").labels) == labels[:2]
