"""Receptive fields of single pixels: theoretical and effective."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from foveal.errors import UsageError
from foveal.looking.fields import effective_field, receptive_field
from foveal.looking.subject import subject_of
from foveal.nets.plan import plan

NET = "2x11x9 | conv 4 3x3 tanh | avgpool 2 | conv 3 2x2 same relu | flatten | dense 2"


def picture(net: str = NET) -> torch.Tensor:
    return torch.randn(1, *plan(net).input, generator=torch.Generator().manual_seed(3))


def test_a_field_is_cut_to_the_picture_and_its_law_is_not() -> None:
    found = receptive_field(plan("1x6x6 | conv 1 5x5 same"), "1", 0, 5)
    assert (found.top, found.bottom, found.left, found.right) == (0, 3, 3, 6)
    assert found.law == (-2.0, 3.0, 3.0, 8.0)
    assert found.size == (3, 3) and not found.whole and not found.unknown


def test_every_number_of_a_vector_stands_for_the_whole_picture() -> None:
    for number in ("4", "5"):
        found = receptive_field(plan(NET), number)
        assert found.whole and found.law is None
    assert found.size == (10, 8)  # pooling leaves out the last row of maps, and so of the picture


def test_of_a_unit_of_timm_nobody_knows() -> None:
    net = plan("3x32x32 | timm resnet18 conv1 gives 64x16x16 holds 9408")
    found = receptive_field(net, 1, 15, 15)
    assert found.unknown and not found.whole and found.size == (32, 32)


@pytest.mark.parametrize(("row", "column"), [(9, 0), (0, 7), (-1, 0), (0, -1)])
def test_a_pixel_outside_of_the_maps_is_refused(row: int, column: int) -> None:
    with pytest.raises(UsageError, match=r"layer 1: needed a row of 0 to 8 and a column of 0 to 6"):
        receptive_field(plan(NET), "1", row, column)
    with pytest.raises(UsageError, match=r"gives 4x9x7, got row"):
        effective_field(subject_of(NET), picture(), "1", row, column)


def test_a_map_that_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match="channel 4 of layer 1: needed 0 to 3"):
        effective_field(subject_of(NET), picture(), "1", channel=4)


@pytest.mark.parametrize("number", ["1", "2", "3"])
def test_the_effective_field_lies_within_the_theoretical_one(number: str) -> None:
    subject = subject_of(NET)
    shares = effective_field(subject, picture(), number, 1, 2)
    field = receptive_field(subject.plan, number, 1, 2)
    inside = shares[field.top : field.bottom, field.left : field.right]
    assert shares.shape == (11, 9)
    assert inside.sum() == pytest.approx(1, abs=1e-5) and shares.sum() == pytest.approx(1, abs=1e-5)


def test_the_effective_field_is_what_small_changes_do() -> None:
    subject = subject_of("2x7x6 | conv 4 3x3 tanh | avgpool 2 | conv 3 2x2 tanh")
    given = picture("2x7x6 | flatten")
    shares = effective_field(subject, given, "3", 0, 0, channel=2)

    def value(pictures: torch.Tensor) -> np.ndarray:
        made = subject.traced(pictures, ("3",))[1]["3"].outputs[:, 2, 0, 0]
        return np.arctanh(made.double().numpy())  # before its activation function

    step = 1e-2
    changes = step * torch.eye(given.numel()).reshape(-1, *given.shape[1:])
    slopes = np.abs(value(given + changes) - value(given - changes)).reshape(2, 7, 6).sum(axis=0)
    assert np.allclose(shares, slopes / slopes.sum(), atol=2e-3)


def test_a_saturated_number_still_has_a_field_and_one_behind_it_has_none() -> None:
    subject = subject_of("1x4x4 | conv 1 2x2 relu | conv 1 2x2 relu")
    with torch.no_grad():
        for one in subject.network.parameters():
            one.fill_(-1.0)
    given = torch.ones(1, 1, 4, 4)
    assert effective_field(subject, given, "1", 1, 1).sum() == pytest.approx(1)
    assert not effective_field(subject, given, "2", 1, 1).any()


def test_parameters_keep_no_gradients() -> None:
    subject = subject_of(NET)
    effective_field(subject, picture(), "3")
    assert all(one.grad is None for one in subject.network.parameters())


def test_what_changes_in_place_in_timm_is_looked_through() -> None:
    pytest.importorskip("timm")
    units = ("conv1 gives 64x16x16 holds 9408", "bn1 gives 64x16x16 holds 128")
    units += ("act1 gives 64x16x16 holds 0", "act1 gives 64x16x16 holds 0")
    net = "3x32x32 | " + " | ".join(f"timm resnet18 {one}" for one in units)
    subject = subject_of(net, seed=0)
    given = picture("3x32x32 | flatten")
    for number in ("1", "2", "3", "4"):
        shares = effective_field(subject, given, number, 8, 8)
        assert shares.sum() == pytest.approx(1, abs=1e-5) and not shares[:8].any()
    passed = subject.traced(given, ("2", "3"))[1]
    assert passed["2"].outputs.min() < 0 <= passed["3"].outputs.min()
