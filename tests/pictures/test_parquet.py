"""Parquet: encoded pictures read in order and in little memory, and tables of paths."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from foveal.errors import DataError
from foveal.pictures.collection import Pictures
from foveal.pictures.hashing import ABSENT
from foveal.pictures.naming import labelled_by_columns
from foveal.pictures.sources import gather, parquet_column
from foveal.pictures.store import open_store
from foveal.recipe import PictureRecipe
from support.traced import traced

HOW = PictureRecipe(height=4, width=4, channels=3)
PICTURE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def png(red: int) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (6, 5), (red, 20, 20)).save(data, "PNG")
    return data.getvalue()


def write(
    path: Path,
    pictures: Sequence[Any],
    *,
    type_: pa.DataType = PICTURE,
    column: str = "image",
    features: dict[str, Any] | None = None,
    group: int = 3,
    **columns: Any,
) -> Path:
    arrays = {column: pa.array(pictures, type_)} | {n: pa.array(v) for n, v in columns.items()}
    table = pa.table(arrays)
    if features is not None:
        said = json.dumps({"info": {"features": features}}).encode()
        table = table.replace_schema_metadata({b"huggingface": said})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=group, write_page_checksum=True)
    return path


def rows(count: int) -> list[dict[str, Any]]:
    return [{"bytes": png(row), "path": f"{row}.png"} for row in range(count)]


def reds(pictures: Pictures) -> list[int | str]:
    content = pictures.content
    found = [content.picture(row, HOW) for row in range(len(pictures))]
    return [one if isinstance(one, str) else int(one[0, 0, 0]) for one in found]


def said(pictures: Pictures) -> list[object]:
    return [None] * len(pictures) if pictures.labels is None else pictures.labels.tolist()


def test_pictures_and_names_of_classes_as_hugging_face_writes_them(tmp_path: Path) -> None:
    features = {
        "image": {"_type": "Image"},
        "label": {"names": ["cat", "dog"], "_type": "ClassLabel"},
    }
    label = [1, 0, 1, -1, None]
    made = write(tmp_path / "x.parquet", rows(5), features=features, label=label, age=range(5))
    found = gather(made)
    assert list(found.names) == [f"x.parquet/{row}.png" for row in range(5)]
    assert list(found.with_whole_names().names)[0] == f"{made}/0.png"
    assert said(found) == ["dog", "cat", "dog", None, None]
    assert reds(found) == [0, 1, 2, 3, 4]
    assert found.others["age"].tolist() == [0, 1, 2, 3, 4]


def test_a_class_under_another_name_is_the_label_where_it_is_the_only_one(tmp_path: Path) -> None:
    features = {"img": {"_type": "Image"}, "kind": {"names": ["a", "b"], "_type": "ClassLabel"}}
    made = write(tmp_path / "x.parquet", rows(2), column="img", features=features, kind=[0, 1])
    assert said(gather(made)) == ["a", "b"]


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary()])
def test_bytes_alone_are_named_by_their_rows(tmp_path: Path, kind: pa.DataType) -> None:
    made = write(tmp_path / "x.parquet", [png(7), png(8)], type_=kind, label=["x", "y"])
    found = gather(made)
    assert (list(found.names), reds(found)) == (["x.parquet/0", "x.parquet/1"], [7, 8])
    assert reds(gather(list(found.with_whole_names().names)[::-1])) == [8, 7]


def test_paths_that_are_not_one_a_row_are_no_names(tmp_path: Path) -> None:
    pictures = [{"bytes": png(row), "path": "same.png"} for row in range(3)]
    found = gather(write(tmp_path / "x.parquet", pictures))
    assert list(found.names) == ["x.parquet/0", "x.parquet/1", "x.parquet/2"]


def test_a_row_takes_little_more_than_its_name(tmp_path: Path) -> None:
    (few, _), (many, name) = (
        held_by(tmp_path / f"{count}.parquet", count) for count in (600, 1200)
    )
    names = len("0000000.png") + len(name)
    assert many - few < 600 * (1.2 * names + 32)  # ends of names, labels; 190 more as texts


def held_by(made: Path, count: int) -> tuple[int, str]:
    """Return the bytes of memory that so many rows take once they are gathered, and a name."""
    pictures = [{"bytes": png(10), "path": f"{row:07}.png"} for row in range(count)]
    label = ["stain", "ground"] * (count // 2)
    write(made, pictures, label=label)
    gather(made).named_from_here()  # what is read once for all
    found, held, _ = traced(lambda: gather(made).named_from_here())
    assert said(found) == label
    return held, found.names[-1]


def test_rows_without_bytes_stay_and_say_so(tmp_path: Path) -> None:
    (tmp_path / "beside.png").write_bytes(png(99))
    pictures = [
        {"bytes": png(1), "path": None},
        {"bytes": None, "path": None},
        None,
        {"bytes": None, "path": "beside.png"},
        {"bytes": None, "path": "gone.png"},
        {"bytes": b"", "path": None},
        {"bytes": b"no picture", "path": None},
    ]
    found = gather(write(tmp_path / "x.parquet", pictures, label=list("abcdefg")))
    assert reds(found) == [
        1,
        "no bytes in this row",
        "no bytes in this row",
        99,
        "no such file",
        "empty file",
        "not a picture, or of a format that is not read",
    ]
    assert said(found) == list("abcdefg")
    absent = [one == ABSENT for one in found.content.ids(1)]
    assert absent == [False, True, True, False, True, False, False]


def test_rows_are_read_in_any_order(tmp_path: Path) -> None:
    found = gather(write(tmp_path / "x.parquet", rows(40), group=7))
    order = np.random.default_rng(0).permutation(40).tolist()
    assert reds(found.take(order)) == order
    assert reds(found.take([39, 0, 39])) == [39, 0, 39]


def test_work_in_order_reads_each_batch_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_column, "MOST_ROWS", 2)
    found = gather(write(tmp_path / "x.parquet", rows(30), group=10))
    column = found.content.pictures[0].column
    read: list[int] = []
    following = type(column)._following

    def counted(self: Any, group: int) -> Any:
        read.append(group)
        return following(self, group)

    monkeypatch.setattr(parquet_column.PictureColumn, "_following", counted)
    store = open_store(found, HOW, threads=1)
    assert store.images[:, 0, 0, 0].tolist() == list(range(30))
    assert read == [0] * 5 + [1] * 5 + [2] * 5
    assert len(column._window) <= parquet_column.WINDOW


def test_threads_that_run_ahead_get_their_own_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_column, "MOST_ROWS", 2)
    found = gather(write(tmp_path / "x.parquet", rows(60), group=7))
    assert open_store(found, HOW, threads=4).images[:, 0, 0, 0].tolist() == list(range(60))


def test_few_files_are_open_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_column, "MOST_ROWS", 1)
    for number in range(5):
        write(tmp_path / f"{number}.parquet", rows(3), label=["1", "2", "3"])
    found = gather(tmp_path)
    assert reds(found) == [0, 1, 2] * 5
    columns = {id(one.column): one.column for one in found.content.pictures}.values()
    assert len(columns) == 5
    for column in columns:
        column.read(0)
    assert sum(one._file is not None for one in columns) == parquet_column.MOST_OPEN


def test_a_file_that_was_read_to_its_end_is_closed_and_can_be_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_column, "MOST_ROWS", 1)
    found = gather(write(tmp_path / "x.parquet", rows(20), group=5))
    column = found.content.pictures[0].column
    assert reds(found.take(range(19))) == list(range(19)) and column._file is not None
    assert reds(found) == list(range(20)) and column._file is None
    assert reds(found) == list(range(20))


def test_a_folder_as_it_is_downloaded_is_one_source(tmp_path: Path) -> None:
    write(tmp_path / "data" / "train-00000-of-00001.parquet", rows(2), label=[3, 4])
    write(tmp_path / "data" / "test-00000-of-00001.parquet", rows(1), label=[4])
    (tmp_path / "README.md").write_text("about")
    found = gather(tmp_path)
    assert list(found.names) == [
        "data/test-00000-of-00001.parquet/0.png",
        "data/train-00000-of-00001.parquet/0.png",
        "data/train-00000-of-00001.parquet/1.png",
    ]
    assert found.parts is not None and found.parts.tolist() == ["test", "train", "train"]
    assert said(found) == [4, 3, 4]


def test_a_table_of_paths_is_read_as_its_csv(tmp_path: Path) -> None:
    for row in range(3):
        (tmp_path / f"{row}.png").write_bytes(png(row))
    table = pa.table(
        {
            "path": ["2.png", "0.png", None, "gone.png"],
            "label": pa.array(["b", "a", "a", None]).dictionary_encode(),
            "split": ["train", "test", None, ""],
            "code": [[1.0]] * 4,
        }
    )
    pq.write_table(table, tmp_path / "x.parquet")
    found = gather(tmp_path / "x.parquet")
    assert reds(found) == [2, 0, "no path in this row", "no such file"]
    assert said(found) == ["b", "a", "a", None]
    assert found.parts is not None and found.parts.tolist() == ["train", "test", "", ""]


@pytest.mark.parametrize(
    ("label", "read"),
    [
        ([1.0, None, 2.0], [1, None, 2]),
        ([1, 2, 10], [1, 2, 10]),
        ([0.5, float("nan"), 2], [0.5, None, 2.0]),
        ([True, False, True], ["True", "False", "True"]),
    ],
)
def test_numbers_are_labels_as_they_are(
    tmp_path: Path, label: list[object], read: list[object]
) -> None:
    found = said(gather(write(tmp_path / "x.parquet", rows(3), label=label)))
    assert found == read
    assert list(map(type, found)) == list(map(type, read))


def test_two_columns_of_pictures_are_refused(tmp_path: Path) -> None:
    table = pa.table({"left": [b"a"], "right": [b"b"]})
    pq.write_table(table, tmp_path / "x.parquet")
    with pytest.raises(DataError, match="several: left, right"):
        gather(tmp_path / "x.parquet")


def test_codes_are_no_pictures(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"path": ["a"], "code": [[1.0]], "error": [None]}), tmp_path / "x.parquet"
    )
    with pytest.raises(DataError, match="codes or features"):
        gather(tmp_path / "x.parquet")


@pytest.mark.parametrize("kept", [0, 3, 400])
def test_a_file_cut_short_is_told(tmp_path: Path, kept: int) -> None:
    made = write(tmp_path / "x.parquet", rows(9))
    made.write_bytes(made.read_bytes()[:kept])
    with pytest.raises(DataError, match="cut short, damaged or no Parquet file"):
        gather(made)
    write(tmp_path / "y.parquet", rows(2))
    found = gather(tmp_path)
    assert list(found.names) == ["x.parquet", "y.parquet/0.png", "y.parquet/1.png"]
    assert str(reds(found)[0]).startswith("cut short, damaged") and reds(found)[1:] == [0, 1]


def test_a_damaged_page_costs_its_row_group_alone(tmp_path: Path) -> None:
    made = write(tmp_path / "x.parquet", rows(9), group=3)
    raw = bytearray(made.read_bytes())
    chunk = pq.ParquetFile(made).metadata.row_group(1).column(0)
    middle = chunk.dictionary_page_offset + chunk.total_compressed_size // 2
    raw[middle] ^= 0xFF
    made.write_bytes(raw)
    found = reds(gather(made))
    assert found[:3] == [0, 1, 2] and found[6:] == [6, 7, 8]
    assert all(str(one).startswith("x.parquet is damaged") for one in found[3:6])


def test_a_file_that_changes_is_noticed(tmp_path: Path) -> None:
    made = write(tmp_path / "x.parquet", rows(3))
    found = gather(made)
    assert reds(found.take([0])) == [0]
    write(made, rows(9))
    assert reds(found) == ["x.parquet changed since it was listed"] * 3
    made.unlink()
    assert reds(found) == ["x.parquet: no such file"] * 3


CLASSES = {"names": ["cat", "dog", "owl"], "_type": "ClassLabel"}


@pytest.mark.parametrize(
    ("values", "feature"),
    [
        ([["cat", "owl"], [], None], None),
        ([[2, 0], [], None], {"feature": CLASSES, "_type": "List"}),
        ([[2, 0], [], None], [CLASSES]),
        ([[1, 0, 1], [0, 0, 0], None], {"feature": CLASSES, "_type": "Sequence"}),
    ],
)
@pytest.mark.parametrize("column", ["label", "labels"])
def test_lists_of_labels_are_several_a_picture(
    column: str, values: list[Any], feature: Any, tmp_path: Path
) -> None:
    features = None if feature is None else {column: feature}
    path = write(tmp_path / "a.parquet", rows(3), features=features, **{column: values})
    found = gather(path)
    if column == "labels" and feature is None:  # it is one of several that may be asked for
        found = labelled_by_columns(found, "labels")
    labels = [None if one is None else one.labels for one in found.labels]
    assert labels == [("cat", "owl"), (), None]
    assert not any("not read" in note for note in found.notes)


def test_lists_of_numbers_under_another_name_are_not_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", rows(2), label=["a", "b"], tokens=[[1, 2], [3, 4]])
    found = gather(path)
    assert found.labels.tolist() == ["a", "b"] and "tokens" not in found.others
    assert any("not read" in note and "tokens" in note for note in found.notes)
