"""TransferClassifier and TransferRegressor: keep kernels that are trained, train what remains."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from foveal import randomness
from foveal.backbones.catalog import DEFAULT, Stage
from foveal.bulk.source import PartFeatures
from foveal.estimators.inputs import coerce, opened
from foveal.estimators.learner import Answering, Classifier, Regressor, without
from foveal.learning.context import FitContext
from foveal.learning.cuts import choose_cut
from foveal.learning.data import TrainingData
from foveal.learning.earlier import Earlier
from foveal.learning.from_parts import from_parts
from foveal.learning.opening import AsFeatures, Opening
from foveal.learning.option_groups import pick
from foveal.learning.options import Descent, Labels
from foveal.learning.preparing import prepare
from foveal.learning.transfer import Transfer
from foveal.learning.transfer_config import TransferConfig
from foveal.learning.transfer_options import (
    TRANSFER,
    TRANSFER_OF_NUMBERS,
    BackboneOptions,
    TransferShares,
    Views,
)
from foveal.model.fitted import FittedModel
from foveal.pictures.collection import Pictures
from foveal.pictures.survey import look_over, recipe_for
from foveal.recipe import Resize
from foveal.targets.labelled import Labelled
from foveal.training import config as configs
from foveal.training.run import Run
from foveal.vocabulary import Level, Precision


class FromBackbone(Answering):
    """A learner that reuses the kernels of a trained network."""

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
        """Fit a head on the features of pictures, and fine-tune where that is asked for.

        Parameters
        ----------
        X, y, groups, sample_weight, run
            As in `CNNClassifier.fit`. X may be a folder of parts too, in which features of pictures
            by the backbone lie, as ``foveal encode imagenet PICTURES --to parts/`` leaves them:
            these are read part by part, and no picture goes through the network.

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
            config = self._config(self._target(X, y))
            pictures = coerce(
                self, X, y, groups=groups, sample_weight=sample_weight, target=config.target
            )
            transfer, data = self._opened(pictures, config, context)
            model = transfer.fit(data)
        return self._learned(model, context)

    def _opened(
        self, pictures: Pictures, config: TransferConfig, context: FitContext
    ) -> tuple[Transfer, TrainingData[Labelled]]:
        """Open the backbone, choose its cut, and take the features of pictures there."""
        features = pictures.features
        self.cuts_: dict[str, float] = {}
        opening: Opening
        if isinstance(features, PartFeatures):
            transfer, opening, pictures = from_parts(pictures, features, config, context)
        else:
            survey = look_over(pictures)
            backbone = config.backbone(survey.aspect)
            recipe = recipe_for(survey, backbone.recipe)

            def cut_at(stage: Stage) -> Transfer:
                return Transfer(backbone, stage, config, context)

            cut, self.cuts_ = choose_cut(
                config, backbone, recipe, pictures, context, lambda stage: cut_at(stage).suits
            )
            transfer = cut_at(cut)
            opening = AsFeatures(transfer.extraction(recipe), context)
        data = prepare(
            pictures,
            opening,
            config.target,
            config.held_out,
            context,
            config.earlier,
            suits=transfer.suits,
        )
        return transfer, data

    def _prepared(self, pictures: Pictures, context: FitContext) -> TrainingData[Labelled]:
        config = self._config(self._target(pictures, None))
        return self._opened(pictures, config, context)[1]

    def _config(self, target: Labelled) -> TransferConfig:
        return TransferConfig(
            start=pick(BackboneOptions, self),
            earlier=Earlier.opened(self.earlier, target, weights=False),
            descent=pick(Descent, self),
            target=target,
            views=pick(Views, self),
            shares=pick(TransferShares, self),
        )


class TransferClassifier(Classifier, FromBackbone):
    """A classifier that reuses the kernels of a trained network.

    Every picture goes through the frozen part of the backbone once; what comes out is kept on
    disk, and a head is fitted on it (Donahue et al., arXiv:1310.1531).

    Parameters
    ----------
    backbone : str, path or FittedModel, default "efficientnet_lite0"
        ``efficientnet_lite0``, pretrained on ImageNet and installed with Foveal; another name
        that ``foveal backbones`` lists; an architecture of timm, with `weights` or `download`;
        or a network of one's own, as a model file or a fitted model.
    earlier : path or FittedModel, optional
        A transfer to go on from, with more pictures or further classes: backbone, cut and size of
        pictures are its own, so that features that are kept serve again; the head is fitted anew.
        Pictures that it had held out stay so, and of new ones a share is held out too.
    cut : str, optional
        The stage after which the backbone is cut; what comes before is fixed. By default the
        end of its convolutional part, or with `fine_tune_epochs` about two thirds of the way.
        "auto" tries the stages on held-out pictures, as they are and with a logistic head.
    head : str, optional
        "logistic", where it is left out, for a logistic regression on standardised features; else
        layers in the notation, trained by gradient descent, as in "dense 256 relu | dropout 0.3".
    C : float, optional
        Inverse of the penalty of the logistic regression; chosen by 5-fold cross-validation
        (log loss) where left out.
    fine_tune_epochs : float, default 0
        Epochs in which the layers above the cut are trained too, after the head.
    fine_tune_rate : float, optional
        Highest learning rate of that; lower layers get less.
    views : int, default 1
        How often each picture goes through: as it is, and varied as `augmentation` says.
    weights : path, optional
        File with the weights of a timm architecture (safetensors).
    download : bool
        Whether its weights may be fetched from its hub; nothing is ever fetched otherwise.
    engine : {"openvino", "onnxruntime", "torch"} or "ray", optional
        What runs the frozen part; the fastest for the network where left out. "ray", or
        "ray://HOST:PORT" for a cluster: actors of Ray compute the features, and keep them where all
        of its machines see them (``FOVEAL_CACHE``).
    float16 : bool
        Whether features are kept in half precision, at half the disk.
    epochs, seconds, batch_size, optimizer, learning_rate, momentum, weight_decay, schedule, \
label_smoothing, ema, clip_norm, patience
        Training of a head of layers, as in `CNNClassifier`.
    class_weight : dict, "balanced" or None
        Weight of each class in the loss.
    separator : {"auto", ";", "|", ","}, optional
        What stands between several labels of a picture, where each is a text as in "red;round";
        "auto" for the first of these that occurs. Where left out, labels of lists, of sets or of
        columns of 0 and 1 are several; all others are classes.
    augmentation : {"none", "light"}, optional
        Variations of the further views: light shifts (and mirrors) them.
    flip : bool, optional
        Whether further views are mirrored; as `CNNClassifier` where left out.
    size : int or (height, width), optional
        Size pictures are brought to. Where left out, the backbone's own; EfficientNet-Lite,
        which takes any, gets whole pictures at the scale of ImageNet's evaluation, in a frame
        by their median aspect: 256x320 for photographs of 375x500.
    resize : {"stretch", "letterbox", "crop"}, optional
        How; the backbone's own where left out. "crop" loses the border of pictures.
    validation_share : float, 0 to 1, optional
        Share held out for validation, where no folder names it. By default none for a
        logistic head, which is judged by cross-validation, and 0.2 for what is trained by
        gradient descent. Where there are such pictures, a logistic head is judged on them, and
        then fitted on them too.
    test_share : float, 0 to 1
        Share held out and never touched; only where no folder names a test part.
    precision, device, threads, random_state, verbose
        As in `CNNClassifier`.

    Attributes
    ----------
    classes_ : array, (classes,)
        The labels.
    model_ : FittedModel
        Backbone, head and recipe in one; `save` writes it.
    plan_ : Plan
        The network, layer by layer; ``plan_.fixed`` layers are fixed.
    history_ : list of dict
        One entry an epoch of gradient descent.
    cuts_ : dict
        With ``cut="auto"`` the held-out log loss at each stage that was tried.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from foveal import CNNClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> low, high = y < 5, y >= 5
    >>> backbone = CNNClassifier(epochs=3, random_state=0).fit(X[low], y[low]).model_
    >>> learner = TransferClassifier(backbone, random_state=0).fit(X[high][:100], y[high][:100])
    >>> learner.score(X[high][100:], y[high][100:]) > 0.8
    True
    """

    groups = TRANSFER

    def __init__(
        self,
        backbone: str | Path | FittedModel = DEFAULT,
        *,
        earlier: str | Path | FittedModel | None = None,
        cut: str | None = None,
        head: str | None = None,
        C: float | None = None,
        fine_tune_epochs: float = 0.0,
        fine_tune_rate: float | None = None,
        views: int = 1,
        weights: str | Path | None = None,
        download: bool = False,
        engine: str | None = None,
        float16: bool = False,
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
        resize: Resize | None = None,
        validation_share: float | None = None,
        test_share: float = 0.0,
        precision: Precision = "float32",
        device: str = "auto",
        threads: int | None = None,
        random_state: randomness.RandomState = None,
        verbose: bool = False,
    ) -> None:
        self.backbone = backbone
        self.earlier = earlier
        self.cut = cut
        self.head = head
        self.C = C
        self.fine_tune_epochs = fine_tune_epochs
        self.fine_tune_rate = fine_tune_rate
        self.views = views
        self.weights = weights
        self.download = download
        self.engine = engine
        self.float16 = float16
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
        self.resize = resize
        self.validation_share = validation_share
        self.test_share = test_share
        self.precision = precision
        self.device = device
        self.threads = threads
        self.random_state = random_state
        self.verbose = verbose


class TransferRegressor(Regressor, FromBackbone):
    """A learner of numbers, such as an age or a dose, that reuses the kernels of a trained network.

    Every picture goes through the frozen part of the backbone once, and a ridge regression is
    fitted on what comes out; each answer comes with an interval that holds nine numbers in ten. See
    `foveal.targets.numbers`.

    Parameters
    ----------
    head : str, optional
        "ridge", where it is left out, for a ridge regression on standardised features; else layers
        in the notation, trained by gradient descent with a loss that outliers sway little.
    C : float, optional
        Inverse of the penalty of the ridge regression; chosen by 5-fold cross-validation (squared
        error) where left out.
    backbone, earlier, cut, fine_tune_epochs, fine_tune_rate, views, weights, download, engine, \
float16, epochs, seconds, batch_size, optimizer, learning_rate, momentum, weight_decay, \
schedule, ema, clip_norm, patience, augmentation, flip, size, resize, validation_share, \
test_share, device, threads, precision, random_state, verbose
        As in `TransferClassifier`.

    Attributes
    ----------
    model_, plan_, history_, cuts_
        As in `TransferClassifier`.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from foveal import CNNClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> backbone = CNNClassifier(epochs=3, random_state=0).fit(X, y).model_
    >>> ink = X.mean(axis=1)
    >>> learner = TransferRegressor(backbone, random_state=0).fit(X[:1000], ink[:1000])
    >>> learner.score(X[1000:], ink[1000:]) > 0.8
    True
    """

    groups = TRANSFER_OF_NUMBERS
    __init__ = without(TransferClassifier.__init__, Labels)


LEARNERS: dict[str, type[FromBackbone]] = {
    "classes": TransferClassifier,
    "labels": TransferClassifier,
    "numbers": TransferRegressor,
}
"""Learners by what labels say, in the words of `foveal.vocabulary.TARGETS`."""
