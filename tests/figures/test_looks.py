"""Looks by name: what each writes, and what is asked of it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from foveal.figures.looks import LOOKS, Asked, LeftOut, looks
from foveal.looking.subject import NothingToSee, subject_of
from foveal.pictures.sources import gather
from support.models import small_model

NET = "1x12x12 | conv 4 3x3 relu | maxpool 2 | flatten | dense 3"


def asked(net: str = NET, **what: object) -> Asked:
    X = np.random.default_rng(0).integers(0, 256, (1, 12, 12), dtype=np.uint8)
    return Asked(subject=subject_of(net), pictures=gather(X), **what)  # type: ignore[arg-type]


def test_maps_way_fields_and_steps_are_drawn_of_layers_they_choose() -> None:
    found = list(looks(asked(), ["maps", "way", "fields", "steps"]))
    names = [one[0] for one in found if not isinstance(one, LeftOut)]
    assert names == ["maps-1", "maps-2", "way", "fields", "steps-1", "steps-2", "steps-4"]


def test_a_layer_a_pixel_and_a_map_may_be_named() -> None:
    by_name = dict(
        one
        for one in looks(asked(layer="1", pixel=(3, 4), channel=2), ["maps", "fields", "steps"])
        if not isinstance(one, LeftOut)
    )
    assert list(by_name) == ["maps-1", "fields", "steps-1"]
    assert by_name["fields"].rows[0][:4] == ("1", 2, 3, 4)
    found = by_name["steps-1"].values
    assert (found.channel, found.row, found.column) == (2, 3, 4)


def test_a_network_without_maps_leaves_out_what_needs_them() -> None:
    found = list(looks(asked("1x12x12 | flatten | dense 3")))
    left_out = {one.look for one in found if isinstance(one, LeftOut)}
    drawn = {one[0] for one in found if not isinstance(one, LeftOut)}
    assert {"maps", "fields"} <= left_out and {"way", "steps-2"} <= drawn


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ["designed", "steps", "maps", "fields", "way", "attribution"])
def test_a_network_that_overflows_has_nothing_to_see(name: str) -> None:
    model = small_model("conv 4 3x3 same relu | maxpool 2 | flatten | dense")
    model.network[0].weight.data[0, 0, 1, 1] = 3e38
    pictures = np.random.default_rng(0).integers(0, 256, (1, 8, 8, 1), dtype=np.uint8)
    asked = Asked(subject=subject_of(model), pictures=gather(pictures))
    with pytest.raises(NothingToSee, match="a network that gives numbers"):
        list(LOOKS[name].draw(asked))


def test_looks_and_models_wait_for_no_learner_of_others() -> None:
    program = (
        "import sys; import foveal.figures.looks, foveal.model.opening\n"
        "slow = {'sklearn', 'pandas', 'scipy.optimize', 'scipy.sparse', 'scipy.stats'}\n"
        "sys.exit(f'imported {slow & set(sys.modules)}' if slow & set(sys.modules) else 0)\n"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
