"""CNNClassifier and CNNRegressor: from pictures to a trained convolutional network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from foveal import randomness
from foveal.estimators.inputs import coerce, opened
from foveal.estimators.learner import Answering, Classifier, Regressor, without
from foveal.learning.classification import (
    scratch_plan,
    scratch_task,
)
from foveal.learning.context import FitContext
from foveal.learning.data import TrainingData
from foveal.learning.descent import descend, finished
from foveal.learning.earlier import Earlier
from foveal.learning.opening import AsPixels
from foveal.learning.option_groups import pick
from foveal.learning.options import CNN, CNN_OF_NUMBERS, Descent, Labels, Pixels, Shares
from foveal.learning.preparing import prepare
from foveal.model.fitted import FittedModel
from foveal.nets.plan import Plan
from foveal.nets.spec import Network
from foveal.pictures.collection import Pictures
from foveal.recipe import Resize
from foveal.targets.labelled import Labelled
from foveal.targets.named import Named
from foveal.training import config as configs
from foveal.training.run import Run
from foveal.vocabulary import Level, Precision


class FromScratch(Answering):
    """A convolutional network that learns its kernels from labelled pictures."""

    net: str | Network | Plan
    earlier: str | Path | FittedModel | None

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        groups: Any = None,
        sample_weight: Any = None,
        run: Run | None = None,
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : path, sequence of paths, or array
            A folder of class folders (train/, val/, test/ inside are honoured), a list of
            files, an array (n, h, w), (n, h, w, c) or (n, pixels), an .npz file, a folder of
            IDX files.
        y : sequence of labels, or str, optional
            The class or number of each picture, where X does not say it; or the name of the
            column of a table that does. Several labels a picture are lists or sets of them, or
            columns of 0 and 1; see `foveal.pictures.label_sets`.
        groups : str, path or sequence, optional
            What belongs together, such as frames of one animal, and never stands in two parts:
            the group of each picture, "folder" for folders below the class folders, a regular
            expression for names, or a CSV file of path and group.
        sample_weight : sequence of float, optional
            What each training picture weighs in the loss; with 0 it is left out. Held-out pictures
            are judged alike.
        run : Run, optional
            Where the run keeps events and checkpoints, and whom it tells of its progress.

        Raises
        ------
        UsageError, DataError, ResourceError, DivergedError, Interrupted
            See `foveal.errors`.
        KeyboardInterrupt
            Where it is interrupted. Once a step was taken, all attributes are set before: the
            learner is fitted with the best weights so far. Before that, nothing is changed.
        """
        context = self._begin(run)
        with context.device.at_work():
            X, y = opened(X, y)
            target = self._target(X, y)
            pictures = coerce(self, X, y, groups=groups, sample_weight=sample_weight, target=target)
            earlier = Earlier.opened(self.earlier, target, weights=True)
            data = self._prepared(pictures, context, earlier)
            model = self._trained(data, context, earlier)
        return self._learned(model, context)

    def fit_prepared(self, data: TrainingData[Labelled], *, run: Run | None = None) -> Self:
        """Train the network on pictures that `prepared` gave, and prepare nothing.

        Parameters
        ----------
        data : TrainingData
            Decides size and scaling of the pictures, which of them teach, and what classes weigh;
            all else is as this learner has it.
        run : Run, optional
            As in `fit`.

        Raises
        ------
        UsageError, DivergedError, Interrupted, KeyboardInterrupt
            As in `fit`.
        """
        context = self._begin(run)
        if isinstance(data.target, Named):
            data = replace(data, target=data.target.smoothed(pick(Labels, self).label_smoothing))
        with context.device.at_work():
            model = self._trained(data, context)
        return self._learned(model, context)

    def _trained(
        self, data: TrainingData[Labelled], context: FitContext, earlier: Earlier | None = None
    ) -> FittedModel:
        descent = pick(Descent, self)
        plan = scratch_plan(self.net, data.target, data.recipe, earlier)
        task = scratch_task(data, descent, pick(Pixels, self), context, earlier)
        trained = descend(task, plan, descent, context)
        model = task.frozen(plan, trained)
        known = model.provenance
        remedies = ("give larger ones (`size`)", "or train for more `epochs`")
        doubts = data.target.doubts(known.held_out_figures, known.class_counts, remedies)
        context.run.tell(finished(trained.state, doubts))
        return model

    def _prepared(
        self, pictures: Pictures, context: FitContext, earlier: Earlier | None = None
    ) -> TrainingData[Labelled]:
        return prepare(
            pictures,
            AsPixels(pick(Pixels, self), context, earlier),
            self._target(pictures, None),
            pick(Shares, self),
            context,
            earlier,
            suits=lambda target, recipe: scratch_plan(self.net, target, recipe, earlier),
        )


class CNNClassifier(Classifier, FromScratch):
    """A convolutional network that learns its kernels from labelled pictures.

    Parameters
    ----------
    net : str or Network, default "fast"
        A network in the notation, or a stock net: fast, lenet5, tinyvgg, resnet. The size of
        the input and of the last dense layer may be left out.
    earlier : path or FittedModel, optional
        A model to go on from, with more pictures or further classes: its network, its weights and
        its way of preparing pictures, which the other parameters may leave out. Pictures that it
        had held out stay so; those that taught it are never held out. It goes on at 0.3 times the
        usual learning rate, where none is given.
    epochs : float, optional
        Times each training picture is seen; derived from their number where left out.
    seconds : float, optional
        Budget of training time instead of epochs, turned once into a number of steps.
    batch_size : int, optional
        Pictures a step; derived from their number where left out.
    optimizer : {"sgd", "adamw"}
        SGD with Nesterov momentum, or AdamW.
    learning_rate : float, optional
        Highest learning rate; by `foveal.training.config.learning_rate_for` where left out:
        0.2 * batch / 128 for SGD, 0.004 * sqrt(batch / 128) for AdamW, half of it for
        networks without batch normalisation.
    momentum : float, 0 to 1
        Momentum of SGD, first beta of AdamW.
    weight_decay : float, optional
        Decay of kernels and dense weights; by optimizer where left out.
    schedule : {"one-cycle", "cosine", "constant"}
        Course of the learning rate.
    label_smoothing : float, 0 to 1
        Share of each label spread over all classes.
    ema : float, 0 to 1
        Decay of a moving average of the weights, which is then the one judged and kept;
        0 for none.
    clip_norm : float, optional
        Largest norm of the gradient, 0 for any; where left out, 1 for networks without batch
        normalisation and any for others.
    patience : int, optional
        Epochs without a better validation score after which training ends.
    class_weight : dict, "balanced" or None
        Weight of each class in the loss.
    separator : {"auto", ";", "|", ","}, optional
        What stands between several labels of a picture, where each is a text as in "red;round";
        "auto" for the first of these that occurs. Where left out, labels of lists, of sets or of
        columns of 0 and 1 are several; all others are classes.
    augmentation : {"none", "light", "strong"}, optional
        Random variations of the training pictures: light shifts them, strong also turns,
        zooms and recolours. Light below 20,000 training pictures and none above where left out.
    flip : bool, optional
        Whether half of the pictures are mirrored; where left out colour pictures are, unless
        `augmentation` is "none", and grey ones, which may be characters, are not.
    size : int or (height, width), optional
        Size files are brought to; the median size, at most 64 pixels, where left out.
    channels : {1, 3}, optional
        Grey or colour; as the majority of the files where left out.
    resize : {"stretch", "letterbox", "crop"}
        How files are brought to that size.
    validation_share : float, 0 to 1
        Share of the training pictures held out to choose the weights, 5,000 at most; only
        where no folder names them.
    test_share : float, 0 to 1
        Share held out and never touched; only where no folder names a test part.
    precision : {"float32", "bfloat16"}
        Number format of the products of a training step; weights, sums and losses are float32
        in any case. bfloat16 pays on a graphics processor with large pictures and batches.
    device : {"auto", "cpu", "cuda", "mps"}
        Where to compute.
    threads : int, optional
        Threads on the processor.
    random_state : int, RandomState or None
        Seed of weights, split, shuffling, variations and dropout.
    verbose : bool
        Whether progress is shown on stderr.

    Attributes
    ----------
    classes_ : array, (classes,)
        The labels.
    model_ : FittedModel
        Everything that was learned; `save` writes it.
    plan_ : Plan
        The network, layer by layer.
    history_ : list of dict
        One entry an epoch.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> digits = load_digits()
    >>> learner = CNNClassifier(epochs=4, random_state=0).fit(digits.images, digits.target)
    >>> learner.predict(digits.images[:3])
    array([0, 1, 2])
    """

    groups = CNN

    def __init__(
        self,
        net: str | Network | Plan = "fast",
        *,
        earlier: str | Path | FittedModel | None = None,
        epochs: float | None = None,
        seconds: float | None = None,
        batch_size: int | None = None,
        optimizer: configs.Optimizer = "sgd",
        learning_rate: float | None = None,
        momentum: float = 0.9,
        weight_decay: float | None = None,
        schedule: configs.Schedule = "one-cycle",
        label_smoothing: float = 0.05,
        ema: float = 0.0,
        clip_norm: float | None = None,
        patience: int | None = None,
        class_weight: dict[Any, float] | str | None = None,
        separator: str | None = None,
        augmentation: Level | None = None,
        flip: bool | None = None,
        size: int | tuple[int, int] | None = None,
        channels: int | None = None,
        resize: Resize = "stretch",
        validation_share: float = 0.2,
        test_share: float = 0.0,
        precision: Precision = "float32",
        device: str = "auto",
        threads: int | None = None,
        random_state: randomness.RandomState = None,
        verbose: bool = False,
    ) -> None:
        self.net = net
        self.earlier = earlier
        self.epochs = epochs
        self.seconds = seconds
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.schedule = schedule
        self.label_smoothing = label_smoothing
        self.ema = ema
        self.clip_norm = clip_norm
        self.patience = patience
        self.class_weight = class_weight
        self.separator = separator
        self.augmentation = augmentation
        self.flip = flip
        self.size = size
        self.channels = channels
        self.resize = resize
        self.validation_share = validation_share
        self.test_share = test_share
        self.precision = precision
        self.device = device
        self.threads = threads
        self.random_state = random_state
        self.verbose = verbose


class CNNRegressor(Regressor, FromScratch):
    """A convolutional network that learns a number from pictures, such as an age or a dose.

    The number is learned in spreads from the middle of those that taught, by a loss that outliers
    sway little; each answer comes with an interval that holds nine numbers in ten. See
    `foveal.targets.numbers`.

    Parameters
    ----------
    net, earlier, epochs, seconds, batch_size, optimizer, learning_rate, momentum, weight_decay, \
schedule, ema, clip_norm, patience, augmentation, flip, size, channels, resize, validation_share, \
test_share, precision, device, threads, random_state, verbose
        As in `CNNClassifier`. Mirroring and turning are wrong where they change the number, such
        as an angle: leave them out with ``flip=False`` and `augmentation`.

    Attributes
    ----------
    model_, plan_, history_
        As in `CNNClassifier`.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).integers(0, 256, (120, 8, 8), dtype=np.uint8)
    >>> X[:, :4] //= np.uint8(np.arange(120) % 7 + 1)[:, None, None]
    >>> learner = CNNRegressor(epochs=8, random_state=0).fit(X, X.mean(axis=(1, 2)))
    >>> learner.predict(X).shape, learner.predict_interval(X).shape
    ((120,), (120, 2))
    """

    groups = CNN_OF_NUMBERS
    __init__ = without(CNNClassifier.__init__, Labels)


LEARNERS: dict[str, type[FromScratch]] = {
    "classes": CNNClassifier,
    "labels": CNNClassifier,
    "numbers": CNNRegressor,
}
"""Learners by what labels say, in the words of `foveal.vocabulary.TARGETS`."""
