"""FittedModel: a trained network with all that is needed to use it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from pydantic import ValidationError
from torch import nn

from foveal import files
from foveal.backbones.catalog import OWN
from foveal.backbones.cut import Cut
from foveal.device import Device, available, choose
from foveal.errors import FovealError, ModelFileError, UsageError
from foveal.evaluation.calibration import probabilities
from foveal.model.card import FORMAT, Card, Provenance
from foveal.model.predictions import Predictions
from foveal.model.running import Outputs, outputs
from foveal.nets import notation
from foveal.nets.build import build, part
from foveal.nets.plan import Plan, plan_network
from foveal.nets.spec import Dense, Network
from foveal.pictures.batches import RowsOfFeatures, feature_tensor
from foveal.pictures.catalogue import Array, Numbered, Pictures
from foveal.pictures.sources import gather
from foveal.pictures.splits import Rows
from foveal.pictures.store import Hashes
from foveal.recipe import PictureRecipe
from foveal.shapes import written
from foveal.training.steps import logits_of

if TYPE_CHECKING:
    from foveal.model.judging import Evaluation

LARGEST_ACTIVATIONS = 16_000_000_000
"""Bytes that the layers of a network may give for one picture."""
BATCH = 128
"""Features that go through the last layers at once."""
MOST_CHARACTERS = 10_000_000
"""Characters of the longest class name times the number of classes."""
NETWORK = "network/"
SNAPSHOTS = "kernels/snapshots"
TRAINED = "hashes/train"
CHOSE = "hashes/validation"


@dataclass(eq=False, repr=False, slots=True, kw_only=True)
class FittedModel:
    """A trained network with its recipe, classes and provenance.

    Everything but training works on this: prediction, evaluation, looking, export.
    """

    plan: Plan
    """What the network is, layer by layer."""
    network: nn.Sequential
    """The network itself, a plain module in evaluation mode; gives logits."""
    recipe: PictureRecipe
    """How pictures become its input."""
    classes: np.ndarray[Any, np.dtype[Any]]
    """The labels, in the order of the network's outputs."""
    temperature: float
    """Divides the logits before the softmax; fitted on validation pictures."""
    provenance: Provenance
    """How the model came to be."""
    trained_on: Hashes
    """Content hashes of the training pictures."""
    chosen_on: Hashes
    """Content hashes of the validation pictures."""
    snapshots: torch.Tensor
    """First-layer kernels over the epochs, (times, kernels, channels, h, w); may be empty."""
    device: Device = field(default_factory=choose)

    def __repr__(self) -> str:
        origin = self.provenance.backbone
        name = self.plan.name or (origin.name if origin else self.plan.text)
        return (
            f"FittedModel({name!r}, {len(self.classes)} classes, "
            f"{written(self.recipe.shape)} pictures)"
        )

    # Use ---------------------------------------------------------------------------------

    def predict(self, X: Any) -> np.ndarray[Any, np.dtype[Any]]:
        """Predict the class of each picture; None where a file cannot be read."""
        return self.predictions(X).labels

    def predict_proba(self, X: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Predict probabilities, (n, classes); NaN where a file cannot be read."""
        return self.predictions(X).probabilities

    def predictions(self, X: Any) -> Predictions:
        """Predict everything at once: labels, probabilities, and why a file has none."""
        pictures = gather(X)
        return Predictions.joined(list(self.predicting(pictures)), self.classes)

    def predicting(self, pictures: Pictures) -> Iterator[Predictions]:
        """Predict batch by batch, in order, in bounded memory."""
        whole = self.first(len(self.plan.layers))
        for start, logits_nk, reasons in self._through(pictures, whole):
            yield Predictions(
                names=[pictures.names[start + row] for row in range(len(reasons))],
                probabilities=probabilities(logits_nk, self.temperature),
                reasons=reasons,
                classes=self.classes,
            )

    def features(self, X: Any) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Compute what the last dense layer sees, (n, features); NaN for unreadable files."""
        if not isinstance(self.plan.layers[-1].layer, Dense):
            raise UsageError(
                "features",
                needed="a network that ends with a dense layer",
                came=self.plan.text,
                remedy="train a network with a dense layer at its end",
            )
        front = self.first(len(self.plan.layers) - 1)
        found = [values for _, values, _ in self._through(gather(X), front)]
        return np.concatenate(found).astype(np.float32)

    def evaluate(self, X: Any, y: Any = None, **options: Any) -> Evaluation:
        """Judge the model on labelled pictures; see `foveal.model.judging.judge`."""
        from foveal.model.judging import judge  # brings scikit-learn: a second, not for predict

        return judge(self, X, y, **options)

    def logits(self, images: Array) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Compute logits (n, classes) of prepared pictures (n, h, w, c)."""
        pictures = Pictures(names=Numbered(len(images)), array=images)
        whole = self.first(len(self.plan.layers))
        return np.concatenate([found for _, found, _ in self._through(pictures, whole)])

    def logits_of(self, features: RowsOfFeatures, rows: Rows) -> np.ndarray[Any, Any]:
        """Compute logits (n, classes) from what the fixed layers made of pictures."""
        rest = part(self.network, self.plan, self.plan.fixed)
        starts = range(0, len(rows), BATCH)
        chunks = (features[rows[start : start + BATCH]] for start in starts)
        with self.device.at_work():
            tensors = (feature_tensor(chunk, self.device.name) for chunk in chunks)
            found: np.ndarray[Any, Any] = logits_of(rest, tensors).double().numpy()
        return found

    def first(self, layers: int) -> Cut:
        """Give the first layers as a network of their own; the modules are shared."""
        front = part(self.network, self.plan, 0, layers)
        origin = self.provenance.backbone
        name = OWN if origin is None or origin.source == "model" else origin.name
        kept = tuple(one.layer for one in self.plan.layers[:layers])
        plan = plan_network(Network(kept, self.plan.input))
        return Cut.of(name, plan, front.eval())

    def _through(self, pictures: Pictures, front: Cut) -> Iterator[Outputs]:
        return outputs(front, self.recipe, self.device, pictures)

    # File --------------------------------------------------------------------------------

    def save(self, path: str | Path) -> str:
        """Write the model as one .safetensors file, whole or not at all.

        Returns
        -------
        str
            SHA-256 of the content.
        """
        return files.write_tensors(checked_path(path), *self._content())

    def digest(self) -> str:
        """Hash the model as `save` would."""
        return files.packed(*self._content())[1]

    def __reduce__(self) -> tuple[Any, ...]:
        # copied and pickled as the file it would be: the same model gives the same bytes
        return _unpacked, (files.packed(*self._content())[0], self.device.name, self.device.threads)

    def _content(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        tensors = {f"{NETWORK}{name}": value for name, value in self.network.state_dict().items()}
        tensors[SNAPSHOTS] = self.snapshots
        tensors[TRAINED] = torch.from_numpy(self.trained_on)
        tensors[CHOSE] = torch.from_numpy(self.chosen_on)
        card = Card(
            format=FORMAT,
            task="classification",
            network=self.plan.text,
            fixed=self.plan.fixed,
            recipe=self.recipe,
            classes=self.classes.tolist(),
            temperature=self.temperature,
            provenance=self.provenance,
        )
        return tensors, card.model_dump(mode="json")


def checked_path(path: str | Path) -> Path:
    """Check the name under which a model is to be saved.

    Raises
    ------
    UsageError
        Where it does not end in .safetensors, or its folder is not there.
    """
    place = Path(path)
    if place.suffix != ".safetensors" or os.path.isdir(place) or len(place.name) > 240:  # noqa: PTH112
        raise UsageError(
            "model path",
            needed="a file name ending in .safetensors, of at most 240 characters",
            came=str(path),
            remedy=f"write {place.stem or 'model'}.safetensors",
        )
    if not os.path.isdir(place.parent):  # noqa: PTH112  Path.is_dir raises for long names
        raise UsageError(
            "model path",
            needed="a folder that exists",
            came=str(place.parent),
            remedy="make the folder first",
        )
    return place


def load(path: str | Path, *, device: str = "auto", threads: int | None = None) -> FittedModel:
    """Load a model that training or `save` left.

    Parameters
    ----------
    path : str or Path
        The .safetensors file.
    device : {"auto", "cpu", "cuda", "mps"}
        Where it is to run.
    threads : int, optional
        Threads on the processor.

    Raises
    ------
    ModelFileError
        Where the file is damaged, foreign, or of another version. Nothing in it is executed.
    """
    place = Path(path)
    return _loaded(place, *files.read_tensors(place), choose(device, threads))


def _unpacked(data: bytes, device: str, threads: int) -> FittedModel:
    place = Path("a pickled model")
    chosen = choose(device if device in available() else "auto", threads)
    return _loaded(place, *files.unpacked(data, place), chosen)


def _loaded(
    place: Path, tensors: dict[str, torch.Tensor], facts: dict[str, Any], chosen: Device
) -> FittedModel:
    if facts.get("format") != FORMAT:
        raise ModelFileError(
            str(place),
            needed=f"format {FORMAT}",
            came=f"format {facts.get('format')!r}",
            remedy="use the version of Foveal that wrote it, or train again",
        )
    try:
        card = Card.model_validate_json(json.dumps(facts))
        network = notation.read(card.network)
        planned = replace(plan_network(network, None, len(card.classes)), fixed=card.fixed)
    except (ValidationError, FovealError) as error:
        raise files.foreign(place, f"a card that does not hold: {_first_line(error)}") from error
    weights = {
        name.removeprefix(NETWORK): value
        for name, value in tensors.items()
        if name.startswith(NETWORK)
    }
    missing = [name for name in (SNAPSHOTS, TRAINED, CHOSE) if name not in tensors]
    stored = sum(value.numel() for value in weights.values())
    if missing or planned.parameters > stored or planned.input != card.recipe.shape:
        raise files.foreign(place, "tensors that do not belong to its network")
    if card.fixed >= len(planned.layers):
        raise files.foreign(place, "a network all of whose layers are fixed")
    if planned.activation_bytes > LARGEST_ACTIVATIONS:
        raise files.foreign(place, "a network that needs more memory than any machine has")
    _check_contents(place, card, tensors)
    module = build(planned, seed=0)
    try:
        module.load_state_dict(weights)
    except RuntimeError as error:
        raise files.foreign(place, f"other weights ({_first_line(error)})") from error
    return FittedModel(
        plan=planned,
        network=placed(module, chosen),
        recipe=card.recipe,
        classes=np.array(card.classes),
        temperature=card.temperature,
        provenance=card.provenance,
        trained_on=tensors[TRAINED].numpy(),
        chosen_on=tensors[CHOSE].numpy(),
        snapshots=tensors[SNAPSHOTS],
        device=chosen,
    )


def _check_contents(place: Path, card: Card, tensors: dict[str, torch.Tensor]) -> None:
    """Refuse what no training leaves: weights that are no numbers, classes that are the same."""
    for name in (TRAINED, CHOSE):
        if tensors[name].dtype != torch.int64 or tensors[name].ndim != 1:
            raise files.foreign(place, f"{name} of another form")
    for name, value in tensors.items():
        if value.is_complex() or (value.is_floating_point() and not value.isfinite().all()):
            raise files.foreign(place, f"{name} with values that are no finite numbers")
    if len(set(map(str, card.classes))) != len(card.classes):
        raise files.foreign(place, "classes that are the same")
    longest = max(len(str(label)) for label in card.classes)
    if longest * len(card.classes) > MOST_CHARACTERS:
        raise files.foreign(place, "classes with names beyond all measure")


def placed(network: nn.Sequential, device: Device) -> nn.Sequential:
    """Bring a network to its device and memory format, in evaluation mode."""
    moved = network.to(device=device.name, dtype=device.dtype, memory_format=device.memory_format)  # type: ignore[call-overload]
    found: nn.Sequential = moved.eval()
    return found


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return " ".join(lines[:2])[:160]
