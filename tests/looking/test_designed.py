"""Kernels made by hand: how they are read, and what they do."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from foveal.errors import UsageError
from foveal.looking.designed import KERNELS, designed
from foveal.looking.slide import slid


def test_the_kernels_by_name_do_what_their_names_say() -> None:
    ramp = np.tile(np.arange(8.0), (8, 1))
    noise = np.random.default_rng(0).random((8, 8))
    assert (slid(ramp, designed("sobel").weights) == 8).all()
    assert (slid(ramp.T, designed("sobel").weights) == 0).all()
    assert (slid(ramp, designed("edge").weights) == 0).all()
    blurred, sharp = (slid(noise, designed(one).weights) for one in ("blur", "sharpen"))
    assert blurred.std() < noise.std() < sharp.std()
    for name in ("blur", "sharpen", "emboss"):
        assert designed(name).keeps_brightness
    for name in ("sobel", "edge"):
        assert not designed(name).keeps_brightness
        assert designed(name).weights.sum() == 0
    assert set(KERNELS) == {"sobel", "edge", "blur", "sharpen", "emboss"}


@pytest.mark.parametrize(
    "text",
    [
        "1,0,-1\n2,0,-2\n",
        "1 0 -1\n2 0 -2",
        "1;0;-1;\n\n2;0;-2;\n",
        "\ufeff2/2\t0/5 -1\r\n4/2 0 -2e0",
        "1, 0, -1,\n2 ,0,  -2\n",
    ],
)
def test_files_of_text_are_read_however_their_numbers_stand_apart(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "k.csv"
    path.write_bytes(text.encode())
    assert designed(path).weights.tolist() == [[1, 0, -1], [2, 0, -2]]
    assert designed(str(path)).name == "k.csv"


def test_arrays_and_their_files_are_kernels(tmp_path: Path) -> None:
    matrix = np.array([[1, 0], [0, -1]], np.int8)
    np.save(tmp_path / "k.npy", matrix)
    for kernel in (matrix, matrix.tolist(), tmp_path / "k.npy"):
        assert designed(kernel).weights.tolist() == matrix.tolist()


@pytest.mark.parametrize(
    ("content", "came"),
    [
        (b"", "shape"),
        (b"1,2\n3\n", "rows of 1 and of 2 numbers"),
        (b"1,x\n", "'x', which is no number"),
        (b"1/0 1\n", "division by zero"),
        (b"__import__('os')", "no number"),
        (b"1,nan\n", "1 number not finite"),
        (b"0,5;1,5\n1;2\n", "apart by commas and by semicolons; a decimal number needs a point"),
        (b"0,5 1,5\n", "apart by blanks and by commas"),
        (b"1;2\n1,2\n", "apart by commas and by semicolons"),
        (b"1e9 1\n", "a weight of 1e\\+09"),
        (b"0 0\n0 0\n", "nothing but 0"),
        (b"1 " * 32, "one of 1x32"),
        (b"\xff\xfe\x00", "decode"),
    ],
)
def test_files_that_are_no_kernels_are_refused(tmp_path: Path, content: bytes, came: str) -> None:
    path = tmp_path / "bad.txt"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=rf"kernel bad\.txt: needed a matrix.*{came}.*1 0 -1"):
        designed(path)


def test_nothing_is_unpickled_and_nothing_large_is_read(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "ran",)

    np.save(tmp_path / "objects.npy", np.array([Evil()], dtype=object), allow_pickle=True)
    (tmp_path / "raw.npy").write_bytes(pickle.dumps(Evil()))
    (tmp_path / "empty.npy").write_bytes(b"")
    for name in ("objects.npy", "raw.npy", "empty.npy"):
        with pytest.raises(UsageError, match="needed a matrix of numbers"):
            designed(tmp_path / name)
    assert not (tmp_path / "ran").exists()
    (tmp_path / "large.txt").write_bytes(b"1 " * 600_000)
    with pytest.raises(UsageError, match="one of 1,200,000 bytes"):
        designed(tmp_path / "large.txt")
    np.save(tmp_path / "cube.npy", np.zeros((2, 2, 2)))
    with pytest.raises(UsageError, match=r"shape \(2, 2, 2\)"):
        designed(tmp_path / "cube.npy")
    (tmp_path / "k.pt").write_bytes(b"1")
    with pytest.raises(UsageError, match=r"ending in \.csv, \.txt, \.npy.*got \.pt"):
        designed(tmp_path / "k.pt")


def test_a_name_that_is_none_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean 'sobel'"):
        designed("sobell")
    with pytest.raises(UsageError, match="needed one of sobel, edge.*or a file"):
        designed("x" * 5_000)
    with pytest.raises(UsageError, match="kernel: needed a matrix"):
        designed(np.array(["a"]))
