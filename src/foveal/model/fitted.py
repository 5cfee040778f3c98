"""FittedModel: a trained network with all that is needed to use it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from pydantic import ValidationError
from torch import nn

from foveal import files
from foveal.device import Device, choose
from foveal.errors import FovealError, ModelFileError, UsageError
from foveal.evaluation.calibration import probabilities
from foveal.model.card import FORMAT, Card, Provenance
from foveal.model.predictions import Predictions
from foveal.nets import calls, notation
from foveal.nets.build import build
from foveal.nets.plan import Plan, plan_network
from foveal.nets.spec import Dense
from foveal.pictures.batches import as_tensor, normalised
from foveal.pictures.catalogue import Array, Numbered, Pictures, check_fits
from foveal.pictures.sources import gather
from foveal.pictures.store import Hashes, decoded
from foveal.recipe import PictureRecipe
from foveal.shapes import written

if TYPE_CHECKING:
    from foveal.model.judging import Evaluation

BATCH = 128
"""Pictures that go through the network at once when predicting."""
LARGEST_ACTIVATIONS = 16_000_000_000
"""Bytes that the layers of a network may give for one picture."""
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
        return (
            f"FittedModel({self.plan.name or self.plan.text!r}, {len(self.classes)} classes, "
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
        for start, logits_nk, reasons in self._through(pictures, self.network):
            yield Predictions(
                names=[pictures.names[start + row] for row in range(len(reasons))],
                probabilities=probabilities(logits_nk, self.temperature),
                reasons=reasons,
                classes=self.classes,
            )

    def features(self, X: Any) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Compute what the last dense layer sees, (n, features); NaN for unreadable files."""
        children = list(self.network.children())
        last = len(calls.calls_of(self.plan.layers[-1]))
        if not isinstance(self.plan.layers[-1].layer, Dense):
            raise UsageError(
                "features",
                needed="a network that ends with a dense layer",
                came=self.plan.text,
                remedy="train a network with a dense layer at its end",
            )
        front = nn.Sequential(*children[:-last])
        found = [values for _, values, _ in self._through(gather(X), front)]
        return np.concatenate(found).astype(np.float32)

    def evaluate(self, X: Any, y: Any = None, **options: Any) -> Evaluation:
        """Judge the model on labelled pictures; see `foveal.model.judging.judge`."""
        from foveal.model.judging import judge  # brings scikit-learn: a second, not for predict

        return judge(self, X, y, **options)

    def logits(self, images: Array) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Compute logits (n, classes) of prepared pictures (n, h, w, c)."""
        pictures = Pictures(names=Numbered(len(images)), array=images)
        return np.concatenate([found for _, found, _ in self._through(pictures, self.network)])

    def _through(
        self, pictures: Pictures, network: nn.Module
    ) -> Iterator[tuple[int, np.ndarray[Any, np.dtype[np.float64]], list[str]]]:
        """Run pictures through a network in batches: start row, outputs, reasons."""
        with self.device.at_work(), torch.inference_mode():
            for start, images, reasons in self._prepared(pictures):
                raw = as_tensor(images).to(self.device.name)
                outputs = network(normalised(raw, self.recipe)).double().cpu().numpy()
                outputs[[bool(reason) for reason in reasons]] = np.nan
                yield start, outputs, reasons

    def _prepared(self, pictures: Pictures) -> Iterator[tuple[int, Array, list[str]]]:
        height, width, channels = self.recipe.height, self.recipe.width, self.recipe.channels
        if pictures.array is not None:
            array = check_fits(pictures.array, self.recipe)
            for start in range(0, len(array), BATCH):
                part = array[start : start + BATCH]
                yield start, part, [""] * len(part)
            return
        assert pictures.files is not None
        images = np.zeros((BATCH, height, width, channels), dtype=np.uint8)
        reasons: list[str] = []
        for row, picture in decoded(pictures.files, self.recipe, self.device.threads):
            readable = not isinstance(picture, str)
            images[len(reasons)] = picture if readable else 0
            reasons.append("" if readable else str(picture))
            if len(reasons) == BATCH or row + 1 == len(pictures):
                yield row + 1 - len(reasons), images[: len(reasons)].copy(), reasons
                reasons = []

    # File --------------------------------------------------------------------------------

    def save(self, path: str | Path) -> str:
        """Write the model as one .safetensors file, whole or not at all.

        Returns
        -------
        str
            SHA-256 of the content.
        """
        tensors = {f"{NETWORK}{name}": value for name, value in self.network.state_dict().items()}
        tensors[SNAPSHOTS] = self.snapshots
        tensors[TRAINED] = torch.from_numpy(self.trained_on)
        tensors[CHOSE] = torch.from_numpy(self.chosen_on)
        card = Card(
            format=FORMAT,
            task="classification",
            network=self.plan.text,
            recipe=self.recipe,
            classes=self.classes.tolist(),
            temperature=self.temperature,
            provenance=self.provenance,
        )
        return files.write_tensors(checked_path(path), tensors, card.model_dump(mode="json"))


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
    tensors, facts = files.read_tensors(place)
    if facts.get("format") != FORMAT:
        raise ModelFileError(
            str(path),
            needed=f"format {FORMAT}",
            came=f"format {facts.get('format')!r}",
            remedy="use the version of Foveal that wrote it, or train again",
        )
    try:
        card = Card.model_validate_json(json.dumps(facts))
        network = notation.read(card.network)
        planned = plan_network(network, None, len(card.classes))
    except (ValidationError, FovealError) as error:
        raise files.foreign(place, f"a card that does not hold: {_first_line(error)}") from error
    chosen = choose(device, threads)
    weights = {
        name.removeprefix(NETWORK): value
        for name, value in tensors.items()
        if name.startswith(NETWORK)
    }
    missing = [name for name in (SNAPSHOTS, TRAINED, CHOSE) if name not in tensors]
    stored = sum(value.numel() for value in weights.values())
    if missing or planned.parameters > stored or planned.input != card.recipe.shape:
        raise files.foreign(place, "tensors that do not belong to its network")
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
