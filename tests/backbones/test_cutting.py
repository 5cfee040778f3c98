"""Cuts: what the whole network computes up to there."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from foveal.backbones.catalog import DEFAULT, Backbone, open_backbone
from foveal.backbones.cutting import cut, fixed_layers, tapped
from foveal.nets.spec import GlobalPool


@pytest.mark.parametrize("name", ["stem", "block5", "pool"])
def test_a_cut_is_what_the_whole_computes_up_to_there(
    lite: Backbone, whole: nn.Module, name: str
) -> None:
    stage = lite.stage(name)
    small = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    maps = cut(lite, stage, pooled=False)
    pooled = cut(lite, stage, pooled=True)
    with torch.no_grad():
        found = maps.network(small)
        rest = [*whole.children()][len(maps.network) :]
        torch.testing.assert_close(nn.Sequential(*rest)(found), whole(small))
        wanted = found.mean(dim=(2, 3)) if found.ndim == 4 else found
        torch.testing.assert_close(pooled.network(small), wanted)
    assert maps.shape == lite.shape(stage) == tuple(found.shape[1:])
    assert pooled.shape == maps.shape[:1]
    assert not maps.network.training
    assert not any(weight.requires_grad for weight in maps.network.parameters())


def test_a_pool_is_only_added_to_maps(lite: Backbone) -> None:
    assert isinstance(fixed_layers(lite, lite.stage("block5"), pooled=True)[-1], GlobalPool)
    pool = lite.stage("pool")
    assert fixed_layers(lite, pool, pooled=True) == fixed_layers(lite, pool, pooled=False)


def test_the_fingerprint_depends_on_layers_and_weights(lite: Backbone) -> None:
    stem = lite.stage("stem")
    first = cut(lite, stem, pooled=True).fingerprint
    assert cut(lite, stem, pooled=True).fingerprint == first
    changed = {**lite.weights, "1_conv.weight": lite.weights["1_conv.weight"] + 1e-7}
    others = [
        cut(lite, stem, pooled=False),
        cut(lite, lite.stage("block1"), pooled=True),
        cut(replace(lite, weights=changed), stem, pooled=True),
    ]
    assert len({first, *(one.fingerprint for one in others)}) == 4


def test_all_stages_at_once_are_the_stages_one_by_one() -> None:
    opened = open_backbone(DEFAULT, size=(64, 64))
    made, places = tapped(opened)
    assert sum(one.stop - one.start for one in places.values()) == made.shape[0]
    image = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        found = made.network(image)
        for name in ("stem", "block5", "pool"):
            one = cut(opened, opened.stage(name), pooled=True).network(image)
            torch.testing.assert_close(found[:, places[name]], one)
    assert made.fingerprint != cut(opened, opened.stage(None), pooled=True).fingerprint
