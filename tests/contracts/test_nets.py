"""What holds over all networks: the planned shape is the real shape, and repairs repair."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from torch import nn

from foveal.errors import NetworkError
from foveal.nets.blocks import Residual as ResidualModule
from foveal.nets.build import build, child_names
from foveal.nets.calls import calls_of
from foveal.nets.layer import Layer
from foveal.nets.lite import SCALES
from foveal.nets.notation import read, write
from foveal.nets.plan import Plan, plan
from foveal.nets.planned import PlannedLayer
from foveal.nets.spec import (
    AvgPool,
    Conv,
    ConvTranspose,
    DepthToSpace,
    Network,
    SpaceToDepth,
    Upsample,
)
from foveal.nets.stock import STOCK
from foveal.shapes import Shape
from support.networks import networks, small


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Networks this small lose more to waiting threads than they gain."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def hold_chain(layers: tuple[PlannedLayer, ...], modules: list[nn.Module], maps: torch.Tensor):
    """Run modules layer by layer and hold every real shape against the planned one."""
    rest = list(modules)
    for planned in layers:
        made, rest = rest[: len(calls_of(planned))], rest[len(calls_of(planned)) :]
        assert tuple(maps.shape[1:]) == planned.in_shape
        if planned.inner:
            (module,) = made
            assert isinstance(module, ResidualModule)
            hold_chain(planned.inner, list(module.branch), maps)
        for module in made:
            maps = module(maps)
        assert tuple(maps.shape[1:]) == planned.out_shape, planned
        real = sum(one.numel() for module in made for one in module.parameters())
        assert planned.parameters == real, planned
        if "weight" in planned.weights and not planned.inner:
            shapes = {tuple(one.shape) for module in made for one in module.parameters()}
            assert planned.weights["weight"] in shapes, planned
    assert not rest
    return maps


def hold(planned: Plan) -> None:
    """Hold a plan against the network that is built from it."""
    network = build(planned, seed=0).eval()
    names = [name for some in child_names(planned) for name in some]
    assert [name for name, _ in network.named_children()] == names
    pictures = torch.randn(2, *planned.input, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        out = hold_chain(planned.layers, list(network), pictures)
        assert torch.equal(out, network(pictures))
        assert torch.isfinite(out).all()
    assert planned.output == tuple(out.shape[1:])
    assert planned.parameters == sum(one.numel() for one in network.parameters())


slow_to_draw = settings(
    max_examples=200, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


@slow_to_draw
@given(networks())
def test_the_planned_network_is_the_built_one(network: Network) -> None:
    planned = plan(network)
    hold(planned)
    assert plan(write(network)) == planned


def test_the_checking_helper_can_fail() -> None:
    planned = plan("1x4x4 | conv 2 3x3 same | flatten")
    other = build("1x4x4 | conv 2 3x3 | flatten", seed=0)
    with pytest.raises(AssertionError, match=r"\(2, 2, 2\) == \(2, 4, 4\)"):
        hold_chain(planned.layers, list(other), torch.zeros(1, 1, 4, 4))


# Receptive fields ------------------------------------------------------------------------


def lit(network: nn.Module, size: tuple[int, int], axis: int, at: int) -> list[int]:
    """Rows or columns of the picture that reach the feature-map pixels at this place."""
    picture = torch.ones(1, 1, *size, dtype=torch.float64, requires_grad=True)
    out = network(picture)
    out.select(2 + axis, at).sum().backward()
    assert picture.grad is not None
    other = (0, 1, 3 if axis == 0 else 2)
    return picture.grad.abs().sum(dim=other).nonzero().flatten().tolist()


windowed = st.one_of(
    st.builds(
        Conv,
        st.integers(1, 2),
        st.integers(1, 4),
        stride=st.integers(1, 3),
        padding=st.sampled_from(["valid", "same"]) | st.integers(0, 2),
        dilation=st.integers(1, 2),
    ),
    st.builds(
        AvgPool,
        st.integers(2, 3),
        stride=st.none() | st.integers(1, 3),
        padding=st.sampled_from(["valid", "same"]),
    ),
    st.builds(SpaceToDepth, st.integers(2, 3)),
    st.builds(
        ConvTranspose,
        st.integers(1, 2),
        st.integers(1, 4),
        stride=st.integers(1, 3),
        padding=st.integers(0, 1),
    ),
    st.builds(Upsample, st.integers(1, 3), st.sampled_from(["nearest", "bilinear"])),
    st.builds(DepthToSpace, st.just(1)),
)
EXACT = Conv | AvgPool | SpaceToDepth
sized = st.tuples(st.integers(8, 20), st.integers(8, 20))


def hold_fields(network: Network) -> None:
    """Hold the last layer's fields against the gradients of one output pixel after the other."""
    planned = plan(network)
    module = build(planned, seed=0).double()
    for one in module.parameters():
        nn.init.ones_(one)
    fields = planned.layers[-1].fields
    assert fields is not None
    exact = all(isinstance(one.layer, EXACT) for one in planned.walk())
    _, *size = planned.input
    for axis in (0, 1):
        field = fields[axis]
        for at in range(planned.output[1 + axis]):
            first, end = field.seen(at, size[axis])
            reached = lit(module, (size[0], size[1]), axis, at)
            if not reached:
                continue
            assert first <= reached[0] and reached[-1] < end, (axis, at, (first, end), reached)
            start = field.start + at * field.step
            if exact and start >= 0 and start + field.size <= size[axis]:
                assert (first, end) == (reached[0], reached[-1] + 1)


def works(network: Network) -> bool:
    try:
        return max(plan(network).output) <= 60
    except NetworkError:
        return False


@settings(max_examples=60)
@given(sized, st.lists(windowed.filter(lambda one: isinstance(one, EXACT)), min_size=1, max_size=3))
def test_receptive_fields_of_windows_are_exact(size: tuple[int, int], layers: list[Layer]) -> None:
    network = Network(tuple(layers), (1, *size))
    assume(works(network))
    hold_fields(network)


@settings(max_examples=60)
@given(sized, st.lists(windowed, min_size=1, max_size=3))
def test_receptive_fields_hold_all_that_is_seen(size: tuple[int, int], layers: list[Layer]) -> None:
    network = Network(tuple(layers), (1, *size))
    assume(works(network))
    hold_fields(network)


@pytest.mark.parametrize(
    "net",
    [
        "1x12x12 | convtranspose 1 3x3",
        "1x12x12 | convtranspose 1 4x4 stride 2 padding 1",
        "1x12x12 | conv 1 3x3 stride 2 | convtranspose 1 2x2 stride 2",
        "1x12x12 | residual(conv 1 3x3 same | conv 1 3x3 same)",
        "1x12x12 | residual(conv 2 3x3 same stride 2) | conv 1 3x3",
        "1x5x5 | residual(conv 1 1x1 stride 4)",
        "1x9x9 | residual(conv 1 3x3 same stride 2 | conv 1 3x3 same stride 2)",
    ],
)
def test_receptive_fields_of_branches_and_transposed_convolutions(net: str) -> None:
    hold_fields(read(net))


def test_a_residual_never_takes_a_smaller_map_for_a_stride() -> None:
    # 5x5 becomes 3x3 at stride 1; a shortcut of stride 2 would add pixels of other places.
    with pytest.raises(NetworkError, match="layer 1: the branch of a residual changes height"):
        plan("1x5x5 | residual(conv 1 3x3)")


# Stock nets ------------------------------------------------------------------------------

pictures = st.tuples(small, st.integers(1, 70), st.integers(1, 70))


@pytest.mark.parametrize("net", ["fast", "resnet", *SCALES])
@given(shape=pictures, classes=st.integers(2, 20))
def test_these_stock_nets_take_any_picture(net: str, shape: Shape, classes: int) -> None:
    planned = plan(net, input=shape, classes=classes)
    assert planned.input == shape and planned.output == (classes,)


@pytest.mark.parametrize("net", STOCK)
@settings(max_examples=12)
@given(shape=pictures, classes=st.integers(2, 20))
def test_a_stock_net_is_built_as_planned_or_says_how_to_mend_it(
    net: str, shape: Shape, classes: int
) -> None:
    try:
        planned = plan(net, input=shape, classes=classes)
    except NetworkError as error:
        assert net in ("lenet5", "tinyvgg")
        assert error.repairs
        return
    hold(planned)


@pytest.mark.parametrize("net", STOCK)
def test_a_stock_net_learns_from_its_own_input(net: str) -> None:
    planned = plan(net)
    network = build(planned, seed=0).train()
    network(torch.randn(2, *planned.input)).square().sum().backward()
    assert all(one.grad is not None and one.grad.abs().sum() > 0 for one in network.parameters())


# Broken networks, mended by hand as each repair says -------------------------------------

BROKEN = {
    "3x8x8 | conv 4 9x9 | flatten | dense 2": {
        "padding 1": "3x8x8 | conv 4 9x9 padding 1 | flatten | dense 2",
        "a 8x8 kernel": "3x8x8 | conv 4 8x8 | flatten | dense 2",
        "an input of 3x9x9": "3x9x9 | conv 4 9x9 | flatten | dense 2",
    },
    "1x4x4 | maxpool 5 | flatten | dense 2": {
        "a 4x4 window": "1x4x4 | maxpool 4 | flatten | dense 2",
        "no maxpool at layer 1": "1x4x4 | flatten | dense 2",
        "an input of 1x5x5": "1x5x5 | maxpool 5 | flatten | dense 2",
    },
    "1x8x8 | conv 4 3x3 | dense 2": {
        "'flatten' before it": "1x8x8 | conv 4 3x3 | flatten | dense 2",
        "'globalpool' before it": "1x8x8 | conv 4 3x3 | globalpool | dense 2",
    },
    "1x8x8 | flatten | conv 4 3x3 | dense 2": {
        "'flatten' of layer 1 moved behind layer 2": "1x8x8 | conv 4 3x3 | flatten | dense 2",
    },
    "1x9x9 | spacetodepth 4 | conv 2 1x1": {
        "'spacetodepth 3'": "1x9x9 | spacetodepth 3 | conv 2 1x1",
        "no spacetodepth at layer 1": "1x9x9 | conv 2 1x1",
        "an input of 1x12x12": "1x12x12 | spacetodepth 4 | conv 2 1x1",
    },
    "3x8x8 | conv 4 3x3 groups 2": {"'conv 4 3x3'": "3x8x8 | conv 4 3x3"},
    "1x8x8 | conv 2 3x3 | maxpool 2 | conv 2 3x3 | maxpool 2 | flatten | dense 2": {
        "no maxpool at layer 4": "1x8x8 | conv 2 3x3 | maxpool 2 | conv 2 3x3 | flatten | dense 2",
        "'same' padding at layer 3": "1x8x8 | conv 2 3x3 | maxpool 2 | conv 2 3x3 same | maxpool 2 "
        "| flatten | dense 2",
        "an input of 1x10x10": "1x10x10 | conv 2 3x3 | maxpool 2 | conv 2 3x3 | maxpool 2 "
        "| flatten | dense 2",
    },
    "1x8x8 | residual(conv 2 3x3) | flatten": {
        "'same' in its layers": "1x8x8 | residual(conv 2 3x3 same) | flatten",
    },
    "1x8x8 | flatten | dense 10 | reshape 3x2x2": {
        "'dense 12' at layer 2": "1x8x8 | flatten | dense 12 | reshape 3x2x2",
        "'dense 12' before it": "1x8x8 | flatten | dense 10 | dense 12 | reshape 3x2x2",
    },
    "1x8x8 | avgpool 2 padding 2": {"padding 1": "1x8x8 | avgpool 2 padding 1"},
    "1x8x8 | convtranspose 2 3x3 padding 8": {
        "'convtranspose 2 3x3 padding 1'": "1x8x8 | convtranspose 2 3x3 padding 1",
        "an input of 1x15x15": "1x15x15 | convtranspose 2 3x3 padding 8",
    },
    "1x8x8 | convtranspose 2 3x3 output_padding 1": {
        "'convtranspose 2 3x3'": "1x8x8 | convtranspose 2 3x3",
    },
    "1x5x5 | conv 2 3x3 dilation 3": {
        "padding 1": "1x5x5 | conv 2 3x3 dilation 3 padding 1",
        "a 2x2 kernel": "1x5x5 | conv 2 2x2 dilation 3",
        "no dilation": "1x5x5 | conv 2 3x3",
        "an input of 1x7x7": "1x7x7 | conv 2 3x3 dilation 3",
    },
    "1x8x8 | flatten | dense | dense 3": {
        "'dense 64'": "1x8x8 | flatten | dense 64 | dense 3",
    },
    "1x8x8 | relu | residual(relu | maxpool 9 | relu)": {
        "a 8x8 window": "1x8x8 | relu | residual(relu | maxpool 8 | relu)",
        "no maxpool at layer 2.2": "1x8x8 | relu | residual(relu | relu)",
        "an input of 1x9x9": "1x9x9 | relu | residual(relu | maxpool 9 | relu)",
    },
}


@pytest.mark.parametrize("net", BROKEN)
def test_every_repair_offered_works_when_done_by_hand(net: str) -> None:
    with pytest.raises(NetworkError, match=r"^layer \d+.*: .*: needed .*, got .*\. Use ") as caught:
        plan(net)
    offered = caught.value.repairs
    assert offered and set(offered) == set(BROKEN[net])
    for words in offered:
        hold(plan(BROKEN[net][words]))
