"""An index of pictures: its vectors, what is found, how it is kept, and what it refuses."""

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
from PIL import Image
from scipy.spatial.distance import cdist
from sklearn.datasets import load_digits
from tests_support import small_model

import foveal
from foveal.errors import DataError, ResourceError, UsageError
from foveal.model.fitted import FittedModel
from foveal.pictures import decode
from foveal.search import build as index
from foveal.search import graph, index_file, index_writer
from foveal.search.build import build, open_index
from foveal.search.vectors import NOT_FINITE

DIGITS = load_digits().images
"""(1797, 8, 8), 0 to 16."""
CLASSIFIER = small_model("conv 4 3x3 same | flatten | dense 6 | dense")


@pytest.fixture(scope="module")
def model() -> FittedModel:
    """Train an autoencoder on digits, as arrays of bytes: a white of 255, as in files."""
    learner = foveal.Autoencoder(code_size=4, epochs=1, threads=1, random_state=0)
    return learner.fit(as_bytes(DIGITS[:200])).model_


def as_bytes(images: np.ndarray) -> np.ndarray:
    return np.minimum(images * 16, 255).astype(np.uint8)


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    """Write 30 digits and a wreck, one of them twice."""
    root = tmp_path / "digits"
    root.mkdir()
    for number, image in enumerate(as_bytes(DIGITS[:30])):
        Image.fromarray(image).save(root / f"{number}.png")
    Image.fromarray(as_bytes(DIGITS[3:4])[0]).save(root / "again.png")
    (root / "wreck.png").write_bytes(b"no picture")
    return root


@pytest.fixture
def kept(model: FittedModel, digits: Path, tmp_path: Path) -> Path:
    """Keep an index with a graph."""
    place = tmp_path / "d.index"
    build(model, digits, place=place, approximate=True)
    return place


# What is in it, and what is found ----------------------------------------------------------


def test_vectors_are_the_codes_and_found_are_the_nearest(model: FittedModel) -> None:
    pictures, queries = as_bytes(DIGITS[:150]), as_bytes(DIGITS[150:160])
    made = build(model, pictures)
    codes = model.encode(pictures)
    np.testing.assert_allclose(made.vectors, codes, rtol=1e-4, atol=1e-5)
    assert (len(made), made.measure, made.graph) == (150, "euclidean", None)
    far = cdist(model.encode(queries), codes)
    for row, found in enumerate(made.query(queries, 5)):
        assert found.query == str(row)
        np.testing.assert_allclose(found.distances, np.sort(far[row])[:5], rtol=1e-3)
        assert found.names == tuple(map(str, found.rows))
        np.testing.assert_allclose(far[row, list(found.rows)], found.distances, rtol=1e-3)


def test_features_of_classifiers_are_compared_by_their_direction() -> None:
    pictures = as_bytes(DIGITS[:60])
    made = build(CLASSIFIER, pictures)
    features = CLASSIFIER.features(pictures).astype(np.float64)
    assert made.measure == "cosine"
    np.testing.assert_allclose(np.linalg.norm(made.vectors, axis=1), 1, rtol=1e-6)
    angles = cdist(features, features, "cosine")
    for row, found in enumerate(made.query(pictures[:10], 4)):
        np.testing.assert_allclose(
            np.square(found.distances) / 2, np.sort(angles[row])[:4], atol=1e-6
        )
    longer = made.nearest(7.5 * features[:3], 4)
    np.testing.assert_allclose(longer[1], [one.distances for one in made.query(pictures[:3], 4)],
                               atol=1e-5)  # fmt: skip


def test_a_vector_of_zeros_has_no_direction_and_stays() -> None:
    dark = small_model("conv 4 3x3 same relu | flatten | dense 6 relu | dense")
    with np.errstate(all="raise"):
        for parameter in dark.network.parameters():
            parameter.data.zero_()
        made = build(dark, as_bytes(DIGITS[:4]))
        assert not made.vectors.any()
        assert made.query(as_bytes(DIGITS[:1]), 3)[0].rows == (0, 1, 2)


def test_bytes_and_numbers_make_the_vectors_that_the_model_makes() -> None:
    learner = foveal.Autoencoder(code_size=3, epochs=1, threads=1, random_state=0)
    model = learner.fit(DIGITS[:100]).model_  # floats, white is 16
    for pictures in (DIGITS[:20], DIGITS[:20].astype(np.uint8), DIGITS[:20].astype(np.int64)):
        made = build(model, pictures)
        np.testing.assert_allclose(made.vectors, model.encode(pictures), rtol=1e-4, atol=1e-5)
        assert made.query(pictures[4:5], 1)[0].rows == (4,)


def test_a_picture_of_the_index_finds_itself_and_its_twin(
    model: FittedModel, digits: Path, kept: Path
) -> None:
    for made in (build(model, digits), open_index(kept, model)):
        found = made.query(digits / "3.png", 3)[0]
        assert set(found.names[:2]) == {"3.png", "again.png"}
        assert found.distances[:2] == (0.0, 0.0) and found.distances[2] > 0
        assert list(found.rows[:2]) == sorted(found.rows[:2])


def test_pictures_of_any_size_and_kind_can_be_searched_for(
    model: FittedModel, digits: Path, tmp_path: Path
) -> None:
    picture = Image.open(digits / "7.png")
    picture.resize((90, 90), Image.Resampling.NEAREST).convert("RGB").save(tmp_path / "large.png")
    made = build(model, digits)
    found = made.query([tmp_path / "large.png", digits / "7.png"], 1)
    assert [one.names for one in found] == [("7.png",), ("7.png",)]
    assert found[0].query == str(tmp_path / "large.png") and found[0].distances[0] > 0


def test_what_cannot_be_read_is_named_and_stops_nothing(
    model: FittedModel, digits: Path, kept: Path
) -> None:
    for made in (build(model, digits), open_index(kept, model)):
        assert [(one.path, bool(one.reason)) for one in made.unreadable] == [("wreck.png", True)]
        assert len(made) == 31 and "wreck.png" not in made.names.to_pylist()
        queries = [digits / "wreck.png", digits / "2.png", digits / "gone.png"]
        found = made.query(queries, 1)
        assert [bool(one.reason) for one in found] == [True, False, True]
        assert [one.names for one in found] == [(), ("2.png",), ()]


def test_numbers_that_overflow_are_named(model: FittedModel) -> None:
    pictures = DIGITS[:5].astype(np.float32)
    pictures[2, 0, 0] = np.nan
    made = build(model, pictures)
    assert made.names.to_pylist() == ["0", "1", "3", "4"]
    assert [(one.path, one.reason) for one in made.unreadable] == [("2", NOT_FINITE)]


def test_few_pictures_and_none(model: FittedModel, digits: Path, tmp_path: Path) -> None:
    one = build(model, [digits / "0.png"], place=tmp_path / "one.index", approximate=True)
    assert one.query(digits / "1.png", 10)[0].names == (str(digits / "0.png"),)
    assert one.query([digits / "wreck.png"])[0].rows == ()
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="a folder without files"):
        build(model, tmp_path / "empty")
    with pytest.raises(DataError, match="1 of 1 pictures left out: .*wreck.png"):
        build(model, [digits / "wreck.png"], place=tmp_path / "none.index")
    assert not (tmp_path / "none.index").exists()


def test_more_than_there_are_gives_all(model: FittedModel, digits: Path, kept: Path) -> None:
    for made in (build(model, digits), open_index(kept, model)):
        found = made.query(digits / "0.png", 1_000)[0]
        assert sorted(found.rows) == list(range(31))
        assert list(found.distances) == sorted(found.distances)
        with pytest.raises(UsageError, match="at least 1 picture to find, got 0"):
            made.query(digits / "0.png", 0)


def test_vectors_that_someone_gives_are_checked(model: FittedModel) -> None:
    made = build(model, as_bytes(DIGITS[:20]))
    rows, distances = made.nearest([[0, 0, 0, 0]], 2)
    assert len(rows[0]) == len(distances[0]) == 2
    assert made.nearest(np.empty((0, 4)), 2) == ([], [])
    with pytest.raises(DataError, match=r"shape \(q, 4\), got float64 of shape \(1, 3\)"):
        made.nearest([[0.0, 0, 0]])
    with pytest.raises(DataError, match=r"shape \(q, 4\), got float64 of shape \(4,\)"):
        made.nearest(np.zeros(4))
    with pytest.raises(DataError, match="<U1 of shape"):
        made.nearest([["a", "b", "c", "d"]])
    for bad in (np.nan, np.inf, 1e39):
        with pytest.raises(DataError, match="infinity or beyond in row 1"):
            made.nearest([[0.0, 0, 0, 0], [0, bad, 0, 0]])


def test_a_network_without_a_dense_end_is_refused() -> None:
    with pytest.raises(UsageError, match="ends with a dense layer"):
        build(small_model("conv 3 8x8 | flatten"), as_bytes(DIGITS[:3]))


def test_a_second_build_decodes_nothing(
    model: FittedModel, digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, int]] = []
    first = build(model, digits, progress=lambda *done: told.append(done))
    assert told[-1] == (31, 31)  # the twin goes through once
    monkeypatch.setattr(decode, "decode", lambda *_: pytest.fail("decoded again"))
    second = build(model, digits, place=tmp_path / "d.index")
    np.testing.assert_array_equal(first.vectors, second.vectors)
    assert second.query(digits / "5.png", 1)[0].names == ("5.png",)


# Approximate search ------------------------------------------------------------------------


def test_the_graph_finds_what_all_vectors_say(model: FittedModel, tmp_path: Path) -> None:
    pictures = as_bytes(DIGITS)
    place = tmp_path / "d.index"
    linked: list[tuple[int, int]] = []
    near = build(
        model, pictures, place=place, approximate=True, linking=lambda *at: linked.append(at)
    )
    exact = open_index(place, model, approximate=False)
    assert near.graph is not None and exact.graph is None
    assert linked == [(1797, 1797)]
    assert repr(near) == "SearchIndex(1,797 pictures, euclidean, approximate)"
    queries = model.encode(pictures[:200]) + np.float32(0.01)
    rows, distances = near.nearest(queries, 10)
    right, truth = exact.nearest(queries, 10)
    recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(rows, right, strict=True)])
    assert recall > 0.97
    for one, row, far, best in zip(queries, rows, distances, truth, strict=True):
        np.testing.assert_allclose(far, cdist(one[None], exact.vectors[row])[0], rtol=1e-6)
        assert list(far) == sorted(far) and (far >= best - 1e-12).all()


def test_beyond_many_vectors_search_is_approximate(
    model: FittedModel, digits: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert build(model, digits).graph is None
    monkeypatch.setattr(index, "EXACT_UP_TO", 30)
    made = build(model, digits)
    assert made.graph is not None and "approximate" in made.notes[0]
    assert made.query(digits / "9.png", 1)[0].names == ("9.png",)
    assert build(model, digits, approximate=False).graph is None
    monkeypatch.setattr(graph, "available", lambda: False)
    made = build(model, digits)
    assert made.graph is None and "pip install 'foveal[search]'" in made.notes[0]
    opened = open_index(kept, model)
    assert opened.graph is None and "searched exactly" in opened.notes[0]
    for asked in (lambda: build(model, digits, approximate=True),
                  lambda: open_index(kept, model, approximate=True)):  # fmt: skip
        with pytest.raises(UsageError, match=r"Install it: pip install 'foveal\[search\]'"):
            asked()


def test_an_index_without_a_graph_cannot_be_searched_by_one(
    model: FittedModel, digits: Path, tmp_path: Path
) -> None:
    build(model, digits, place=tmp_path / "plain.index")
    assert open_index(tmp_path / "plain.index", model).graph is None
    with pytest.raises(UsageError, match="an index with a graph, got one without"):
        open_index(tmp_path / "plain.index", model, approximate=True)


def test_where_the_graph_leads_nowhere_all_are_looked_at(
    model: FittedModel, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, exact = open_index(kept, model), open_index(kept, model, approximate=False)
    lost = (np.array([0]), np.array([9.0]))
    monkeypatch.setattr(graph.Graph, "nearest", lambda *_, **__: [lost, lost])
    rows, distances = made.nearest(np.eye(4)[:2], 6)
    right, truth = exact.nearest(np.eye(4)[:2], 6)
    np.testing.assert_array_equal(rows, right)
    np.testing.assert_array_equal(distances, truth)


# Keeping it --------------------------------------------------------------------------------


def test_an_index_is_a_folder_of_four_pieces(model: FittedModel, kept: Path, digits: Path) -> None:
    pieces = {"facts.json", "vectors.npy", "names.parquet", "graph.usearch"}
    assert {one.name for one in kept.iterdir()} == pieces
    facts = json.loads((kept / "facts.json").read_text())
    assert facts["kind"] == "foveal-index" and facts["format"] == 1
    assert facts["model"] == model.digest() and facts["measure"] == "euclidean"
    assert (facts["count"], facts["size"], facts["unreadable"]) == (31, 4, 1)
    table = pq.read_table(kept / "names.parquet").to_pylist()
    assert [row["path"] for row in table if row["error"]] == ["wreck.png"]
    opened = open_index(kept, model)
    assert isinstance(opened.vectors, np.memmap)
    memory = build(model, digits)
    np.testing.assert_array_equal(opened.vectors, memory.vectors)
    for one, other in zip(opened.query(digits), memory.query(digits), strict=True):
        assert (one.query, one.names, one.distances) == (other.query, other.names, other.distances)


def test_odd_names_are_kept(model: FittedModel, digits: Path, tmp_path: Path) -> None:
    odd = os.fsdecode(b"\xff.png")
    try:
        (digits / "1.png").rename(digits / odd)
    except OSError:
        pytest.skip("this disk has no such names")
    made = build(model, digits, place=tmp_path / "d.index")
    assert "\ufffd.png" in made.names.to_pylist()


def test_an_index_is_replaced_whole(model: FittedModel, digits: Path, kept: Path) -> None:
    before = open_index(kept, model)
    build(model, [digits / "0.png", digits / "1.png"], place=kept)
    assert len(open_index(kept, model)) == 2
    assert not (kept / "graph.usearch").exists()
    assert before.query(digits / "8.png", 1)[0].names == ("8.png",)  # what is open stays so
    assert [one.name for one in kept.parent.iterdir() if one.name.startswith(".")] == []
    build(model, digits, place=kept)
    assert len(open_index(kept, model)) == 31


def test_an_empty_folder_is_taken(model: FittedModel, digits: Path, tmp_path: Path) -> None:
    (tmp_path / "e.index").mkdir()
    assert len(build(model, digits, place=tmp_path / "e.index")) == 31


@pytest.mark.parametrize("piece", ["write_names", "write_vectors", "digests"])
@pytest.mark.parametrize("failure", [KeyboardInterrupt("stop"), OSError(28, "No space left")])
def test_what_fails_half_way_leaves_the_old(
    model: FittedModel,
    digits: Path,
    kept: Path,
    piece: str,
    failure: BaseException,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: Any) -> None:
        raise failure

    monkeypatch.setattr(index_writer, piece, fail)
    expected = KeyboardInterrupt if isinstance(failure, KeyboardInterrupt) else ResourceError
    with pytest.raises(expected, match="stop|No space left"):
        build(model, digits / "0.png", place=kept)
    monkeypatch.undo()
    assert len(open_index(kept, model)) == 31
    assert [one.name for one in kept.parent.iterdir() if one.name.startswith(".")] == []


def test_a_failure_between_the_two_names_brings_the_old_back(
    model: FittedModel, digits: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if self.suffix == ".tmp":
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(ResourceError, match="Input/output error"):
        build(model, digits / "0.png", place=kept)
    monkeypatch.undo()
    assert len(open_index(kept, model)) == 31
    assert [one.name for one in kept.parent.iterdir() if one.name.startswith(".")] == []


def test_nothing_else_is_replaced(
    model: FittedModel, digits: Path, kept: Path, tmp_path: Path
) -> None:
    def refused(name: str, match: str) -> None:
        with pytest.raises(UsageError, match=match):
            build(model, digits, place=tmp_path / name)

    refused("d.idx", r"a name ending in \.index, .* got \.idx")
    refused("x" * 250 + ".index", "of at most 240 bytes")
    refused("nowhere/d.index", "a folder that exists")
    (tmp_path / "file.index").write_text("mine")
    refused("file.index", "got a file")
    (tmp_path / "link.index").symlink_to(kept)
    refused("link.index", "got a link")
    (tmp_path / "dangling.index").symlink_to(tmp_path / "gone")
    refused("dangling.index", "got a link")
    (tmp_path / "photos.index").mkdir()
    (tmp_path / "photos.index" / "holiday.jpg").write_bytes(b"dear to someone")
    refused("photos.index", "a folder with holiday.jpg in it")
    (kept / "notes.txt").write_text("mine")
    refused("d.index", "a folder with notes.txt in it")
    (kept / "notes.txt").unlink()
    (kept / "facts.json").write_text("{}")
    refused("d.index", "a folder that is no whole index")
    assert (tmp_path / "file.index").read_text() == "mine"
    assert (tmp_path / "photos.index" / "holiday.jpg").exists()
    assert (tmp_path / "link.index").is_symlink()


def test_what_comes_to_the_place_meanwhile_is_not_replaced(
    model: FittedModel, digits: Path, tmp_path: Path
) -> None:
    place = tmp_path / "d.index"

    def progress(done: int, total: int) -> None:
        if done == total:
            place.mkdir()
            (place / "mine.txt").write_text("dear to someone")

    with pytest.raises(UsageError, match="a folder with mine.txt in it"):
        build(model, digits, place=place, progress=progress)
    assert [one.name for one in place.iterdir()] == ["mine.txt"]


def test_an_index_of_another_model_is_refused_unless_forced(
    model: FittedModel, kept: Path, digits: Path
) -> None:
    other = foveal.Autoencoder(code_size=4, epochs=1, threads=1, random_state=1)
    other = other.fit(as_bytes(DIGITS[:100])).model_
    with pytest.raises(DataError, match="one of this model .* got one of another"):
        open_index(kept, other)
    assert len(open_index(kept, other, force=True).query(digits / "0.png", 2)[0].rows) == 2
    with pytest.raises(DataError, match="vectors of 6 numbers, .* got vectors of 4"):
        open_index(kept, CLASSIFIER, force=True)


# Damage and malice -------------------------------------------------------------------------

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
    assert open_index(kept, model).graph is not None
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
