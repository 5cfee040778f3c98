"""Codes in Parquet files: what is written, what comes back, and what is refused."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from foveal import DataError, ResourceError, UsageError
from foveal.errors import PictureWarning
from foveal.model.codec import Codes, coding, features_of
from foveal.model.codes_file import FORMATS, ROWS, CodesFile, open_codes, write_codes
from foveal.model.fitted import FittedModel
from foveal.pictures.sources import gather
from foveal.shapes import volume
from foveal.tables import checked_table
from support.models import small_autoencoder, small_model


@pytest.fixture(scope="module")
def model() -> FittedModel:
    return small_autoencoder()


@pytest.fixture(scope="module")
def other() -> FittedModel:
    """Another of the same code size."""
    return small_autoencoder(shape=(1, 4, 4))


def batch(count: int = 5, missing: tuple[int, ...] = (), start: int = 0) -> Codes:
    values = np.random.default_rng(start).normal(size=(count, 4)).astype(np.float32)
    values[list(missing)] = np.nan
    reasons = ["broken" if row in missing else "" for row in range(count)]
    return Codes(
        names=[f"{start + row}.png" for row in range(count)], values=values, reasons=reasons
    )


def read_back(file: CodesFile) -> tuple[list[str], np.ndarray, list[str]]:
    batches = list(file.batches())
    names = [name for one in batches for name in one.names]
    reasons = [reason for one in batches for reason in one.reasons]
    return names, np.concatenate([one.values for one in batches]), reasons


def test_what_is_written_comes_back(model: FittedModel, tmp_path: Path) -> None:
    path = tmp_path / "c.parquet"
    batches = [batch(5, (1, 4)), batch(3, (), 5), batch(2, (0, 1), 8), batch(0, (), 10)]
    assert write_codes(path, model, iter(batches)) == (10, 4)
    file = open_codes(path, model)
    assert (file.rows, file.size, file.model) == (10, 4, model.digest())
    names, values, reasons = read_back(file)
    assert names == file.names() == [f"{row}.png" for row in range(10)]
    np.testing.assert_array_equal(values, np.concatenate([one.values for one in batches]))
    assert reasons == [reason for one in batches for reason in one.reasons]
    assert [path.name for path in tmp_path.iterdir()] == ["c.parquet"]


def test_the_file_says_what_is_in_it(model: FittedModel, tmp_path: Path) -> None:
    path = tmp_path / "c.parquet"
    write_codes(path, model, [batch(5, (1,))])
    table = pq.read_table(path)
    assert table.schema.names == ["path", "code", "error"]
    assert table.schema.field("path").type == pa.string()
    assert table.schema.field("code").type == pa.list_(pa.float32(), 4)
    assert table.schema.field("error").type == pa.string()
    assert json.loads(table.schema.metadata[b"foveal"]) == {
        "model": model.digest(),
        "code_size": 4,
    }
    rows = table.to_pylist()
    assert rows[1] == {"path": "1.png", "code": None, "error": "broken"}
    assert rows[0]["error"] is None
    assert rows[0]["code"] == batch(5, (1,)).values[0].tolist()


def test_the_same_codes_give_the_same_bytes(model: FittedModel, tmp_path: Path) -> None:
    for name in "ab":
        write_codes(tmp_path / f"{name}.parquet", model, [batch(5, (1,))])
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_rows_keep_their_order_over_many_batches(model: FittedModel, tmp_path: Path) -> None:
    path, count = tmp_path / "c.parquet", 2 * ROWS + 7
    whole = batch(count, (0, ROWS, count - 1))
    parts = [slice(start, start + 100) for start in range(0, count, 100)]
    batches = [
        Codes(names=whole.names[one], values=whole.values[one], reasons=whole.reasons[one])
        for one in parts
    ]
    assert write_codes(path, model, batches) == (count, 3)
    names, values, reasons = read_back(open_codes(path, model))
    assert names == whole.names and reasons == whole.reasons
    np.testing.assert_array_equal(values, whole.values)


def test_pictures_are_encoded_into_a_file(model: FittedModel, tmp_path: Path) -> None:
    root = tmp_path / "pictures"
    root.mkdir()
    for index in range(3):
        Image.fromarray(np.full((8, 8), 50 * index, np.uint8)).save(root / f"{index}.png")
    (root / "1.png").write_bytes(b"broken")
    path = tmp_path / "c.parquet"
    assert write_codes(path, model, coding(model, gather(root))) == (3, 1)
    names, values, reasons = read_back(open_codes(path, model))
    assert names == ["0.png", "1.png", "2.png"]
    with pytest.warns(PictureWarning, match="left out"):
        codes = model.encode(root)
    np.testing.assert_array_equal(values, codes)
    assert [bool(reason) for reason in reasons] == [False, True, False]


def test_names_that_are_no_text_are_made_some(model: FittedModel, tmp_path: Path) -> None:
    path = tmp_path / "c.parquet"
    codes = batch(1)
    names = ["b\udce9.png"]
    write_codes(path, model, [Codes(names=names, values=codes.values, reasons=["\udce9"])])
    assert open_codes(path, model).names() == ["b\ufffd.png"]


def test_no_rows_can_be_written_and_are_refused_when_read(
    model: FittedModel, tmp_path: Path
) -> None:
    path = tmp_path / "c.parquet"
    assert write_codes(path, model, []) == (0, 0)
    with pytest.raises(DataError, match="at least one row, got an empty table"):
        open_codes(path, model)


# What is refused --------------------------------------------------------------------------

FIXED = pa.list_(pa.float32(), 4)


def table(model: FittedModel | None, **columns: object) -> pa.Table:
    """A table of two rows as someone else may have made it."""
    given = {
        "path": pa.array(["a.png", "b.png"]),
        "code": pa.array([[1.0, 2, 3, 4], [5, 6, 7, 8]], FIXED),
        "error": pa.array([None, None], pa.string()),
        **columns,
    }
    made = pa.table({name: value for name, value in given.items() if value is not None})
    if model is None:
        return made
    facts = {"model": model.digest(), "code_size": 4}
    return made.replace_schema_metadata({"foveal": json.dumps(facts)})


def stored(tmp_path: Path, model: FittedModel | None, **columns: object) -> Path:
    pq.write_table(table(model, **columns), tmp_path / "c.parquet")
    return tmp_path / "c.parquet"


def decoded_of(path: Path, model: FittedModel, **options: bool) -> np.ndarray:
    file = open_codes(path, model, **options)
    file.names()
    return read_back(file)[1]


WANTED = np.arange(1, 9, dtype=np.float32).reshape(2, 4)


@pytest.mark.parametrize(
    "kind",
    [
        FIXED,
        pa.list_(pa.float64(), 4),
        pa.list_(pa.float16(), 4),
        pa.list_(pa.float32()),
        pa.large_list(pa.float32()),
    ],
)
def test_lists_of_any_floats_of_the_right_length_are_codes(
    model: FittedModel, tmp_path: Path, kind: pa.DataType
) -> None:
    code = pa.array(WANTED.astype(np.float16).tolist(), kind)
    path = stored(tmp_path, model, code=code)
    np.testing.assert_array_equal(decoded_of(path, model), WANTED)


def test_only_path_and_code_are_needed(model: FittedModel, tmp_path: Path) -> None:
    code = pa.array([None, [5.0, 6, 7, 8]], FIXED)
    path = stored(tmp_path, model, code=code, error=None, more=pa.array([1, 2]))
    _, values, reasons = read_back(open_codes(path, model))
    assert np.isnan(values[0]).all() and values[1].tolist() == [5, 6, 7, 8]
    assert reasons == ["no code", ""]


def test_a_row_with_a_code_and_an_error_has_a_code(model: FittedModel, tmp_path: Path) -> None:
    path = stored(tmp_path, model, error=pa.array(["odd", None]))
    _, values, reasons = read_back(open_codes(path, model))
    assert reasons == ["", ""] and np.isfinite(values).all()


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"path": None}, "columns named path and code, got code, error"),
        ({"code": None}, "columns named path and code, got path, error"),
        ({"code": pa.array([[1.0, 2, 3]] * 2, pa.list_(pa.float32(), 3))}, "lists of 4 numbers"),
        ({"code": pa.array([[1.0] * 5] * 2, pa.list_(pa.float32(), 5))}, "lists of 4 numbers"),
        ({"code": pa.array([[1] * 4] * 2, pa.list_(pa.int64(), 4))}, "lists of 4 .*got .*int64"),
        ({"code": pa.array([[1] * 4] * 2, pa.list_(pa.int8()))}, "lists of 4 numbers"),
        ({"code": pa.array([["1"] * 4] * 2)}, "lists of 4 numbers .*string"),
        ({"code": pa.array([1.0, 2.0])}, "lists of 4 numbers .*got double"),
        ({"code": pa.array(["1 2 3 4"] * 2)}, "lists of 4 numbers .*got string"),
        ({"code": pa.array([[[1.0] * 4]] * 2)}, "lists of 4 numbers"),
        ({"code": pa.array([None, None])}, "lists of 4 numbers .*got null"),
        ({"code": pa.array([[1.0] * 4, [1.0] * 3])}, "codes of 4 numbers, got one of 3"),
        ({"code": pa.array([[1.0] * 4, []])}, "codes of 4 numbers, got one of 0"),
        ({"code": pa.array([[1.0] * 5, [1.0] * 3])}, "codes of 4 numbers, got one of 5"),
        ({"code": pa.array([[1.0] * 4, [1, 2, np.nan, 4]], FIXED)}, "infinity in row 1"),
        ({"code": pa.array([[np.inf] * 4, [1.0] * 4], FIXED)}, "infinity in row 0"),
        ({"code": pa.array([[1.0] * 4, [1, None, 3, 4]], FIXED)}, "infinity in row 1"),
        ({"code": pa.array([[1e300] * 4] * 2, pa.list_(pa.float64(), 4))}, "infinity in row 0"),
        ({"path": pa.array(["a.png", None])}, "a path in every row, got 1 without"),
    ],
)
def test_other_tables_are_refused(
    model: FittedModel, tmp_path: Path, columns: dict, said: str
) -> None:
    path = stored(tmp_path, model, **columns)
    with pytest.raises(DataError, match=said):
        decoded_of(path, model)


def test_the_row_that_holds_no_numbers_is_counted_over_batches(
    model: FittedModel, tmp_path: Path
) -> None:
    codes = [[1.0] * 4] * (ROWS + 3)
    codes[ROWS + 1] = [1, 2, 3, np.nan]
    names = pa.array(list(map(str, range(len(codes)))))
    error = pa.nulls(len(codes), pa.string())
    path = stored(tmp_path, model, path=names, code=pa.array(codes, FIXED), error=error)
    with pytest.raises(DataError, match=f"infinity in row {ROWS + 1}"):
        decoded_of(path, model)


@pytest.mark.parametrize(
    "content", [b"", b"PAR1", b"PAR1PAR1", b"path,code\na.png,1\n", b"\x00" * 500]
)
def test_other_files_are_refused(model: FittedModel, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "c.parquet").write_bytes(content)
    with pytest.raises(DataError, match="a whole Parquet file"):
        open_codes(tmp_path / "c.parquet", model)


def test_files_that_are_not_there_and_folders_are_refused(
    model: FittedModel, tmp_path: Path
) -> None:
    places = {tmp_path / "nowhere.parquet": "a whole Parquet file", tmp_path: "a folder of parts"}
    for path, needed in places.items():
        with pytest.raises(DataError, match=needed):
            open_codes(path, model)


@settings(max_examples=40)
@given(st.floats(0, 0.999))
def test_files_that_are_cut_short_are_refused(model, tmp_path: Path, share: float) -> None:
    whole = tmp_path / "whole.parquet"
    write_codes(whole, model, [batch(50, (3,))])
    data = whole.read_bytes()
    (tmp_path / "cut.parquet").write_bytes(data[: int(share * len(data))])
    with pytest.raises(DataError, match="a whole Parquet file"):
        decoded_of(tmp_path / "cut.parquet", model)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=3))
def test_damaged_files_are_refused_or_whole(model, tmp_path: Path, changes: list) -> None:
    whole = tmp_path / "whole.parquet"
    write_codes(whole, model, [batch(50, (3,))])
    data = bytearray(whole.read_bytes())
    for share, byte in changes:
        data[int(share * len(data))] = byte
    (tmp_path / "bad.parquet").write_bytes(data)
    try:
        assert len(decoded_of(tmp_path / "bad.parquet", model)) == 50
    except DataError as error:
        assert "bad.parquet" in str(error)  # nothing else is raised


def test_a_file_with_other_rows_than_it_counts_is_refused(model, tmp_path: Path) -> None:
    path = stored(tmp_path, model)
    file = open_codes(path, model)
    for count in (0, file.rows - 1, file.rows + 1):
        with pytest.raises(DataError, match=rf"2 rows where its footer counts {count}"):
            replace(file, rows=count).names()
        with pytest.raises(DataError, match=rf"2 rows where its footer counts {count}"):
            list(replace(file, rows=count).batches())


def test_a_flipped_bit_of_a_code_is_found(model: FittedModel, tmp_path: Path) -> None:
    path, codes = tmp_path / "c.parquet", batch(50)
    write_codes(path, model, [codes])
    data = path.read_bytes()
    at = data.index(codes.values[30].tobytes())
    path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    with pytest.raises(DataError, match=r"a whole Parquet file, got .*(?i:crc|checksum)"):
        decoded_of(path, model)


# Whose codes they are ---------------------------------------------------------------------


def test_codes_of_another_model_are_refused_unless_forced(
    model: FittedModel, other: FittedModel, tmp_path: Path
) -> None:
    path = stored(tmp_path, other)
    said = (
        f"codes of this model .{model.digest()[:12]}.*got codes of another .{other.digest()[:12]}"
    )
    with pytest.raises(DataError, match=said):
        open_codes(path, model)
    np.testing.assert_array_equal(decoded_of(path, model, force=True), WANTED)
    assert open_codes(path, other).model == other.digest()


@pytest.mark.parametrize(
    "metadata", [None, {"other": "x"}, {"foveal": "no JSON"}, {"foveal": "[1]"}]
    + [{"foveal": json.dumps({"model": 7})}, {"foveal": b"\xff\xfe"}, {"foveal": "{}"}],
)  # fmt: skip
def test_codes_that_name_no_model_are_refused_unless_forced(
    model: FittedModel, tmp_path: Path, metadata: dict | None
) -> None:
    path = tmp_path / "c.parquet"
    pq.write_table(table(None).replace_schema_metadata(metadata), path)
    with pytest.raises(DataError, match="or of none that is named.*`force`"):
        open_codes(path, model)
    np.testing.assert_array_equal(decoded_of(path, model, force=True), WANTED)


def test_force_takes_no_codes_of_another_length(other: FittedModel, tmp_path: Path) -> None:
    path = stored(tmp_path, other)
    with pytest.raises(DataError, match="lists of 6 numbers"):
        open_codes(path, small_autoencoder(6), force=True)


# Whole or absent --------------------------------------------------------------------------


def test_a_full_disk_leaves_what_was_there(model: FittedModel, tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "c.parquet"
    write_codes(path, model, [batch()])
    before, left, write = path.read_bytes(), [1], pq.ParquetWriter.write_table

    def full(self, *asked, **more) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        write(self, *asked, **more)

    monkeypatch.setattr(pq.ParquetWriter, "write_table", full)
    for place in (path, tmp_path / "new.parquet"):
        left[0] = 1
        with pytest.raises(ResourceError, match=rf"{place.name}: .*got No space left"):
            write_codes(place, model, [batch(), batch(5, (), 5)])
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_what_breaks_off_leaves_nothing(
    model: FittedModel, tmp_path: Path, error: type[BaseException]
) -> None:
    def batches():
        yield batch()
        raise error("the picture frame fell down")

    with pytest.raises(error, match="picture frame"):
        write_codes(tmp_path / "c.parquet", model, batches())
    assert not list(tmp_path.iterdir())


def test_codes_for_programs_that_do_not_read_parquet(tmp_path: Path) -> None:
    model = small_autoencoder()
    size = model.plan.code_size
    values = np.random.default_rng(0).normal(size=(3, size)).astype(np.float32)
    values[1] = np.nan
    codes = Codes(names=["a", 'b "1"', "c"], values=values, reasons=["", "cannot be read", ""])
    for name in ("c.csv", "c.jsonl"):
        assert write_codes(tmp_path / name, model, [codes, codes]) == (6, 2)
    with (tmp_path / "c.csv").open(newline="", encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    assert head == ["path", *[f"code{number}" for number in range(size)], "error"]
    assert [row[0] for row in rows] == 2 * ["a", 'b "1"', "c"]
    np.testing.assert_array_equal(np.array(rows[0][1:-1], np.float32), values[0])
    assert rows[1][1:] == [*[""] * size, "cannot be read"]
    lines = [json.loads(line) for line in (tmp_path / "c.jsonl").read_text().splitlines()]
    np.testing.assert_array_equal(np.array(lines[5]["code"], np.float32), values[2])
    assert lines[1] == {"path": 'b "1"', "code": None, "error": "cannot be read"}
    for name in ("c.csv", "c.jsonl"):
        names, read, reasons = read_back(open_codes(tmp_path / name, model))
        assert names == 2 * ["a", 'b "1"', "c"] and reasons[:3] == ["", "cannot be read", ""]
        np.testing.assert_array_equal(read[:3], values)
        np.testing.assert_array_equal(read[3:], values)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("path,code0,code1\na,1,2\n", "lists of 4 numbers"),
        ("path,code0,code1,code2,code3\n", "at least one row"),
        ("path,code0,code1,code2,code3\na,1,2,x,4\n", "'foveal encode' wrote"),
        ("path,size\na,1\n", "columns named path and code"),
        ("path,code0\na,1,2\n", "'foveal encode' wrote"),
        ("", "'foveal encode' wrote"),
    ],
)
def test_text_that_holds_no_codes_is_refused(
    model: FittedModel, tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "c.csv").write_text(text)
    with pytest.raises(DataError, match=said):
        open_codes(tmp_path / "c.csv", model)


def test_features_are_named_as_such(tmp_path: Path) -> None:
    classifier = small_model()
    X = np.random.default_rng(0).integers(0, 256, (5, 8, 8), dtype=np.uint8)
    session = classifier.feature_session()
    size = volume(session.network.shape)
    for name in ("f.parquet", "f.csv"):
        batches = features_of(session, gather(X))
        assert write_codes(tmp_path / name, classifier, batches, size) == (5, 0)
    table = pq.read_table(tmp_path / "f.parquet")
    assert table.column_names == ["path", "features", "error"]
    np.testing.assert_array_equal(
        np.array(table.column("features").to_pylist(), np.float32), classifier.features(X)
    )
    with (tmp_path / "f.csv").open(newline="", encoding="utf-8") as file:
        assert next(csv.reader(file))[1] == "features0"


def test_the_name_must_say_what_it_is_and_lie_in_a_folder(tmp_path: Path) -> None:
    assert checked_table(tmp_path / "c.PARQUET", FORMATS).name == "c.PARQUET"
    for name in ("c.txt", "c", "c.parquet.gz"):
        with pytest.raises(UsageError, match=r"a file name ending in \.parquet"):
            checked_table(tmp_path / name, FORMATS)
    with pytest.raises(UsageError, match="a folder that exists"):
        checked_table(tmp_path / "nowhere" / "c.parquet", FORMATS)
    (tmp_path / "d.parquet").mkdir()
    with pytest.raises(UsageError, match="got a folder"):
        checked_table(tmp_path / "d.parquet", FORMATS)
