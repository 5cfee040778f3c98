"""Autoencoder: from pictures without labels to codes of a few numbers, and back."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from foveal import device as devices
from foveal import parameters, randomness
from foveal.device import Device
from foveal.errors import DataError, UsageError
from foveal.estimators.inputs import coerce
from foveal.learning.data import TrainingData, Wishes, as_pixels, prepare
from foveal.learning.descent import (
    TRAINING_RULES,
    check_batches,
    configured,
    finished,
    refuse_both,
    sides_of,
)
from foveal.learning.reconstruction import (
    LOSSES,
    NOISE_LEVELS,
    NOISES,
    AutoencoderTask,
    Loss,
    Noise,
    planned,
    reconstructed,
)
from foveal.model.fitted import placed
from foveal.nets.autoencoder import KINDS, Kind, autoencoder
from foveal.nets.build import build
from foveal.nets.plan import Plan
from foveal.nets.spec import ACTIVATIONS, Network
from foveal.parameters import FLAG, Choice, Either, Real, Rule, Whole, optional
from foveal.parameters import Kind as OfKind
from foveal.pictures.augment import Augmentation, Level
from foveal.pictures.collection import Pictures
from foveal.pictures.ranges import in_range
from foveal.progress.lines import print_plainly
from foveal.recipe import RESIZES
from foveal.shapes import volume
from foveal.training import config as configs
from foveal.training.loop import start, train
from foveal.training.run import Run

CODE_SIZE = 32
"""Numbers of a code, unless the pictures have fewer than twice as many values."""

NET = OfKind((str, Network, type(None)), "layers in the notation")
RULES: dict[str, Rule] = {
    **TRAINING_RULES,
    "kind": Choice(KINDS),
    "code_size": optional(Whole(1)),
    "encoder": NET,
    "decoder": NET,
    "activation": Choice(ACTIVATIONS),
    "loss": Choice(LOSSES),
    "noise": Choice(NOISES),
    "noise_level": optional(Real(0, 1)),
    "variational": FLAG,
    "beta": Real(0),
    "augmentation": Choice(("none", "light", "strong")),
    "channels": optional(Either((Whole(1),))),
    "resize": Choice(RESIZES),
    "validation_share": Real(0, 1, below=True),
}
"""What each parameter may be."""


class Autoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """An autoencoder: narrows pictures to codes of a few numbers, and widens codes to pictures.

    It learns without labels. The encoder subtracts the mean of the training pictures first, and
    its last layer, which gives the code, is linear; the decoder mirrors it.

    Parameters
    ----------
    kind : {"conv", "dense"}
        Which stock encoder, where `encoder` is left out.
    code_size : int, optional
        Numbers of a code; where left out 32, or half of a small picture's values.
    encoder : str or Network, optional
        Layers in the notation, from the picture to what the code is made of.
    decoder : str or Network, optional
        Layers from the code to the picture; the mirror of the encoder where left out.
    activation : str
        Non-linear activation of the stock encoders and their mirrors.
    loss : {"mse", "bce", "l1"}
        Squared error, binary cross-entropy (the decoder then ends with a sigmoid), or absolute
        error of values, black = 0 and white = 1.
    noise : {"none", "gaussian", "masks"}
        What is done to pictures that the encoder sees in training; they are to be restored
        without it (Vincent et al., 2008).
    noise_level : float, 0 to 1, optional
        Standard deviation of gaussian noise, 0.2 where left out, or share of the patches that
        are masked, 0.25 where left out.
    variational : bool
        Whether the encoder gives distributions, from which codes are drawn in training (Kingma
        and Welling, arXiv:1312.6114); otherwise codes are their means.
    beta : float
        Weight of the divergence of these distributions from the normal one. With 1 the sum of
        both is the bound of the paper, with more a beta-VAE (Higgins et al., 2017). What spread
        of errors "mse" and "l1" are likelihoods of is fitted to the errors (Rybkin et al.,
        arXiv:2006.13202), so that 1 suits all pictures.
    epochs : float, optional
        Times each training picture is seen; derived from their number where left out.
    seconds : float, optional
        Budget of training time instead of epochs, turned once into a number of steps.
    batch_size : int, optional
        Pictures a step; derived from their number where left out.
    optimizer : {"adamw", "sgd"}
        AdamW, or SGD with Nesterov momentum.
    learning_rate : float, optional
        Highest learning rate; by `foveal.training.config.learning_rate_for` where left out.
    momentum : float, 0 to 1
        First beta of AdamW, momentum of SGD.
    weight_decay : float, optional
        Decay of kernels and dense weights; by optimizer where left out.
    schedule : {"one-cycle", "cosine", "constant"}
        Course of the learning rate.
    ema : float, 0 to 1
        Decay of a moving average of the weights, which is then the one judged and kept;
        0 for none.
    clip_norm : float, optional
        Largest norm of the gradient, 0 for any; where left out, 1 for networks without batch
        normalisation and any for others.
    patience : int, optional
        Epochs without a better validation loss after which training ends.
    augmentation : {"none", "light", "strong"}
        Random variations of the training pictures.
    flip : bool, optional
        Whether half of the pictures are mirrored; colour ones, below 20,000, where left out.
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
        Seed of weights, split, shuffling, variations, noise and drawn codes.
    verbose : bool
        Whether progress is shown on stderr.

    Attributes
    ----------
    model_ : FittedModel
        Everything that was learned; `save` writes it.
    plan_ : Plan
        The network, layer by layer; `plan_.code` layers are the encoder.
    reconstruction_ : Reconstruction or None
        How held-out pictures are reconstructed, beside principal components.
    history_ : list of dict
        One entry an epoch.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> digits = load_digits().images
    >>> learner = Autoencoder(code_size=8, epochs=5, random_state=0).fit(digits)
    >>> codes = learner.transform(digits[:3])
    >>> codes.shape, learner.inverse_transform(codes).shape
    ((3, 8), (3, 8, 8))
    """

    def __init__(
        self,
        kind: Kind = "conv",
        *,
        code_size: int | None = None,
        encoder: str | Network | None = None,
        decoder: str | Network | None = None,
        activation: str = "gelu",
        loss: Loss = "mse",
        noise: Noise = "none",
        noise_level: float | None = None,
        variational: bool = False,
        beta: float = 1.0,
        epochs: float | None = None,
        seconds: float | None = None,
        batch_size: int | None = None,
        optimizer: configs.Optimizer = "adamw",
        learning_rate: float | None = None,
        momentum: float = 0.9,
        weight_decay: float | None = None,
        schedule: configs.Schedule = "one-cycle",
        ema: float = 0.0,
        clip_norm: float | None = None,
        patience: int | None = None,
        augmentation: Level = "none",
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
        self.kind = kind
        self.code_size = code_size
        self.encoder = encoder
        self.decoder = decoder
        self.activation = activation
        self.loss = loss
        self.noise = noise
        self.noise_level = noise_level
        self.variational = variational
        self.beta = beta
        self.epochs = epochs
        self.seconds = seconds
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.schedule = schedule
        self.ema = ema
        self.clip_norm = clip_norm
        self.patience = patience
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

    def fit(self, X: Any, y: Any = None, *, run: Run | None = None) -> Autoencoder:
        """Train the autoencoder.

        Parameters
        ----------
        X : path, sequence of paths, or array
            A folder of pictures (train/, val/, test/ inside are honoured), a list of files, an
            array (n, h, w), (n, h, w, c) or (n, pixels), an .npz file, a folder of IDX files.
        y : ignored
            Labels are not looked at.
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
            pictures = coerce(self, X, labelled=False)
            data = self._prepared(pictures, device, run, seed)
            plan = self._plan(data)
            task = self._task(data, plan, seed, device)
            network = build(plan, seed=randomness.derive(seed, "weights"))
            network = placed(task.begun(network), device)
            count = len(data.split.train)
            config = configured(
                self,
                task,
                network,
                run,
                began,
                usual_epochs=configs.reconstruction_epochs_for(count, task.batch_size),
                squares=configs.SQUARES_OF_RECONSTRUCTION,
                halved=False,
            )
            run.tell(planned(task, config))
            state = start(network, config)
            run.restore(state)
            run.watch(train(state, task.batches, task.loss_of, task.judge, config, device), state)
            self.model_ = task.frozen(config, state)
        self.plan_, self.history_ = plan, run.epochs
        self.reconstruction_ = self.model_.reconstruction
        if self.reconstruction_ is not None:
            run.tell(reconstructed(self.reconstruction_, task))
        run.tell(finished(state))
        self._n_features_out = plan.code_size
        return self

    def transform(self, X: Any, *, sample: int | None = None) -> np.ndarray[Any, np.dtype[Any]]:
        """Encode pictures, (n, code size); NaN for files that cannot be read.

        Float arrays give codes of their own dtype, everything else float32.

        Parameters
        ----------
        X : path, sequence of paths, or array
            As in `fit`.
        sample : int, optional
            A seed: draws each code from the distribution that a variational encoder gives. Its
            mean where left out.

        Raises
        ------
        UsageError
            For a sample of an autoencoder whose codes have no spread.
        """
        check_is_fitted(self)
        codes = self.model_.encode(coerce(self, X, fitting=False), sample=sample)
        wanted = getattr(X, "dtype", None)
        return codes.astype(wanted) if wanted in (np.float32, np.float64) else codes

    def inverse_transform(self, codes: Any) -> np.ndarray[Any, np.dtype[Any]]:
        """Decode codes (n, code size) to pictures.

        Returns
        -------
        array
            Of the shape and in the units of the array that was fitted: 0 to 255 for uint8. For
            an autoencoder fitted on files (n, h, w, c), black = 0 and white = 1.
        """
        check_is_fitted(self)
        made = self.model_.decode(codes)
        wanted = getattr(codes, "dtype", None)
        if wanted == np.float64:
            made = made.astype(np.float64)
        if self._picture_shape is None:
            return made
        values = in_range(made, self.model_.recipe)
        return values.reshape(len(values), *self._picture_shape)

    def reconstruct(self, X: Any) -> np.ndarray[Any, np.dtype[Any]]:
        """Encode pictures and decode them again, as `inverse_transform` gives them.

        NaN for files that cannot be read.
        """
        codes = self.transform(X)
        there = np.isfinite(codes).all(axis=1)
        if there.all():
            return self.inverse_transform(codes)
        made = self.inverse_transform(codes[there])
        whole = np.full((len(codes), *made.shape[1:]), np.nan, dtype=made.dtype)
        whole[there] = made
        return whole

    def score_samples(self, X: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return the negative mean squared error of each picture, black = 0 and white = 1.

        The higher, the more usual the picture; NaN for files that cannot be read.
        """
        check_is_fitted(self)
        errors = [one.errors for one in self.model_.comparing(coerce(self, X, fitting=False))]
        return -np.concatenate(errors).astype(np.float64)

    def score(self, X: Any, y: Any = None) -> float:
        """Return the mean of `score_samples` over pictures that can be read; NaN for none."""
        scores = self.score_samples(X)
        readable = scores[~np.isnan(scores)]
        return float(readable.mean()) if len(readable) else float("nan")

    def save(self, path: str) -> Autoencoder:
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

    def _prepared(self, pictures: Pictures, device: Device, run: Run, seed: int) -> TrainingData:
        wishes = Wishes(
            size=sides_of(self.size),
            channels=self.channels,
            resize=self.resize,  # type: ignore[arg-type]
        )
        data = prepare(
            pictures,
            as_pixels(wishes, device.threads),
            run,
            validation_share=self.validation_share,
            test_share=self.test_share,
            seed=seed,
            labelled=False,
        )
        distinct = len(np.unique(data.store.hashes[data.split.train]))
        if distinct < 2:
            raise DataError(
                "pictures",
                needed="at least 2 different pictures to train on",
                came=f"{len(data.split.train)} that are all the same",
                remedy="add pictures that differ",
            )
        recipe = replace(data.recipe, mean=(0.0,), std=(1.0,))  # the encoder centres them itself
        return replace(data, recipe=recipe)

    def _plan(self, data: TrainingData) -> Plan:
        values, count = volume(data.recipe.shape), len(data.split.train)
        most = min(values, count)
        if self.code_size is not None and self.code_size > most:
            raise UsageError(
                "code_size",
                needed=f"at most {most}: pictures of {values:,} values, {count:,} to train on",
                came=str(self.code_size),
                remedy="choose a smaller code, or give more pictures",
            )
        plan = autoencoder(
            data.recipe.shape,
            self.code_size or min(CODE_SIZE, max(values // 2, 1), count),
            kind=self.kind,
            encoder=self.encoder,
            decoder=self.decoder,
            activation=self.activation,
            variational=self.variational,
            squashed=self.loss == "bce",
            few=count < values,
        )
        check_batches(plan, self._batch_size(count), count)
        return plan

    def _batch_size(self, count: int) -> int:
        return min(self.batch_size or configs.batch_size_for(count), count)

    def _task(self, data: TrainingData, plan: Plan, seed: int, device: Device) -> AutoencoderTask:
        asked = None if self.noise == "none" else self.noise_level
        level = NOISE_LEVELS[self.noise] if asked is None else asked
        few = len(data.split.train) < configs.FEW_PICTURES
        flip = (few and data.recipe.channels == 3) if self.flip is None else self.flip
        return AutoencoderTask(
            data=data,
            plan=plan,
            device=device,
            batch_size=self._batch_size(len(data.split.train)),
            augmentation=Augmentation(level=self.augmentation, flip=flip),
            loss=self.loss,
            noise=self.noise,
            noise_level=level,
            beta=self.beta,
            seed=seed,
        )
