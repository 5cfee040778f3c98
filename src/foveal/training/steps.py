"""Losses and judgements: what one step minimises and what an epoch is judged by."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import nn


class Batch(Protocol):
    """Some pictures and what is to be said of them, ready for a network."""

    @property
    def images_nchw(self) -> torch.Tensor:
        """Normalised pictures, channels last in memory; or features of pictures."""
        ...

    @property
    def values_n(self) -> torch.Tensor:
        """What is to be said of each, such as the number of its class, int64."""
        ...

    @property
    def weights_n(self) -> torch.Tensor | None:
        """What each weighs in the loss, 1 on average; None for the same."""
        ...


class Batches(Protocol):
    """What the loop trains on: the same batches for the same epoch, every time."""

    @property
    def batch_size(self) -> int:
        """Pictures in a batch, at most."""
        ...

    def __len__(self) -> int:
        """Batches an epoch."""
        ...

    def epoch(self, epoch: int, first: int = 0) -> Iterator[Batch]:
        """Yield the batches of an epoch, from batch `first` on."""
        ...


@dataclass(frozen=True, slots=True)
class BatchLoss:
    """What a network makes of a batch."""

    minimised: torch.Tensor
    """The mean loss that is descended."""
    told: torch.Tensor
    """The mean loss that is told: by the measure of validation, without smoothing or weights."""
    right: int
    """Right answers, `UNANSWERED` where nothing is answered."""


LossOf = Callable[[nn.Module, Batch], BatchLoss]
"""From network and batch to their loss."""
UNANSWERED = -1
JUDGED_BY_PROCESSOR, JUDGED_ELSEWHERE = 64, 256
"""Pictures that are judged at once."""


@dataclass(frozen=True, slots=True)
class Scores:
    """A judgement on validation pictures."""

    loss: float
    """Mean loss: the log loss of classifiers, in natural logarithms."""
    accuracy: float | None
    """Share of right answers; None where nothing is answered."""
    pictures: int
    """How many were judged."""

    @property
    def right(self) -> int | None:
        """Pictures answered right; None where nothing is right or wrong."""
        return None if self.accuracy is None else round(self.accuracy * self.pictures)

    def better_than(self, other: Scores | None) -> bool:
        """Whether this is the better score: by accuracy where there is one, then by loss."""
        if other is None:
            return True
        return (self.accuracy or 0.0, -self.loss) > (other.accuracy or 0.0, -other.loss)


Judge = Callable[[nn.Module], Scores | None]


def classification(label_smoothing: float, class_weights: torch.Tensor | None) -> LossOf:
    """Make the loss of a classifier: cross-entropy of logits and class numbers."""

    def loss_of(network: nn.Module, batch: Batch) -> BatchLoss:
        logits_nk = network(batch.images_nchw)
        loss = F.cross_entropy(
            logits_nk,
            batch.values_n,
            weight=class_weights,
            label_smoothing=label_smoothing,
            reduction="mean" if batch.weights_n is None else "none",
        )
        if batch.weights_n is not None:  # over the weights of the classes, as torch takes a mean
            ones = torch.ones_like(loss)
            shares = ones if class_weights is None else class_weights[batch.values_n]
            loss = (batch.weights_n * loss).sum() / shares.sum()
        answers_nk = logits_nk.detach()
        plain = not label_smoothing and class_weights is None and batch.weights_n is None
        told = loss.detach() if plain else F.cross_entropy(answers_nk, batch.values_n)
        right = int((answers_nk.argmax(dim=1) == batch.values_n).sum())
        return BatchLoss(loss, told, right)

    return loss_of


def judged_at_once(device: str) -> int:
    """Return how many pictures go through a network at once to be judged.

    On a processor fewer than a step takes: tensors then fit where those of training were, and
    processor caches, which takes a fifth less time; a graphics processor rather wants many.
    """
    return JUDGED_BY_PROCESSOR if device == "cpu" else JUDGED_ELSEWHERE


def logits_of(network: nn.Module, images: Iterator[torch.Tensor]) -> torch.Tensor:
    """Run a network in evaluation mode over batches; gives logits (n, k) on the processor."""
    network.eval()
    with torch.inference_mode():
        return joined(network(images_nchw).cpu() for images_nchw in images)


def joined(parts: Iterator[torch.Tensor]) -> torch.Tensor:
    """Join tensors along their first axis, as they come.

    Kept one by one they would lie in the holes that larger tensors between them left, each of which
    then had to be had anew: hundreds of megabytes for some thousand pictures.

    Parameters
    ----------
    parts : iterator of tensor, (m, ...)
        At least one; all of one form but for the first axis.
    """
    found = next(parts)
    count = len(found)
    for part in parts:
        if count + len(part) > len(found):
            room = _like(found, max(2 * len(found), count + len(part)))
            room[:count] = found[:count]
            found = room
        found[count : count + len(part)] = part
        count += len(part)
    return found[:count]


def _like(tensor: torch.Tensor, count: int) -> torch.Tensor:
    """Make room for so many rows of a tensor, maps as they lie in memory."""
    last = tensor.ndim == 4 and not tensor.is_contiguous()
    order = torch.channels_last if last else torch.contiguous_format
    shape = (count, *tensor.shape[1:])
    return torch.empty(shape, dtype=tensor.dtype, memory_format=order)


def judge_logits(logits_nk: torch.Tensor, classes_n: torch.Tensor) -> Scores:
    """Score logits against class numbers."""
    loss = float(F.cross_entropy(logits_nk.double(), classes_n))
    right = int((logits_nk.argmax(dim=1) == classes_n).sum())
    return Scores(loss, right / len(classes_n), len(classes_n))
