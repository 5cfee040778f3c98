"""Architectures of timm: with weights from a file, or from their hub where one asks for it.

timm and torchvision take seconds to import; they are imported only when an architecture of
theirs is asked for.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from foveal import remote
from foveal.backbones import weights
from foveal.backbones.weights import Weights
from foveal.cache import cache_folder
from foveal.device import drawing
from foveal.errors import ResourceError, UsageError
from foveal.nets.spec import Timm
from foveal.parameters import nearest_words
from foveal.recipe import INTERPOLATIONS, Interpolation, PictureRecipe
from foveal.shapes import Shape

NAME = re.compile(r"[a-z0-9_]{1,100}(\.[a-z0-9_]{1,100})?")
"""Names of architectures, perhaps with a tag of weights after a dot; no addresses."""
UNROLLED = ("blocks", "stages", "layers", "features")
"""Children of an architecture that are rows of stages themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimmNetwork:
    """An architecture of timm with its weights, unit by unit."""

    architecture: str
    units: tuple[str, ...]
    """Paths of the modules that the picture goes through in a row."""
    layers: tuple[Timm, ...]
    """The same as layers of a network."""
    input: Shape
    weights: Weights
    """By the names of the built network."""
    recipe: PictureRecipe
    """As its authors prepared pictures: cropped."""
    source: Literal["file", "hub"]
    sha256: str


def open_timm(
    architecture: str,
    *,
    size: tuple[int, int] | None,
    file: str | Path | None,
    download: bool,
) -> TimmNetwork:
    """Open an architecture of timm.

    Raises
    ------
    UsageError
        For an unknown name, or where neither a file nor `download` is given.
    DataError
        For weights that do not belong to it.
    ResourceError
        Where the hub cannot be reached.
    """
    timm = _timm(architecture)
    try:
        with drawing():  # its initial weights are replaced below
            model = timm.create_model(architecture, pretrained=False, num_classes=0).eval()
    except RuntimeError as error:  # a tag of weights that it does not have
        raise UsageError(
            "backbone",
            needed="an architecture of timm, with a tag after the dot that it has",
            came=f"{architecture!r} ({error})"[:200],
            remedy="leave out the dot and what follows",
        ) from error
    config = timm.data.resolve_data_config(model=model)
    if file is None and not download:
        raise _without_weights(architecture)
    path = Path(file) if file is not None else _fetched(architecture, model)
    state, digest = weights.from_file(path)
    classifier = model.pretrained_cfg.get("classifier") or ()
    names = (classifier,) if isinstance(classifier, str) else tuple(classifier)
    model.load_state_dict(weights.fitted(str(path), state, dict(model.state_dict()), names))
    height, width = size or config["input_size"][1:]
    return _unit_by_unit(
        architecture,
        model,
        _recipe(config, height, width),
        source="file" if file is not None else "hub",
        sha256=digest,
    )


def _without_weights(architecture: str) -> UsageError:
    return UsageError(
        f"backbone {architecture}",
        needed="its weights: a file, or leave to fetch them from its hub",
        came="neither `weights` nor `download`",
        remedy="name its model.safetensors (`weights`), allow `download`, or use "
        "efficientnet_lite0, whose weights are installed",
    )


def _timm(architecture: str) -> Any:
    if importlib.util.find_spec("timm") is None:
        raise UsageError(
            f"backbone {architecture}",
            needed="the package timm, which knows more architectures",
            came="a Python without it",
            remedy="install it with: pip install timm; or use efficientnet_lite0",
        )
    import timm

    if NAME.fullmatch(architecture) and timm.is_model(architecture):
        return timm
    near = nearest_words(architecture, timm.list_models(), 3)
    raise UsageError(
        "backbone",
        needed="efficientnet_lite0, an architecture of timm, or a model file",
        came=repr(architecture)[:100],
        remedy=f"write {' or '.join(near)}" if near else "see 'foveal backbones'",
    )


def _fetched(architecture: str, model: nn.Module) -> Path:
    """Fetch the weights of an architecture from its hub; only ever called with leave to."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url

    remote.report_nothing()
    place: Any = model.pretrained_cfg
    if not place.get("hf_hub_id"):
        raise _without_weights(architecture)
    folder, name = cache_folder() / "weights" / architecture, "model.safetensors"
    try:
        if not (folder / name).is_file():  # one question first: the fetching asks for 24 s
            get_hf_file_metadata(hf_hub_url(place["hf_hub_id"], name))
        found = hf_hub_download(place["hf_hub_id"], name, local_dir=folder)
    except Exception as error:  # httpx, OSError and the hub's own kinds
        raise ResourceError(
            f"`download` of {architecture}",
            needed=f"model.safetensors of {place['hf_hub_id']} from its hub",
            came=(str(error).splitlines() or [type(error).__name__])[0][:120],
            remedy="fetch that file on a machine with a network and name it (`weights`), or use "
            "efficientnet_lite0",
        ) from error
    return Path(found)


def _recipe(config: dict[str, Any], height: int, width: int) -> PictureRecipe:
    asked = config["interpolation"]
    interpolation: Interpolation = asked if asked in INTERPOLATIONS else "bicubic"
    return PictureRecipe(
        height=height,
        width=width,
        channels=config["input_size"][0],
        resize="crop",
        kept=config["crop_pct"],
        interpolation=interpolation,
        mean=tuple(config["mean"]),
        std=tuple(config["std"]),
    )


# Unit by unit ------------------------------------------------------------------------------


def _unit_by_unit(
    architecture: str,
    model: nn.Module,
    recipe: PictureRecipe,
    *,
    source: Literal["file", "hub"],
    sha256: str,
) -> TimmNetwork:
    """Take a network apart into units in a row; whole where it is no row."""
    sample = torch.randn(1, *recipe.shape, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        wanted = _answered(architecture, model, sample)
        units = dict(_units(model))
        if not _is_a_row(units, sample, wanted, _channels(model)):
            units = {"all": model}
        layers, maps = [], sample
        for name, unit in units.items():
            maps, adds = _measured(unit, maps)
            held = sum(value.numel() for value in unit.parameters())
            layers.append(
                Timm(architecture, name, gives=tuple(maps.shape[1:]), holds=held, adds=adds)
            )
    state = {
        f"{number}_timmunit.unit.{key}": value
        for number, unit in enumerate(units.values(), start=1)
        for key, value in unit.state_dict().items()
    }
    return TimmNetwork(
        architecture=architecture,
        units=tuple(units),
        layers=tuple(layers),
        input=recipe.shape,
        weights=state,
        recipe=recipe,
        source=source,
        sha256=sha256,
    )


def _units(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    for name, child in model.named_children():
        if name in UNROLLED or re.fullmatch(r"layer\d", name):
            for inner, block in child.named_children():
                yield f"{name}.{inner}", block
        else:
            yield name, child


def _answered(architecture: str, model: nn.Module, sample: torch.Tensor) -> torch.Tensor:
    try:
        answer: torch.Tensor = model(sample)
    except (AssertionError, RuntimeError, ValueError) as error:
        raise UsageError(
            "size",
            needed=f"a size that {architecture} can see",
            came=f"{sample.shape[2]}x{sample.shape[3]} ({str(error)[:100]})",
            remedy="leave `size` out: it has one of its own",
        ) from error
    return answer


def _channels(model: nn.Module) -> dict[str, int]:
    """Read how many channels timm says that some units give."""
    told: Any = getattr(model, "feature_info", None) or ()
    return {one["module"]: one["num_chs"] for one in told if {"module", "num_chs"} <= set(one)}


def _is_a_row(
    units: dict[str, nn.Module],
    sample: torch.Tensor,
    wanted: torch.Tensor,
    channels: dict[str, int],
) -> bool:
    maps = sample
    try:
        for name, unit in units.items():
            maps = unit(maps)
            if maps.shape[1] != channels.get(name, maps.shape[1]):
                return False  # Swin and others lay maps out (n, h, w, c), unlike all that follows
    except Exception:  # units that are no row are called with what they were not made for
        return False
    return maps.shape == wanted.shape and torch.allclose(maps, wanted, rtol=1e-4, atol=1e-5)


def _measured(unit: nn.Module, maps: torch.Tensor) -> tuple[torch.Tensor, int]:
    """Run a unit and count its multiply-adds."""
    total = 0

    def count(module: nn.Module, _: Any, output: torch.Tensor) -> None:
        nonlocal total
        if isinstance(module, nn.Conv2d):
            total += output[0].numel() * module.weight[0].numel()
        elif isinstance(module, nn.Linear):
            total += output[0].numel() * module.in_features

    handles = [one.register_forward_hook(count) for one in unit.modules()]
    try:
        return unit(maps), total
    finally:
        for handle in handles:
            handle.remove()


# Labels ------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def imagenet_labels() -> tuple[str, ...]:
    """Read the names of ImageNet's 1,000 classes, which timm carries, without importing timm.

    Returns
    -------
    tuple of str
        Empty where timm is not installed. A name that two classes share gets its second
        meaning added, as in WordNet.
    """
    found = importlib.util.find_spec("timm")
    places = [] if found is None else list(found.submodule_search_locations or [])
    folders = [Path(place) / "data" / "_info" for place in places]
    folder = next((one for one in folders if one.is_dir()), None)
    if folder is None:
        return ()
    order = (folder / "imagenet_synsets.txt").read_text(encoding="utf-8").split()
    lines = (folder / "imagenet_synset_to_lemma.txt").read_text(encoding="utf-8").splitlines()
    lemmas = dict(line.split("\t", 1) for line in lines if "\t" in line)
    first = [lemmas[synset].split(",")[0].strip() for synset in order]
    return tuple(
        name if first.count(name) == 1 else f"{lemmas[synset].strip()} ({synset})"
        for name, synset in zip(first, order, strict=True)
    )
