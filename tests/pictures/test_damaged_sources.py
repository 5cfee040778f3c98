"""Shards and tables with bytes changed at random: an answer or an error of ours, never another."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from foveal.errors import DataError
from foveal.pictures.naming import list_pictures
from foveal.pictures.sources import gather
from foveal.recipe import PictureRecipe
from foveal.targets.kinds import labelled_of

HOW = PictureRecipe(height=4, width=4, channels=3)
TIMES = 60


def png(red: int) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (6, 5), (red, 20, 20)).save(data, "PNG")
    return data.getvalue()


def tar(path: Path) -> None:
    with tarfile.open(path, "w") as file:
        for row in range(6):
            said = json.dumps({"label": row % 2, "group": "g"}).encode()
            for name, data in ((f"{row}.png", png(row)), (f"{row}.json", said)):
                head = tarfile.TarInfo(name)
                head.size = len(data)
                file.addfile(head, io.BytesIO(data))


def parquet(path: Path) -> None:
    images = [{"bytes": png(row), "path": f"{row}.png"} for row in range(5)] + [None]
    said = {"info": {"features": {"label": {"names": ["a", "b"]}}}}
    table = pa.table({"image": images, "label": [0, 1] * 3})
    table = table.replace_schema_metadata({b"huggingface": json.dumps(said).encode()})
    pq.write_table(table, path, row_group_size=2)


def text(path: Path) -> None:
    path.write_bytes(b'path;label\r\n"a.png";"x"\r\nb.png;1\r\nc.png;2,5\r\n')


@pytest.mark.parametrize("make", [tar, parquet, text])
def test_a_damaged_source_is_read_or_refused(make: object, tmp_path: Path) -> None:
    ending = {"tar": "tar", "parquet": "parquet", "text": "csv"}[make.__name__]  # type: ignore[attr-defined]
    place = tmp_path / f"x.{ending}"
    make(place)  # type: ignore[operator]
    whole = place.read_bytes()
    draws = np.random.default_rng(5)
    read = 0
    for _ in range(TIMES):
        changed = bytearray(
            whole[: draws.integers(1, len(whole) + 1)] if draws.random() < 0.3 else whole
        )
        for at in draws.integers(0, len(changed), draws.integers(1, 9)):
            changed[at] = draws.integers(0, 256)
        place.write_bytes(changed)
        try:
            found = gather(place)
        except DataError:
            continue
        answers = [found.content.picture(row, HOW) for row in range(len(found))]
        assert len(answers) == len(found.names) == len(found.content.ids(1))
        assert all(answer for answer in answers if isinstance(answer, str))
        read += 1
    assert read  # else nothing but heads was tried


def headed(path: Path, change: dict[int, bytes], *, at: int = 1024) -> Path:
    """Write a shard of two pictures, with some bytes of a head changed and its sum made right."""
    with tarfile.open(path, "w") as file:
        for row in range(2):
            head = tarfile.TarInfo(f"{row}.png")
            head.size = len(png(row))
            file.addfile(head, io.BytesIO(png(row)))
    data = bytearray(path.read_bytes())
    for place, value in change.items():
        data[at + place : at + place + len(value)] = value
    head_of = data[at : at + 512]
    head_of[148:156] = b" " * 8
    data[at + 148 : at + 156] = b"%06o\0 " % sum(head_of)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({124: (-512).to_bytes(12, "big", signed=True)}, id="leads back to itself"),
        pytest.param({124: (-8).to_bytes(12, "big", signed=True)}, id="less than no byte"),
        pytest.param({124: b"\xff" * 12, 156: b"L"}, id="a long name of less than no byte"),
        pytest.param({124: b"\x80" + b"\x7f" * 11, 156: b"L"}, id="a long name beyond memory"),
        pytest.param({124: b"\x80" + b"\x7f" * 11}, id="a picture beyond any disk"),
    ],
)
def test_a_head_of_a_shard_that_cannot_be_ends_it_there_and_is_told(
    change: dict[int, bytes], tmp_path: Path
) -> None:
    found = gather(headed(tmp_path / "x.tar", change))
    answers = [found.content.picture(row, HOW) for row in range(len(found))]
    assert not isinstance(answers[0], str)
    assert len(answers) == 2
    assert answers[1] == "damaged at byte 1,024" or "cut short" in str(answers[1])
    assert any("what followed is not known" in note for note in found.notes)


@pytest.mark.parametrize("facts", [{"GNU.sparse.map": "a,b"}, {"GNU.sparse.size": "x"}])
@pytest.mark.parametrize("first", [True, False])
def test_odd_facts_of_a_member_end_a_shard_there_or_refuse_it(
    facts: dict[str, str], first: bool, tmp_path: Path
) -> None:
    place = tmp_path / "x.tar"
    with tarfile.open(place, "w", format=tarfile.PAX_FORMAT) as file:
        for row in range(2):
            head = tarfile.TarInfo(f"{row}.png")
            head.size, head.pax_headers = len(png(row)), facts if (row == 0) == first else {}
            file.addfile(head, io.BytesIO(png(row)))
    if first:
        with pytest.raises(DataError, match="no tar file"):
            gather(place)
        return
    found = gather(place)
    assert [Path(name).name for name in found.names] == ["0.png", "x.tar"]
    assert found.content.picture(1, HOW) == "damaged at byte 1,024"


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"[" * 100_000, id="nested too deeply"),
        pytest.param(b'{"label": "\\ud800"}', id="half a character"),
        pytest.param(b'"\\udc80"', id="half a character by itself"),
    ],
)
def test_odd_json_in_a_shard_costs_its_own_label_alone(said: bytes, tmp_path: Path) -> None:
    place = tmp_path / "x.tar"
    with tarfile.open(place, "w") as file:
        for name, data in {
            **{"0.png": png(0), "0.json": said},
            **{"1.png": png(1), "1.json": b'{"label": "b"}'},
        }.items():
            head = tarfile.TarInfo(name)
            head.size = len(data)
            file.addfile(head, io.BytesIO(data))
    found = gather(place)
    assert found.labels is not None
    assert found.labels.tolist() == [None, "b"]
    assert any("1 label cannot be read, such as 0.json" in note for note in found.notes)


def test_a_quote_that_is_never_closed_refuses_a_table_instead_of_losing_its_rows(
    tmp_path: Path,
) -> None:
    table = tmp_path / "x.csv"
    table.write_text('path,label\na.png,"x\nb.png,y\nc.png,z\n')
    with pytest.raises(DataError, match="a quote that is never closed"):
        gather(table)
    table.write_text('path,label\na.png,"x\ny"\nb.png,"z"')
    assert gather(table).names == ["a.png", "b.png"]


def images(count: int) -> list[dict[str, object]]:
    return [{"bytes": png(row), "path": f"{row}.png"} for row in range(count)]


def test_times_that_python_has_not_cost_no_picture(tmp_path: Path) -> None:
    place = tmp_path / "x.parquet"
    far = {
        "time": pa.array([1 << 62, 1], pa.timestamp("us")),
        "day": pa.array([1 << 30, 1], pa.date32()),
        "length": pa.array([1 << 62, 1], pa.duration("s")),
    }
    pq.write_table(pa.table({"image": images(2), **far}), place)
    found = gather(place)
    assert not any(isinstance(found.content.picture(row, HOW), str) for row in range(2))
    assert found.others["length"].tolist() == [str(1 << 62), "1"]
    assert found.others["time"][1] == "1970-01-01 00:00:00.000001"


@pytest.mark.parametrize(("lists", "expected"), [([[0, None], [1]], "xy"), ([["x", None]], "x")])
def test_nothing_in_a_list_of_labels_is_no_label(
    lists: list[list[object]], expected: str, tmp_path: Path
) -> None:
    place = tmp_path / "x.parquet"
    said = {"info": {"features": {"label": {"feature": {"names": ["x", "y"]}}}}}
    table = pa.table({"image": images(len(lists)), "label": lists})
    if len(expected) == 2:
        table = table.replace_schema_metadata({b"huggingface": json.dumps(said).encode()})
    pq.write_table(table, place)
    labels = gather(place).labels
    assert labels is not None
    assert [one.labels for one in labels] == [(one,) for one in expected]


@pytest.mark.parametrize(
    "said",
    [b"[" * 50_000, b'{"info": {"features": {"label": {"names": ["\\ud800", "b"]}}}}'],
    ids=["nested too deeply", "half a character"],
)
def test_odd_names_of_classes_cost_no_picture(said: bytes, tmp_path: Path) -> None:
    place = tmp_path / "x.parquet"
    table = pa.table({"image": images(2), "label": [0, 1]})
    pq.write_table(table.replace_schema_metadata({b"huggingface": said}), place)
    labels = gather(place).labels
    assert labels is not None
    assert labels.tolist() == [0, 1]


def test_labels_that_cannot_be_read_cost_no_picture_where_none_are_needed(tmp_path: Path) -> None:
    place = tmp_path / "x.tar"
    with tarfile.open(place, "w") as file:
        for row, said in enumerate((b"[0, 1, 1]", b"[0, 1]")):
            for name, data in ((f"{row}.png", png(row)), (f"{row}.json", said)):
                head = tarfile.TarInfo(name)
                head.size = len(data)
                file.addfile(head, io.BytesIO(data))
    found = gather(place)
    assert len(found) == 2
    assert any("the column label is not read" in note for note in found.notes)
    with pytest.raises(DataError, match=r"x\.tar: needed for each picture a list of labels"):
        list_pictures(place)
    with pytest.raises(DataError, match=r"x\.tar: needed for each picture a list of labels"):
        labelled_of("labels").learned(found)
