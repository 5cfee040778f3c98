"""What passes through layers is what the modules themselves would say."""

from __future__ import annotations

import pytest
import torch

from foveal.errors import UsageError
from foveal.nets.build import build, child_names
from foveal.nets.plan import plan
from foveal.nets.stock import STOCK
from foveal.nets.tracing import layer_modules, planned_layer, trace, up_to, without_activation

NESTED = (
    "2x9x9 | conv 4 3x3 same relu | residual (conv 4 3x3 same relu | residual (conv 4 1x1) | "
    "batchnorm) | maxpool 2 | flatten | dense 3"
)


@pytest.mark.parametrize("net", [*STOCK, NESTED])
def test_every_layer_gives_what_the_plan_says(net: str) -> None:
    planned = plan(net)
    network = build(planned, seed=0).eval()
    pictures = torch.rand(2, *planned.input)
    with torch.inference_mode():
        _, passed = trace(network, planned, pictures, [one.number for one in planned.walk()])
    for layer in planned.walk():
        assert tuple(passed[layer.number].inputs.shape[1:]) == layer.in_shape
        assert tuple(passed[layer.number].outputs.shape[1:]) == layer.out_shape


@pytest.mark.parametrize("net", [*STOCK, NESTED])
def test_the_modules_of_a_layer_make_its_outputs_of_its_inputs(net: str) -> None:
    planned = plan(net)
    network = build(planned, seed=0).eval()
    with torch.inference_mode():
        _, passed = trace(
            network, planned, torch.rand(1, *planned.input), [one.number for one in planned.walk()]
        )
        for number, modules in layer_modules(network, planned).items():
            assert torch.allclose(modules(passed[number].inputs), passed[number].outputs, atol=1e-6)


def test_layers_outside_residuals_follow_one_another() -> None:
    planned = plan(NESTED)
    network = build(planned, seed=0).eval()
    pictures = torch.rand(1, *planned.input)
    with torch.inference_mode():
        outputs, passed = trace(network, planned, pictures, ["1", "2", "5"])
        value = pictures
        for names in child_names(planned)[:2]:
            for name in names:
                value = network.get_submodule(name)(value)
    assert torch.equal(passed["2"].outputs, value)
    assert torch.equal(passed["5"].outputs, outputs)


def test_no_hook_stays() -> None:
    planned = plan("lenet5")
    network = build(planned, seed=0).eval()
    trace(network, planned, torch.rand(1, *planned.input), ["1", "3"])
    assert not any(one._forward_hooks or one._forward_pre_hooks for one in network.modules())


@pytest.mark.parametrize("number", ["0", "99", "2.9", "", "first"])
def test_a_number_that_no_layer_has_is_refused(number: str) -> None:
    with pytest.raises(UsageError, match="number of the plan"):
        planned_layer(plan(NESTED), number)


def test_a_number_may_be_a_whole_number() -> None:
    assert planned_layer(plan(NESTED), 2).number == "2"
    assert planned_layer(plan(NESTED), "2.2").inner[0].number == "2.2.1"


@pytest.mark.parametrize("number", ["1", "2.2.1", "3", "5"])
def test_a_network_may_be_cut_behind_a_layer(number: str) -> None:
    planned = plan(NESTED)
    network = build(planned, seed=0).eval()
    pictures = torch.rand(1, *planned.input)
    shorter, cut = up_to(network, planned, number)
    with torch.inference_mode():
        whole = trace(network, planned, pictures, (number,))[1][number].outputs
        assert torch.equal(trace(shorter, cut, pictures, (number,))[1][number].outputs, whole)
    assert len(cut.layers) == int(number[0])


def test_an_activation_function_may_be_left_out() -> None:
    planned = plan("1x4x4 | conv 2 3x3 same relu | relu | maxpool 2 | conv 2 1x1")
    modules = layer_modules(build(planned, seed=0), planned)
    kept = [
        [type(one).__name__ for one in without_activation(modules[layer.number], layer)]
        for layer in planned.layers
    ]
    assert kept == [["Conv2d"], [], ["MaxPool2d"], ["Conv2d"]]
