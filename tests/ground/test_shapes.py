"""Brute force beside the integer arithmetic; torch gradients beside the receptive fields."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from foveal.shapes import (
    ReceptiveField,
    output_size,
    same_padding,
    sliding,
    span,
    transposed_size,
    upsampled,
    volume,
    written,
)

sizes = st.integers(1, 40)
windows = st.integers(1, 7)
strides = st.integers(1, 5)
dilations = st.integers(1, 3)
pads = st.integers(0, 4)


def places(total: int, window: int, stride: int, dilation: int) -> list[list[int]]:
    """Slide a window by hand: the taps of every place where all of them fit."""
    found = []
    for start in range(0, total, stride):
        taps = [start + tap * dilation for tap in range(window)]
        if taps[-1] < total:
            found.append(taps)
    return found


@given(sizes, windows, strides, pads, pads, dilations)
def test_output_size_counts_the_places_of_a_window(
    size: int, window: int, stride: int, before: int, after: int, dilation: int
) -> None:
    by_hand = len(places(before + size + after, window, stride, dilation))
    assert max(output_size(size, window, stride, (before, after), dilation), 0) == by_hand


@given(sizes, windows, strides, dilations)
def test_same_padding_is_the_least_that_gives_the_rounded_up_size(
    size: int, window: int, stride: int, dilation: int
) -> None:
    wanted = len(range(0, size, stride))
    before, after = same_padding(size, window, stride, dilation)
    assert len(places(before + size + after, window, stride, dilation)) == wanted
    assert after - before in (0, 1)
    if before + after:
        assert len(places(before + size + after - 1, window, stride, dilation)) < wanted


@given(sizes, windows, dilations)
def test_same_padding_at_stride_one_is_torchs(size: int, window: int, dilation: int) -> None:
    before, after = same_padding(size, window, dilation=dilation)
    line = torch.arange(1.0, size + 1, dtype=torch.float64).reshape(1, 1, -1)
    kernel = torch.arange(1.0, window + 1, dtype=torch.float64).reshape(1, 1, -1)
    ours = torch.nn.functional.conv1d(
        torch.nn.functional.pad(line, (before, after)), kernel, dilation=dilation
    )
    padded = torch.nn.functional.pad(line, _torch_same(window, dilation))
    theirs = torch.nn.functional.conv1d(padded, kernel, dilation=dilation)
    assert torch.equal(ours, theirs)


def _torch_same(window: int, dilation: int) -> tuple[int, int]:
    """Left and right of padding="same", as torch.nn.modules.conv keeps them."""
    module = torch.nn.Conv1d(1, 1, window, padding="same", dilation=dilation)
    left, right = module._reversed_padding_repeated_twice
    return left, right


@given(sizes, windows, strides, st.integers(0, 3), st.integers(0, 3))
def test_transposed_size_counts_what_is_painted(
    size: int, window: int, stride: int, padding: int, extra: int
) -> None:
    painted = {place * stride + tap for place in range(size) for tap in range(window)}
    canvas = max(painted) + 1 + extra
    assert transposed_size(size, window, stride, padding, extra) == canvas - 2 * padding


@pytest.mark.parametrize("window", [1, 2, 5])
@pytest.mark.parametrize("dilation", [1, 3])
def test_span_reaches_from_the_first_tap_to_the_last(window: int, dilation: int) -> None:
    taps = [tap * dilation for tap in range(window)]
    assert span(window, dilation) == taps[-1] - taps[0] + 1


@given(st.lists(st.integers(1, 6), min_size=1, max_size=3).map(tuple))
def test_volume_and_written(shape: tuple[int, ...]) -> None:
    assert volume(shape) == torch.empty(shape).numel()
    assert tuple(int(side) for side in written(shape).split("x")) == shape


layers = st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(0, 3), st.integers(1, 2))


@given(st.lists(layers, min_size=1, max_size=4))
def test_receptive_fields_are_where_the_gradient_is(
    chain: list[tuple[int, int, int, int]],
) -> None:
    size = 60
    line = torch.ones(1, 1, size, dtype=torch.float64, requires_grad=True)
    field, out = ReceptiveField(), line
    for window, stride, padding, dilation in chain:
        if output_size(out.shape[-1], window, stride, (padding, padding), dilation) < 1:
            break
        kernel = torch.ones(1, 1, window, dtype=torch.float64)
        out = torch.nn.functional.conv1d(out, kernel, None, stride, padding, dilation)
        field = field.after(sliding(window, stride, padding, dilation))
    for position in range(out.shape[-1]):
        (gradient,) = torch.autograd.grad(out[0, 0, position], line, retain_graph=True)
        lit = gradient[0, 0].nonzero().flatten().tolist()
        first, last = field.seen(position, size)
        assert 0 <= first <= last <= size
        whole = field.start + position * field.step
        if whole >= 0 and whole + field.size <= size:  # beyond the edge dilation leaves gaps
            assert (first, last) == (lit[0], lit[-1] + 1)
        elif lit:
            assert first <= lit[0] and lit[-1] < last


@given(st.integers(1, 4), st.sampled_from(["nearest", "bilinear"]), windows)
def test_receptive_field_after_enlarging_holds_the_gradient(
    factor: int, name: str, window: int
) -> None:
    line = torch.ones(1, 1, 1, 12, dtype=torch.float64, requires_grad=True)
    smooth = {"align_corners": False} if name == "bilinear" else {}
    out = torch.nn.functional.interpolate(line, scale_factor=(1, factor), mode=name, **smooth)
    field = ReceptiveField().after(upsampled(factor, name))
    window = min(window, out.shape[-1])
    kernel = torch.ones(1, 1, 1, window, dtype=torch.float64)
    out = torch.nn.functional.conv2d(out, kernel)
    field = field.after(sliding(window, 1, 0))
    for position in range(out.shape[-1]):
        (gradient,) = torch.autograd.grad(out[0, 0, 0, position], line, retain_graph=True)
        lit = gradient[0, 0, 0].nonzero().flatten().tolist()
        first, last = field.seen(position, 12)
        assert first <= lit[0] and lit[-1] < last


def test_joined_fields_hold_both() -> None:
    wide = ReceptiveField().after(sliding(5, 1, 2))
    late = ReceptiveField(Fraction(1), Fraction(1), Fraction(4))
    joined = wide.joined(late)
    assert (joined.start, joined.start + joined.size) == (-2, 5)
    assert joined == late.joined(wide)


def test_a_field_in_the_padding_sees_nothing() -> None:
    field = ReceptiveField().after(sliding(1, 1, 3))
    assert field.seen(0, 8) == (0, 0)
    assert field.seen(13, 8) == (8, 8)
