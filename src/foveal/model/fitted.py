"""FittedModel: a trained network with all that is needed to use it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from foveal import tensor_files
from foveal.arrays import Array, Doubles, Hashes, Rows
from foveal.device import Device, ThreadLock, choose
from foveal.errors import UsageError
from foveal.evaluation.intervals import Estimate
from foveal.evaluation.reconstruction import Reconstruction
from foveal.html_tables import html_lines
from foveal.inference.frozen import OWN, FrozenNetwork
from foveal.inference.session import Session
from foveal.model.after_pass import AfterPass, Appearance
from foveal.model.card import Provenance
from foveal.model.codec import (
    Reconstructions,
    check_finite,
    check_half,
    check_whole,
    compared,
    decoded,
    encoded,
)
from foveal.model.contents import card_of, checked_path, tensors_of
from foveal.model.familiar import Familiar
from foveal.model.held_out import HeldOutLogits
from foveal.model.normal import NormalStats
from foveal.model.passes import activations_of, inputs_of
from foveal.model.predictions import Predictions
from foveal.model.refusing import Refusal, refusal
from foveal.nets.build import part
from foveal.nets.plan import Plan, plan_network
from foveal.nets.spec import Dense, Network
from foveal.pictures.batches import RowsOfFeatures
from foveal.pictures.collection import Pictures
from foveal.pictures.ledger import warn_unreadable
from foveal.pictures.scaling import Scaling, of_values
from foveal.pictures.sources import gather
from foveal.recipe import PictureRecipe
from foveal.shapes import written
from foveal.targets.labelled import Labelled
from foveal.targets.target import Target
from foveal.vocabulary import Task
from foveal.wording import counted


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
    target: Target
    """What it says of a picture."""
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
    normal: NormalStats | None = None
    """What usual pictures are like to an autoencoder; None for classifiers."""
    held_out: HeldOutLogits | None = None
    """What judged a classifier at its training; None where nothing did, or nothing was kept."""
    familiar: Familiar | None = None
    """What a classifier keeps of its training pictures; None where it keeps nothing."""
    half: str | None = None
    """Which half of an autoencoder is loaded; None where the network is whole."""
    kept_digest: str = ""
    """Of the file, where only half of it is loaded."""
    device: Device = field(default_factory=choose)
    _sessions: dict[int, Session] = field(default_factory=dict, init=False)
    """What was opened so far, by the number of layers."""
    _head: nn.Sequential | None = field(default=None, init=False)
    """The last layer, once it was asked for."""
    _opening: ThreadLock = field(default_factory=ThreadLock, init=False)

    def __repr__(self) -> str:
        origin = self.provenance.backbone
        name = self.plan.name or (origin.name if origin else self.plan.text)
        if self.autoencodes:
            return (
                f"FittedModel(autoencoder, {written(self.recipe.shape)} pictures, "
                f"{counted(self.plan.code_size, 'number')} a code)"
            )
        count = len(self.classes)
        named = isinstance(self.target, Labelled) and count
        said = counted(count, *self.answering().noun) if named else self.task
        return f"FittedModel({name!r}, {said}, {written(self.recipe.shape)} pictures)"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the model in a line, and its plan."""
        return html_lines([repr(self)]) + self.plan._repr_html_()

    @property
    def task(self) -> Task:
        """What the model is for, such as "classification" or "reconstruction"."""
        return self.target.task

    @property
    def classes(self) -> Array:
        """The labels, in the order of the network's outputs; none where they have no names."""
        return self.target.names

    @property
    def autoencodes(self) -> bool:
        """Whether it encodes pictures and decodes them, rather than answering what they are."""
        return bool(self.plan.encoder_layers)

    @property
    def accuracy(self) -> Estimate | None:
        """Share of held-out pictures answered right at the training; None where none was held out.

        `provenance.judged_by` says which: a validation part, or each fold in turn.
        """
        return self.provenance.validation_accuracy

    @property
    def reconstruction(self) -> Reconstruction | None:
        """How an autoencoder fares on held-out pictures; None where none was held out."""
        coding = self.provenance.coding
        return None if coding is None else coding.reconstruction

    # Use ---------------------------------------------------------------------------------

    def predict(
        self, X: Any, *, reject: float | None = None, least_probability: float | None = None
    ) -> np.ndarray[Any, np.dtype[Any]]:
        """Predict the label of each picture; None, with a warning, where one cannot be read.

        With `reject` or `least_probability`, as `refusal` takes them, None too for what the model
        is not sure enough of.
        """
        found = self.predictions(X, reject=reject, least_probability=least_probability)
        return _told(found).labels

    def predict_proba(self, X: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Predict probabilities, (n, classes); NaN, with a warning, where one cannot be read."""
        return _told(self.predictions(X)).probabilities

    def predictions(
        self, X: Any, *, reject: float | None = None, least_probability: float | None = None
    ) -> Predictions:
        """Predict everything at once: labels, probabilities, and why a file has none.

        `reject` and `least_probability` are those of `refusal`.
        """
        pictures = gather(X)
        refused = self.refusal(reject=reject, least_probability=least_probability)
        least = None if refused is None else refused.least
        return Predictions.joined(list(self.predicting(pictures, least)), self.answering())

    def refusal(
        self, *, reject: float | None = None, least_probability: float | None = None
    ) -> Refusal | None:
        """Decide from when on a classifier answers; None where it answers everything.

        Parameters
        ----------
        reject : float, optional
            Share of pictures that may be left to a person. The threshold comes from the pictures
            that judged the model at its training, never from those that are to be answered.
        least_probability : float, optional
            The least probability of the class called, itself.

        Raises
        ------
        UsageError, DataError
            As `foveal.model.refusing.refusal` does.
        """
        return refusal(
            self.answering(),
            self.held_out,
            self.temperature,
            reject=reject,
            least_probability=least_probability,
        )

    def predicting(
        self, pictures: Pictures, least: float | None = None, *, some_of_many: bool = False
    ) -> Iterator[Predictions]:
        """Predict batch by batch, in order, in bounded memory.

        What is less sure than `least` is left to a person; see `refusal`. `some_of_many` is that
        of `foveal.inference.session.Session.outputs`.
        """
        target = self.answering()
        session = self.answering_session()
        looking = session.looking(pictures, self._look, some_of_many=some_of_many)
        for start, values, reasons, seen in looking:
            outputs_nk, unfamiliarity = self._answers(values, seen)
            yield Predictions(
                names=[pictures.names[start + row] for row in range(len(reasons))],
                predicted=target.predicted(outputs_nk, self.temperature),
                reasons=reasons,
                target=target,
                unfamiliarity=unfamiliarity,
                least=least,
            )

    def unfamiliarity(self, X: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Measure how unlike pictures are to those that taught the model, (n,).

        The distance to the training pictures nearest to each, in what the network makes of them
        and, where its first layers were taught too, in pixels. Above 1 lies a share of
        ``familiar.false_alarms`` of pictures of the kind that taught. NaN where a file cannot be
        read, and for models that keep no training pictures.
        """
        return _told(self.predictions(X)).unfamiliarity

    def answers(
        self, images: Array, by: Scaling, *, at_hand: bool = True
    ) -> tuple[np.ndarray[Any, np.dtype[np.float64]], np.ndarray[Any, np.dtype[np.float64]]]:
        """Compute logits (n, classes) and unfamiliarity (n,) of pictures that are prepared.

        Without `at_hand` the engine is chosen as where none is open yet: by these pictures alone.
        """
        session = self.answering_session()
        values = session.prepared(images, by, at_hand=at_hand).astype(np.float64)
        return self._answers(values, self._look(images, by))

    def answers_of(
        self, features: RowsOfFeatures, rows: Rows
    ) -> tuple[np.ndarray[Any, np.dtype[np.float64]], np.ndarray[Any, np.dtype[np.float64]]]:
        """Compute the same from what the fixed layers made of pictures.

        The unfamiliarity is NaN where it would take pixels.
        """
        end = self._feature_layers() if self._by_features else len(self.plan.layers)
        values = self._after.through(features, rows, end)
        return self._answers(values, None)

    @property
    def _after(self) -> AfterPass:
        """What follows a pass."""
        if self._head is None:  # found once: it takes as long as many pictures do
            self._head = part(self.network, self.plan, len(self.plan.layers) - 1)
        return AfterPass(
            network=self.network,
            plan=self.plan,
            device=self.device,
            last=self._head,
            familiar=self.familiar,
        )

    @property
    def _by_features(self) -> bool:
        return self._after.by_features

    def _look(self, images: Array, by: Scaling) -> Appearance | None:
        return self._after.look(images, by)

    def _answers(self, values: Doubles, seen: Appearance | None) -> tuple[Doubles, Doubles]:
        return self._after.answers(values, seen)

    def features(self, X: Any) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Compute what the last dense layer sees, (n, features); NaN for unreadable files.

        Of an autoencoder these are the codes.
        """
        pictures = gather(X)
        found = list(self.feature_session().outputs(pictures))
        warn_unreadable(pictures.names, [why for _, _, reasons in found for why in reasons])
        return np.concatenate([values for _, values, _ in found]).astype(np.float32)

    def inputs(self, X: Any) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Prepare pictures as the network takes them, (n, c, h, w), normalised by the recipe.

        ``model.network(torch.from_numpy(model.inputs(X)))`` gives its logits. NaN where a file
        cannot be read.
        """
        return inputs_of(self, gather(X))

    def activations(self, X: Any, layer: str | int) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Compute what a layer makes of pictures, (n, ...), after its activation function.

        Parameters
        ----------
        X : path, sequence of paths, or array
            As in `fit`.
        layer : int or str
            The layer's number in the plan: 4, or "4.2" inside a residual.

        Raises
        ------
        UsageError
            For a number that no layer has.
        """
        return activations_of(self, gather(X), layer)

    def answering_session(self) -> Session:
        """Open what answers pictures: without its last layer, where what it sees is looked at."""
        return self.feature_session() if self._by_features else self.session()

    def feature_session(self) -> Session:
        """Open the part of the network that makes `features`."""
        return self.session(self._feature_layers())

    @property
    def taught_features(self) -> bool:
        """Whether the pictures it was fitted on taught the layers that make `features`."""
        updated = self.plan.layers[self.plan.fixed : self._feature_layers()]
        return any(one.parameters for one in updated)

    @property
    def ends_dense(self) -> bool:
        """Whether there is a dense layer at the end, before which features can be taken."""
        return isinstance(self.plan.layers[-1].layer, Dense)

    def _feature_layers(self) -> int:
        if self.autoencodes:
            check_half(self, "encoder")
            return self.plan.encoder_layers
        if not self.ends_dense:
            raise UsageError(
                "features",
                needed="a network that ends with a dense layer",
                came=self.plan.text,
                remedy="train a network with a dense layer at its end",
            )
        return len(self.plan.layers) - 1

    def encode(self, X: Any, *, sample: int | None = None) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Encode pictures, (n, code size); NaN where a file cannot be read.

        Parameters
        ----------
        X : path, sequence of paths, or array
            As in `fit`.
        sample : int, optional
            Seed by which a variational autoencoder draws codes; their means where left out.
        """
        return encoded(self, gather(X), sample)

    def decode(self, codes: Any) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Decode codes (n, code size) to pictures (n, h, w, c), black = 0, white = 1.

        Raises
        ------
        DataError
            For codes of another length, and for NaN.
        """
        return decoded(self, codes)

    def comparing(self, X: Any) -> Iterator[Reconstructions]:
        """Return pictures beside their reconstructions, batch by batch, in order."""
        return compared(self, gather(X))

    def logits(
        self, images: Array, by: Scaling | None = None
    ) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Compute logits (n, classes) of pictures (n, h, w, c) that are prepared already.

        Their values are in the range of the arrays that were fitted, unless `by` says otherwise.
        """
        return self.session().prepared(images, by or of_values(self.recipe)).astype(np.float64)

    def logits_of(self, features: RowsOfFeatures, rows: Rows) -> np.ndarray[Any, Any]:
        """Compute logits (n, classes) from what the fixed layers made of pictures."""
        return self._after.through(features, rows, len(self.plan.layers))

    def session(self, layers: int | None = None) -> Session:
        """Open the network, or its first layers, to be asked: once, and for all threads.

        Parameters
        ----------
        layers : int, optional
            Layers up to and including the last one that is run; all of them where left out.
        """
        end = len(self.plan.layers) if layers is None else layers
        with self._opening:
            if end not in self._sessions:
                self._sessions[end] = Session(self.first(end), self.recipe, self.device)
            return self._sessions[end]

    def close(self) -> None:
        """Take down what was opened to answer, in this thread; it is opened anew where needed."""
        with self._opening:
            for session in self._sessions.values():
                session.close()

    def first(self, layers: int) -> FrozenNetwork:
        """Return the first layers as a network of their own; the modules are shared."""
        front = part(self.network, self.plan, 0, layers)
        origin = self.provenance.backbone
        name = OWN if origin is None or origin.source == "model" else origin.name
        kept = tuple(one.layer for one in self.plan.layers[:layers])
        plan = plan_network(Network(kept, self.plan.input))
        return FrozenNetwork.of(name, plan, front.eval())

    def answering(self) -> Labelled:
        """Return the target of a model that answers what pictures are.

        Raises
        ------
        UsageError
            For an autoencoder.
        """
        if isinstance(self.target, Labelled):
            return self.target
        raise UsageError(
            "the model",
            needed="a classifier",
            came="an autoencoder, which knows no classes",
            remedy="use encode, decode or anomalies; or reuse its encoder as the `backbone` "
            "of transfer learning",
        )

    # File --------------------------------------------------------------------------------

    def save(self, path: str | Path) -> str:
        """Write the model as one .safetensors file, whole or not at all.

        Returns
        -------
        str
            SHA-256 of the content.

        Raises
        ------
        UsageError
            For half a model, and for weights that are no finite numbers.
        """
        return tensor_files.write_tensors(checked_path(path), *self._checked())

    def digest(self) -> str:
        """Hash the model as `save` would."""
        if self.kept_digest:
            return self.kept_digest
        return tensor_files.packed(*self._content())[1]

    def packed(self) -> bytes:
        """Return the bytes that `save` would write."""
        return tensor_files.packed(*self._checked())[0]

    def _checked(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """Return what a file holds, where it could be loaded again."""
        check_whole(self)
        tensors, facts = self._content()
        check_finite(tensors)
        return tensors, facts

    def _content(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        kept = (self.normal, self.held_out, self.familiar)
        tensors = tensors_of(self.network, self.snapshots, self.trained_on, self.chosen_on, kept)
        facts = card_of(self.plan, self.recipe, self.target, self.temperature, self.provenance)
        return tensors, facts


def _told(predictions: Predictions) -> Predictions:
    """Warn of pictures that cannot be read, where an answer does not hold the reasons."""
    warn_unreadable(predictions.names, predictions.reasons)
    return predictions


def fitted_of(model: Any) -> FittedModel:
    """Return a model, or that of a learner that was fitted.

    Raises
    ------
    UsageError
        For anything else.
    """
    found = getattr(model, "model_", model)
    if isinstance(found, FittedModel):
        return found
    raise UsageError(
        "model",
        needed="a fitted model, or a learner that was fitted",
        came=f"{type(model).__name__}",
        remedy="give what `foveal.load` returns, or fit the learner first",
    )


def placed(network: nn.Sequential, device: Device) -> nn.Sequential:
    """Bring a network to its device and memory format, in evaluation mode."""
    moved = network.to(device=device.name, dtype=device.dtype, memory_format=device.memory_format)  # type: ignore[call-overload]
    found: nn.Sequential = moved.eval()
    return found
