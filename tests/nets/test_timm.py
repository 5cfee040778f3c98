"""Units of timm in the notation: planned by their own facts, built as timm has them."""

from __future__ import annotations

import builtins
import subprocess
import sys
import time

import pytest
import torch
from torch import nn

from foveal.errors import NetworkError
from foveal.nets.blocks import TimmUnit
from foveal.nets.build import build, child_names
from foveal.nets.calls import source
from foveal.nets.plan import plan
from foveal.nets.table import facts

BLOCKS = [f"layer{stage}.{block}" for stage in (1, 2, 3, 4) for block in (0, 1)]
UNITS = ["conv1", "bn1", "act1", "maxpool", *BLOCKS, "global_pool"]
LAYER = "timm resnet18 layer1.0 gives 64x56x56 holds 73984 adds 231211008"


@pytest.fixture
def timm():
    return pytest.importorskip("timm")


def resnet18(timm, seed: int) -> nn.Module:
    torch.manual_seed(seed)
    model = timm.create_model("resnet18", pretrained=False, num_classes=0)
    for one in model.modules():
        if isinstance(one, nn.BatchNorm2d):
            one.running_mean.normal_(0, 0.1)
            one.running_var.uniform_(0.5, 2)
    return model.eval()


def described(model: nn.Module, *shape: int) -> str:
    """The network of `UNITS`, with the facts that the real units show."""
    maps = torch.zeros(1, *shape)
    layers = []
    for name in UNITS:
        unit = model.get_submodule(name)
        with torch.no_grad():
            maps = unit(maps)
        holds = sum(one.numel() for one in unit.parameters())
        layers.append(
            f"timm resnet18 {name} gives {'x'.join(map(str, maps.shape[1:]))} holds {holds}"
        )
    return f"{'x'.join(map(str, shape))} | {' | '.join(layers)}"


# Planned ---------------------------------------------------------------------------------


def test_a_plan_believes_what_a_unit_says_of_itself() -> None:
    planned = plan(f"3x224x224 | conv 64 7x7 stride 4 same | {LAYER} | globalpool | dense 5")
    unit = planned.layers[1]
    assert unit.out_shape == (64, 56, 56)
    assert unit.parameters == 73_984 and unit.multiply_adds == 231_211_008
    assert unit.activation_bytes == 4 * 64 * 56 * 56
    assert unit.weights == {}
    others = plan("3x224x224 | conv 64 7x7 stride 4 same | globalpool | dense 5")
    assert planned.parameters == others.parameters + 73_984
    assert planned.multiply_adds == others.multiply_adds + 231_211_008
    assert plan(planned.text) == planned


@pytest.mark.parametrize(
    ("net", "seen"),
    [
        (f"{LAYER} | relu | conv 2 3x3 | globalpool | dense 2", ["?", "?", "?", "all", "all"]),
        ("timm a all gives 5 holds 1 | dense 2", ["all", "all"]),
        (f"residual({LAYER})", ["?", "?"]),
        (f"{LAYER} | residual(relu | conv 4 3x3 same) | flatten", ["?", "?", "?", "?", "all"]),
        (f"flatten | dense 64 | reshape 64x1x1 | {LAYER} | relu", ["all"] * 5),
        (f"conv 64 1x1 | {LAYER}", ["1x1 (0.0 %)", "?"]),
    ],
)
def test_nothing_is_claimed_of_what_a_unit_sees(net: str, seen: list[str]) -> None:
    planned = plan(net, input=(64, 56, 56))
    rows = str(planned).splitlines()[2:-1]
    assert [row.split("  ")[-1].strip() for row in rows] == seen
    shares = [row["share_of_picture"] for row in planned.to_dict()["layers"]]
    assert [share is None for share in shares] == [one == "?" for one in seen]
    assert all(layer.fields is None for layer in list(planned.walk())[-1:])


def test_repairs_never_change_the_maps_that_a_unit_was_described_for() -> None:
    with pytest.raises(NetworkError, match="layer 3: a 60x60 kernel does not fit") as caught:
        plan(f"64x112x112 | maxpool 2 | {LAYER} | conv 2 60x60")
    assert caught.value.repairs == ("padding 2", "a 56x56 kernel")
    plain = "64x112x112 | maxpool 2 | conv 64 1x1 | conv 2 60x60"
    with pytest.raises(NetworkError, match="no maxpool at layer 1"):
        plan(plain)


def test_planning_and_printing_need_neither_torch_nor_timm() -> None:
    code = (
        "import sys, foveal, foveal.nets.calls\n"
        f"planned = foveal.plan('3x224x224 | conv 64 7x7 stride 4 same | {LAYER}')\n"
        "print(planned, foveal.nets.calls.source(planned), planned.to_dict())\n"
        "assert not {'torch', 'timm', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)


# Built -----------------------------------------------------------------------------------


def test_the_units_of_a_network_in_a_row_are_the_network(timm) -> None:
    model = resnet18(timm, 0)
    planned = plan(described(model, 3, 64, 80))
    begun = time.perf_counter()
    network = build(planned, seed=1).eval()
    assert time.perf_counter() - begun < 2
    state = network.state_dict()
    weights = list(model.state_dict().values())
    assert [one.shape for one in state.values()] == [one.shape for one in weights]
    network.load_state_dict(dict(zip(state, weights, strict=True)))
    pictures = torch.randn(2, 3, 64, 80, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        maps = pictures
        for layer, child in zip(planned.layers, network, strict=True):
            maps = child(maps)
            assert tuple(maps.shape[1:]) == layer.out_shape
            assert layer.parameters == sum(one.numel() for one in child.parameters())
        assert torch.equal(maps, model(pictures))
    assert child_names(planned)[4] == ["5_timmunit"]
    assert planned.parameters == sum(one.numel() for one in model.parameters())


def test_all_is_the_whole_feature_extractor(timm) -> None:
    network = build("3x64x80 | timm resnet18 all gives 512 holds 11176512 | dense 3", seed=4)
    model = resnet18(timm, 4)
    weights = model.state_dict()
    network[0].unit.load_state_dict(weights)
    pictures = torch.randn(2, 3, 64, 80, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        assert torch.equal(network.eval()[0](pictures), model(pictures))
        assert network(pictures).shape == (2, 3)


TWO = "64x16x16 | timm resnet18 layer1.0 gives 64x16x16 holds 73984"


def test_a_seed_alone_decides_the_initial_weights(timm) -> None:
    one, other = build(TWO, seed=5), build(TWO, seed=6)
    TimmUnit("resnet18", "layer1.0")
    again = build(TWO, seed=5)
    pairs = [list(net.state_dict().values()) for net in (one, other, again)]
    assert all(torch.equal(a, b) for a, b in zip(pairs[0], pairs[2], strict=True))
    assert not torch.equal(pairs[0][0], pairs[1][0])
    before = torch.random.get_rng_state()
    build(TWO, seed=5)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert TimmUnit.last is None


def test_no_two_units_share_weights(timm) -> None:
    text = f"{TWO} | {TWO.partition(' | ')[2]}"
    networks = [build(text, seed=5), build(text, seed=5)]
    units = [unit for network in networks for unit in network]
    for unit in units[1:]:
        with torch.no_grad():
            next(unit.parameters()).zero_()
    assert next(units[0].parameters()).abs().sum() > 0
    places = [one.data_ptr() for unit in units for one in unit.parameters()]
    assert len(set(places)) == len(places)


def test_the_printed_program_stands_alone_and_computes_the_same(timm) -> None:
    planned = plan(f"{TWO} | residual({TWO.partition(' | ')[2]}) | globalpool | dense 2")
    program = source(planned)
    assert "foveal" not in program
    assert "    TimmUnit(architecture='resnet18', unit='layer1.0'),  # 1: 64x16x16\n" in program
    room: dict[str, object] = {}
    exec(compile(program, "printed.py", "exec"), room)
    printed = room["network"]
    assert isinstance(printed, nn.Sequential)
    built = build(planned, seed=0)
    weights = built.state_dict().values()
    printed.load_state_dict(dict(zip(printed.state_dict(), weights, strict=True)))
    maps = torch.randn(2, 64, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(printed.eval()(maps), built.eval()(maps))


# Refused ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "match"),
    [
        (
            "resnet1 all",
            "timm resnet1 all: needed an architecture that .*no architecture 'resnet1'",
        ),
        ("resnet18.nonsense all", "got Invalid pretrained tag .*list_models"),
        ("resnet18..a all", "got Invalid pretrained tag"),
        (".. all", "no architecture"),
        ("resnet18 layer9.0", "got no unit 'layer9.0'. See timm.list_models"),
        ("resnet18 layer1..0", "got no unit 'layer1..0'"),
        ("resnet18 __class__", "got no unit '__class__'"),
        ("resnet18 conv1.weight", "got no unit 'conv1.weight'"),
    ],
)
def test_what_timm_does_not_have_is_refused(timm, layer: str, match: str) -> None:
    with pytest.raises(NetworkError, match=match):
        build(f"3x8x8 | timm {layer} gives 1 holds 1", seed=0)
    assert TimmUnit.last is None


@pytest.mark.parametrize(
    "architecture", ["hf-hub:timm/resnet18", "local-dir:.", "hf_hub:x/y", "../resnet18", "a" * 101]
)
def test_the_module_itself_refuses_names_that_lead_elsewhere(timm, architecture: str) -> None:
    with pytest.raises(ValueError, match="no architecture"):
        TimmUnit(architecture, "all")


def test_nothing_is_ever_fetched(timm, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, object]] = []
    create = timm.create_model

    def watched(name: str, **more: object) -> nn.Module:
        asked.append(more)
        return create(name, **more)

    monkeypatch.setattr(timm, "create_model", watched)
    build("3x64x64 | timm resnet18.a1_in1k all gives 512 holds 11176512", seed=0)
    assert asked == [{"pretrained": False, "num_classes": 0}]


def test_without_timm_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *more: object) -> object:
        if name == "timm":
            raise ModuleNotFoundError("No module named 'timm'", name="timm")
        return real(name, *more)

    monkeypatch.setattr(builtins, "__import__", without)
    match = "timm resnet18 all: needed the package timm, got a Python without it. Install it"
    with pytest.raises(NetworkError, match=match):
        build("3x8x8 | timm resnet18 all gives 512 holds 1", seed=0)


def test_facts_of_a_plan_are_its_dictionary() -> None:
    planned = plan(f"64x56x56 | {LAYER}")
    assert facts(planned) == planned.to_dict()
    assert planned.to_dict()["layers"][0]["receptive_field"] is None
