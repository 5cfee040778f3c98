"""Maps that say nothing are told from those that are at work."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from foveal.looking.alarms import alarms
from foveal.looking.convolutions import convolutions
from foveal.looking.responses import FEWEST, MOST, responses
from foveal.looking.subject import Subject, subject_of
from foveal.pictures.sources import gather
from support.models import small_model


def pictures(count: int, side: int = 8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, side, side), dtype=np.uint8)


def subject(function: str) -> Subject:
    return subject_of(small_model(f"conv 4 3x3 {function} | flatten | dense"))


def planted(function: str, bias: list[float], scale: float = 0.01) -> dict[int, str]:
    """Make maps that are almost a constant, and return the alarms of each."""
    one = subject(function)
    with torch.no_grad():
        one.network[0].weight.mul_(scale)
        one.network[0].bias.copy_(torch.tensor(bias))
    found = responses(one, gather(pictures(FEWEST)))
    (layer,) = convolutions(one)
    return {alarm.kernel: alarm.kind for alarm in alarms(layer, found)}


@pytest.mark.parametrize(
    ("function", "bias", "expected"),
    [
        ("relu", [-9, 9, 1, 1], {0: "silent"}),
        ("relu6", [-9, 9, 1, 1], {0: "silent", 1: "saturated"}),
        ("tanh", [-9, 9, 1, 1], {0: "saturated", 1: "saturated"}),
        ("sigmoid", [-9, 9, 1, 1], {0: "saturated", 1: "saturated"}),
        ("elu", [-9, 9, 1, 1], {0: "saturated"}),
        ("leakyrelu", [-9, 9, 1, 1], {}),
        ("gelu", [-9, 9, 1, 1], {0: "silent"}),
        ("softmax", [-99, 9, 1, 1], {}),
    ],
)
def test_planted_maps_are_found_by_where_their_function_is_flat(
    function: str, bias: list[float], expected: dict[int, str]
) -> None:
    assert planted(function, bias) == expected


def test_a_map_that_wakes_on_one_picture_is_at_work() -> None:
    one = subject("relu")
    with torch.no_grad():
        one.network[0].weight.zero_()
        one.network[0].weight[:, :, 0, 0] = 1
        one.network[0].bias.fill_(-0.9)
    given = np.zeros((FEWEST + 3, 8, 8), np.uint8)
    found = responses(one, gather(given))
    assert found is not None and found.maps["1"].silent.all()
    given[FEWEST + 1, 4, 4] = 255  # beyond the first batch
    found = responses(one, gather(given))
    assert found is not None and not found.maps["1"].flat.any()


def test_few_pictures_and_untrained_networks_are_not_judged() -> None:
    one = subject("relu")
    assert responses(one, gather(pictures(FEWEST - 1))) is None
    assert responses(one, None) is None
    untrained = subject_of("1x8x8 | conv 4 3x3 relu | flatten | dense 2")
    assert responses(untrained, gather(pictures(FEWEST))) is None


def test_of_many_pictures_some_are_taken_and_nothing_stays_behind() -> None:
    one = subject("relu")
    found = responses(one, gather(pictures(MOST + 50)))
    assert found is not None and found.pictures == MOST
    assert not any(each._forward_pre_hooks for each in one.network.modules())
    assert all(each.grad is None for each in one.network.parameters())


def test_maps_are_judged_after_normalisation() -> None:
    one = subject_of(small_model("conv 3 3x3 | batchnorm | relu | flatten | dense"))
    with torch.no_grad():
        one.network[1].bias.copy_(torch.tensor([-99.0, 0.0, 99.0]))
    found = responses(one, gather(pictures(FEWEST)))
    assert found is not None and found.maps["1"].silent.tolist() == [True, False, False]
    assert found.maps["1"].function == "relu"


def test_pictures_that_cannot_be_read_are_passed_over_and_counted(tmp_path: Path) -> None:
    for place, levels in enumerate(pictures(10)):
        Image.fromarray(levels).save(tmp_path / f"{place}.png")
    (tmp_path / "5.png").write_bytes(b"no picture")
    found = responses(subject("relu"), gather(tmp_path))
    assert found is not None and (found.pictures, found.unread) == (9, 1)
    for place in (0, 1):
        (tmp_path / f"{place}.png").write_bytes(b"no picture")
    assert responses(subject("relu"), gather(tmp_path)) is None
