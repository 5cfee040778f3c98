"""What a plan says, beside torch's own counts and shapes."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

import foveal
from foveal.errors import NetworkError
from foveal.nets.build import build
from foveal.nets.notation import read, write_layer
from foveal.nets.plan import MOST_LAYERS, Plan, plan
from foveal.nets.spec import BatchNorm, Conv, Dense, Flatten, Network, Repeat, Residual, Upsample
from foveal.nets.stock import STOCK
from foveal.nets.table import short

PRELU = "3x9x9 | conv 4 3x3 prelu | prelu | convtranspose 2 3x3 prelu | flatten | dense 5 prelu"


def test_the_first_example_of_every_course() -> None:
    planned = plan("3x32x32 | conv 6 5x5")
    (layer,) = planned.layers
    assert layer.weights == {"weight": (6, 3, 5, 5), "bias": (6,)}
    assert layer.in_shape == (3, 32, 32) and layer.out_shape == planned.output == (6, 28, 28)
    assert planned.parameters == 6 * (3 * 5 * 5 + 1) == 456
    assert planned.multiply_adds == 28 * 28 * 6 * 3 * 5 * 5
    assert planned.activation_bytes == 4 * 6 * 28 * 28
    assert layer.fields is not None
    assert [field.size for field in layer.fields] == [5, 5]


def norm_numbers(planned: Plan) -> int:
    """Batch normalisation costs one multiply-add a number; torch's counter leaves it out."""
    return sum(
        math.prod(one.out_shape) for one in planned.walk() if isinstance(one.layer, BatchNorm)
    )


@pytest.mark.parametrize(
    "net",
    [
        *STOCK,
        "1x12x10 | conv 4 3x3 same nobias | residual(conv 8 3x3 stride 2 same | batchnorm) "
        "| globalpool | dense 3",
        "4x6x5 | conv 6 3x3 groups 2 dilation 2 padding 1 | flatten | residual(dense 7) | dense 2",
        "2x3x4 | convtranspose 5 4x3 stride 2 padding 1 nobias | conv 1 1x1",
        "1x8x8 | 2*(conv 3 3x3 same relu | residual(2*(conv 3 3x3 same)))",
        PRELU,
    ],
)
def test_parameters_and_multiply_adds_are_those_torch_counts(net: str) -> None:
    planned = plan(net)
    network = build(planned, seed=0).eval()
    assert planned.parameters == sum(one.numel() for one in network.parameters())
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        network(torch.zeros(1, *planned.input))
    assert planned.multiply_adds == counter.get_total_flops() // 2 + norm_numbers(planned)


@pytest.mark.parametrize("net", [*STOCK, "1x8x8 | conv 2 3x3 | residual(conv 2 3x3 same | relu)"])
def test_activation_bytes_are_those_of_all_outputs(net: str) -> None:
    planned = plan(net)
    assert planned.activation_bytes == 4 * sum(math.prod(one.out_shape) for one in planned.walk())


def test_every_layer_takes_what_the_one_before_gives() -> None:
    planned = plan("resnet")
    shapes = [planned.input, *(layer.out_shape for layer in planned.layers)]
    assert [layer.in_shape for layer in planned.layers] == shapes[:-1]
    for layer in planned.layers:
        if layer.inner:
            assert layer.inner[0].in_shape == layer.in_shape
            assert layer.inner[-1].out_shape == layer.out_shape


def test_numbers_count_repetitions_and_name_inner_layers() -> None:
    planned = plan("1x8x8 | relu | 2*(conv 2 3x3 same | residual(relu | 2*(tanh))) | flatten")
    assert [layer.number for layer in planned.walk()] == (
        ["1", "2", "3", "3.1", "3.2", "3.3", "4", "5", "5.1", "5.2", "5.3", "6"]
    )
    inside = plan("1x8x8 | relu | residual(relu | residual(tanh | elu))")
    assert [one.number for one in inside.walk()] == ["1", "2", "2.1", "2.2", "2.2.1", "2.2.2"]


def test_the_text_keeps_repetitions_and_fills_in_what_data_decides() -> None:
    planned = plan("2*(conv 4 3x3 same) | flatten | dense", input="3x8x6", classes=7)
    assert planned.text == "3x8x6 | 2*(conv 4 3x3 same) | flatten | dense 7"
    assert plan(planned.text) == planned
    assert planned.name is None


@pytest.mark.parametrize("net", STOCK)
def test_a_stock_net_is_the_text_it_prints(net: str) -> None:
    planned = plan(f" {net} ", input=(3, 40, 52), classes=4)
    assert planned.name == net
    assert planned.input == (3, 40, 52) and planned.output == (4,)
    assert plan(planned.text) == planned


@pytest.mark.parametrize("net", STOCK)
def test_a_stock_net_has_an_input_and_ten_classes_of_its_own(net: str) -> None:
    assert plan(net).input == STOCK[net].input
    assert plan(net).output == (10,)


@pytest.mark.parametrize("net", [*STOCK, PRELU])
def test_the_table_shows_every_shape_and_total(net: str) -> None:
    planned = plan(net)
    head, first, *rows, total = str(planned).splitlines()
    assert head.split() == ["layer", "output", "weights", "parameters", "multiply-adds", "sees"]
    assert "x".join(map(str, planned.input)) in first
    assert len(rows) == len(list(planned.walk()))
    for row, layer in zip(rows, planned.walk(), strict=True):
        assert row.split()[0] == layer.number
        assert "x".join(map(str, layer.out_shape)) in row.split()
        if "weight" in layer.weights:
            assert "x".join(map(str, layer.weights["weight"])) in row.split()
        if not isinstance(layer.layer, Residual):
            assert write_layer(layer.layer) in row
    assert f"{short(planned.parameters)} parameters" in total
    assert f"{short(planned.multiply_adds)} multiply-adds" in total


@pytest.mark.parametrize("net", [*STOCK, PRELU, "1x8x8 | upsample 3 bilinear | conv 1 3x3"])
def test_to_dict_can_be_written_as_json_and_says_the_same(net: str) -> None:
    planned = plan(net)
    said = json.loads(json.dumps(planned.to_dict(), allow_nan=False))
    assert plan(said["network"]) == planned
    assert (
        said["parameters"]
        == planned.parameters
        == sum(row["parameters"] for row in said["layers"] if "." not in row["number"])
    )
    for row, layer in zip(said["layers"], planned.walk(), strict=True):
        assert row["number"] == layer.number
        assert tuple(row["input"]) == layer.in_shape and tuple(row["output"]) == layer.out_shape
        assert read(row["layer"]).layers == (layer.layer,)
        assert {key: tuple(shape) for key, shape in row["weights"].items()} == layer.weights
        assert 0 <= row["share_of_picture"] <= 1


def test_the_share_of_the_picture() -> None:
    planned = plan("1x10x20 | conv 1 5x4 | conv 1 1x15 | flatten")
    assert [planned.share(layer) for layer in planned.layers] == [20 / 200, 5 * 18 / 200, 1.0]
    assert plan("1x4x4 | conv 1 3x3 same | conv 1 3x3 same").layers[-1].fields is not None
    assert planned.share(plan("1x4x4 | 3*(conv 1 3x3 same)").layers[-1]) <= 1


@given(st.integers(0, 10**12))
def test_short_keeps_three_digits(number: int) -> None:
    text, _, unit = short(number).partition(" ")
    value = float(text) * {"": 1, "k": 1e3, "M": 1e6, "G": 1e9}[unit]
    assert abs(value - number) <= 0.00501 * number
    if number < 10**12 - 10**10:
        assert len(text) <= 4 and "e" not in text


@pytest.mark.parametrize(("slip", "meant"), [("resnt", "resnet"), ("lenet", "lenet5")])
def test_a_slip_in_the_name_of_a_stock_net_is_answered_with_the_name(slip: str, meant: str) -> None:
    with pytest.raises(NetworkError, match=f"got '{slip}'.*'{meant}'"):
        plan(slip, input="3x32x32")


# Refusals --------------------------------------------------------------------------------


def test_an_input_is_needed() -> None:
    with pytest.raises(NetworkError, match=r"input of the network: needed .* got neither") as at:
        plan("conv 6 5x5")
    assert "3x32x32" in at.value.remedy
    assert at.value.exit_code == 2


def test_another_input_than_the_network_says_is_refused() -> None:
    match = "needed 3x32x32, as the network says, got 1x28x28. Leave .* or make the pictures fit"
    with pytest.raises(NetworkError, match=match):
        plan("3x32x32 | flatten", input="1x28x28")


@pytest.mark.parametrize(("said", "size"), [("3x32x32", "32"), ("3x24x32", "24x32")])
def test_pictures_of_another_size_may_be_made_as_the_network_says(said: str, size: str) -> None:
    with pytest.raises(NetworkError, match=f"or train with pictures of its size, `size` {size}"):
        plan(f"{said} | flatten", input="3x56x64")


@pytest.mark.parametrize("input", ["3x32x32", (3, 32, 32), [3, 32, 32]])
def test_the_same_input_may_be_said_twice(input) -> None:
    assert plan("3x32x32 | flatten", input=input).input == (3, 32, 32)


@pytest.mark.parametrize("net", ["fast", "flatten | dense 2"])
@pytest.mark.parametrize(
    "input", [(3, 32), (0, 8, 8), (3, 8, -1), (3, 8.0, 8), "8x8", (3, 8, 8, 8)]
)
def test_an_input_that_is_none_is_refused_and_named(net: str, input) -> None:
    with pytest.raises(NetworkError, match="input"):
        plan(net, input=input)


@pytest.mark.parametrize("net", ["1x8x8 | flatten | dense 9", "1x8x8 | flatten"])
def test_another_output_than_the_classes_is_refused(net: str) -> None:
    with pytest.raises(NetworkError, match="the output of the network: needed 10 numbers") as at:
        plan(net, classes=10)
    assert at.value.came == ("9" if "dense" in net else "64")
    assert "'dense 10'" in str(at.value)


def test_maps_for_classes_are_refused_with_a_way_to_a_vector() -> None:
    with pytest.raises(NetworkError, match=r"got 4x6x6\. End the network with 'dense 3', after"):
        plan("1x8x8 | conv 4 3x3", classes=3)


@pytest.mark.parametrize("net", ["fast", "1x8x8 | flatten | dense"])
@pytest.mark.parametrize("classes", [0, -1])
def test_no_classes_are_refused(net: str, classes: int) -> None:
    with pytest.raises(NetworkError, match=f"needed .* got .*{classes}"):
        plan(net, classes=classes)


def test_nodes_left_out_need_classes() -> None:
    with pytest.raises(NetworkError, match="layer 2: dense without a number of nodes") as at:
        plan("1x8x8 | flatten | dense")
    assert at.value.layer == 2


def test_nodes_left_out_in_the_middle_stay_unknown() -> None:
    with pytest.raises(NetworkError, match="layer 2: dense without a number of nodes"):
        plan("1x8x8 | flatten | dense | dense", classes=3)


def test_the_layer_named_is_the_one_in_the_plan() -> None:
    with pytest.raises(NetworkError, match="layer 4: a 3x3 kernel does not fit into 2x2") as at:
        plan("1x8x8 | 4*(conv 2 3x3)")
    assert at.value.layer == 4


def test_the_layer_inside_a_residual_is_named() -> None:
    with pytest.raises(NetworkError, match=r"^layer 2\.3: ") as at:
        plan("1x8x8 | relu | residual(relu | relu | conv 1 9x9)")
    assert at.value.layer == 2


def test_too_many_layers_are_refused() -> None:
    assert len(plan(f"1x1x1 | {MOST_LAYERS}*(relu)").layers) == MOST_LAYERS
    with pytest.raises(NetworkError, match=f"needed at most {MOST_LAYERS} layers"):
        plan(f"1x1x1 | {MOST_LAYERS + 1}*(relu)")
    with pytest.raises(NetworkError, match=f"needed at most {MOST_LAYERS} layers"):
        plan("1x1x1 | 50*(50*(relu))")


def test_too_many_layers_inside_residuals_are_refused() -> None:
    with pytest.raises(NetworkError, match=f"needed at most {MOST_LAYERS} layers"):
        plan("1x1x1 | 3*(residual(1000*(relu)))")


def in_little_memory(code: str) -> str:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**29, 2**29))"
    done = subprocess.run(
        [sys.executable, "-c", f"{limit}\n{code}"],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    return done.stdout + done.stderr[-300:]


def test_hostile_repetitions_cost_nothing() -> None:
    pytest.importorskip("resource")
    said = in_little_memory(
        "from foveal.nets.plan import plan\n"
        "from foveal.errors import NetworkError\n"
        "try: plan('1x1x1 | 1000000*(1000*(relu | tanh))')\n"
        "except NetworkError as error: print('refused:', error.needed)"
    )
    assert said == f"refused: at most {MOST_LAYERS} layers\n"


def test_descriptions_are_planned_like_text() -> None:
    network = Network(
        (Repeat(2, (Conv(4, 3, padding="same"),)), Upsample(2), Flatten(), Dense()), (1, 5, 5)
    )
    text = "1x5x5 | 2*(conv 4 3x3 same) | upsample 2 | flatten | dense"
    assert plan(network, classes=3) == plan(text, classes=3)
    assert network.layers[-1] == Dense()


def test_planning_imports_no_torch() -> None:
    code = (
        "import sys, foveal, foveal.nets.plan, foveal.nets.calls\n"
        "print(foveal.plan('fast'), foveal.nets.calls.source(foveal.plan('resnet')))\n"
        "assert 'torch' not in sys.modules and 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)


def test_the_front_door_leads_here() -> None:
    assert foveal.plan is plan and foveal.build is build and foveal.Plan is Plan


@pytest.mark.parametrize(
    ("end", "ending"),
    [
        ("dense 3", None),
        ("dense 3 softmax", "softmax"),
        ("dense 3 | sigmoid", "sigmoid"),
        ("conv 2 3x3", None),
    ],
)
def test_a_network_says_what_its_last_layer_applies(end: str, ending: str | None) -> None:
    flat = "flatten | " * end.startswith("dense")
    assert plan(f"1x8x8 | {flat}{end}").ending == ending
