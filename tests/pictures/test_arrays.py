"""Arrays, .npz, .npy and IDX: read as rows, or refused."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from foveal.errors import DataError
from foveal.pictures.collection import Pictures
from foveal.pictures.sources import gather
from foveal.pictures.sources.arrays import from_array
from foveal.pictures.sources.idx import read_idx
from foveal.recipe import PictureRecipe


def table(pictures: Pictures) -> list[tuple[str, str | None, str]]:
    """Rows as (name, label, part)."""
    count = len(pictures)
    labels = [None] * count if pictures.labels is None else pictures.labels.tolist()
    parts = [""] * count if pictures.parts is None else pictures.parts.tolist()
    return list(zip(pictures.names, labels, parts, strict=True))


@pytest.mark.parametrize(
    ("shape", "wanted", "folded"),
    [
        ((5, 7, 9), (5, 7, 9, 1), False),
        ((5, 7, 9, 1), (5, 7, 9, 1), False),
        ((5, 7, 9, 2), (5, 7, 9, 2), False),
        ((5, 7, 9, 4), (5, 7, 9, 4), False),
        ((5, 64), (5, 8, 8, 1), True),
        ((5, 65), (5, 1, 65, 1), True),
        ((5, 1), (5, 1, 1, 1), True),
        ((5, 3, 3, 3), (5, 3, 3, 3), False),
    ],
)
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "bool"])
def test_arrays_of_every_form(
    shape: tuple[int, ...], wanted: tuple[int, ...], folded: bool, dtype: str
) -> None:
    given_array = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    found = gather(given_array)
    assert found.content.array.shape == wanted
    assert found.content.array.dtype == dtype
    assert found.content.folded is folded
    assert np.shares_memory(found.content.array, given_array)
    np.testing.assert_array_equal(found.content.array.ravel(), given_array.ravel())
    assert list(found.names) == ["0", "1", "2", "3", "4"]


def test_nested_lists_are_arrays() -> None:
    found = gather([[[1, 2], [3, 4]]])
    assert found.content.array.shape == (1, 2, 2, 1)


@pytest.mark.parametrize("planes", [1, 2, 3, 4])
def test_channels_first_is_refused_with_its_remedy(planes: int) -> None:
    with pytest.raises(DataError, match=r"channels first\. Use X\.transpose\(0, 2, 3, 1\)"):
        gather(np.zeros((2, planes, 32, 32)))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param(np.zeros((2, 9, 9, 5)), "at most 4 channels, got 5", id="planes"),
        pytest.param(np.zeros((2, 9, 9, 3, 3)), "5 dimensions, shape", id="video"),
        pytest.param(np.zeros(9), "1 dimension", id="row"),
        pytest.param(3.0, "got float", id="number"),
        pytest.param(
            np.zeros((2, 3, 3), dtype=complex), "Complex data not supported", id="complex"
        ),
        pytest.param(np.array([[None]]), "dtype object", id="objects"),
        pytest.param(np.array([["a"]]), "numbers, or paths of files", id="text"),
        pytest.param(np.zeros((2, 2, 2), "M8[s]"), "dtype datetime64", id="dates"),
        pytest.param(None, "got None", id="nothing"),
        pytest.param(np.zeros((2, 0)), "at least 1 pixel", id="no pixels"),
        pytest.param(np.zeros((2, 3, 0)), "at least 1 pixel", id="no columns"),
        pytest.param([], "at least one picture, got none", id="empty list"),
        pytest.param([np.zeros((4, 4)), np.zeros((5, 5))], "one size", id="two sizes"),
        pytest.param(["a.png", 3], "numbers, or paths", id="path and number"),
    ],
)
def test_what_is_no_picture_is_refused(value: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        gather(value)


@given(array=npst.arrays(npst.scalar_dtypes(), npst.array_shapes(max_dims=5, max_side=6)))
def test_any_array_becomes_pictures_or_a_data_error(array: np.ndarray) -> None:
    try:
        found = from_array(array)
    except DataError:
        return
    assert found.content.in_memory is not None
    assert found.content.array.ndim == 4
    assert found.content.array.shape[0] == len(found) == len(array)
    assert 1 <= found.content.array.shape[3] <= 4
    assert found.content.array.size == array.size


def test_npz_with_parts(tmp_path: Path) -> None:
    path = tmp_path / "mnist.npz"
    train, test = np.arange(3 * 16).reshape(3, 4, 4), np.arange(2 * 16).reshape(2, 4, 4)
    np.savez(path, x_train=train, y_train=[0, 1, 2], x_test=test, y_test=[[1], [0]])
    found = gather(path)
    assert table(found) == [
        ("0", 0, "train"),
        ("1", 1, "train"),
        ("2", 2, "train"),
        ("3", 1, "test"),
        ("4", 0, "test"),
    ]
    np.testing.assert_array_equal(found.content.array, np.concatenate([train, test])[..., None])


@pytest.mark.parametrize(
    ("images", "labels"), [("x", "y"), ("X", "y"), ("images", "labels"), ("data", "target")]
)
def test_npz_without_parts(tmp_path: Path, images: str, labels: str) -> None:
    np.savez_compressed(tmp_path / "p.npz", **{images: np.ones((2, 16)), labels: ["a", "b"]})
    found = gather(tmp_path / "p.npz")
    assert table(found) == [("0", "a", ""), ("1", "b", "")]
    assert found.parts is None
    assert found.content.folded


def test_npz_and_npy_without_labels(tmp_path: Path) -> None:
    np.savez(tmp_path / "p.npz", np.ones((2, 4, 4)))
    np.save(tmp_path / "p.npy", np.ones((2, 4, 4)))
    for name in ("p.npz", "p.npy"):
        found = gather(tmp_path / name)
        assert found.labels is None
        np.testing.assert_array_equal(found.content.array, np.ones((2, 4, 4, 1)))


def test_labels_of_training_survive_unlabelled_test_pictures(tmp_path: Path) -> None:
    np.savez(
        tmp_path / "p.npz",
        x_train=np.ones((2, 4, 4)),
        y_train=["a", "b"],
        x_test=np.ones((1, 4, 4)),
    )
    found = gather(tmp_path / "p.npz")
    assert table(found) == [("0", "a", "train"), ("1", "b", "train"), ("2", None, "test")]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"foo": np.ones((2, 4, 4))}, r"arrays named x and y.*got foo"),
        ({"x": np.array([[1, None]])}, "array x: needed plain numbers"),
        ({"x": np.ones((2, 4, 4)), "y": np.array([None, 1])}, "array y: needed plain numbers"),
        ({"x": np.ones((2, 4, 4)), "y": np.ones(3)}, "needed 2 labels, one a picture, got 3"),
        ({"x_train": np.ones((2, 4, 4)), "x_test": np.ones((2, 5, 5))}, "pictures of one size"),
        ({"x": np.array(3.0)}, "0 dimensions"),
        ({}, "no arrays"),
    ],
)
def test_unfit_npz_are_refused(tmp_path: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    np.savez(tmp_path / "p.npz", **arrays)
    with pytest.raises(DataError, match=message):
        gather(tmp_path / "p.npz")


def test_an_npy_under_the_name_of_an_npz(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones((2, 4, 4)))
    (tmp_path / "a.npy").rename(tmp_path / "a.npz")
    assert gather(tmp_path / "a.npz").content.array.shape == (2, 4, 4, 1)


def test_an_npz_under_the_name_of_an_npy(tmp_path: Path) -> None:
    np.savez(tmp_path / "b.npz", x=np.ones((2, 4, 4)))
    (tmp_path / "b.npz").rename(tmp_path / "b.npy")
    assert gather(tmp_path / "b.npy").content.array.shape == (2, 4, 4, 1)


@pytest.mark.parametrize("suffix", [".npz", ".npy"])
@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04" + bytes(50), b"\x80\x04N."])
def test_wrecked_numpy_files_are_refused(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"p{suffix}"
    path.write_bytes(content)
    with pytest.raises(DataError, match="plain numbers, whole, in a NumPy file"):
        gather(path)


@pytest.mark.parametrize("compressed", [False, True])
@settings(max_examples=150)
@given(
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=5),
    kept=st.floats(0, 1),
)
def test_damaged_npz_are_read_or_refused(
    tmp_path: Path, compressed: bool, changes: list[tuple[float, int]], kept: float
) -> None:
    path = tmp_path / "p.npz"
    noise = np.random.default_rng(0).integers(0, 256, (2, 8, 8), dtype=np.uint8)
    (np.savez_compressed if compressed else np.savez)(path, x=noise, y=[0, 1])
    content = bytearray(path.read_bytes())
    for place, value in changes:
        content[int(place * len(content))] = value
    path.write_bytes(content[: round(kept * len(content))] if kept > 0.5 else content)
    try:
        found = gather(path)
    except DataError:
        return
    assert found.content.in_memory is not None


def idx(values: np.ndarray) -> bytes:
    """Write IDX as LeCun's page describes it."""
    codes = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}
    kind = values.dtype.str[1:]
    head = struct.pack(f">HBB{values.ndim}I", 0, codes[kind], values.ndim, *values.shape)
    return head + values.astype(f">{kind}").tobytes()


def digits(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 28, 28), dtype=np.uint8)


def idx_folder(root: Path, *, packed: bool, test: str = "t10k", dot: str = "-") -> Path:
    for prefix, count in (("train", 4), (test, 3)):
        for kind, values in (
            (f"images{dot}idx3", digits(count)),
            (f"labels{dot}idx1", np.arange(count, dtype=np.uint8)),
        ):
            data = idx(values)
            name = f"{prefix}-{kind}-ubyte" + (".gz" if packed else "")
            (root / name).write_bytes(gzip.compress(data) if packed else data)
    return root


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("dot", ["-", "."])
@pytest.mark.parametrize("test", ["t10k", "test"])
def test_idx_folders(tmp_path: Path, packed: bool, dot: str, test: str) -> None:
    found = gather(idx_folder(tmp_path, packed=packed, test=test, dot=dot))
    assert found.parts is not None
    assert found.labels is not None
    assert found.parts.tolist() == ["train"] * 4 + ["test"] * 3
    assert found.labels.tolist() == [0, 1, 2, 3, 0, 1, 2]
    np.testing.assert_array_equal(
        found.content.array, np.concatenate([digits(4), digits(3)])[..., None]
    )


def test_labels_of_idx_training_survive_a_test_part_without(tmp_path: Path) -> None:
    idx_folder(tmp_path, packed=False)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    found = gather(tmp_path)
    assert found.labels is not None
    assert found.labels.tolist() == [0, 1, 2, 3, None, None, None]


def test_a_folder_named_like_an_idx_file_is_passed_over(tmp_path: Path) -> None:
    idx_folder(tmp_path, packed=False, dot=".")
    (tmp_path / "train-images-idx3-ubyte").mkdir()  # as unpacking leaves it
    assert len(gather(tmp_path)) == 7


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "float32", "float64"])
@pytest.mark.parametrize("shape", [(5,), (2, 3), (2, 3, 4), (0, 3)])
def test_idx_of_every_type(tmp_path: Path, dtype: str, shape: tuple[int, ...]) -> None:
    values = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    (tmp_path / "p").write_bytes(idx(values))
    got = read_idx(tmp_path / "p")
    np.testing.assert_array_equal(got, values)
    assert got.dtype == values.dtype
    assert got.dtype.isnative


WHOLE = idx(digits(2))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(WHOLE[:-1], id="a byte short"),
        pytest.param(WHOLE + b"x", id="a byte long"),
        pytest.param(WHOLE[:4], id="head only"),
        pytest.param(WHOLE[:6], id="in the head"),
        pytest.param(b"\x89PNG" + WHOLE, id="PNG"),
        pytest.param(b"\0\0\x07\x01\0\0\0\0", id="type"),
        pytest.param(b"\0\0\x08\xc8" + b"\0\0\0\1" * 200 + b"x", id="200 axes"),
        pytest.param(gzip.compress(WHOLE)[:-20], id="gzip cut"),
        pytest.param(gzip.compress(WHOLE)[:5], id="gzip head"),
        pytest.param(gzip.compress(WHOLE)[:-6] + b"123456", id="gzip checksum"),
        pytest.param(
            gzip.compress(WHOLE)[:10] + b"\xff" * 20 + gzip.compress(WHOLE)[30:], id="gzip damaged"
        ),
    ],
)
def test_wrecked_idx_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "p").write_bytes(content)
    with pytest.raises(DataError, match="needed a whole IDX file"):
        read_idx(tmp_path / "p")


@settings(max_examples=200)
@given(
    content=st.one_of(
        st.binary(max_size=40),
        st.builds(lambda more: b"\0\0\x08" + more, st.binary(max_size=40)),
        st.builds(lambda more: gzip.compress(WHOLE)[:12] + more, st.binary(max_size=40)),
    )
)
def test_any_bytes_are_idx_or_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "p").write_bytes(content)
    try:
        read_idx(tmp_path / "p")
    except DataError as error:
        assert "IDX" in str(error)


@pytest.mark.parametrize("shape", [(343, 349, 3), (32, 32, 4), (1, 28, 3), (6, 5, 3)])
def test_one_colour_picture_is_not_taken_for_many_grey_ones(shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match=r"one picture of.*Give X\[None\] for the one picture"):
        gather(np.zeros(shape))
    assert len(gather(np.zeros(shape)[None])) == 1
    assert len(gather(np.zeros(shape)[..., None])) == shape[0]


@pytest.mark.parametrize("adapts", [False, True])
def test_one_grey_picture_is_not_taken_for_rows_of_pixels(adapts: bool) -> None:
    recipe = PictureRecipe(height=28, width=28, channels=1, adapts=adapts)
    one = np.full((28, 28), 200, dtype=np.uint8)
    with pytest.raises(DataError, match=r"if it is one grey picture, give X\[None\]|If it is one"):
        gather(one).content.suited(recipe)
    assert gather(one[None]).content.suited(recipe) == recipe
    assert gather(one.reshape(1, -1)).content.suited(recipe) == recipe


def test_greys_come_to_three_channels_by_the_remedy() -> None:
    recipe, greys = PictureRecipe(height=9, width=9, channels=3), np.zeros((2, 9, 9), np.uint8)
    with pytest.raises(DataError, match=r"np\.repeat") as refused:
        gather(greys).content.suited(recipe)
    mended = eval(refused.value.remedy.split("give ")[1], {"X": greys, "np": np})
    assert gather(mended).content.suited(recipe) == recipe
