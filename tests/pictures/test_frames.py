"""Pictures in Python: frames of any library, pictures of Pillow, folders of arrays."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image

from foveal.errors import DataError
from foveal.pictures.collection import Pictures
from foveal.pictures.hashing import ABSENT
from foveal.pictures.sources import are_encoded, gather
from foveal.pictures.store import open_store
from foveal.recipe import PictureRecipe

HOW = PictureRecipe(height=4, width=4, channels=3)


def picture(red: int) -> Image.Image:
    return Image.new("RGB", (6, 5), (red, 20, 20))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a.png to c.png in the present folder."""
    for level, name in enumerate("abc"):
        picture(60 * level).save(tmp_path / f"{name}.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def reds(pictures: Pictures) -> list[int | str]:
    content = pictures.content
    found = [content.picture(row, HOW) for row in range(len(pictures))]
    return [one if isinstance(one, str) else int(one[0, 0, 0]) for one in found]


def said(pictures: Pictures) -> list[object]:
    return [None] * len(pictures) if pictures.labels is None else pictures.labels.tolist()


class Streamed:
    """What gives itself as a stream of Arrow, and nothing else."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


class Polars:
    """What polars answers of a frame."""

    def __init__(self, columns: dict[str, list[Any]]) -> None:
        self.data, self.columns = columns, list(columns)

    def __getitem__(self, name: str) -> Any:
        return pd.Series(self.data[name], dtype=object)

    def to_numpy(self) -> Any:
        raise AssertionError("a frame of texts is no array")


@pytest.mark.parametrize(
    "make",
    [
        pd.DataFrame,
        pa.table,
        Polars,
        lambda columns: Streamed(pa.table(columns)),
        lambda columns: pd.DataFrame(columns).astype({"label": "category"}),
    ],
)
def test_a_frame_is_a_table_of_pictures(folder: Path, make: Any) -> None:
    frame = make(
        {"path": ["c.png", "gone.png", "a.png"], "label": ["x", "y", None], "age": [3, 2, 1]}
    )
    assert are_encoded(frame)
    found = gather(frame)
    assert reds(found) == [120, "no such file", 0]
    assert said(found) == ["x", "y", None]
    assert found.others["age"].tolist() == [3, 2, 1]


def test_labels_of_a_frame_that_are_one_number_are_one(folder: Path) -> None:
    frame = pd.DataFrame({"path": list("abc"), "label": pd.Series([1, 1.0, "1"], dtype=object)})
    assert said(gather(frame)) == [1, 1, 1]
    frame = pd.DataFrame({"path": list("abc"), "label": pd.array([9, None, 10], dtype="Int64")})
    assert said(gather(frame)) == [9, None, 10]


def test_series_of_paths_are_paths(folder: Path) -> None:
    for kind in (object, "str"):
        assert reds(gather(pd.Series(["b.png", "a.png"], dtype=kind))) == [60, 0]
    assert reds(gather(pd.Series([Path("b.png")]))) == [60]


def test_a_frame_of_numbers_is_an_array() -> None:
    frame = pd.DataFrame(np.arange(18).reshape(2, 9))
    assert not are_encoded(frame)
    assert gather(frame).content.shape == (3, 3, 1)
    named = pd.DataFrame(np.arange(18).reshape(2, 9), columns=[f"pixel{at}" for at in range(9)])
    assert gather(named).content.shape == (3, 3, 1)


def test_a_frame_without_paths_says_what_it_lacks(folder: Path) -> None:
    with pytest.raises(DataError, match="a column named path.*Did you mean 'Path'"):
        gather(pd.DataFrame({"Path": ["a.png"], "label": ["x"]}))
    with pytest.raises(DataError, match="a column named path"):
        gather(pd.DataFrame({"file": ["a.png"], "label": ["x"]}))


def test_pictures_in_a_column_of_a_frame(folder: Path) -> None:
    data = io.BytesIO()
    picture(33).save(data, "PNG")
    cells = [
        {"bytes": data.getvalue(), "path": None},
        {"bytes": None, "path": "b.png"},
        data.getvalue(),
        picture(44),
        "a.png",
        None,
        17,
    ]
    found = gather(pd.DataFrame({"image": cells, "label": list("abcdefg")}))
    assert reds(found) == [
        *(33, 60, 33, 44, 0),
        "no picture in this row",
        "no picture, but int",
    ]


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I", "F", "I;16", "YCbCr", "HSV", "PA"]
)
def test_a_picture_of_pillow_is_read_as_its_file(tmp_path: Path, mode: str) -> None:
    draws = np.random.default_rng(1).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    if mode == "I;16":
        one = Image.fromarray(draws[:, :, 0].astype(np.uint16) * 257)
    elif mode in ("I", "F"):
        one = Image.fromarray(draws[:, :, 0]).convert(mode)
    else:
        one = Image.fromarray(draws).convert("RGBA" if mode == "PA" else "RGB").convert(mode)
    ending = "tif" if mode in ("CMYK", "I", "F", "YCbCr") else "png"
    saved = one.convert("RGBA") if mode in ("HSV", "PA") else one
    saved.save(tmp_path / f"x.{ending}")
    file, memory = gather(tmp_path / f"x.{ending}"), gather([one])
    same = PictureRecipe(height=9, width=7, channels=3)
    np.testing.assert_array_equal(file.content.picture(0, same), memory.content.picture(0, same))
    assert memory.content.heads(np.arange(1))[0].height == 9


def test_pictures_of_pillow_keep_what_is_said_of_them(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    draws = np.random.default_rng(1).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    Image.fromarray(draws).save(tmp_path / "x.png", exif=exif)
    with Image.open(tmp_path / "x.png") as opened:
        memory = gather([opened])
        assert memory.content.heads(np.arange(1))[0][1:3] == (7, 9)
        np.testing.assert_array_equal(
            memory.content.picture(0, HOW), gather(tmp_path / "x.png").content.picture(0, HOW)
        )


def test_a_list_of_pictures_keeps_every_row(tmp_path: Path) -> None:
    (tmp_path / "cut.png").write_bytes(b"")
    picture(9).save(tmp_path / "x.png")
    noise = np.random.default_rng(0).integers(0, 255, (50, 50, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "cut.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:900])
    with Image.open(tmp_path / "cut.png") as cut:
        found = gather([picture(5), None, tmp_path / "x.png", cut, 3.5])
        assert list(found.names) == ["0", "1", "2", "3", "4"]
        answers = reds(found)
        assert answers[:3] == [5, "no picture in this row", 9]
        assert str(answers[3]).startswith("truncated") and answers[4] == "no picture, but float"
        assert [one == ABSENT for one in found.content.ids(1)] == [False, True, False, True, True]
    assert open_store(gather([picture(5), picture(6)]), HOW).images[:, 0, 0, 0].tolist() == [5, 6]
    assert reds(gather(np.array([picture(5), None], dtype=object)))[0] == 5


def test_other_pictures_of_pillow_have_other_marks() -> None:
    one, same, other = (gather([picture(red)]).content for red in (5, 5, 6))
    assert list(one.marks()) == list(same.marks()) != list(other.marks())
    assert one.ids(1) == same.ids(1) != other.ids(1)


def test_a_folder_of_arrays_is_one_array(tmp_path: Path) -> None:
    draws = np.random.default_rng(0).random((4, 6, 5)).astype(np.float32)
    for row, name in enumerate(("cat/9", "cat/10", "dog/1", "dog/2")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        np.save(tmp_path / f"{name}.npy", draws[row])
    (tmp_path / ".DS_Store").write_bytes(b"x")
    found = gather(tmp_path)
    assert list(found.names) == ["cat/9.npy", "cat/10.npy", "dog/1.npy", "dog/2.npy"]
    assert said(found) == ["cat", "cat", "dog", "dog"]
    np.testing.assert_array_equal(found.content.in_memory[..., 0], draws)
    assert found.content.shape == (6, 5, 1)


def test_an_array_that_is_damaged_keeps_its_row(tmp_path: Path) -> None:
    for row in range(4):
        np.save(tmp_path / f"{row}.npy", np.full((4, 4, 3), 50 + row, np.uint8))
    whole = (tmp_path / "1.npy").read_bytes()
    (tmp_path / "1.npy").write_bytes(whole[:-5])
    np.save(tmp_path / "2.npy", np.zeros((9, 4, 3), np.uint8))
    np.save(tmp_path / "4.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    found = gather(tmp_path)
    answers = reds(found)
    assert answers[0] == 50 and answers[3] == 53
    assert answers[2] == "an array (9, 4, 3), where most are (4, 4, 3)"
    assert all(isinstance(answers[row], str) for row in (1, 2, 4))
    store = open_store(found, HOW)
    assert store.readable.tolist() == [True, False, False, True, False]
    assert [one == ABSENT for one in found.content.ids(1)] == [False, True, True, False, True]
    taken = found.take([2, 0]).content
    assert taken.reasons == {0: answers[2]} and taken.id(0) == ABSENT
    assert found.content.span(np.arange(5)) == (0, 255)


def test_a_folder_of_arrays_without_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.npy").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"at least one .npy file"):
        gather(tmp_path)
