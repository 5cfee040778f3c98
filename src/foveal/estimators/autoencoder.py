"""Autoencoder: from pictures without labels to codes of a few numbers, and back."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from foveal import randomness
from foveal.estimators.inputs import coerce
from foveal.estimators.learner import Learner
from foveal.learning.code_options import AUTOENCODER, CodeDescent, CodeOptions, CodePixels
from foveal.learning.code_plan import code_plan, code_task, uncentred, with_loss
from foveal.learning.descent import descend, finished
from foveal.learning.opening import AsPixels
from foveal.learning.option_groups import pick
from foveal.learning.options import Shares
from foveal.learning.preparing import prepare
from foveal.nets.autoencoder import Kind
from foveal.nets.spec import Network
from foveal.pictures.ledger import warn_unreadable
from foveal.pictures.ranges import in_range
from foveal.recipe import Resize
from foveal.targets.pictures import Originals
from foveal.training import config as configs
from foveal.training.run import Run
from foveal.vocabulary import Level, Loss, Noise, Precision


class Autoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Learner):
    """An autoencoder: narrows pictures to codes of a few numbers, and widens codes to pictures.

    It learns without labels. The encoder subtracts the mean of the training pictures first, and
    its last layer, which gives the code, is linear; the decoder mirrors it.

    Parameters
    ----------
    kind : {"conv", "dense"}
        Which stock encoder, where `encoder` is left out.
    code_size : int, optional
        Numbers of a code; where left out 128 for colour pictures of at least 48 pixels, 32 for
        others, and half of a small picture's values.
    encoder : str or Network, optional
        Layers in the notation, from the picture to what the code is made of.
    decoder : str or Network, optional
        Layers from the code to the picture; the mirror of the encoder where left out.
    activation : str
        Non-linear activation of the stock encoders and their mirrors.
    loss : {"mse", "bce", "l1", "colour"}, optional
        Squared error, binary cross-entropy (the decoder then ends with a sigmoid), absolute
        error of values, black = 0 and white = 1, or squared error to which that of colour (of
        what the channels differ from their brightness) is added several times. Where left out
        "colour" for colour pictures of at least 48 pixels, else "mse".
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
        of errors "mse", "l1" and "colour" are likelihoods of is fitted to the errors (Rybkin et
        al., arXiv:2006.13202), so that 1 suits all pictures.
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
    precision : {"float32", "bfloat16"}
        Number format of the products of a training step; weights, sums and losses are float32
        in any case. bfloat16 pays on a graphics processor with large pictures and batches.
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
        The network, layer by layer; `plan_.encoder_layers` layers are the encoder.
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

    groups = AUTOENCODER

    def __init__(
        self,
        kind: Kind = "conv",
        *,
        code_size: int | None = None,
        encoder: str | Network | None = None,
        decoder: str | Network | None = None,
        activation: str = "gelu",
        loss: Loss | None = None,
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
        resize: Resize = "stretch",
        validation_share: float = 0.2,
        test_share: float = 0.0,
        precision: Precision = "float32",
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
        self.precision = precision
        self.device = device
        self.threads = threads
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None, *, groups: Any = None, run: Run | None = None) -> Self:
        """Train the autoencoder.

        Parameters
        ----------
        X : path, sequence of paths, or array
            A folder of pictures (train/, val/, test/ inside are honoured), a list of files, an
            array (n, h, w), (n, h, w, c) or (n, pixels), an .npz file, a folder of IDX files.
        y : array, (n,), optional
            Not used; there so that pipelines may pass labels. Other pictures to restore instead
            of those in X are refused.
        groups : str, path or sequence, optional
            What belongs together and never stands in two parts, as in `CNNClassifier.fit`.
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
        context, descent = self._begin(run), pick(CodeDescent, self)
        pixels, code = pick(CodePixels, self), pick(CodeOptions, self)
        with context.device.at_work():
            pictures = coerce(self, X, y, groups=groups, target=Originals())
            data = prepare(
                pictures,
                AsPixels(pixels, context),
                Originals(),
                pick(Shares, self),
                context,
                suits=lambda _, recipe: code_plan(recipe.shape, len(pictures), code),
            )
            data = with_loss(uncentred(data), code.loss)
            plan = code_plan(data.recipe.shape, len(data.split.train), code)
            task = code_task(data, plan, descent, pixels, code, context)
            trained = descend(task, plan, descent, context)
            model, judged = task.frozen(trained)
        context.run.tell(*judged, finished(trained.state))
        self.reconstruction_, self._n_features_out = model.reconstruction, plan.code_size
        return self._learned(model, context)

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
        codes = self.model_.encode(coerce(self, X), sample=sample)
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
        found = list(self.model_.comparing(coerce(self, X)))
        reasons = [reason for one in found for reason in one.reasons]
        warn_unreadable([name for one in found for name in one.names], reasons)
        errors = [one.errors for one in found]
        return -np.concatenate(errors).astype(np.float64)

    def score(self, X: Any, y: Any = None) -> float:
        """Return the mean of `score_samples` over pictures that can be read; NaN for none.

        Raises
        ------
        UsageError
            For pictures in y: what is restored is held against X alone.
        """
        Originals().read(y)
        scores = self.score_samples(X)
        readable = scores[~np.isnan(scores)]
        return float(readable.mean()) if len(readable) else float("nan")
