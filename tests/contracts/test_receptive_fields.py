"""Receptive fields and numbers taken apart are what the networks themselves say."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from hypothesis import HealthCheck, given, settings

from contracts.receptive_fields import Counts, Judge, judge_fields, judge_network, judge_steps
from foveal.looking.subject import subject_of
from foveal.nets.plan import plan
from foveal.nets.spec import Network
from support.networks import networks


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Networks this small lose more to waiting threads than they gain."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("net", ["fast", "lenet5", "tinyvgg", "resnet", "efficientnet_lite0"])
def test_stock_nets_see_what_their_fields_say_and_give_the_numbers_of_their_steps(net: str) -> None:
    deep = net.startswith("efficientnet")
    planned = plan(net, input=(3, 32, 32) if deep or net == "resnet" else None)
    layers = list(planned.walk())[4 :: 45 if deep else 1]
    counts = Counts()
    judge_fields(planned, layers, 2, counts)
    judge_steps(subject_of(planned), layers, 2, counts)
    assert counts.fields_agree == counts.pixels >= 6
    assert counts.numbers_agree == counts.numbers >= 6


@settings(
    max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
@given(networks())
def test_random_networks_see_what_their_fields_say(network: Network) -> None:
    counts = Counts()
    judge_network(network, counts)
    assert counts.fields_agree == counts.pixels
    assert counts.numbers_agree == counts.numbers, counts


@pytest.mark.parametrize("by", ["rows", "columns"])
@pytest.mark.parametrize("end", [0, 1])
def test_the_judge_finds_a_field_that_is_a_line_too_large_or_too_small(
    by: str, end: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from foveal.looking import fields

    exact = fields.receptive_spans
    judge = Judge(plan("1x12x12 | conv 2 3x3 relu | maxpool 2"))
    layer = judge.planned.layers[1]
    assert judge.agrees(layer, 2, 2)
    for by_how_much in (-1, 1):

        def moved(planned, much=by_how_much):
            found = exact(planned)
            getattr(found[layer.number], by)[:, end] += much
            return found

        monkeypatch.setattr(fields, "receptive_spans", moved)
        assert not judge.agrees(layer, 2, 2)
