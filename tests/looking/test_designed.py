"""Kernels made by hand: how they are read, what map they make, what is like them."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import correlate
from scipy.signal import correlate2d

from foveal.errors import UsageError
from foveal.looking.designed import KERNELS, designed, grey, likeness, slid, slide
from foveal.looking.subject import NothingToSee, subject_of
from foveal.pictures.sources import gather
from support.models import small_autoencoder, small_model


def pictures(channels: int = 1, side: int = 8) -> np.ndarray:
    shape = (2, side, side, channels)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9), st.integers(1, 9))
@settings(max_examples=30)
def test_a_map_is_the_correlation_with_the_kernel_where_it_fits(
    high: int, wide: int, down: int, across: int
) -> None:
    random = np.random.default_rng(high)
    kernel = random.standard_normal((min(high, down), min(wide, across)))
    picture = random.random((high, wide))
    assert np.allclose(slid(picture, kernel), correlate2d(picture, kernel, mode="valid"))


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
        (b"1,nan\n", "1 numbers that are not finite"),
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


def test_a_picture_is_taken_in_grey() -> None:
    levels = pictures(3)
    found = slide(
        subject_of(small_model("conv 2 3x3 | flatten | dense", channels=3)), gather(levels)
    )
    oracle = levels[0] @ np.array([0.299, 0.587, 0.114]) / 255
    assert np.allclose(found.picture, oracle, atol=1e-6)
    assert np.allclose(found.map, correlate(oracle, KERNELS["sobel"], mode="constant")[1:-1, 1:-1])
    assert np.allclose(grey(np.ones((2, 2, 4))), 1)


def test_the_kernel_most_like_it_is_found_wherever_it_fits_best() -> None:
    sobel = designed("sobel").weights
    learned = 0.01 * np.random.default_rng(0).standard_normal((4, 5, 5))
    learned[2, 1:4, 2:5] -= sobel
    learned[3, 0:3, 0:3] += 0.03 * sobel
    found = likeness(learned, sobel)
    assert found is not None
    inside = learned[2, 1:4, 2:5].ravel()
    oracle = inside @ sobel.ravel() / np.linalg.norm(sobel) / np.linalg.norm(learned[2])
    assert found[2] == pytest.approx(oracle) and found[2] < -0.99
    assert np.abs(found).argmax() == 2
    assert (np.abs(found) <= 1 + 1e-12).all()
    assert likeness(learned[:, :2, :2], sobel) is None
    assert (likeness(0 * learned, sobel) == 0).all()


def test_the_map_of_the_kernel_most_like_it_is_the_networks_own() -> None:
    model = small_model("batchnorm | conv 4 3x3 same | relu | flatten | dense", channels=3)
    module = model.network[1]
    with torch.no_grad():
        module.weight[3] = torch.tensor(KERNELS["sobel"])
        module.bias[3] = 0.5
    levels = pictures(3)
    found = slide(subject_of(model), gather(levels)).alike
    assert found is not None and found.kernel == 3 and found.layer == "2"
    assert found.cosine == pytest.approx(1)
    assert np.allclose(found.grey, 3 * np.array(KERNELS["sobel"]))
    assert np.allclose(found.map, model.activations(levels, 2)[0, 3], atol=1e-5)


def test_networks_without_kernels_as_large_are_still_a_place_to_slide_one() -> None:
    dense = small_autoencoder(shape=(1, 8, 8))
    assert slide(subject_of(dense), gather(pictures()), "blur").alike is None
    small = small_model("conv 2 2x2 | flatten | dense")
    assert slide(subject_of(small), gather(pictures())).alike is None


def test_a_kernel_larger_than_the_picture_is_refused() -> None:
    tiny = subject_of(small_model("conv 2 1x1 | flatten | dense", side=2))
    with pytest.raises(NothingToSee, match="a picture of at least 3x3 pixels, got one of 2x2"):
        slide(tiny, gather(pictures(side=2)))
    assert slide(tiny, gather(pictures(side=2)), [[1.0, -1.0]]).map.shape == (2, 1)
