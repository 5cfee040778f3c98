"""An index that is a folder of parts: what an index of its own answers, in constant memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from foveal import remote
from foveal.bulk.part import KEY
from foveal.bulk.run import here, write_parts
from foveal.errors import DataError
from foveal.model.bulk_work import EncodeWork, Encoding
from foveal.model.fitted import FittedModel
from foveal.pictures.sources import gather
from foveal.search import of_parts
from foveal.search.build import build, open_index
from foveal.search.of_parts import PartVectors, vectors_of_parts
from foveal.search.similar import searched, similar
from support.models import small_autoencoder

AT = "memory://top/index"


@pytest.fixture(autouse=True)
def memory() -> Iterator[None]:
    yield
    system = fsspec.filesystem("memory")
    system.store.clear()
    system.pseudo_dirs[:] = [""]


def encoded(model: FittedModel, digits: Path, place: Path | str) -> Path | str:
    work = EncodeWork(model="", digest=model.digest())
    doing = here(Encoding(model, some_of_many=True))
    pictures = gather(digits).named_from_here()
    assert write_parts(place, work, [pictures], doing, part_size=7).whole
    return place


@pytest.fixture
def parts(model: FittedModel, digits: Path, tmp_path: Path) -> Path:
    return Path(encoded(model, digits, tmp_path / "parts"))


def test_parts_answer_as_an_index_of_its_own(
    model: FittedModel, digits: Path, parts: Path, tmp_path: Path
) -> None:
    whole = build(model, parts, place=tmp_path / "w.index")
    index = searched(model, parts)
    assert isinstance(index.held, PartVectors) and len(index) == len(whole) == 31
    assert index.unreadable == whole.unreadable and len(index.unreadable) == 1
    found, wanted = index.query(digits, 9), whole.query(digits, 9)
    assert [one.to_dict() for one in found] == [one.to_dict() for one in wanted]
    assert [one.rows for one in found] == [one.rows for one in wanted]
    assert found[0].names[0] == str(digits / "0.png")
    for k in (1, 31, 500):
        rows, far = index.nearest(whole.held.vectors[:4], k)
        assert [one.tolist() for one in rows] == [
            one.tolist() for one in whole.nearest(whole.held.vectors[:4], k)[0]
        ]
        assert far[0][0] == 0 and len(far[0]) == min(k, 31)
    assert index.to_dict() == {**whole.to_dict(), "notes": []}


def test_names_are_read_of_the_parts_that_were_found_alone(
    model: FittedModel, digits: Path, parts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = searched(model, parts)
    read: list[int] = []
    told = PartVectors._told
    monkeypatch.setattr(
        PartVectors, "_told", lambda self, number: read.append(number) or told(self, number)
    )
    assert [one.path for one in index.unreadable] == [str(digits / "wreck.png")]
    (only,) = index.query([digits / "3.png"], 2)  # which is there twice
    assert {Path(name).name for name in only.names} == {"3.png", "again.png"}
    assert len(set(read)) < len(index.held.parts.files) == 5


def test_how_far_a_search_is_is_told_part_by_part(
    model: FittedModel, digits: Path, parts: Path
) -> None:
    told: list[tuple[int, int]] = []
    found = similar(model, parts, digits / "3.png", searching=lambda *one: told.append(one))
    assert found[0].rows == similar(model, parts, digits / "3.png")[0].rows
    assert [total for _, total in told] == [31] * 5 and told[-1][0] == 31
    assert [done for done, _ in told] == sorted({done for done, _ in told})


def test_a_search_without_an_answerable_query_reads_no_part(
    model: FittedModel, digits: Path, parts: Path
) -> None:
    index = searched(model, parts)
    for part in parts.glob("part-*"):
        part.unlink()
    (one,) = index.query([digits / "wreck.png"])
    assert one.reason and not one.names


def test_parts_of_another_model_are_searched_when_that_is_meant_and_never_kept(
    model: FittedModel, digits: Path, parts: Path, tmp_path: Path
) -> None:
    other = small_autoencoder(4)
    with pytest.raises(DataError, match="of another"):
        searched(other, parts)
    assert len(searched(other, parts, force=True)) == 31
    with pytest.raises(DataError, match="of another"):
        build(other, parts, place=tmp_path / "o.index", force=True)
    with pytest.raises(DataError, match="of another"):
        searched(small_autoencoder(5), parts, force=True)  # of another length


def test_what_was_said_of_parts_is_held_against_what_is_there(
    model: FittedModel, digits: Path, parts: Path
) -> None:
    place = parts / "part-00000001.parquet"
    with pq.ParquetFile(place) as file:
        table, facts = file.read(), file.metadata.metadata
    gone = pa.array([None] * len(table), table.schema.field("code").type)
    table = table.set_column(1, "code", gone).set_column(2, "error", pa.array(["x"] * len(table)))
    with pq.ParquetWriter(place, table.schema) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({KEY.decode(): facts[KEY].decode()})
    with pytest.raises(DataError, match="0 vectors where 7 were written"):
        searched(model, parts).query([digits / "1.png"])


@pytest.mark.parametrize("damage", ["cut", "empty"])
def test_a_part_that_is_damaged_is_named(
    model: FittedModel, digits: Path, parts: Path, damage: str
) -> None:
    index = searched(model, parts)
    place = parts / "part-00000002.parquet"
    place.write_bytes(place.read_bytes()[:-9] if damage == "cut" else b"")
    with pytest.raises(DataError, match="part-00000002"):
        index.query([digits / "1.png"])
    with pytest.raises(DataError, match="part-00000002"):
        searched(model, parts)


def test_parts_at_an_address_answer_as_those_here(
    model: FittedModel, digits: Path, parts: Path, tmp_path: Path
) -> None:
    encoded(model, digits, AT)
    queries = [digits / "3.png", digits / "29.png"]
    found = similar(model, f"{AT}/", queries, k=4)
    assert [one.to_dict() for one in found] == [
        one.to_dict() for one in similar(model, parts, queries, k=4)
    ]
    build(model, AT, place=tmp_path / "a.index")
    assert open_index(tmp_path / "a.index", model).query(queries, 4)[1].names == found[1].names
    remote.write(f"{AT}/part-00000002.parquet", b"damaged")
    with pytest.raises(DataError, match=f"{AT}/part-00000002.parquet"):
        similar(model, AT, queries)
    fsspec.filesystem("memory").rm("/top/index/part-00000002.parquet")
    with pytest.raises(DataError, match="all of 5 parts"):
        similar(model, AT, queries)


def test_what_is_held_of_parts_does_not_grow_with_their_rows(
    model: FittedModel, parts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_parts, "NAMES", 2)
    found = vectors_of_parts(model, parts)
    assert found is not None and len(list(found.names())) == found.count == 31
    assert max(map(len, found.batches())) <= 7
    held = [one for one in vars(found).values() if isinstance(one, tuple | list | np.ndarray)]
    assert not any(len(one) > len(found.parts.files) for one in held)
    assert vectors_of_parts(model, parts.parent) is None
