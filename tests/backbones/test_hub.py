"""Architectures of timm: opened unit by unit, they are timm's own functions."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import nn

from foveal.backbones import hub
from foveal.backbones.catalog import Backbone, open_backbone
from foveal.backbones.cutting import cut, fixed_layers, tapped
from foveal.errors import DataError, ResourceError, UsageError
from foveal.nets.build import build
from foveal.nets.plan import plan

Saved = Callable[[str], tuple[Any, Path]]


def lived_in(model: nn.Module) -> nn.Module:
    """Give batch norms statistics such as training leaves."""
    for one in model.modules():
        if isinstance(one, nn.BatchNorm2d):
            assert one.running_mean is not None and one.running_var is not None
            one.running_mean.normal_(0, 0.1)
            one.running_var.uniform_(0.5, 2)
    return model.eval()


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    """Make an architecture of timm with random weights, its classifier too, and a file of them."""
    timm = pytest.importorskip("timm")
    made: dict[str, tuple[nn.Module, Path]] = {}
    folder = tmp_path_factory.mktemp("hub")

    def give(architecture: str) -> tuple[nn.Module, Path]:
        if architecture not in made:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(1)
                model = lived_in(timm.create_model(architecture, pretrained=False))
            path = folder / f"{architecture}.safetensors"
            safetensors.torch.save_file(model.state_dict(), path)
            made[architecture] = (model, path)
        return made[architecture]

    return give


@pytest.fixture(autouse=True)
def timm() -> Any:
    return pytest.importorskip("timm")


def noise(backbone: Backbone, count: int = 2) -> torch.Tensor:
    seeded = torch.Generator().manual_seed(2)
    return torch.randn(count, *backbone.plan.input, generator=seeded)


def assert_same(one: torch.Tensor, other: torch.Tensor) -> None:
    assert one.shape == other.shape
    assert float((one - other).abs().max()) <= 1e-4 * float(other.abs().max())


def test_the_comparison_can_fail() -> None:
    with pytest.raises(AssertionError, match=r"0\.01"):
        assert_same(torch.ones(3), torch.ones(3) + 1e-2)
    with pytest.raises(AssertionError, match="Size"):
        assert_same(torch.ones(3), torch.ones(1, 3))


def up_to(model: nn.Module, unit: str, maps: torch.Tensor) -> torch.Tensor:
    """Run timm's own modules in the order in which timm has them, up to one of them."""
    for name, child in model.named_children():
        rows = isinstance(child, nn.Sequential) and any(
            unit.startswith(f"{name}.") or one.startswith(f"{name}.") for one in ROWS
        )
        for inner, module in [*child.named_children()] if rows else [("", child)]:
            maps = module(maps)
            if unit == (f"{name}.{inner}" if rows else name):
                return maps
    raise AssertionError(f"no unit {unit}")


ROWS = ("layer1.", "layer2.", "layer3.", "layer4.", "blocks.", "stages.")
ARCHITECTURES = {
    "resnet18": ("conv1", "maxpool", "layer2.0", "layer4.1"),
    "mobilenetv3_small_050": ("bn1", "blocks.2", "blocks.5"),
    "convnext_atto": ("stem", "stages.1", "stages.3"),
}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_units_in_a_row_are_the_architecture(saved: Saved, architecture: str) -> None:
    model, path = saved(architecture)
    opened = open_backbone(architecture, size=(64, 80), file=path)
    assert opened.plan.input == (3, 64, 80) and opened.source == "file"
    images = noise(opened)
    with torch.no_grad():
        whole = cut(opened, opened.stage(None), pooled=False)
        bare = model.forward_head(model.forward_features(images), pre_logits=True)
        assert_same(whole.network(images), bare)
        for unit in ARCHITECTURES[architecture]:
            stage = opened.stage(unit)
            wanted = up_to(model, unit, images)
            some = cut(opened, stage, pooled=False)
            assert_same(some.network(images), wanted)
            assert some.shape == opened.shape(stage) == tuple(wanted.shape[1:])
            pooled = cut(opened, stage, pooled=True)
            assert pooled.shape == wanted.shape[1:2]
            assert_same(pooled.network(images), wanted.mean(dim=(2, 3)))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_all_places_at_once_are_the_places_one_by_one(saved: Saved, architecture: str) -> None:
    opened = open_backbone(architecture, size=(64, 64), file=saved(architecture)[1])
    images = noise(opened)
    made, places = tapped(opened)
    with torch.no_grad():
        found = made.network(images)
        assert found.shape == (2, *made.shape)
        assert list(places) == [stage.name for stage in opened.stages]
        for name in [opened.stages[0].name, *ARCHITECTURES[architecture], opened.stages[-1].name]:
            one = cut(opened, opened.stage(name), pooled=True)
            assert_same(found[:, places[name]], one.network(images))


def test_the_facts_of_the_plan_are_counted_right(saved: Saved) -> None:
    model, path = saved("resnet18")
    opened = open_backbone("resnet18", file=path)
    assert opened.plan.parameters == sum(
        one.numel() for name, one in model.named_parameters() if not name.startswith("fc")
    )
    assert opened.plan.multiply_adds == pytest.approx(1.814e9, rel=1e-3)  # as published, 1.8
    assert (opened.recipe.mean, opened.recipe.std) == (
        pytest.approx((0.485, 0.456, 0.406)),
        pytest.approx((0.229, 0.224, 0.225)),
    )
    assert (opened.recipe.height, opened.recipe.interpolation) == (224, "bicubic")


def test_the_notation_of_a_cut_is_planned_and_built_again(saved: Saved) -> None:
    opened = open_backbone("resnet18", size=(64, 64), file=saved("resnet18")[1])
    some = cut(opened, opened.stage("layer2.0"), pooled=True)
    network = build(plan(some.text), seed=0)
    assert list(network.state_dict()) == list(some.network.state_dict())
    assert len(fixed_layers(opened, opened.stage("layer2.0"), pooled=True)) == 8


def test_a_transformer_is_one_unit(saved: Saved) -> None:
    model, path = saved("vit_tiny_patch16_224")
    opened = open_backbone("vit_tiny_patch16_224", file=path)
    assert [stage.name for stage in opened.stages] == ["all"]
    whole = cut(opened, opened.stage("all"), pooled=True)
    assert whole.shape == (192,)
    images = noise(opened, 1)
    with torch.no_grad():
        wanted = model.forward_head(model.forward_features(images), pre_logits=True)
        assert_same(whole.network(images), wanted)


def test_maps_that_lie_channels_last_are_no_places_to_cut(timm: Any) -> None:
    model = timm.create_model("swin_s3_tiny_224", pretrained=False, num_classes=0).eval()
    config = timm.data.resolve_data_config(model=model)
    recipe = hub._recipe(config, 224, 224)
    opened = hub._unit_by_unit("swin_s3_tiny_224", model, recipe, source="file", sha256="")
    assert opened.units == ("all",)


def test_units_that_are_no_row_are_one(saved: Saved) -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Conv2d(3, 4, 3), nn.Linear(4, 2)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.second(self.first(images).mean(dim=(2, 3)))

    recipe = hub.PictureRecipe(height=8, width=8, channels=3)
    opened = hub._unit_by_unit("odd", Odd().eval(), recipe, source="file", sha256="")
    assert opened.units == ("all",)
    assert opened.layers[0].adds == 36 * 4 * 27 + 8


# What is refused ---------------------------------------------------------------------------


def test_without_weights_both_ways_are_named() -> None:
    with pytest.raises(UsageError, match=r"`weights` nor `download`.*`weights`.*`download`"):
        open_backbone("resnet18")


def test_near_names_are_suggested() -> None:
    with pytest.raises(UsageError, match=r"got 'resnet81'\. Write resnet18 or"):
        open_backbone("resnet81")
    with pytest.raises(UsageError, match="See 'foveal backbones'"):
        open_backbone("zzzzzzzzzzzz")


@pytest.mark.parametrize(
    "name",
    ["hf-hub:someone/model", "local-dir:/tmp", "timm/resnet18", "../x", "", "a b", "RESNET18"],
)
def test_names_that_lead_elsewhere_are_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("timm.create_model", lambda *_, **__: pytest.fail("created"))
    with pytest.raises(UsageError, match="backbone: needed efficientnet_lite0, an architecture"):
        open_backbone(name, download=True)


def test_a_tag_that_timm_lacks_is_refused(saved: Saved) -> None:
    with pytest.raises(UsageError, match=r"'resnet18\.nonsense'.*Leave out the dot"):
        open_backbone("resnet18.nonsense", file=saved("resnet18")[1])
    opened = open_backbone("resnet18.a1_in1k", size=(64, 64), file=saved("resnet18")[1])
    assert opened.name == "resnet18.a1_in1k"
    assert cut(opened, opened.stage(None), pooled=True).shape == (512,)


def test_a_size_that_it_cannot_see_is_said(saved: Saved) -> None:
    path = saved("vit_tiny_patch16_224")[1]
    with pytest.raises(UsageError, match=r"a size that vit_tiny_patch16_224 can see, got 64x64"):
        open_backbone("vit_tiny_patch16_224", size=(64, 64), file=path)


def test_weights_of_another_architecture_are_refused(saved: Saved, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"needed the \d+ tensors of this architecture, got"):
        open_backbone("mobilenetv3_small_050", file=saved("resnet18")[1])
    model, _ = saved("mobilenetv3_small_050")
    state = dict(model.state_dict())
    del state["bn1.weight"]
    safetensors.torch.save_file(state, tmp_path / "w")
    with pytest.raises(DataError, match=r"got 1 missing \(bn1\.weight\)\."):
        open_backbone("mobilenetv3_small_050", file=tmp_path / "w")


def test_without_timm_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *more: real(name, *more) if name != "timm" else None,
    )
    with pytest.raises(UsageError, match="needed the package timm.*: pip install timm"):
        open_backbone("resnet18", download=True)
    hub.imagenet_labels.cache_clear()
    assert hub.imagenet_labels() == ()
    hub.imagenet_labels.cache_clear()


def test_opening_leaves_torchs_random_state_alone(saved: Saved) -> None:
    path = saved("mobilenetv3_small_050")[1]
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    open_backbone("mobilenetv3_small_050", size=(32, 32), file=path)
    assert torch.equal(torch.rand(3), wanted)


# Fetching ----------------------------------------------------------------------------------


def test_without_a_network_fetching_fails_at_once_and_names_the_other_way() -> None:
    begun = time.monotonic()
    told = r"model\.safetensors of timm/resnet18.*name it \(`weights`\)"
    with pytest.raises(ResourceError, match=told):
        open_backbone("resnet18", download=True)
    assert time.monotonic() - begun < 5


def test_what_is_fetched_is_safetensors_into_the_cache(
    saved: Saved, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Any, ...]] = []

    def fetch(place: str, name: str, *, local_dir: Path) -> str:
        asked.append((place, name, local_dir))
        return str(saved("resnet18")[1])

    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", lambda _: None)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", fetch)
    opened = open_backbone("resnet18", size=(64, 64), download=True)
    assert asked == [("timm/resnet18.a1_in1k", "model.safetensors", cache / "weights" / "resnet18")]
    assert opened.source == "hub"
    again = open_backbone("resnet18", size=(64, 64), file=saved("resnet18")[1], download=True)
    assert len(asked) == 1 and again.sha256 == opened.sha256


def test_a_hub_that_does_not_answer_is_asked_once(
    saved: Saved, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def refused(address: str) -> None:
        asked.append(address)
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", refused)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda *_, **__: pytest.fail("asked"))
    with pytest.raises(ResourceError, match=r"from its hub, got \[Errno 111\] Connection refused"):
        open_backbone("resnet18", download=True)
    assert [one.rpartition("/")[2] for one in asked] == ["model.safetensors"]
    place = cache / "weights" / "resnet18" / "model.safetensors"
    place.parent.mkdir(parents=True)
    place.write_bytes(saved("resnet18")[1].read_bytes())
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda *_, **__: str(place))
    assert open_backbone("resnet18", size=(64, 64), download=True).source == "hub"
    assert len(asked) == 1  # what was fetched before needs no answer


def test_a_pickle_from_the_hub_is_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save({"fc.weight": torch.zeros(1)}, tmp_path / "model.safetensors")
    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", lambda _: None)
    monkeypatch.setattr(
        "huggingface_hub.hf_hub_download", lambda *_, **__: str(tmp_path / "model.safetensors")
    )
    with pytest.raises(DataError, match="a pickle, which could run code"):
        open_backbone("resnet18", download=True)


# Labels ------------------------------------------------------------------------------------


def test_there_are_a_thousand_labels_no_two_alike() -> None:
    labels = hub.imagenet_labels()
    assert len(labels) == len(set(labels)) == 1000
    assert (labels[0], labels[207], labels[985]) == ("tench", "golden retriever", "daisy")
    assert all(label == label.strip() and label for label in labels)


def test_labels_are_read_without_timm() -> None:
    code = (
        "import sys\n"
        "from foveal.backbones.hub import imagenet_labels\n"
        "assert len(imagenet_labels()) == 1000\n"
        "assert not {'timm', 'torchvision', 'huggingface_hub'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)
