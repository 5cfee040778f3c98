"""What the loop needs of an autoencoder: loss, judge, and what is kept at the end.

Axes: n picture, h height, w width, c channel, k number of the code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from foveal.arrays import Rows
from foveal.evaluation.reconstruction import (
    LARGER,
    MOST_COMPONENTS,
    MOST_VALUES,
    PrincipalComponents,
    Reconstruction,
    kept_variance,
    similarity_metrics,
)
from foveal.inference.session import at_once
from foveal.learning.code_options import CodeOptions
from foveal.learning.corruption import divergence, noisy
from foveal.learning.descent import Habits, Trained
from foveal.learning.picture_task import PictureTask
from foveal.learning.reconstructed import reconstructed
from foveal.model.card import Coding
from foveal.model.codec import mean_picture
from foveal.model.fitted import FittedModel
from foveal.model.freezing import best_network, freeze
from foveal.model.normal import NormalStats, spread
from foveal.nets.blocks import Centre, Offset
from foveal.nets.build import part
from foveal.nets.plan import Plan
from foveal.nets.spec import Activation, Sample
from foveal.pictures.batches import nhwc, ordered
from foveal.progress.events import Reconstructed
from foveal.shapes import volume
from foveal.targets.pictures import Originals
from foveal.training import config as configs
from foveal.training.steps import UNANSWERED, Batch, BatchLoss, LossOf, Scores
from foveal.vocabulary import Loss

NOISE_LEVELS = {"none": 0.0, "gaussian": 0.2, "masks": 0.25}
"""How much noise, unless it is asked for."""
MOST_CODES, EACH_NUMBER = 5_000, 40
"""Training pictures whose codes tell what usual codes are, and so many for each of its numbers."""
WEIGHTS: Mapping[Loss, Callable[[torch.Tensor], torch.Tensor]] = {
    "mse": lambda error: 2 * error,
    "l1": lambda error: error,
    "bce": torch.ones_like,
    "colour": lambda error: 2 * error,
}
"""What the divergence of the codes weighs beside an error, for both to be log likelihoods.

Errors are normal or Laplacian deviates, as wide as these errors are: then the logarithm of the
error stands for it, and here both sides are multiplied by the error, which leaves the direction of
the gradient (Rybkin, Daniilidis and Levine, "Simple and effective VAE training with calibrated
decoders", arXiv:2006.13202). A width of 1, the usual choice, would drown codes in the divergence.
"""
UNUSED = 0.1
"""Deviation below which a number of a variational code counts as unused; 1 is that drawn from."""
DARKEST = 0.01
"""Mean pictures are kept so far from black and white before a sigmoid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoencoderTask(PictureTask[Originals]):
    """An autoencoder in training: its pictures and how it is taught and judged on them."""

    plan: Plan
    code: CodeOptions

    @property
    def noise_level(self) -> float:
        """How much noise there is."""
        asked = None if self.code.noise == "none" else self.code.noise_level
        return NOISE_LEVELS[self.code.noise] if asked is None else asked

    @property
    def habits(self) -> Habits:
        """What its training does where nothing else is asked for."""
        return Habits(
            epochs=configs.reconstruction_epochs_for(len(self.data.split.train), self.batch_size),
            squares=configs.SQUARES_OF_RECONSTRUCTION,
            gentle=False,
        )

    @property
    def loss(self) -> Loss:
        """How reconstructions are held against pictures."""
        return self.data.target.criterion

    @property
    def images(self) -> Any:
        """The prepared pictures, (n, h, w, c)."""
        return self.data.images

    @property
    def variational(self) -> bool:
        """Whether codes are drawn."""
        return isinstance(self.plan.layers[self.plan.encoder_layers - 1].layer, Sample)

    @property
    def loss_of(self) -> LossOf:
        """The loss to minimise: the likeness of reconstructions of perhaps noisy pictures."""

        def loss_of(network: nn.Module, batch: Batch) -> BatchLoss:
            seen = noisy(batch.images_nchw, self.code.noise, self.noise_level)
            wanted = batch.images_nchw.clamp(0, 1)  # varied colours may leave black and white
            loss = self._loss(network, seen, wanted)
            return BatchLoss(loss, loss.detach(), UNANSWERED)

        return loss_of

    def _loss(self, network: nn.Module, seen: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        """Mean loss of a value: that of the reconstruction, and that of the codes' spread."""
        assert isinstance(network, nn.Sequential)
        plan, code = self.plan, self.plan.encoder_layers
        ahead = code - self.variational
        inner = part(network, plan, 0, ahead)(seen)
        logits = self.loss == "bce"
        end = len(plan.layers) - logits  # the sigmoid at the end is within the loss
        made = part(network, plan, ahead, end)(inner)
        found = self.data.target.error(made, wanted)
        if self.variational:
            weight = self.code.beta * WEIGHTS[self.loss](found.detach())
            found = found + weight * divergence(inner) / volume(plan.input)
        return found

    def judge(self, network: nn.Module) -> Scores | None:
        """Score a network on the validation pictures; None where there are none."""
        rows = self.data.split.validation
        if not len(rows):
            return None
        network.eval()
        with torch.inference_mode():
            losses = [
                float(self._loss(network, one, one.clamp(0, 1))) * len(one)
                for one in self._pictures(rows)
            ]
        return Scores(sum(losses) / len(rows), None, len(rows))

    def _pictures(self, rows: Rows) -> Iterator[torch.Tensor]:
        size, by = at_once(self.data.recipe), self.data.scaling
        return ordered(self.images, rows, by, batch_size=size, device=self.device.name)

    def initial(self, network: nn.Sequential) -> nn.Sequential:
        """Let an untrained network begin at the mean of the training pictures."""
        mean = self._mean()
        first, last = next(network.children()), None
        for child in part(network, self.plan, self.plan.encoder_layers):
            last = child if isinstance(child, Offset) else last
        with torch.no_grad():
            if isinstance(first, Centre):
                first.mean.copy_(mean)
            if last is not None and last.weight.shape == mean.shape:
                logits = torch.logit(mean.clamp(DARKEST, 1 - DARKEST))
                squashed = self.plan.layers[-1].layer == Activation("sigmoid")
                last.weight.copy_(logits if squashed else mean)
        return network

    def _mean(self) -> torch.Tensor:
        rows = self.data.split.train
        total = torch.zeros(self.plan.input, dtype=torch.float64)
        for images in self._pictures(rows):
            total += images.double().sum(dim=0).cpu()
        return (total / len(rows)).float()

    def frozen(self, trained: Trained) -> tuple[FittedModel, list[Reconstructed]]:
        """Make the fitted model of the best weights, judged beside principal components.

        Returns
        -------
        tuple
            The model, and the event that says how it fares, where pictures were held out.
        """
        network = best_network(self.plan, trained.state, self.device)
        hashes, split = self.data.store.hashes, self.data.split
        judged = self._judged(network)
        normal, unused = self._normal_stats(network)
        coding = Coding(
            loss=self.loss,
            noise=self.code.noise,
            noise_level=float(self.noise_level),
            beta=float(self.code.beta) if self.variational else None,
            reconstruction=judged,
        )
        model = freeze(
            self.plan,
            network,
            self.data.recipe,
            self.device,
            target=self.data.target,
            trained_on=hashes[split.train],
            chosen_on=hashes[split.validation],
            state=trained.state,
            normal=normal,
            config=trained.config,
            coding=coding,
            augmentation=self.augmentation.level,
            flip=self.augmentation.flip,
            class_counts=[len(split.train)],
            judged_by="validation" if len(split.validation) else "nothing",
            validation_pictures=len(split.validation),
            validation_right=None,
        )
        if judged is None:
            return model, []
        hardly = unused if self.variational else None
        return model, [reconstructed(judged, hardly, self.plan.code_size)]

    def _judged(self, network: nn.Sequential) -> Reconstruction | None:
        """Judge on pictures that did not teach, beside principal components of as many numbers."""
        split = self.data.split
        rows = split.test if len(split.test) else split.validation
        if not len(rows):
            return None
        pixels, size = volume(self.plan.input), self.plan.code_size
        components, taught = self._components(size)
        count, more = min(size, components.count), components.count
        mean = mean_picture(network)

        def by_components(count: int) -> Iterator[Any]:
            pictures = (nhwc(one) for one in self._pictures(rows))
            return ((one, components.reconstructed(one, count)) for one in pictures)

        return Reconstruction(
            pictures=len(rows),
            judged_by="test" if len(split.test) else "validation",
            autoencoder=similarity_metrics(
                ((nhwc(wanted), nhwc(made)) for wanted, _, made in self._through(network, rows)),
                mean,
            ),
            pca=similarity_metrics(by_components(count), mean),
            pca_size=count,
            pca_pictures=taught,
            picture_bytes=pixels,
            code_bytes=4 * size,
            larger_size=more if more > count else None,
            larger_kept=kept_variance(by_components(more), mean) if more > count else None,
        )

    def _components(self, size: int) -> tuple[PrincipalComponents, int]:
        """Fit principal components: of a code's size, and more, where there can be more.

        Returns
        -------
        tuple
            The components, and the training pictures they were fitted on.
        """
        split, count = self.data.split, max(size, min(LARGER * size, MOST_COMPONENTS))
        most = max(MOST_VALUES // volume(self.plan.input), 2 * size)
        step = -(-len(split.train) // most)
        chosen, at = split.train[::step], 0
        height, width, channels = self.images.shape[1:]
        taught = np.empty((len(chosen), height, width, channels), dtype=np.float32)
        for one in self._pictures(chosen):  # filled, not joined: that would take it twice
            taught[at : at + len(one)] = nhwc(one)
            at += len(one)
        return PrincipalComponents(taught, count), len(taught)

    def _normal_stats(self, network: nn.Sequential) -> tuple[NormalStats, int]:
        """Find what usual pictures are like: their codes, and how well held-out ones fare.

        Returns
        -------
        tuple
            What they are like, and how many numbers of the code hardly vary.
        """
        split = self.data.split
        most = max(MOST_CODES, EACH_NUMBER * self.plan.code_size)
        step = -(-len(split.train) // most)
        some = self._through(network, split.train[::step])
        codes = np.concatenate([_plain(one) for _, one, _ in some])
        mean, whitening = spread(codes)
        unused = int((codes.std(axis=0) < UNUSED).sum())
        nothing = np.empty(0)
        usual = NormalStats(mean=mean, whitening=whitening, errors=nothing, distances=nothing)
        rows = split.validation if len(split.validation) else split.test
        errors, distances = [nothing], [nothing]
        for wanted, code, made in self._through(network, rows):
            errors.append(_plain(((wanted - made) ** 2).mean(dim=(1, 2, 3))))
            distances.append(usual.distance(_plain(code)))
        usual = replace(usual, errors=np.concatenate(errors), distances=np.concatenate(distances))
        return usual, unused

    def _through(
        self, network: nn.Sequential, rows: Rows
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
        """Return pictures, their codes and their reconstructions."""
        encoder = part(network, self.plan, 0, self.plan.encoder_layers)
        decoder = part(network, self.plan, self.plan.encoder_layers)
        for wanted in self._pictures(rows):
            with torch.inference_mode():
                codes = encoder(wanted)
                made = decoder(codes).clamp(0, 1)
            yield wanted, codes, made


def _plain(values: torch.Tensor) -> np.ndarray[Any, np.dtype[np.float64]]:
    return values.cpu().double().numpy()
