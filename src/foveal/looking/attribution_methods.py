"""Methods of attribution: Grad-CAM, integrated gradients and occlusion, over one score.

Axes: n picture, k class, c channel, h height, w width.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

import numpy as np
import torch
from torch import nn

from foveal.arrays import Array
from foveal.looking.centres import centres
from foveal.looking.subject import Subject
from foveal.nets.planned import PlannedLayer
from foveal.nets.tracing import planned_layer, trace

PIXELS, MOST_AT_ONCE = 4 * 256 * 256, 32
"""Pixels that go through a network at once, with all that its gradients need, and pictures."""
FEWEST_STEPS, MOST_STEPS, HALVED = 8, 64, 4
"""Steps from the median colour to the picture, of integrated gradients; how many are halved."""
TOLERATED = 0.02
"""Log odds, and share of what the way adds to them, that the steps may miss one by one."""
PATCHES = 7
"""Occluding patches along the longer side of a picture if laid edge to edge."""


class Scored:
    """A network, differentiable, and the score that its answers give a class.

    Parameters
    ----------
    subject : Subject
        A network that ends with a number for each class.
    """

    def __init__(self, subject: Subject) -> None:
        self.subject, self.network = subject, differentiable(subject.network)
        self._softmax = subject.plan.ending == "softmax"

    def logits(self, inputs_nchw: torch.Tensor) -> torch.Tensor:
        """Compute logits (n, k); of a network that ends with a softmax, their logarithms."""
        return self._logits(self.network(inputs_nchw))

    def score(self, inputs_nchw: torch.Tensor, targets_n: torch.Tensor) -> torch.Tensor:
        """Compute the log odds of a class against all others, (n,); see `odds`."""
        return self.odds(self.logits(inputs_nchw), targets_n)

    def odds(self, logits_nk: torch.Tensor, targets_n: torch.Tensor) -> torch.Tensor:
        """Compute log odds of logits, (n,): of a class against all others, of a label alone."""
        if self.subject.exclusive:
            return log_odds(logits_nk, targets_n)
        return logits_nk.gather(1, targets_n[:, None])[:, 0]

    def chances(self, logits_nk: torch.Tensor, targets_n: torch.Tensor) -> torch.Tensor:
        """Compute the probability of a class, or of a label, (n,)."""
        warm = logits_nk.double() / self.subject.temperature
        by = torch.softmax(warm, dim=1) if self.subject.exclusive else torch.sigmoid(warm)
        return by.gather(1, targets_n[:, None])[:, 0]

    def traced(
        self, inputs_nchw: torch.Tensor, targets_n: torch.Tensor, number: str
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Compute the log odds (n,) and the maps (n, ...) of a layer on the way."""
        outputs, passed = trace(self.network, self.subject.plan, inputs_nchw, (number,))
        return self.odds(self._logits(outputs), targets_n), passed[number].outputs

    def _logits(self, outputs_nk: torch.Tensor) -> torch.Tensor:
        outputs = outputs_nk.float()
        return outputs.clamp_min(1e-30).log() if self._softmax else outputs


def differentiable(network: nn.Sequential) -> nn.Sequential:
    """Return a network of which gradients can be taken: itself, or a copy.

    Weights that were made in torch's inference mode take part in no gradient.
    """
    tensors = chain(network.parameters(), network.buffers())
    return copy.deepcopy(network) if any(one.is_inference() for one in tensors) else network


def at_once(inputs_nchw: torch.Tensor) -> int:
    """Choose how many pictures go through a network at once: fewer of large ones."""
    return max(1, min(MOST_AT_ONCE, PIXELS // (inputs_nchw.shape[2] * inputs_nchw.shape[3])))


@contextmanager
def gradients(subject: Subject) -> Iterator[None]:
    """Take gradients within, whatever mode the caller is in."""
    with subject.device.at_work(), torch.inference_mode(False), torch.enable_grad():
        yield


def log_odds(logits_nk: torch.Tensor, targets_n: torch.Tensor) -> torch.Tensor:
    """Compute the log odds of a class against all others, (n,); of a single class its logit."""
    of = targets_n[:, None]
    score = logits_nk.gather(1, of)[:, 0]
    if logits_nk.shape[1] == 1:
        return score
    return score - logits_nk.scatter(1, of, -torch.inf).logsumexp(dim=1)


def median_colour(inputs_nchw: torch.Tensor) -> torch.Tensor:
    """Return each picture as if nothing were there: all of its median colour."""
    colour = inputs_nchw.flatten(2).median(dim=2).values
    return colour[:, :, None, None].expand_as(inputs_nchw)


def gradcam(
    scored: Scored, inputs_1chw: torch.Tensor, target_1: torch.Tensor, number: str
) -> torch.Tensor:
    """Weigh the maps of a layer by how much they raise the score, and add them, (1, h, w).

    After Selvaraju et al., "Grad-CAM: visual explanations from deep networks via gradient-based
    localization" (2017). Each pixel of a map is laid at the middle of its receptive field.
    """
    given = inputs_1chw.detach().clone().requires_grad_()
    score, maps = scored.traced(given.clone(), target_1, number)  # a copy may be changed in place
    (slopes,) = torch.autograd.grad(score.sum(), maps)
    weighted = (slopes.mean(dim=(2, 3), keepdim=True) * maps).sum(dim=1).relu().detach().float()
    down, across = placements(planned_layer(scored.subject.plan, number), inputs_1chw.shape[2:])
    return down.to(weighted) @ weighted @ across.to(weighted).T


def placements(layer: PlannedLayer, sides: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what brings maps to the size of the picture, (h, rows) and (w, columns): linearly."""
    down, across = (
        torch.from_numpy(_interpolating(places, side))
        for places, side in zip(centres(layer, sides), sides, strict=True)
    )
    return down, across


def _interpolating(places: Array, side: int) -> Array:
    """Return weights (side, places) by which numbers at places give one for each pixel."""
    pixels = np.arange(side)
    return np.stack([np.interp(pixels, places, one) for one in np.eye(len(places))], axis=1)


def integrated_gradients(
    scored: Scored, inputs_1chw: torch.Tensor, target_1: torch.Tensor
) -> torch.Tensor:
    """Add up gradients on the way from the median colour to the picture, (1, h, w).

    After Sundararajan, Taly and Yan, "Axiomatic attribution for deep networks" (2017), by the
    trapezoidal rule. Steps are halved where they miss most of what the score gains in them, since
    most of it is gained where the picture is faint: until they miss little, or there are
    `MOST_STEPS`.
    """
    start = median_colour(inputs_1chw)
    path = _Path(scored, start, inputs_1chw - start, target_1)
    path.extend([step / FEWEST_STEPS for step in range(FEWEST_STEPS + 1)])
    while len(path.shares) <= MOST_STEPS:
        missed = path.missed()
        gained = abs(path.scores[-1] - path.scores[0])
        if not np.abs(missed).sum() > TOLERATED * (1 + gained):  # NaN ends it too
            break
        worst = np.argsort(-np.abs(missed), kind="stable")[:HALVED]
        path.extend([(path.shares[one] + path.shares[one + 1]) / 2 for one in worst.tolist()])
    return path.integral()


class _Path:
    """Places on a straight way through the space of pictures, in order, with their gradients.

    Each keeps its gradient times the way, summed over channels, (h, w).
    """

    def __init__(
        self, scored: Scored, start: torch.Tensor, way: torch.Tensor, target_1: torch.Tensor
    ) -> None:
        self.scored, self.start, self.way, self.target = scored, start, way, target_1
        self.shares: list[float] = []
        """Of the way, 0 to 1."""
        self.scores: list[float] = []
        self.gains: list[torch.Tensor] = []

    def extend(self, shares: list[float]) -> None:
        """Add places."""
        size = at_once(self.way)
        for first in range(0, len(shares), size):
            part = shares[first : first + size]
            some = torch.tensor(part).to(self.way)[:, None, None, None]
            given = (self.start + some * self.way).detach().requires_grad_()
            score = self.scored.score(given.clone(), self.target.expand(len(part)))
            (slopes,) = torch.autograd.grad(score.sum(), given)
            self.shares += part
            self.scores += score.detach().double().tolist()
            self.gains += list((slopes * self.way).sum(dim=1).cpu())
        order = np.argsort(self.shares, kind="stable").tolist()
        self.shares = [self.shares[one] for one in order]
        self.scores = [self.scores[one] for one in order]
        self.gains = [self.gains[one] for one in order]

    def missed(self) -> Array:
        """Return what each step's gradients miss of what the score gains in it."""
        slopes = np.array([float(one.sum(dtype=torch.float64)) for one in self.gains])
        counted = (slopes[1:] + slopes[:-1]) / 2 * np.diff(self.shares)
        return np.asarray(counted - np.diff(self.scores))

    def integral(self) -> torch.Tensor:
        """Return the integral of the gradients along the way, (1, h, w)."""
        steps = np.diff(self.shares)
        weights = (np.append(steps, 0) + np.insert(steps, 0, 0)) / 2
        found = torch.zeros_like(self.gains[0], dtype=torch.float64)
        for weight, gain in zip(weights.tolist(), self.gains, strict=True):
            found += weight * gain.double()
        return found[None]


def patch_of(height: int, width: int) -> int:
    """Return the side of the patches that cover a part of a picture, in pixels."""
    return max(1, min(round(max(height, width) / PATCHES), height, width))


def occlusion(scored: Scored, inputs_1chw: torch.Tensor, target_1: torch.Tensor) -> torch.Tensor:
    """Cover patch after patch by the median colour and note what the score loses, (1, h, w).

    After Zeiler and Fergus, "Visualizing and understanding convolutional networks" (2014). Patches
    overlap by half; a pixel has the mean of all that cover it.
    """
    height, width = inputs_1chw.shape[2:]
    side, start = patch_of(height, width), median_colour(inputs_1chw)
    lost = torch.zeros(height, width, dtype=torch.float64)
    times = torch.zeros_like(lost)
    corners = [(top, left) for top in _starts(height, side) for left in _starts(width, side)]
    with torch.no_grad():
        whole = scored.score(inputs_1chw, target_1).double()
        size = at_once(inputs_1chw)
        for first in range(0, len(corners), size):
            some = corners[first : first + size]
            covered = inputs_1chw.repeat(len(some), 1, 1, 1)
            for row, (top, left) in enumerate(some):
                there = (slice(top, top + side), slice(left, left + side))
                covered[(row, slice(None), *there)] = start[(0, slice(None), *there)]
            losses = (whole - scored.score(covered, target_1.expand(len(some))).double()).cpu()
            for (top, left), loss in zip(some, losses, strict=True):
                lost[top : top + side, left : left + side] += loss
                times[top : top + side, left : left + side] += 1
    return (lost / times)[None]


def _starts(length: int, side: int) -> list[int]:
    """Return where patches begin that overlap by half and end with the picture."""
    step = max(1, side // 2)
    return [*range(0, length - side, step), length - side]
