"""One number, taken apart: by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from foveal.errors import UsageError
from foveal.looking.steps import Pointwise, Step, WeightedSum, Window, step
from foveal.looking.subject import NothingToSee, Subject, subject_of


def counted(*shape: int) -> torch.Tensor:
    """Numbers 1, 2, 3, ... in this shape."""
    return torch.arange(1.0, 1 + np.prod(shape)).reshape(1, *shape)


def with_kernel(net: str, value: float, bias: float = 0.0) -> Subject:
    subject = subject_of(net)
    with torch.no_grad():
        for name, one in subject.network.named_parameters():
            one.fill_(bias if name.endswith("bias") else value)
    return subject


def taken(net: str, *place: int, **how: float) -> Step:
    subject = with_kernel(net, how.get("value", 1.0), how.get("bias", 0.0))
    return step(subject, counted(*subject.plan.input), 1, *place)


def test_a_convolution_multiplies_adds_and_bends() -> None:
    found = taken("2x3x3 | conv 1 2x2 relu", 0, 1, 0, value=2.0, bias=-1.0)
    assert isinstance(found, WeightedSum)
    assert found.patch.tolist() == [[[4, 5], [7, 8]], [[13, 14], [16, 17]]]
    assert found.products.tolist() == (2 * found.patch).tolist()
    assert found.sums.tolist() == [48, 120]
    assert (found.bias, found.total, found.output) == (-1.0, 167.0, 167.0)
    assert found.activation == "relu" and found.layer == "conv 1 2x2 relu"
    assert taken("2x3x3 | conv 1 2x2 relu", 0, 1, 0, value=-2.0).output == 0.0


def test_padding_counts_as_nothing_in_a_convolution() -> None:
    found = taken("1x3x3 | conv 1 3x3 same", 0, 0, 0)
    assert isinstance(found, WeightedSum)
    assert found.patch[0].tolist() == [[0, 0, 0], [0, 1, 2], [0, 4, 5]]
    assert found.rows.tolist() == found.columns.tolist() == [-1, 0, 1]
    assert found.output == 12


def test_a_group_sees_its_own_channels() -> None:
    found = taken("4x2x2 | conv 2 1x1 groups 2", 1, 0, 0)
    assert isinstance(found, WeightedSum)
    assert found.channels.tolist() == [2, 3]
    assert found.patch.ravel().tolist() == [9, 13]


def test_a_transposed_convolution_is_made_of_the_pixels_that_paint_there() -> None:
    found = taken("1x2x2 | convtranspose 1 3x3 stride 2", 0, 2, 2)
    assert isinstance(found, WeightedSum)
    assert sorted(found.patch.ravel().tolist()) == [1, 2, 3, 4] and found.output == 10
    nothing = taken("1x2x2 | convtranspose 1 1x1 stride 2", 0, 1, 1, bias=0.5)
    assert isinstance(nothing, WeightedSum)
    assert nothing.patch.size == 0 and nothing.output == 0.5


def test_a_dense_layer_adds_up_all_its_inputs() -> None:
    subject = with_kernel("1x2x2 | flatten | dense 3 sigmoid", 0.5, -5.0)
    found = step(subject, counted(1, 2, 2), 2, 1)
    assert isinstance(found, WeightedSum)
    assert found.patch.shape == (4, 1, 1) and found.total == 0
    assert found.output == 0.5


def test_pooling_takes_the_greatest_or_the_mean_and_never_padding() -> None:
    greatest = taken("1x3x3 | maxpool 2", 0, 0, 0)
    assert isinstance(greatest, Window)
    assert greatest.patch.tolist() == [[1, 2], [4, 5]]
    assert greatest.taken == (1, 1) and greatest.output == 5
    mean = taken("1x3x3 | avgpool 2 same", 0, 1, 1)
    assert isinstance(mean, Window)
    assert np.isnan(mean.patch).sum() == 3 and mean.taken is None and mean.output == 9
    whole = taken("1x3x3 | globalpool max", 0)
    assert isinstance(whole, Window) and whole.patch.shape == (3, 3) and whole.output == 9


def test_of_equal_numbers_the_first_is_taken() -> None:
    found = step(subject_of("1x2x2 | maxpool 2"), torch.ones(1, 1, 2, 2), 1)
    assert isinstance(found, Window) and found.taken == (0, 0)


def test_batch_normalisation_scales_and_shifts_each_number() -> None:
    subject = subject_of("2x2x2 | batchnorm | leakyrelu")
    norm = next(subject.network.children())
    with torch.no_grad():
        norm.running_mean.copy_(torch.tensor([0.0, 6.0]))
        norm.running_var.copy_(torch.tensor([1.0, 4.0]))
        norm.weight.copy_(torch.tensor([1.0, 3.0]))
        norm.bias.copy_(torch.tensor([0.0, -10.0]))
    found = step(subject, counted(2, 2, 2), 1, 1, 1, 1)
    assert isinstance(found, Pointwise)
    assert found.input == 8 and found.output == pytest.approx((8 - 6) / 2 * 3 - 10, abs=1e-4)
    bent = step(subject, counted(2, 2, 2), 2, 1, 1, 1)
    assert isinstance(bent, Pointwise)
    assert bent.activation == "leakyrelu" and bent.output == pytest.approx(-0.07, abs=1e-5)


def test_a_layer_that_only_moves_numbers_has_no_steps() -> None:
    with pytest.raises(NothingToSee, match="layer 1: needed a convolution"):
        taken("1x2x2 | flatten", 0)


@pytest.mark.parametrize("place", [(1, 0, 0), (-1, 0, 0), (0, 2, 0), (0, 0, 2)])
def test_a_place_that_is_not_there_is_refused(place: tuple[int, int, int]) -> None:
    with pytest.raises(UsageError, match="of layer 1: needed"):
        taken("1x3x3 | conv 1 2x2", *place)
