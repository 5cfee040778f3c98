"""Processes that train one network together: each takes its part of every batch.

They are started by `torchrun`, and torch.distributed is what they talk by: gloo on processors, NCCL
on graphics processors. Each holds the whole network. Gradients are averaged over all pictures of a
batch, so that a step is that of one process but for rounding; what batch normalisation measures is
that of the part of each ("ghost" statistics: Hoffer, Hubara and Soudry, arXiv:1705.08741), and what
it remembers the average.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import nn

from foveal.device import choose
from foveal.errors import ResourceError, UsageError
from foveal.launched import LOCAL, OTHERS, check_met, processes
from foveal.training.steps import Batch, Batches, BatchLoss

T = TypeVar("T")
ENGINES = {"cpu": "gloo", "cuda": "nccl"}
"""What processes talk by, by device."""


@dataclass(frozen=True, slots=True)
class StepLoss:
    """What all pictures of a batch lost."""

    minimised: float
    told: float
    right: int
    pictures: int


@dataclass(frozen=True, slots=True)
class Part:
    """A process's pictures of a batch."""

    images_nchw: torch.Tensor
    values_n: torch.Tensor
    weights_n: torch.Tensor | None


@dataclass(frozen=True, slots=True)
class Group:
    """The processes of a training, of which this is one; alone it needs no other."""

    rank: int = 0
    """Number of this process, from 0."""
    size: int = 1
    device: str = "cpu"
    """Where its tensors lie."""

    @property
    def first(self) -> bool:
        """Whether this process keeps the run: it alone writes and tells."""
        return self.rank == 0

    def batches(self, batches: Batches) -> Batches:
        """Return what this process takes of batches."""
        return batches if self.size == 1 else Parts(batches, self)

    def check(self, batch_size: int) -> None:
        """Check that every process has two pictures of each batch, for batch normalisation.

        Raises
        ------
        UsageError
            Where it may not have: pictures are dealt into batches of equal size, which may be
            half of what was asked for.
        """
        if self.size > 1 and batch_size < 4 * self.size:
            raise UsageError(
                "batch_size",
                needed=f"at least {4 * self.size} pictures a step for {self.size} processes",
                came=str(batch_size),
                remedy="choose a larger batch, or fewer processes",
            )

    def averaged(self, network: nn.Module, loss: BatchLoss, pictures: int) -> StepLoss:
        """Average gradients and remembered statistics over all pictures of a batch, in place.

        Returns
        -------
        StepLoss
            Of all of them.
        """
        if self.size == 1:
            return StepLoss(float(loss.minimised.detach()), float(loss.told), loss.right, pictures)
        shared = [*_gradients(network), *_statistics(network)]
        minimised, told = float(loss.minimised.detach()), float(loss.told)
        sums = torch.tensor(
            [minimised * pictures, told * pictures, loss.right, pictures], dtype=torch.float64
        ).to(self.device)
        flat = torch.cat([one.flatten() for one in shared]) * pictures
        with talking():
            torch.distributed.all_reduce(flat)
            torch.distributed.all_reduce(sums)
        minimised, told, right, count = sums.tolist()
        parts = (flat / count).split([one.numel() for one in shared])
        for one, mean in zip(shared, parts, strict=True):
            one.copy_(mean.view_as(one))
        answered = loss.right >= 0
        return StepLoss(minimised / count, told / count, int(right) if answered else -1, int(count))

    def agreed(self, compute: Callable[[], T]) -> T:
        """Return what the first process computes, to all; it must survive JSON."""
        if self.size == 1:
            return compute()
        found = compute() if self.first else None
        data = self.sent(json.dumps(found).encode() if self.first else b"")
        answer: T = found if self.first else json.loads(data)  # type: ignore[assignment]
        return answer

    def sent(self, data: bytes) -> bytes:
        """Return the bytes of the first process, to all."""
        length = torch.tensor([len(data)], device=self.device)
        with talking():
            torch.distributed.broadcast(length, 0)
        raw = torch.frombuffer(bytearray(data or b"\0"), dtype=torch.uint8)
        held = (
            raw.to(self.device)
            if self.first
            else torch.empty(max(int(length), 1), dtype=torch.uint8, device=self.device)
        )
        with talking():
            torch.distributed.broadcast(held, 0)
        return held.cpu().numpy().tobytes()[: int(length)]

    def any(self, truth: bool) -> bool:
        """Return whether something is true in any process."""
        if self.size == 1:
            return truth
        found = torch.tensor([float(truth)], device=self.device)
        with talking():
            torch.distributed.all_reduce(found)
        return bool(found)

    @contextmanager
    def first_then_others(self) -> Iterator[None]:
        """Let the first process go ahead within; the others follow, and find what it kept."""
        if self.size > 1 and not self.first:
            with talking():
                torch.distributed.barrier()
        yield
        if self.size > 1 and self.first:
            with talking():
                torch.distributed.barrier()


@dataclass(frozen=True, slots=True)
class Parts:
    """A process's part of batches: every so many-th picture of each."""

    whole: Batches
    group: Group

    @property
    def batch_size(self) -> int:
        """Pictures in a batch of all processes, at most."""
        return self.whole.batch_size

    def __len__(self) -> int:
        """Batches an epoch."""
        return len(self.whole)

    def epoch(self, epoch: int, first: int = 0) -> Iterator[Batch]:
        """Yield this process's part of the batches of an epoch."""
        mine = slice(self.group.rank, None, self.group.size)
        for batch in self.whole.epoch(epoch, first):
            weights = batch.weights_n
            yield Part(
                batch.images_nchw[mine],
                batch.values_n[mine],
                None if weights is None else weights[mine],
            )


def _gradients(network: nn.Module) -> Iterator[torch.Tensor]:
    for weight in network.parameters():
        if weight.requires_grad:
            if weight.grad is None:
                weight.grad = torch.zeros_like(weight)
            yield weight.grad


def _statistics(network: nn.Module) -> Sequence[torch.Tensor]:
    return [one for one in network.buffers() if one.is_floating_point()]


@contextmanager
def talking() -> Iterator[None]:
    """Say what happened where another process is gone while this one talks to it.

    Raises
    ------
    ResourceError
        In the place of what torch raises.
    """
    try:
        yield
    except RuntimeError as error:
        raise ResourceError(
            OTHERS,
            needed="all of them, to its end",
            came=(str(error).strip().splitlines() or ["no answer"])[0][:200],
            remedy="see what ended one of them, such as a lack of memory; the same command goes on "
            "with `resume`",
        ) from error


@contextmanager
def joined(device: str = "auto", environment: Mapping[str, str] = os.environ) -> Iterator[Group]:
    """Join the processes that `torchrun` started, within; alone where it started none.

    Parameters
    ----------
    device : {"auto", "cpu", "cuda"}
        Where each computes; of the graphics processors of a machine each takes one.

    Raises
    ------
    UsageError
        On a device by which processes cannot talk, and where they cannot find one another.
    ResourceError
        Where they do not reach one another.
    """
    size = processes(environment)
    if size == 1:
        yield Group()
        return
    name = choose(device).name
    if name not in ENGINES:
        raise UsageError(
            "device",
            needed=f"one of {', '.join(ENGINES)} for several processes",
            came=name,
            remedy="use 'cpu', or one process",
        )
    check_met(environment, graphics=name == "cuda")
    if name == "cuda":
        torch.cuda.set_device(int(environment[LOCAL]))
    _meet(ENGINES[name], environment)
    try:
        yield Group(rank=torch.distributed.get_rank(), size=size, device=name)
    finally:
        torch.distributed.destroy_process_group()


def _meet(engine: str, environment: Mapping[str, str]) -> None:
    """Let the processes find one another."""
    try:
        torch.distributed.init_process_group(engine)
    except (RuntimeError, ValueError) as error:
        place = f"{environment['MASTER_ADDR']}:{environment['MASTER_PORT']}"
        raise ResourceError(
            f"processes that meet at {place}",
            needed="all of them, each with a number of its own",
            came=str(error).strip().splitlines()[0][:200],
            remedy="start them anew; over machines that address must be reached from each",
        ) from error


ALONE = Group()
