"""Files of an index that do not hold: damage and malice are refused."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from foveal.errors import DataError
from foveal.model.fitted import FittedModel
from foveal.search import index_file, index_writer
from foveal.search.build import open_index

Damage = Callable[[Path], None]


def resealed(place: Path, **changed: Any) -> None:
    """Write the facts anew so that they fit the pieces, as whoever means harm would."""
    facts = json.loads((place / "facts.json").read_text())
    facts |= {"sha256": index_writer.digests(place), **changed}
    (place / "facts.json").write_text(json.dumps(facts))


def flipped(name: str, at: int) -> Damage:
    def damage(place: Path) -> None:
        data = bytearray((place / name).read_bytes())
        data[at] ^= 1
        (place / name).write_bytes(data)

    return damage


def cut(name: str) -> Damage:
    return lambda place: os.truncate(place / name, (place / name).stat().st_size - 1)


def gone(name: str) -> Damage:
    return lambda place: (place / name).unlink()


def linked(name: str) -> Damage:
    def damage(place: Path) -> None:
        (place / name).rename(place.parent / name)
        (place / name).symlink_to(place.parent / name)

    return damage


def piped(name: str) -> Damage:
    def damage(place: Path) -> None:
        (place / name).unlink()
        os.mkfifo(place / name)

    return damage


def vectors_of(make: Callable[[np.ndarray], np.ndarray], **facts: Any) -> Damage:
    def damage(place: Path) -> None:
        values = np.load(place / "vectors.npy")
        with (place / "vectors.npy").open("wb") as file:
            np.save(file, make(values), allow_pickle=True)
        resealed(place, **facts)

    return damage


def bytes_of(name: str, data: bytes) -> Damage:
    def damage(place: Path) -> None:
        (place / name).write_bytes(data)
        if name != "facts.json":
            resealed(place)

    return damage


def names_of(make: Callable[[pa.Table], pa.Table]) -> Damage:
    def damage(place: Path) -> None:
        pq.write_table(make(pq.read_table(place / "names.parquet")), place / "names.parquet")
        resealed(place)

    return damage


def reasoned(reasons: list[str | None]) -> Callable[[pa.Table], pa.Table]:
    return lambda table: table.set_column(1, "error", pa.array(reasons, pa.string()))


def facts_of(**changed: Any) -> Damage:
    return lambda place: resealed(place, **changed)


class Trap:
    """Does something when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return pytest.fail, ("unpickled",)


HEAD = b"\x93NUMPY\x01\x00"


PIECES = ["vectors.npy", "names.parquet", "graph.usearch"]


@pytest.mark.parametrize(
    ("damage", "match"),
    [
        *[(flipped(name, 150), f"{name} with another checksum") for name in PIECES],
        *[(cut(name), f"{name} with another checksum") for name in PIECES],
        *[(gone(name), f"no {name}") for name in [*PIECES, "facts.json"]],
        *[(linked(name), f"{name} that is no regular file") for name in [*PIECES, "facts.json"]],
        *[(piped(name), f"{name} that is no regular file") for name in [*PIECES, "facts.json"]],
        (vectors_of(lambda v: v.astype(np.float64)), "vectors.npy of float64"),
        (vectors_of(lambda v: v.astype(">f4")), "vectors.npy of >f4"),
        (vectors_of(lambda v: v[:-1]), r"vectors.npy of float32 \(30, 4\)"),
        (vectors_of(lambda v: v[:, :2]), r"vectors.npy of float32 \(31, 2\)"),
        (vectors_of(np.asfortranarray), "vectors.npy of float32"),
        (vectors_of(lambda v: np.array([Trap()] * 31)), r"no array \(ValueError\)"),
        (vectors_of(lambda v: v, count=40), "vectors.npy of float32|names.parquet of 32 rows"),
        (bytes_of("vectors.npy", b"\x80\x04K\x01."), "vectors.npy that is no array"),
        (bytes_of("vectors.npy", HEAD + b"\x05\x00((((\n"), "vectors.npy that is no array"),
        (bytes_of("vectors.npy", b""), "vectors.npy that is no array"),
        (bytes_of("vectors.npy", b"PK\x05\x06" + 18 * b"\0"), "no array"),
        (bytes_of("names.parquet", b"PAR1 no more"), "names.parquet: "),
        (names_of(lambda t: t.slice(0, 31)), "names.parquet of 31 rows"),
        (names_of(lambda t: t.drop_columns(["error"])), "names.parquet of 32 rows, path"),
        (names_of(lambda t: t.select(["error", "path"])), "rows, error, path"),
        (names_of(lambda t: t.take(list(range(31, -1, -1)))), "whose rows do not belong"),
        (names_of(reasoned(["why", *[None] * 30, "why"])), "whose rows do not belong"),
        (names_of(reasoned([None] * 32)), "whose rows do not belong"),
        (
            names_of(lambda t: t.set_column(0, "path", pa.nulls(32, pa.string()))),
            "whose rows do not belong",
        ),
        (
            names_of(lambda t: t.set_column(0, "path", pa.array([b"\xff"] * 32, pa.binary()))),
            "names.parquet of 32 rows",
        ),
        (bytes_of("facts.json", b"not json"), "facts.json that does not hold: its form"),
        (bytes_of("facts.json", b"[]"), "facts.json that does not hold"),
        (bytes_of("facts.json", b"[" * 90_000), "facts.json that does not hold"),
        (bytes_of("facts.json", b'{"kind": "foveal-index"}'), "does not hold: .*: Field required"),
        (bytes_of("facts.json", b" " * 100_001), "facts.json of 100,001 bytes"),
        (facts_of(kind="something else"), "does not hold: kind"),
        (facts_of(format=2), "does not hold: format"),
        (facts_of(extra=1), "does not hold: extra"),
        (facts_of(count=-31), "does not hold: count"),
        (facts_of(count=31.0), "does not hold: count"),
        (facts_of(size=10**12), "does not hold: size"),
        (facts_of(measure="manhattan"), "does not hold: measure"),
        (facts_of(unreadable=0), "names.parquet of 32 rows"),
        (facts_of(sha256={"../../etc/passwd": "0" * 64}), "does not hold: sha256"),
        (facts_of(sha256={}), "without vectors.npy or names.parquet"),
    ],
)  # fmt: skip
def test_what_does_not_hold_is_refused(
    model: FittedModel, kept: Path, damage: Damage, match: str
) -> None:
    assert open_index(kept, model).held.graph is not None
    damage(kept)
    with pytest.raises(DataError, match=match) as refused:
        open_index(kept, model)
    assert refused.value.remedy == "build it again"


def test_places_that_are_no_index(model: FittedModel, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="got nothing there"):
        open_index(tmp_path / "gone.index", model)
    (tmp_path / "file.index").write_text("x")
    with pytest.raises(DataError, match="got a file"):
        open_index(tmp_path / "file.index", model)
    (tmp_path / "empty.index").mkdir()
    with pytest.raises(DataError, match=r"got no facts\.json"):
        open_index(tmp_path / "empty.index", model)
    assert index_file.is_index(tmp_path / "empty.index") and not index_file.is_index(tmp_path)


def test_vectors_without_numbers_are_found_out_in_searching(model: FittedModel, kept: Path) -> None:
    def poison(values: np.ndarray) -> np.ndarray:
        values[17, 2] = np.nan
        return values

    vectors_of(poison)(kept)
    opened = open_index(kept, model, approximate=False)
    with pytest.raises(DataError, match="NaN or infinity in row 17"):
        opened.nearest(np.zeros((1, 4)))
