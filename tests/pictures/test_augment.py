"""Augmentation: one draw a picture, a pure function of the generator, nothing but what it says."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from foveal.pictures import augment
from foveal.pictures.augment import Augmentation, gather_varied, varied
from foveal.vocabulary import LEVELS


def numbered(batch: int, height: int, width: int, channels: int = 3) -> torch.Tensor:
    """Pictures of which no two pixels are equal, (n, h, w, c)."""
    count = batch * height * width * channels
    return torch.arange(count, dtype=torch.int32).reshape(batch, height, width, channels)


def normal(batch: int, height: int, width: int, channels: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    flat = torch.randn((batch, channels, height, width), generator=generator)
    return flat.contiguous(memory_format=torch.channels_last)


def draws(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@given(
    batch=st.integers(1, 5),
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    channels=st.integers(1, 4),
    flip=st.booleans(),
    level=st.sampled_from(LEVELS),
    seed=st.integers(0, 99),
)
def test_every_picture_is_itself_shifted_within_repeated_borders(
    batch: int, height: int, width: int, channels: int, flip: bool, level: str, seed: int
) -> None:
    images = numbered(batch, height, width, channels)
    how = Augmentation(level=level, flip=flip)  # type: ignore[arg-type]
    got = gather_varied(images, how, draws(seed)).numpy()
    assert got.shape == images.shape
    for before, after in zip(images.numpy(), got, strict=True):
        assert any(np.array_equal(after, one) for one in _shifted(before, level, flip))


def _shifted(picture: np.ndarray, level: str, flip: bool) -> list[np.ndarray]:
    """All that flip and shift may make of a picture, by padding and cutting."""
    height, width, _ = picture.shape
    reach = [
        0 if level == "none" or side < 8 else max(1, round(side / 16)) for side in (height, width)
    ]
    padded = np.pad(picture, ((reach[0],) * 2, (reach[1],) * 2, (0, 0)), mode="edge")
    cuts = [
        padded[down : down + height, across : across + width]
        for down in range(2 * reach[0] + 1)
        for across in range(2 * reach[1] + 1)
    ]
    return cuts + [cut[:, ::-1] for cut in cuts] if flip else cuts


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("flip", [False, True])
def test_gathering_is_a_pure_function_of_the_generator(level: str, flip: bool) -> None:
    images, how = numbered(16, 16, 20), Augmentation(level=level, flip=flip)  # type: ignore[arg-type]
    before = images.clone()
    first = gather_varied(images, how, draws(1))
    torch.manual_seed(99)
    assert torch.equal(gather_varied(images, how, draws(1)), first)
    assert torch.equal(images, before)
    if level != "none" or flip:
        assert not torch.equal(gather_varied(images, how, draws(2)), first)


def test_varying_is_a_pure_function_of_the_generator() -> None:
    images, how = normal(8, 16, 20), Augmentation(level="strong")
    before = images.clone()
    first = varied(images, how, draws(1))
    torch.manual_seed(99)
    assert torch.equal(varied(images, how, draws(1)), first)
    assert torch.equal(images, before)
    assert not torch.equal(varied(images, how, draws(2)), first)


def test_nothing_is_drawn_for_nothing() -> None:
    images, floats, how = numbered(4, 16, 16), normal(4, 16, 16), Augmentation(level="none")
    generator = draws()
    assert gather_varied(images, how, generator) is images
    assert varied(floats, how, generator) is floats
    assert varied(floats, Augmentation(level="light"), generator) is floats
    assert generator.bit_generator.state == draws().bit_generator.state


def test_shifts_of_one_batch_cover_all_there_are() -> None:
    images = numbered(1, 32, 32).expand(400, -1, -1, -1)
    got = gather_varied(images, Augmentation(level="light"), draws())
    assert len(torch.unique(got, dim=0)) == 25  # 2 pixels to either side, both ways


def test_half_of_a_batch_is_mirrored() -> None:
    images = numbered(1, 6, 6).expand(1000, -1, -1, -1)
    got = gather_varied(images, Augmentation(level="none", flip=True), draws())
    mirrored = torch.tensor([torch.equal(one, images[0].flip(1)) for one in got])
    straight = torch.tensor([torch.equal(one, images[0]) for one in got])
    assert bool((mirrored ^ straight).all())
    assert 430 < int(mirrored.sum()) < 570  # 4.4 standard deviations


def test_strong_draws_differ_within_a_batch() -> None:
    images = normal(1, 16, 16).expand(50, -1, -1, -1)
    got = varied(images, Augmentation(level="strong"), draws())
    assert len(torch.unique(got, dim=0)) == 50


@settings(max_examples=40)
@given(
    batch=st.integers(1, 4),
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    channels=st.integers(1, 4),
)
def test_strong_keeps_the_form(batch: int, height: int, width: int, channels: int) -> None:
    images = normal(batch, height, width, channels)
    got = varied(images, Augmentation(level="strong"), draws())
    assert got.shape == images.shape
    assert got.dtype == torch.float32
    assert got.is_contiguous(memory_format=torch.channels_last)
    assert bool(torch.isfinite(got).all())


def test_a_turn_is_a_turn_in_oblong_pictures_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augment, "ZOOM", 0.0)
    monkeypatch.setattr(augment, "COLOUR", 0.0)
    height, width = 32, 64
    down, across = np.mgrid[:height, :width]
    round_nn = np.exp(-((down - 15.5) ** 2 + (across - 31.5) ** 2) / 40).astype(np.float32)
    images = torch.from_numpy(round_nn).expand(8, 1, height, width)
    got = varied(images, Augmentation(level="strong"), draws())
    assert float((got - images).abs().max()) < 0.02
    # Not for want of turning: a slope across becomes steep by the sine of the angle.
    slope = torch.from_numpy((across / 31.5 - 1).astype(np.float32)).expand(8, 1, height, width)
    assert float((varied(slope, Augmentation(level="strong"), draws()) - slope).abs().max()) > 0.05


def test_turns_follow_the_angle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augment, "ZOOM", 0.0)
    monkeypatch.setattr(augment, "COLOUR", 0.0)
    size = 33
    down, across = np.mgrid[:size, :size] - (size - 1) / 2
    plane = torch.from_numpy(across.astype(np.float32)).expand(6, 1, size, size)
    got = varied(plane, Augmentation(level="strong"), draws(3)).numpy()[:, 0]
    inner = slice(10, -10)
    for picture in got:  # a turned plane is the plane cos(a) x - sin(a) y
        design = np.stack([across[inner, inner].ravel(), down[inner, inner].ravel()], axis=1)
        (along, beside), *_ = np.linalg.lstsq(design, picture[inner, inner].ravel(), rcond=None)
        assert np.hypot(along, beside) == pytest.approx(1, abs=1e-3)
        assert abs(np.rad2deg(np.arctan2(beside, along))) <= augment.TURN + 0.1


def test_zooms_stay_within_their_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augment, "TURN", 0.0)
    monkeypatch.setattr(augment, "COLOUR", 0.0)
    size = 65
    across = (np.mgrid[:size, :size][1] - (size - 1) / 2).astype(np.float32)
    plane = torch.from_numpy(across).expand(200, 1, size, size)
    got = varied(plane, Augmentation(level="strong"), draws()).numpy()[:, 0]
    slopes = got[:, 32, 40] / across[32, 40]
    assert 1 / 1.2 - 1e-3 <= slopes.min() < 0.87
    assert 1.15 < slopes.max() <= 1.2 + 1e-3


def test_grey_pictures_stay_grey_under_colours() -> None:
    images = normal(8, 16, 16, 1).expand(-1, 3, -1, -1)
    got = varied(images, Augmentation(level="strong"), draws())
    torch.testing.assert_close(got[:, 0], got[:, 1], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(got[:, 0], got[:, 2], atol=1e-5, rtol=1e-5)


def test_what_comes_in_from_outside_repeats_the_border(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augment, "COLOUR", 0.0)
    images = torch.full((20, 3, 12, 20), 2.0)
    got = varied(images, Augmentation(level="strong"), draws())
    torch.testing.assert_close(got, images, atol=1e-4, rtol=0)
