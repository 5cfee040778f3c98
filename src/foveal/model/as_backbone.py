"""A fitted model, or a file of one, as a network to start from."""

from __future__ import annotations

from pathlib import Path

from foveal.backbones.catalog import Backbone, of_model, open_backbone
from foveal.errors import UsageError
from foveal.model.codec import check_half
from foveal.model.fitted import FittedModel
from foveal.model.loading import load
from foveal.nets.build import part
from foveal.nets.plan import plan_network
from foveal.nets.spec import Network, Sample
from foveal.recipe import Resize


def start_from(
    backbone: str | Path | FittedModel,
    *,
    size: tuple[int, int] | None = None,
    aspect: float | None = None,
    resize: Resize | None = None,
    weights: str | Path | None = None,
    download: bool = False,
) -> Backbone:
    """Open a backbone by its name, from a model file, or from a fitted model.

    Raises
    ------
    UsageError, DataError, ModelFileError
        Where there is none, or what is given does not belong to it.
    """
    if not isinstance(backbone, FittedModel) and not str(backbone).endswith(".safetensors"):
        return open_backbone(
            str(backbone),
            size=size,
            aspect=aspect,
            resize=resize,
            file=weights,
            download=download,
        )
    if weights is not None or download or size or resize:
        raise UsageError(
            "weights, download, size and resize",
            needed="none of them for a network of one's own, which brings its own",
            came="at least one",
            remedy="leave them out",
        )
    if isinstance(backbone, FittedModel):
        name, model = "a fitted model", backbone
    else:
        name, model = Path(backbone).name, load(backbone, device="cpu")
    plan, network, end = model.plan, model.network, None
    if model.autoencodes:  # what comes before the code is reused (docs/tried.md)
        check_half(model, "encoder")
        ahead = tuple(one.layer for one in plan.layers[: plan.encoder_layers])
        end = plan.encoder_layers - (2 if isinstance(ahead[-1], Sample) else 1)
        plan = plan_network(Network(ahead, plan.input))
        network = part(network, model.plan, 0, model.plan.encoder_layers)
    return of_model(name, plan, network, model.recipe, sha256=model.digest(), end=end)
