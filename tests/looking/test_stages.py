"""Layers that belong together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from foveal.looking.stages import makes_maps, stages, with_maps
from foveal.looking.subject import NothingToSee
from foveal.nets.autoencoder import autoencoder
from foveal.nets.plan import plan

NET = "1x8x8 | conv 2 3x3 | batchnorm | relu | maxpool 2 | dropout 0.1 | flatten | dense 4 | relu"


def test_what_only_settles_numbers_stands_with_what_made_them() -> None:
    found = stages(plan(NET))
    assert [one.numbers for one in found] == ["1 to 3", "4 to 5", "6", "7 to 8"]
    assert found[0].text == "conv 2 3x3 | batchnorm | relu" and found[0].last.number == "3"
    assert found[0].parameters == 20 + 4
    assert [makes_maps(one) for one in found] == [True, True, False, False]


def test_no_stage_reaches_beyond_the_fixed_layers() -> None:
    found = stages(replace(plan(NET), fixed=2))
    assert [(one.numbers, one.fixed) for one in found][:3] == [
        ("1 to 2", True),
        ("3", False),
        ("4 to 5", False),
    ]


def test_an_autoencoder_is_cut_at_its_code() -> None:
    planned = autoencoder((1, 8, 8), 3)
    found = stages(planned)
    code = [one for one in found if one.last.number == str(planned.encoder_layers)]
    assert len(code) == 1 and not code[0].decodes
    assert [one.decodes for one in found] == sorted(one.decodes for one in found)
    assert not makes_maps(found[0])  # the picture less its mean is no feature map


def test_stages_with_maps_are_spread_over_the_depth() -> None:
    deep = plan("1x8x8 | 9*(conv 2 3x3 same | relu) | globalpool")
    assert [one.last.number for one in with_maps(deep, 3)] == ["2", "10", "18"]
    assert len(with_maps(deep, 50)) == 9


def test_stages_that_work_have_kernels_or_pooling() -> None:
    net = plan(
        "1x8x8 | conv 4 3x3 same | maxpool 2 | upsample 2 | flatten | dense 16 | reshape 1x4x4"
    )
    assert [one.last.number for one in with_maps(net, 9)] == ["1", "2", "3", "6"]
    assert [one.last.number for one in with_maps(net, 9, working=True)] == ["1", "2"]


def test_a_network_without_maps_has_nothing_to_see() -> None:
    with pytest.raises(NothingToSee, match="feature maps"):
        with_maps(plan("1x8x8 | flatten | dense 3"), 3)
