"""From a plan to torch: the same seed, the same weights, and a program that says the same."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

from foveal.nets import blocks
from foveal.nets.build import build, child_names, part
from foveal.nets.calls import calls, source
from foveal.nets.layer import ACTIVATIONS
from foveal.nets.plan import plan
from foveal.nets.stock import STOCK

SMALL = "1x8x8 | conv 3 3x3 relu | dropout 0.5 | flatten | dense 4"


def same_weights(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().items(), other.state_dict().items(), strict=True)
    return all(a == b and torch.equal(x, y) for (a, x), (b, y) in pairs)


def test_the_same_seed_gives_the_same_weights() -> None:
    assert same_weights(build(SMALL, seed=3), build(SMALL, seed=3))
    assert not same_weights(build(SMALL, seed=3), build(SMALL, seed=4))


def test_a_seed_leaves_torchs_own_random_state_alone() -> None:
    torch.manual_seed(11)
    before = torch.random.get_rng_state()
    build(SMALL, seed=3)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_callers_random_state_does_not_matter_to_a_seed() -> None:
    torch.manual_seed(1)
    one = build(SMALL, seed=3)
    torch.manual_seed(2)
    assert same_weights(one, build(SMALL, seed=3))


def test_without_a_seed_torchs_own_state_is_used_and_moves() -> None:
    torch.manual_seed(5)
    one, two = build(SMALL), build(SMALL)
    torch.manual_seed(5)
    assert same_weights(one, build(SMALL))
    assert not same_weights(one, two)


def test_a_failed_build_gives_the_random_state_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object, **more: object) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(nn, "Linear", broken)
    before = torch.random.get_rng_state()
    with pytest.raises(MemoryError, match="no room"):
        build(SMALL, seed=3)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_text_plan_and_description_build_the_same() -> None:
    planned = plan("flatten | dense", input="2x3x3", classes=4)
    same = [build(planned, seed=0), build(planned.network, seed=0), build(planned.text, seed=0)]
    same.append(build("flatten | dense", input=(2, 3, 3), classes=4, seed=0))
    assert all(same_weights(same[0], other) for other in same)


def test_children_are_named_after_the_plan() -> None:
    text = (
        "1x9x9 | 2*(conv 2 2x2 same relu) | maxpool 2 same | residual(relu) | globalpool | dense 3"
    )
    network = build(text, seed=0)
    names = child_names(plan(text))
    assert names == [
        ["1_zeropad", "1_conv", "1_relu"],
        ["2_zeropad", "2_conv", "2_relu"],
        ["3_constantpad", "3_maxpool"],
        ["4_residual"],
        ["5_adaptiveavgpool", "5_flatten"],
        ["6_linear"],
    ]
    assert [name for name, _ in network.named_children()] == [one for some in names for one in some]


PARTED = "1x9x9 | conv 2 2x2 same relu | batchnorm | maxpool 2 same | globalpool | dense 3"


@pytest.mark.parametrize("ends", [(0, 5), (0, 2, 5), (0, 1, 2, 3, 4, 5)])
def test_parts_share_their_modules_and_keep_their_names(ends: tuple[int, ...]) -> None:
    planned = plan(PARTED)
    network = build(planned, seed=0).eval()
    parts = [part(network, planned, *pair) for pair in itertools.pairwise(ends)]
    children = [pair for one in parts for pair in one.named_children()]
    wanted = [*network.named_children()]
    assert [name for name, _ in children] == [name for name, _ in wanted]
    assert all(ours is theirs for (_, ours), (_, theirs) in zip(children, wanted, strict=True))
    assert [name for one in parts for name in one.state_dict()] == [*network.state_dict()]
    maps = images = torch.randn(2, 1, 9, 9, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for one, end in zip(parts, ends[1:], strict=True):
            maps = one(maps)
            assert tuple(maps.shape[1:]) == planned.layers[end - 1].out_shape
        assert torch.equal(maps, network(images))


def test_a_part_goes_to_the_end_unless_told_and_follows_its_network() -> None:
    planned = plan(PARTED)
    network = build(planned, seed=0)
    top = part(network, planned, 3)
    assert [name for name, _ in top.named_children()] == [
        "4_adaptiveavgpool",
        "4_flatten",
        "5_linear",
    ]
    with torch.no_grad():
        network.get_submodule("5_linear").bias.fill_(7)
    assert top.state_dict()["5_linear.bias"].tolist() == [7] * 3
    assert len(part(network, planned, 2, 2)) == 0


def test_a_built_network_is_plain_torch() -> None:
    network = build("resnet", seed=0)
    assert type(network) is nn.Sequential
    homes = {type(one).__module__.partition(".")[0] for one in network.modules()}
    assert homes == {"torch", "foveal"}
    assert {type(one) for one in network.modules() if "foveal" in type(one).__module__} == {
        blocks.Residual
    }


# As torch source -------------------------------------------------------------------------

PROGRAMS = [
    *STOCK,
    SMALL,
    "2x7x6 | conv 3 4x2 same | conv 3 2x3 same stride 2",
    "1x5x5 | avgpool 2 stride 1 same",
    "2x7x7 | avgpool 2x3 stride 1x2 same",
    "2x6x6 | avgpool 3 padding 1 stride 2",
    "2x5x6 | maxpool 2 stride 1 same",
    "2x5x5 | maxpool 3 stride 2 same",
    "2x5x5 | maxpool 2 same | maxpool 1 stride 2",
    "2x8x8 | conv 4 3x3 padding 1x0 stride 2x1 dilation 1x2 groups 2 nobias prelu",
    "2x4x4 | convtranspose 3 4x4 stride 2 padding 1 | convtranspose 1 3x2 stride 3x2 "
    "output_padding 2x1 nobias tanh",
    "1x4x4 | upsample 2 | upsample 1x3 bilinear | spacetodepth 2 | globalpool max",
    "1x4x4 | flatten | dense 12 nobias | batchnorm | reshape 3x2x2 | reshape 12x1x1",
    "2x8x8 | residual(conv 4 3x3 stride 2 same | residual(relu | avgpool 2 stride 1 same))",
    "2x3x3 | flatten | residual(dense 5 softmax)",
]


@pytest.mark.parametrize("net", PROGRAMS)
def test_the_printed_program_computes_the_same(net: str) -> None:
    planned = plan(net)
    program = source(planned)
    assert "foveal" not in program
    room: dict[str, object] = {}
    exec(compile(program, "printed.py", "exec"), room)
    printed = room["network"]
    assert isinstance(printed, nn.Sequential)
    built = build(planned, seed=0)
    weights = list(built.state_dict().values())
    names = list(printed.state_dict())
    assert [tuple(one.shape) for one in printed.state_dict().values()] == [
        tuple(one.shape) for one in weights
    ]
    printed.load_state_dict(dict(zip(names, weights, strict=True)))
    pictures = torch.randn(3, *planned.input, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        ours, theirs = built.eval()(pictures), printed.eval()(pictures)
    torch.testing.assert_close(theirs, ours, rtol=0, atol=1e-6)


@pytest.mark.parametrize("net", PROGRAMS)
def test_the_printed_program_shows_every_shape(net: str) -> None:
    planned = plan(net)
    program = source(planned)
    for layer in planned.layers:
        shape = "x".join(map(str, layer.out_shape))
        assert f"# {layer.number}: {shape}\n" in program


def test_a_program_without_blocks_needs_torchs_nn_alone() -> None:
    program = source(plan("1x8x8 | conv 3 3x3 relu | flatten"))
    assert program == (
        "from torch import nn\n\n\nnetwork = nn.Sequential(\n"
        "    nn.Conv2d(in_channels=1, out_channels=3, kernel_size=3),\n"
        "    nn.ReLU(),  # 1: 3x6x6\n"
        "    nn.Flatten(),  # 2: 108\n)\n"
    )


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_is_a_class_of_torch(name: str) -> None:
    ((_, made),) = calls(plan(f"1x2x2 | {name}"))
    (call,) = made
    module = getattr(nn, call.kind)(**call.arguments)
    assert call.kind.lower() == name
    assert module(torch.zeros(1, 1, 2, 2)).shape == (1, 1, 2, 2)


def test_uneven_average_pooling_takes_gradients_and_half_precision() -> None:
    network = build("1x3x3 | avgpool 2 stride 1 same")
    pictures = torch.ones(2, 1, 3, 3, requires_grad=True)
    network(pictures).sum().backward()
    assert pictures.grad is not None and pictures.grad.sum() == pytest.approx(18)
    half = network(torch.ones(2, 1, 3, 3, dtype=torch.bfloat16))
    assert half.dtype == torch.bfloat16 and torch.equal(half, torch.ones_like(half))
