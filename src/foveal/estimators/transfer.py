"""TransferClassifier: keep the kernels of a trained network, train only what remains."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from foveal import device as devices
from foveal import parameters, randomness
from foveal.backbones.catalog import DEFAULT, Backbone, of_model, open_backbone
from foveal.engines.choose import NEEDS
from foveal.errors import UsageError
from foveal.estimators.inputs import coerce, predicted_score
from foveal.inference.features import Extraction
from foveal.inference.session import Session
from foveal.learning.classification import SHARED_RULES
from foveal.learning.cuts import AUTO, LOGISTIC, choose_cut, held_out_share
from foveal.learning.data import as_features, prepare
from foveal.learning.descent import MOST_EPOCHS, refuse_both, sides_of
from foveal.learning.transfer import Transfer, variations
from foveal.model.codec import check_half
from foveal.model.fitted import FittedModel
from foveal.model.loading import load
from foveal.nets.build import part
from foveal.nets.plan import plan_network
from foveal.nets.spec import Network, Sample
from foveal.parameters import FLAG, Choice, Kind, Real, Rule, Whole, optional
from foveal.pictures.augment import Level
from foveal.pictures.survey import Survey, look_over, recipe_for
from foveal.progress.lines import print_plainly
from foveal.recipe import RESIZES
from foveal.training import config as configs
from foveal.training.run import Run

TEXT = Kind((str,), "a text")
PATH = Kind((str, Path), "a path")

VIEW_LEVELS: tuple[Level, ...] = ("none", "light")
"""Variations of further views: whole pixels are moved, nothing more."""

RULES: dict[str, Rule] = {
    "backbone": Kind((str, Path, FittedModel), "a name, a model file or a fitted model"),
    "cut": optional(TEXT),
    "head": TEXT,
    "strength": optional(Real(0, above=True)),
    "fine_tune": Real(0, MOST_EPOCHS),
    "fine_tune_rate": optional(Real(0, above=True)),
    "views": Whole(1),
    "weights": optional(PATH),
    "download": FLAG,
    "engine": optional(Choice(tuple(NEEDS))),
    "half": FLAG,
    **SHARED_RULES,
    "augmentation": optional(Choice(VIEW_LEVELS)),
    "resize": optional(Choice(RESIZES)),
    "validation_share": optional(Real(0, 1, below=True)),
}
"""What each parameter may be."""


class TransferClassifier(ClassifierMixin, BaseEstimator):
    """A classifier that reuses the kernels of a trained network.

    Every picture goes through the frozen part of the backbone once; what comes out is kept on
    disk, and a head is fitted on it (Donahue et al., arXiv:1310.1531).

    Parameters
    ----------
    backbone : str, path or FittedModel, default "efficientnet_lite0"
        ``efficientnet_lite0``, pretrained on ImageNet and installed with Foveal; another name
        that ``foveal backbones`` lists; an architecture of timm, with `weights` or `download`;
        or a network of one's own, as a model file or a fitted model.
    cut : str, optional
        The stage after which the backbone is cut; what comes before is fixed. By default the
        end of its convolutional part, or with `fine_tune` about two thirds of the way.
        "auto" tries the stages on held-out pictures, as they are and with a logistic head.
    head : str, default "logistic"
        "logistic" for a logistic regression on standardised features; else layers in the
        notation, trained by gradient descent, as in "dense 256 relu | dropout 0.3".
    strength : float, optional
        Inverse of the penalty of the logistic regression; chosen by 5-fold cross-validation
        (log loss) where left out.
    fine_tune : float, default 0
        Epochs in which the layers above the cut are trained too, after the head.
    fine_tune_rate : float, optional
        Highest learning rate of that; lower layers get less.
    views : int, default 1
        How often each picture goes through: as it is, and varied as `augmentation` says.
    weights : path, optional
        File with the weights of a timm architecture (safetensors).
    download : bool
        Whether its weights may be fetched from its hub; nothing is ever fetched otherwise.
    engine : {"openvino", "onnxruntime", "torch"}, optional
        What runs the frozen part; the fastest for the network where left out.
    half : bool
        Whether features are kept in half precision, at half the disk.
    epochs, seconds, batch_size, optimizer, learning_rate, momentum, weight_decay, schedule, \
label_smoothing, ema, clip_norm, patience
        Training of a head of layers, as in `CNNClassifier`.
    class_weight : dict, "balanced" or None
        Weight of each class in the loss.
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
    device, threads, random_state, verbose
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

    def __init__(
        self,
        backbone: str | Path | FittedModel = DEFAULT,
        *,
        cut: str | None = None,
        head: str = LOGISTIC,
        strength: float | None = None,
        fine_tune: float = 0.0,
        fine_tune_rate: float | None = None,
        views: int = 1,
        weights: str | Path | None = None,
        download: bool = False,
        engine: str | None = None,
        half: bool = False,
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
        resize: str | None = None,
        validation_share: float | None = None,
        test_share: float = 0.0,
        device: str = "auto",
        threads: int | None = None,
        random_state: randomness.RandomState = None,
        verbose: bool = False,
    ) -> None:
        self.backbone = backbone
        self.cut = cut
        self.head = head
        self.strength = strength
        self.fine_tune = fine_tune
        self.fine_tune_rate = fine_tune_rate
        self.views = views
        self.weights = weights
        self.download = download
        self.engine = engine
        self.half = half
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
        self.resize = resize
        self.validation_share = validation_share
        self.test_share = test_share
        self.device = device
        self.threads = threads
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None, *, run: Run | None = None) -> TransferClassifier:
        """Fit a head on the features of pictures, and fine-tune where that is asked for.

        Parameters
        ----------
        X, y, run
            As in `CNNClassifier.fit`.

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
            survey = look_over(pictures)
            backbone = self._backbone(survey)
            recipe = recipe_for(survey, backbone.recipe)
            cut, self.cuts_ = choose_cut(self, backbone, recipe, pictures, run, seed, device)
            transfer = Transfer(backbone, cut, self, seed=seed, device=device)
            data = prepare(
                pictures,
                as_features(self._extraction(transfer, recipe, device)),
                run,
                validation_share=held_out_share(self),
                test_share=self.test_share,
                seed=seed,
            )
            self.model_ = transfer.fit(data, run, began)
        self.classes_, self.plan_, self.history_ = data.classes, self.model_.plan, run.epochs
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

    def save(self, path: str) -> TransferClassifier:
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
        if self.cut == AUTO and self.fine_tune:
            raise UsageError(
                "cut='auto' and fine_tune",
                needed="one of them at a time",
                came="both",
                remedy="let 'auto' find a cut first, or name the cut to fine-tune from",
            )
        if self.strength is not None and self.head != LOGISTIC:
            raise UsageError(
                "strength",
                needed="a logistic head, whose penalty it is",
                came=f"head {self.head!r}",
                remedy="leave strength out; layers have weight_decay",
            )

    def _backbone(self, survey: Survey) -> Backbone:
        return opened(
            self.backbone,
            size=sides_of(self.size),
            aspect=survey.aspect,
            resize=self.resize,
            weights=self.weights,
            download=self.download,
        )

    def _extraction(self, transfer: Transfer, recipe: Any, device: devices.Device) -> Extraction:
        return Extraction(
            session=Session(transfer.cut, recipe, device, engine=self.engine),
            half=self.half,
            views=self.views,
            augmentation=variations(self, recipe),
        )


def opened(
    backbone: str | Path | FittedModel,
    *,
    size: tuple[int, int] | None = None,
    aspect: float | None = None,
    resize: str | None = None,
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
            resize=resize,  # type: ignore[arg-type]
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
    if plan.code:  # of an autoencoder what comes before the code is reused (docs/tried.md)
        check_half(model, "encoder")
        ahead = tuple(one.layer for one in plan.layers[: plan.code])
        end = plan.code - (2 if isinstance(ahead[-1], Sample) else 1)
        plan = plan_network(Network(ahead, plan.input))
        network = part(network, model.plan, 0, model.plan.code)
    return of_model(name, plan, network, model.recipe, sha256=model.digest(), end=end)
