"""A folder of parts, read as one table."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from foveal.bulk.folder import names_in
from foveal.bulk.part import KEY
from foveal.bulk.pieces import Share
from foveal.bulk.reading import open_parts
from foveal.bulk.run import here, write_parts
from foveal.errors import DataError
from foveal.model.codec import Codes
from foveal.model.codes_file import codes_table
from foveal.pictures.collection import Pictures
from foveal.vocabulary import MANIFEST


@dataclass(frozen=True)
class Numbering:
    """Gives three numbers for each picture, by its name; none for names of an even number."""

    by: str = "torch 1"

    schema = pa.schema(
        [("path", pa.string()), ("features", pa.list_(pa.float32(), 3)), ("error", pa.string())]
    )

    def answers(self, pictures: Pictures, before: int = 0) -> Iterator[Codes]:
        numbers = [int(Path(name).stem) for name in pictures.names]
        yield Codes(
            names=list(pictures.names),
            values=np.array([[one, one * 2, 0.5] for one in numbers], np.float32),
            reasons=["even" * (one % 2 == 0) for one in numbers],
        )

    def table(self, answers: Codes) -> pa.Table:
        return codes_table(answers, self.schema)

    def counts(self, answers: Codes) -> Mapping[str, int]:
        return {}

    def engine(self, pictures: Pictures) -> str:
        return self.by


@dataclass(frozen=True)
class Numbers:
    facts: ClassVar[Mapping[str, Any]] = {"work": "number"}

    def open(self) -> Numbering:
        return Numbering()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Parts of ten pictures with labels and of five without."""
    first = Pictures.of_files([Path(f"{row}.png") for row in range(10)])
    first = first.labelled(np.array(["odd" if row % 2 else None for row in range(10)], object))
    second = Pictures.of_files([Path(f"{row}.png") for row in range(10, 15)])
    parts = tmp_path / "parts"
    write_parts(parts, Numbers(), [first, second], here(Numbering()), part_size=4)
    return parts


def test_vectors_come_in_order_with_what_is_known_of_their_pictures(place: Path) -> None:
    parts = open_parts(place)
    assert (len(parts.files), parts.num_rows, parts.vectors) == (5, 15, "features")
    found = list(parts.rows(3))
    assert max(len(one.names) for one in found) == 3
    assert [name for one in found for name in one.names] == [f"{row}.png" for row in range(15)]
    values = np.concatenate([one.values for one in found])
    assert np.array_equal(np.isnan(values).all(axis=1), np.arange(15) % 2 == 0)
    assert values[3].tolist() == [3, 6, 0.5] and values.dtype == np.float32
    assert [why for one in found for why in one.reasons] == ["even", ""] * 7 + ["even"]
    labels = [label for one in found for label in one.columns.get("label", [None] * len(one.names))]
    assert labels == [None, "odd"] * 5 + [None] * 5


def test_columns_that_a_part_lacks_are_empty_there(place: Path) -> None:
    table = open_parts(place).read(["label", "path"])
    assert table.column("label").to_pylist() == [None, "odd"] * 5 + [None] * 5
    assert table.column("path").to_pylist() == [f"{row}.png" for row in range(15)]


def damaged(place: Path) -> None:
    part = place / "part-00000001.parquet"
    part.write_bytes(part.read_bytes()[:-20])


def flipped(place: Path) -> None:
    part = place / "part-00000001.parquet"
    data = bytearray(part.read_bytes())
    data[60] ^= 1
    part.write_bytes(data)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda place: (place / "part-00000002.parquet").unlink(), "4 of them"),
        (lambda place: (place / MANIFEST).unlink(), "one without"),
        (damaged, "whole parts"),
        (flipped, "whole parts"),
    ],
)
def test_what_is_not_whole_is_refused(place: Path, change: Any, told: str) -> None:
    change(place)
    with pytest.raises(DataError, match=told):
        list(open_parts(place).rows())


def test_a_share_alone_is_not_whole(tmp_path: Path) -> None:
    pictures = [Pictures.of_files([Path("1.png"), Path("3.png")])]
    parts = tmp_path / "parts"
    write_parts(parts, Numbers(), pictures, here(Numbering()), part_size=1, share=Share(1, 2))
    with pytest.raises(DataError, match="all of 2 parts, got 1"):
        open_parts(parts)


def others(tmp_path: Path, count: int) -> Path:
    """Write parts of the same work from other pictures, four of them at most in each."""
    pictures = Pictures.of_files([Path(f"{row}.png") for row in range(100, 100 + count)])
    parts = tmp_path / "others"
    write_parts(parts, Numbers(), [pictures], here(Numbering()), part_size=4)
    return parts


@pytest.mark.parametrize(("number", "rows"), [(1, 4), (2, 4), (4, 4)])
def test_a_part_of_another_folder_is_named(
    place: Path, tmp_path: Path, number: int, rows: int
) -> None:
    name = f"part-{number:08d}.parquet"
    shutil.copy(others(tmp_path, 20) / name, place / name)
    with pytest.raises(DataError, match=f"{name}: .* got {rows} rows of others, as of another"):
        open_parts(place)
    if number == 2:  # as long as in folders that were written before parts were told by names
        (place / MANIFEST).write_text(
            json.dumps({**json.loads((place / MANIFEST).read_text()), "names": ""})
        )
        with pytest.raises(DataError, match="needed 15 rows in all parts.*got 17: .*it names"):
            open_parts(place)
        first = Pictures.of_files([Path(f"{row}.png") for row in range(10)])
        with pytest.raises(DataError, match=f"{name}: .*got others"):
            write_parts(place, Numbers(), [first], here(Numbering()))


def test_a_part_of_which_its_foot_and_its_rows_differ_is_named(place: Path) -> None:
    file = place / "part-00000001.parquet"
    said = {k: v for k, v in pq.read_metadata(file).metadata.items() if k != b"ARROW:schema"}
    table = pq.read_table(file)
    longer = pa.concat_tables([table, table.slice(0, 1)])
    pq.write_table(longer.replace_schema_metadata(said), file)
    with pytest.raises(DataError, match=f"{file.name}: .*5 rows where it says that it has 4"):
        open_parts(place)
    odd = json.dumps({**json.loads(said[KEY]), "counts": ["many"]})
    pq.write_table(table.replace_schema_metadata({**said, KEY: odd}), file)
    with pytest.raises(DataError, match=f"{file.name}: .*does not say which part it is"):
        open_parts(place)
    pq.write_table(table.replace_schema_metadata({}), file)
    with pytest.raises(DataError, match=f"{file.name}: .*does not say which part it is"):
        open_parts(place)


def test_each_share_says_which_its_parts_are(tmp_path: Path) -> None:
    pictures = [Pictures.of_files([Path(f"{row}.png") for row in range(5)])]
    parts, doing = tmp_path / "parts", here(Numbering())
    for number in (1, 2):
        found = write_parts(parts, Numbers(), pictures, doing, part_size=1, share=Share(number, 2))
        known = json.loads((parts / MANIFEST).read_text())
        told = [names_in(known, row) for row in range(5)]
        assert list(map(bool, told)) == [number == 2 or row % 2 == 0 for row in range(5)]
    assert found.whole and open_parts(parts).num_rows == 5


def test_parts_say_what_computed_them_and_several_engines_are_told(place: Path) -> None:
    assert set(open_parts(place).engines) == {"torch 1"}
    last = place / "part-00000004.parquet"
    last.unlink()
    sources = [
        Pictures.of_files([Path(f"{row}.png") for row in rows])
        for rows in (range(10), range(10, 15))
    ]
    found = write_parts(place, Numbers(), sources, here(Numbering("openvino 2")))
    assert found.notes == [
        "4 parts by torch 1, 1 part by openvino 2: their numbers may differ in the last digits"
    ]
    assert open_parts(place).engines[4] == "openvino 2"
    foot = pq.read_metadata(last).metadata
    facts = json.loads(foot[KEY])
    del facts["engine"]  # as those have it that were written before
    said = {**foot, KEY: json.dumps(facts).encode()}
    pq.write_table(pq.read_table(last).replace_schema_metadata(said), last)
    found = write_parts(place, Numbers(), sources, here(Numbering()))
    assert found.kept == 5 and "1 part by an engine not told" in found.notes[0]
