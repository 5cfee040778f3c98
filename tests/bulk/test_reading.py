"""A folder of parts, read as one table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pytest

from foveal.bulk.folder import MANIFEST
from foveal.bulk.pieces import Share
from foveal.bulk.reading import open_parts
from foveal.bulk.run import here, write_parts
from foveal.errors import DataError
from foveal.model.codec import Codes
from foveal.model.codes_file import codes_table
from foveal.pictures.collection import Pictures


@dataclass(frozen=True)
class Numbering:
    """Gives three numbers for each picture, by its name; none for names of an even number."""

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
