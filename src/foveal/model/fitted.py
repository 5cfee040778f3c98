"""FittedModel: a trained model, and all that it can be asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import nn

from foveal.arrays import Array, Doubles, Rows
from foveal.device import Device, ThreadLock
from foveal.errors import UsageError
from foveal.inference.frozen import OWN, FrozenNetwork
from foveal.inference.session import Session
from foveal.model.after_pass import AfterPass, Appearance
from foveal.model.codec import Reconstructions, check_half, compared, decoded, encoded
from foveal.model.passes import activations_of, inputs_of
from foveal.model.predictions import Predictions
from foveal.model.refusing import Refusal, refusal
from foveal.model.trained import TrainedModel
from foveal.nets.build import part
from foveal.nets.plan import plan_network
from foveal.nets.spec import Dropout, Network
from foveal.pictures.batches import RowsOfFeatures
from foveal.pictures.collection import Pictures
from foveal.pictures.ledger import warn_unreadable
from foveal.pictures.scaling import Scaling, of_values
from foveal.pictures.sources import gather


@dataclass(eq=False, repr=False, slots=True, kw_only=True)
class FittedModel(TrainedModel):
    """A trained network with its recipe, classes and provenance; see `TrainedModel`.

    Everything but training works on this: prediction, evaluation, looking, export.
    """

    _sessions: dict[int, Session] = field(default_factory=dict, init=False)
    """What was opened so far, by the number of layers."""
    _head: nn.Sequential | None = field(default=None, init=False)
    """The last layer, once it was asked for."""
    _opening: ThreadLock = field(default_factory=ThreadLock, init=False)

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
                labelled_by=self.provenance.labelled_by or (),
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
        count = len(self.plan.layers) - 1
        while isinstance(self.plan.layers[count - 1].layer, Dropout):
            count -= 1  # which leaves features as they are
        return count

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
