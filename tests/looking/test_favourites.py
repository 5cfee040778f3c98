"""What kernels like, held against all answers kept and sorted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from foveal.errors import DataError, UsageError
from foveal.looking import leaders
from foveal.looking.favourites import favourites
from foveal.looking.levels import levels
from foveal.looking.subject import NothingToSee, subject_of
from foveal.nets.plan import Plan, plan
from foveal.pictures.sources import gather
from support.digits import DIGITS, as_bytes

NET = (
    "1x8x8 | conv 5 3x3 stride 2 padding 1 | batchnorm | relu6"
    " | conv 4 3x3 same | flatten | dense 2"
)
PICTURES = as_bytes(DIGITS[:40])


def maps_of(number: str) -> np.ndarray:
    subject = subject_of(NET, seed=1)
    _, passed = subject.traced(subject.seen(gather(PICTURES)).inputs, [number])
    maps = passed[number].outputs.numpy().copy()
    if maps.ndim == 2:
        return maps
    for image, shown in zip(subject.seen(gather(PICTURES)).images[..., 0], maps, strict=True):
        for axis in (0, 1):  # of a map pixel i stands for 2 i of the picture; even edges are none
            varied = np.flatnonzero(np.ptp(image, axis=1 - axis))
            outside = [i for i in range(4) if not varied[0] <= 2 * i <= varied[-1]]
            np.moveaxis(shown, 1 + axis, 0)[outside] = -np.inf
    return maps


@pytest.mark.parametrize("size", [1, 7, 128])
def test_the_best_are_those_of_all_answers_sorted(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaders, "at_once", lambda recipe: size)
    (found,) = favourites(subject_of(NET, seed=1), gather(PICTURES), layer=1, count=5)
    maps = maps_of("2")  # after the normalisation, before the activation
    peaks = maps.max(axis=(2, 3))
    order = np.argsort(-peaks, axis=0, kind="stable")[:9].T
    np.testing.assert_array_equal(found.rows, order)
    np.testing.assert_allclose(found.values, np.take_along_axis(peaks.T, order, 1), rtol=1e-5)
    for kernel, patches in zip(found.kernels, found.patches, strict=True):
        for place, one in enumerate(patches):
            row = order[kernel, place]
            assert one.name == str(row)
            assert one.value == pytest.approx(maps[row, kernel][one.pixel], rel=1e-5)
            assert one.value == pytest.approx(maps[row, kernel].max(), rel=1e-5)


def test_patches_are_cut_at_the_receptive_field_and_unknown_beyond_the_picture() -> None:
    (found,) = favourites(subject_of(NET, seed=1), gather(PICTURES), layer=1, count=5)
    padded = np.pad(PICTURES / 255.0, ((0, 0), (1, 1), (1, 1)), constant_values=np.nan)
    for patches in found.patches:
        for one in patches:
            row, column = one.pixel
            assert one.box == (2 * row - 1, 2 * row + 2, 2 * column - 1, 2 * column + 2)
            oracle = padded[int(one.name), 2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
            np.testing.assert_allclose(one.patch[..., 0], oracle, atol=1e-6)
            assert one.mark == (1, 1)


def test_kernels_that_stand_out_come_first_and_silent_ones_last() -> None:
    subject = subject_of(NET, seed=1)
    convolution = subject.network[0]
    convolution.weight.data[2] = 0
    (found,) = favourites(subject, gather(PICTURES), layer=1, count=5)
    peaks = maps_of("2").max(axis=(2, 3))
    best = np.sort(peaks, axis=0)[-9:].mean(axis=0)
    above = (best - peaks.mean(axis=0)) / peaks.std(axis=0)
    above[2] = -np.inf
    assert list(found.kernels) == np.argsort(-above).tolist()
    assert found.silent == 1


def test_what_sees_the_whole_picture_or_nobody_knows_what_is_shown_whole() -> None:
    subject = subject_of("1x8x8 | conv 3 7x7 same | conv 4 5x5 same | flatten | dense 2")
    (found,) = favourites(subject, gather(PICTURES), layer=2, count=1)
    assert found.whole
    (one, *_) = found.patches[0]
    np.testing.assert_allclose(one.patch[..., 0], PICTURES[int(one.name)] / 255, atol=1e-6)
    assert one.mark == tuple(map(float, one.pixel))
    layers = tuple(replace(layer, fields=None, unknown=True) for layer in subject.plan.layers)
    blind = replace(subject, plan=replace(subject.plan, layers=layers))
    (other,) = favourites(blind, gather(PICTURES), layer=2, count=1)
    assert other.whole
    assert other.sees == "nobody knows what it sees"


def test_numbers_of_a_dense_layer_like_pictures_too() -> None:
    (found,) = favourites(subject_of(NET, seed=1), gather(PICTURES), layer=6, count=2)
    outputs = maps_of("6")
    np.testing.assert_array_equal(found.rows, np.argsort(-outputs, axis=0, kind="stable")[:9].T)


def test_few_pictures_and_unreadable_ones_are_enough(tmp_path: Path) -> None:
    for index in range(3):
        Image.fromarray(PICTURES[index]).save(tmp_path / f"{index}.png")
    (tmp_path / "bad.png").write_bytes(b"no picture")
    low, high = favourites(subject_of(NET, seed=1), gather(tmp_path))
    assert (low.pictures, low.unreadable) == (3, 1)
    assert (low.level, high.level) == ("low-level", "high-level")
    assert all(len(patches) == 3 for patches in (*low.patches, *high.patches))
    assert (low.rows[:, 3:] == -1).all()
    assert np.isnan(low.values[:, 3:]).all()
    with pytest.raises(DataError, match="at least 1 that can be read"):
        favourites(subject_of(NET), gather([tmp_path / "bad.png"]))


def test_progress_is_told_of_all_pictures() -> None:
    told: list[tuple[int, int]] = []
    favourites(
        subject_of(NET), gather(PICTURES), layer=1, progress=lambda *counts: told.append(counts)
    )
    assert told[-1] == (40, 40)


def test_what_does_not_apply_says_so() -> None:
    with pytest.raises(NothingToSee, match="kernels whose maps"):
        favourites(subject_of("1x8x8 | flatten | dense 2"), gather(PICTURES))
    broken = subject_of(NET)
    broken.network[0].weight.data.fill_(torch.nan)
    with pytest.raises(NothingToSee, match="gives numbers"):
        favourites(broken, gather(PICTURES))
    with pytest.raises(UsageError, match="layer 9"):
        favourites(subject_of(NET), gather(PICTURES), layer=9)


def numbers(network: Plan) -> list[str]:
    return [one.number for one in levels(network)]


def test_levels_are_spread_over_what_is_seen() -> None:
    # fields of 3, 5, 7, 9, 11 and 13 pixels: 7 lies nearest to the root of 3 * 13
    six = " | ".join(["conv 4 3x3 same"] * 6)
    assert numbers(plan(f"1x64x64 | {six} | flatten | dense 2")) == ["1", "3", "6"]
    assert numbers(plan("1x8x8 | conv 4 3x3 | conv 4 6x6 | flatten | dense 2")) == ["1"]
    assert numbers(plan("efficientnet_lite0")) == ["1", "21", "66"]
