"""CNNClassifier: from pictures to a trained convolutional network."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from foveal import device as devices
from foveal import parameters, randomness
from foveal.device import Device
from foveal.estimators.inputs import coerce, predicted_score
from foveal.learning.classification import (
    SHARED_RULES,
    ClassifierTask,
    check_trainable,
    class_weights,
)
from foveal.learning.data import TrainingData, Wishes, as_pixels, prepare
from foveal.learning.descent import configured, finished, refuse_both, sides_of
from foveal.model.fitted import placed
from foveal.nets import plan as planning
from foveal.nets.build import build
from foveal.nets.plan import Plan
from foveal.nets.spec import Network
from foveal.parameters import Choice, Either, Kind, Real, Rule, Whole, optional
from foveal.pictures.augment import Augmentation, Level
from foveal.progress.events import Planned
from foveal.progress.lines import print_plainly
from foveal.recipe import RESIZES
from foveal.training import config as configs
from foveal.training.config import TrainingConfig
from foveal.training.loop import start, train
from foveal.training.run import Run

RULES: dict[str, Rule] = {
    "net": Kind((str, Network, Plan), "a network in the notation or the name of a stock net"),
    **SHARED_RULES,
    "channels": optional(Either((Whole(1),))),
    "resize": Choice(RESIZES),
    "validation_share": Real(0, 1, below=True),
}
"""What each parameter may be."""


class CNNClassifier(ClassifierMixin, BaseEstimator):
    """A convolutional network that learns its kernels from labelled pictures.

    Parameters
    ----------
    net : str or Network, default "fast"
        A network in the notation, or a stock net: fast, lenet5, tinyvgg, resnet. The size of
        the input and of the last dense layer may be left out.
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

    def __init__(
        self,
        net: str | Network | Plan = "fast",
        *,
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
        augmentation: Level | None = None,
        flip: bool | None = None,
        size: int | tuple[int, int] | None = None,
        channels: int | None = None,
        resize: str = "stretch",
        validation_share: float = 0.2,
        test_share: float = 0.0,
        device: str = "auto",
        threads: int | None = None,
        random_state: randomness.RandomState = None,
        verbose: bool = False,
    ) -> None:
        self.net = net
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
        self.augmentation = augmentation
        self.flip = flip
        self.size = size
        self.channels = channels
        self.resize = resize
        self.validation_share = validation_share
        self.test_share = test_share
        self.device = device
        self.threads = threads
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None, *, run: Run | None = None) -> CNNClassifier:
        """Train the network.

        Parameters
        ----------
        X : path, sequence of paths, or array
            A folder of class folders (train/, val/, test/ inside are honoured), a list of
            files, an array (n, h, w), (n, h, w, c) or (n, pixels), an .npz file, a folder of
            IDX files.
        y : sequence of labels, optional
            The class of each picture, where X does not say it.
        run : Run, optional
            Where the run keeps events and checkpoints, and whom it tells of its progress.

        Raises
        ------
        UsageError, DataError, ResourceError, DivergedError, Interrupted
            See `foveal.errors`.
        """
        began = time.perf_counter()
        run = run or Run(listeners=[print_plainly] * self.verbose)
        self._check()
        seed = run.decide("seed", lambda: randomness.seed_from(self.random_state))
        device = devices.choose(self.device, self.threads)
        with device.at_work():
            pictures = coerce(self, X, y)
            data = prepare(
                pictures,
                as_pixels(self._wishes(), device.threads),
                run,
                validation_share=self.validation_share,
                test_share=self.test_share,
                seed=seed,
            )
            plan = self._plan(data)
            network = placed(build(plan, seed=randomness.derive(seed, "weights")), device)
            task = self._task(data, seed, device)
            config = configured(
                self,
                task,
                network,
                run,
                began,
                usual_epochs=configs.epochs_for(len(data.split.train), task.batch_size),
                label_smoothing=self.label_smoothing,
            )
            run.tell(_planned(plan, config, task))
            state = start(network, config)
            run.restore(state)
            run.watch(train(state, task.batches, task.loss_of, task.judge, config, device), state)
            self.model_ = task.frozen(plan, config, state)
        run.tell(finished(state))
        self.classes_, self.plan_, self.history_ = data.classes, plan, run.epochs
        return self

    def predict(self, X: Any) -> np.ndarray[Any, np.dtype[Any]]:
        """Predict the class of each picture; None, in its place, for files that cannot be read."""
        check_is_fitted(self)
        return self.model_.predict(coerce(self, X, fitting=False))

    def predict_proba(self, X: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Predict calibrated probabilities, (n, classes); NaN for files that cannot be read."""
        check_is_fitted(self)
        return self.model_.predict_proba(coerce(self, X, fitting=False))

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return the accuracy on pictures; `y` may be left out where X says the classes."""
        check_is_fitted(self)
        if y is not None:
            return float(super().score(X, y, sample_weight))
        return predicted_score(self, X)

    def save(self, path: str) -> CNNClassifier:
        """Write the fitted model to one .safetensors file; `foveal.load` reads it."""
        check_is_fitted(self)
        self.model_.save(path)
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = self.random_state is None
        return tags

    def _check(self) -> None:
        parameters.check(self.get_params(deep=False), RULES)
        refuse_both(self.epochs, self.seconds)

    def _wishes(self) -> Wishes:
        return Wishes(
            size=sides_of(self.size),
            channels=self.channels,
            resize=self.resize,  # type: ignore[arg-type]
        )

    def _task(self, data: TrainingData, seed: int, device: Device) -> ClassifierTask:
        count = len(data.split.train)
        colour = data.recipe.channels == 3 and self.augmentation != "none"
        augmentation = Augmentation(
            level=self.augmentation or configs.augmentation_for(count),
            flip=colour if self.flip is None else self.flip,
        )
        return ClassifierTask(
            data=data,
            device=device,
            batch_size=min(self.batch_size or configs.batch_size_for(count), count),
            augmentation=augmentation,
            class_weights=class_weights(self.class_weight, data),
            label_smoothing=self.label_smoothing,
            seed=seed,
        )

    def _plan(self, data: TrainingData) -> Plan:
        net = self.net.network if isinstance(self.net, Plan) else self.net
        plan = planning.plan(net, input=data.recipe.shape, classes=len(data.classes))
        count = len(data.split.train)
        check_trainable(plan, min(self.batch_size or configs.batch_size_for(count), count), count)
        return plan


def _planned(plan: Plan, config: TrainingConfig, task: ClassifierTask) -> Planned:
    notes: list[str] = []
    varied = task.augmentation
    if not varied.flip and varied.level != "none":
        notes.append("pictures are not mirrored: grey ones may be characters (`flip` allows it)")
    return Planned(
        network=plan.text,
        parameters=plan.parameters,
        multiply_adds=plan.multiply_adds,
        table=str(plan),
        config=config.to_dict(),
        augmentation=varied.level,
        flip=varied.flip,
        epochs=config.steps / len(task.batches),
        notes=tuple(notes),
    )
