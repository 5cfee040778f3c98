"""What the layers do, beside plain loops over NumPy arrays."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from foveal.nets.build import build
from foveal.nets.layer import ACTIVATIONS


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape)


def ran(net: str, maps: np.ndarray) -> tuple[np.ndarray, torch.nn.Sequential]:
    """Run a network in double precision on one picture; also return it for its weights."""
    network = build(net, input=maps.shape, seed=1).double().eval()
    with torch.no_grad():
        return network(torch.from_numpy(maps)[None])[0].numpy(), network


def weights(network: torch.nn.Sequential) -> list[np.ndarray]:
    return [one.detach().numpy() for one in network.parameters()]


def windows(maps: np.ndarray, size, stride, pads, dilation=(1, 1)):
    """For each place of a window: row, column and the taps that lie on the maps."""
    (top, bottom), (left, right) = pads
    _, height, width = maps.shape
    reach = [(size[axis] - 1) * dilation[axis] + 1 for axis in (0, 1)]
    tops = range(-top, height + bottom - reach[0] + 1, stride[0])
    lefts = range(-left, width + right - reach[1] + 1, stride[1])
    for (row, y0), (column, x0) in itertools.product(enumerate(tops), enumerate(lefts)):
        taps = []
        for down, across in itertools.product(range(size[0]), range(size[1])):
            y, x = y0 + down * dilation[0], x0 + across * dilation[1]
            if 0 <= y < height and 0 <= x < width:
                taps.append((down, across, y, x))
        yield row, column, taps


def convolved(
    maps, kernels, bias, *, stride=(1, 1), pads=((0, 0), (0, 0)), dilation=(1, 1), groups=1
):
    found: dict[tuple[int, int, int], float] = {}
    a_group, out_group = maps.shape[0] // groups, kernels.shape[0] // groups
    for row, column, taps in windows(maps, kernels.shape[2:], stride, pads, dilation):
        for kernel in range(kernels.shape[0]):
            total = 0.0 if bias is None else bias[kernel]
            for channel in range(a_group):
                source = kernel // out_group * a_group + channel
                for down, across, y, x in taps:
                    total += kernels[kernel, channel, down, across] * maps[source, y, x]
            found[kernel, row, column] = total
    return gathered(found)


def gathered(found: dict[tuple[int, int, int], float]) -> np.ndarray:
    out = np.full(np.array(list(found)).max(axis=0) + 1, np.nan)
    for place, value in found.items():
        out[place] = value
    assert not np.isnan(out).any()
    return out


NONE = ((0, 0), (0, 0))
CONVOLUTIONS = [
    ("conv 3 2x3", (2, 4, 5), {}),
    ("conv 2 3x3 nobias", (3, 5, 5), {}),
    ("conv 2 2x3 stride 2x1", (1, 5, 6), {"stride": (2, 1)}),
    ("conv 2 3x3 padding 1x2", (2, 4, 4), {"pads": ((1, 1), (2, 2))}),
    ("conv 2 3x3 same", (2, 4, 5), {"pads": ((1, 1), (1, 1))}),
    ("conv 2 2x4 same", (1, 4, 5), {"pads": ((0, 1), (1, 2))}),
    # ceil(5 / 2) = 3 rows: needed (3 - 1) * 2 + 2 - 5 = 1; columns: (2 - 1) * 2 + 3 - 4 = 1
    ("conv 2 2x3 same stride 2", (1, 5, 4), {"stride": (2, 2), "pads": ((0, 1), (0, 1))}),
    ("conv 2 3x2 dilation 2x3", (2, 6, 5), {"dilation": (2, 3)}),
    ("conv 4 3x3 groups 2 padding 1", (4, 3, 4), {"groups": 2, "pads": ((1, 1), (1, 1))}),
    ("conv 6 1x1 groups 3", (3, 2, 2), {"groups": 3}),
]


@pytest.mark.parametrize(
    ("net", "shape", "how"), CONVOLUTIONS, ids=[one[0] for one in CONVOLUTIONS]
)
def test_convolution(net: str, shape: tuple[int, ...], how: dict) -> None:
    maps = numbers(*shape)
    out, network = ran(net, maps)
    kernels, *bias = weights(network)
    by_hand = convolved(maps, kernels, bias[0] if bias else None, **how)
    np.testing.assert_allclose(out, by_hand, atol=1e-12)


def test_convolution_does_not_turn_its_kernel() -> None:
    maps = np.zeros((1, 3, 3))
    maps[0, 0, 0] = 1
    network = build("1x3x3 | conv 1 3x3 nobias", seed=0)
    kernel = torch.arange(9.0).reshape(1, 1, 3, 3)
    with torch.no_grad():
        network[0].weight.copy_(kernel)
        assert network(torch.from_numpy(maps).float()[None]).item() == 0.0
        corner = torch.zeros(1, 1, 3, 3)
        corner[0, 0, 2, 2] = 1
        assert network(corner).item() == 8.0


POOLINGS = [
    ("2", (2, 4, 6), (2, 2), (2, 2), NONE),
    ("2", (1, 5, 5), (2, 2), (2, 2), NONE),
    ("2x3", (2, 4, 6), (2, 3), (2, 3), NONE),
    ("3 stride 2", (1, 7, 6), (3, 3), (2, 2), NONE),
    ("3 stride 1 padding 1", (2, 4, 3), (3, 3), (1, 1), ((1, 1), (1, 1))),
    ("3x2 padding 1x0 stride 2", (1, 5, 6), (3, 2), (2, 2), ((1, 1), (0, 0))),
    ("2 stride 1 same", (2, 4, 3), (2, 2), (1, 1), ((0, 1), (0, 1))),
    ("2 same", (1, 5, 4), (2, 2), (2, 2), ((0, 1), (0, 0))),
    ("3 stride 2 same", (1, 6, 5), (3, 3), (2, 2), ((0, 1), (1, 1))),
    ("4 stride 1 same", (1, 2, 3), (4, 4), (1, 1), ((1, 2), (1, 2))),
]


@pytest.mark.parametrize("kind", ["maxpool", "avgpool"])
@pytest.mark.parametrize(("words", "shape", "size", "stride", "pads"), POOLINGS)
def test_pooling_never_counts_padding(kind, words, shape, size, stride, pads) -> None:
    maps = numbers(*shape) - 10  # below zero: a padding of zeros would win, and would raise means
    out, _ = ran(f"{kind} {words}", maps)
    reduced = max if kind == "maxpool" else np.mean
    by_hand = {
        (channel, row, column): reduced([maps[channel, y, x] for _, _, y, x in taps])
        for channel in range(shape[0])
        for row, column, taps in windows(maps, size, stride, pads)
    }
    np.testing.assert_allclose(out, gathered(by_hand), atol=1e-12)


@pytest.mark.parametrize("size", [(4, 3), (3, 2), (2, 2)])
@pytest.mark.parametrize(
    ("stride", "padding", "extra"), [(1, 0, 0), (2, 1, 0), (2, 0, 1), (3, 1, 2)]
)
def test_transposed_convolution_paints_kernels(size, stride, padding, extra) -> None:
    maps = numbers(2, 3, 4)
    text = f"convtranspose 3 {size[0]}x{size[1]} stride {stride} padding {padding}"
    out, network = ran(f"{text} output_padding {extra}", maps)
    kernels, bias = weights(network)
    canvas = np.zeros((3, 2 * stride + size[0] + extra, 3 * stride + size[1] + extra))
    for channel, y, x, kernel in itertools.product(range(2), range(3), range(4), range(3)):
        patch = kernels[channel, kernel] * maps[channel, y, x]
        canvas[kernel, y * stride : y * stride + size[0], x * stride : x * stride + size[1]] += (
            patch
        )
    inner = slice(padding, -padding or None)
    np.testing.assert_allclose(out, canvas[:, inner, inner] + bias[:, None, None], atol=1e-12)


def test_space_to_depth_moves_blocks_into_channels() -> None:
    maps = numbers(2, 6, 3)
    out, _ = ran("spacetodepth 3", maps)
    assert out.shape == (18, 2, 1)
    for channel, y, x in itertools.product(range(2), range(6), range(3)):
        deep = channel * 9 + (y % 3) * 3 + x % 3
        assert out[deep, y // 3, x // 3] == maps[channel, y, x]


@pytest.mark.parametrize("kind", ["avg", "max"])
def test_global_pooling(kind: str) -> None:
    maps = numbers(3, 2, 4)
    out, _ = ran(f"globalpool {kind}", maps)
    by_hand = [
        maps[channel].mean() if kind == "avg" else maps[channel].max() for channel in range(3)
    ]
    np.testing.assert_allclose(out, by_hand, atol=1e-12)


def test_upsampling_repeats_pixels() -> None:
    maps = numbers(2, 2, 3)
    out, _ = ran("upsample 2x3", maps)
    for channel, y, x in itertools.product(range(2), range(4), range(9)):
        assert out[channel, y, x] == maps[channel, y // 2, x // 3]


def test_upsampling_smoothly_blends_pixel_centres() -> None:
    maps = numbers(1, 1, 3)
    out, _ = ran("upsample 1x2 bilinear", maps)
    centres = np.clip((np.arange(6) + 0.5) / 2 - 0.5, 0, 2)
    np.testing.assert_allclose(out[0, 0], np.interp(centres, range(3), maps[0, 0]), atol=1e-6)


def test_flatten_dense_and_reshape() -> None:
    maps = numbers(2, 2, 3)
    out, network = ran("flatten | dense 8 | reshape 2x1x4", maps)
    matrix, bias = weights(network)
    flat = [maps[channel, y, x] for channel in range(2) for y in range(2) for x in range(3)]
    nodes = [bias[node] + sum(matrix[node, i] * flat[i] for i in range(12)) for node in range(8)]
    np.testing.assert_allclose(out, np.reshape(nodes, (2, 1, 4)), atol=1e-12)


def test_a_residual_adds_its_input() -> None:
    maps = numbers(2, 3, 3)
    out, network = ran("residual(conv 2 3x3 same)", maps)
    kernels, bias = weights(network)
    branch = convolved(maps, kernels, bias, pads=((1, 1), (1, 1)))
    np.testing.assert_allclose(out, branch + maps, atol=1e-12)


@pytest.mark.parametrize(
    ("branch", "stride", "pads"),
    [
        ("conv 4 3x3 same nobias", (1, 1), ((1, 1), (1, 1))),
        ("conv 4 3x3 stride 2 same nobias", (2, 2), ((1, 1), (0, 1))),
        ("conv 4 3x3 stride 2x1 same nobias", (2, 1), ((1, 1), (1, 1))),
        ("conv 4 1x1 stride 3 nobias", (3, 3), NONE),
    ],
)
def test_a_residual_projects_where_shapes_differ(branch: str, stride, pads) -> None:
    maps = numbers(2, 5, 6)
    out, network = ran(f"residual({branch})", maps)
    kernels, projection = weights(network)
    assert projection.shape == (4, 2, 1, 1)
    summed = convolved(maps, kernels, None, stride=stride, pads=pads)
    summed += convolved(maps, projection, None, stride=stride)
    np.testing.assert_allclose(out, summed, atol=1e-12)


def test_a_residual_strides_like_its_branch() -> None:
    # ceil(5 / 4) = ceil(5 / 3) = 2: the shape alone does not tell a stride of 4 from one of 3.
    maps = numbers(1, 5, 5)
    out, network = ran("residual(conv 2 1x1 stride 4 nobias)", maps)
    kernels, projection = weights(network)
    together = convolved(maps, kernels + projection, None, stride=(4, 4))
    np.testing.assert_allclose(out, together, atol=1e-12)


def test_a_residual_of_vectors_projects_by_a_matrix() -> None:
    maps = numbers(1, 2, 2)
    out, network = ran("flatten | residual(dense 3 nobias)", maps)
    branch, shortcut = weights(network)
    np.testing.assert_allclose(out, (branch + shortcut) @ maps.ravel(), atol=1e-12)


def test_batch_normalisation_of_maps_and_vectors() -> None:
    maps = numbers(4, 2, 3, 3)
    network = build("2x3x3 | batchnorm | flatten | batchnorm", seed=0).double().train()
    first = network[0](torch.from_numpy(maps)).detach().numpy()
    for channel in range(2):
        one = maps[:, channel]
        by_hand = (one - one.mean()) / np.sqrt(one.var() + 1e-5)
        np.testing.assert_allclose(first[:, channel], by_hand, atol=1e-9)
    flat = first.reshape(4, -1)
    second = network[1:](torch.from_numpy(first)).detach().numpy()
    by_hand = (flat - flat.mean(axis=0)) / np.sqrt(flat.var(axis=0) + 1e-5)
    np.testing.assert_allclose(second, by_hand, atol=1e-9)


FORMULAS = {
    "relu": lambda x: np.maximum(x, 0),
    "leakyrelu": lambda x: np.where(x > 0, x, 0.01 * x),
    "relu6": lambda x: np.clip(x, 0, 6),
    "prelu": lambda x: np.where(x > 0, x, 0.25 * x),
    "elu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)),
    "celu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "gelu": lambda x: x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2,
    "silu": lambda x: x / (1 + np.exp(-x)),
    "mish": lambda x: x * np.tanh(np.log1p(np.exp(x))),
    "hardswish": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    "hardsigmoid": lambda x: np.clip(x + 3, 0, 6) / 6,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "hardtanh": lambda x: np.clip(x, -1, 1),
    "softplus": lambda x: np.log1p(np.exp(x)),
    "softsign": lambda x: x / (1 + abs(x)),
    "softmax": lambda x: np.exp(x) / np.exp(x).sum(axis=0),
}


def test_every_activation_has_a_formula() -> None:
    assert set(FORMULAS) == set(ACTIVATIONS)


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("place", ["{}", "residual({})", "conv 2 1x1 nobias {}", "flatten | {}"])
def test_activations(name: str, place: str) -> None:
    maps = numbers(2, 3, 3) * 4
    out, network = ran(place.format(name), maps)
    values = maps
    if place.startswith("conv"):
        values = convolved(maps, weights(network)[0], None)
    if place.startswith("flatten"):
        values = maps.ravel()
    by_hand = FORMULAS[name](values) + (maps if place.startswith("residual") else 0)
    np.testing.assert_allclose(out, by_hand, atol=1e-9)
