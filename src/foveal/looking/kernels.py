"""The kernels of a network as they are, with what is wrong with them, and as they came to be.

Axes: t time, k kernel, c input channel, h height, w width.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np

from foveal.arrays import Array
from foveal.looking.alarms import Alarm, alarms
from foveal.looking.convolutions import (
    MOST_LAYERS,
    Kernels,
    convolutions,
    first_convolution,
    limit_of,
)
from foveal.looking.responses import responses
from foveal.looking.subject import NothingToSee, Subject
from foveal.pictures.collection import Pictures


@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class NetworkKernels:
    """The kernels of all convolutions of a network, or of one layer."""

    name: str
    """The network."""
    trained: bool
    layers: tuple[Kernels, ...]
    """At most 500, the first ones."""
    alarms: tuple[Alarm, ...]
    """Kernels that are of no use, by layer and number."""
    convolutions: int
    """How many there are."""
    judged_on: int
    """Pictures that maps were judged on; 0 where weights alone were."""
    unread: int
    """Pictures beside these that cannot be read."""

    def __repr__(self) -> str:
        return (
            f"NetworkKernels({self.name!r}, {len(self.layers)} convolutions, "
            f"{sum(len(one.weights) for one in self.layers)} kernels, {len(self.alarms)} alarms)"
        )

    def alarms_of(self, layer: str) -> dict[int, Alarm]:
        """Return the alarms of one layer, by kernel."""
        return {one.kernel: one for one in self.alarms if one.layer == layer}


def network_kernels(
    subject: Subject, pictures: Pictures | None = None, layer: str | None = None
) -> NetworkKernels:
    """Take the kernels of a network and find those that are of no use.

    Parameters
    ----------
    subject : Subject
        The network, trained or not.
    pictures : Pictures, optional
        Of a trained network the maps of 32 of them are judged too; fewer than 8 are not.
    layer : str, optional
        The number of one layer in the plan.

    Raises
    ------
    NothingToSee
        Where there is no convolution.
    UsageError
        For a layer that the plan does not have.
    """
    found = convolutions(subject, layer)
    layers = found[:MOST_LAYERS]
    seen = responses(subject, pictures)
    return NetworkKernels(
        name=subject.name,
        trained=subject.trained,
        layers=tuple(layers),
        alarms=tuple(alarm for one in layers for alarm in alarms(one, seen)),
        convolutions=len(found),
        judged_on=seen.pictures if seen else 0,
        unread=seen.unread if seen else 0,
    )


# Over the epochs --------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class KernelHistory:
    """The kernels of the first convolution over the epochs of a training."""

    name: str
    """The model."""
    layer: str
    """Number of the layer in the plan."""
    epochs: tuple[float, ...]
    """When each was taken: 0 before the first step, 1 after the first epoch; (t,)."""
    kept: int
    """Which of them are the model's own."""
    kernels: Array
    """(t, k, c, h, w), float32."""
    channels: tuple[str, ...]
    """What the input channels are, where they are the picture's."""

    def __repr__(self) -> str:
        return f"KernelHistory({self.name!r}, {len(self.epochs)} times, {self.kernels.shape[1:]})"

    @property
    def moved(self) -> Array:
        """Norm of the change of each kernel since the start, as a share of its norm then, (t, k).

        NaN for a kernel that began at 0.
        """
        flat = self.kernels.reshape(*self.kernels.shape[:2], -1).astype(np.float64)
        starts = np.linalg.norm(flat[0], axis=1)
        changes = np.linalg.norm(flat - flat[0], axis=2)
        unknown = np.full_like(changes, np.nan)
        found: Array = np.divide(changes, starts, out=unknown, where=starts > 0)
        return found

    @property
    def changes(self) -> Array:
        """What was added to the kernels since the start, (t, k, c, h, w)."""
        found: Array = self.kernels - self.kernels[0]
        return found

    @property
    def limit(self) -> float:
        """Return the size of weight that is drawn in full colour at all times."""
        return limit_of(self.kernels)

    def title(self, time: int) -> str:
        """Say when kernels were taken."""
        epoch = self.epochs[time]
        said = f"epoch {epoch:.4g}" if epoch else "before"
        return f"{said}, kept" if time == self.kept and epoch else said

    def chosen(self, most: int = 6) -> list[int]:
        """Choose times to show: all where they are few, else epochs 0, 1, 5, the last, those kept.

        What a kernel becomes is decided in the first epochs, so they stand closer.
        """
        last = len(self.epochs) - 1
        if last < most:
            return list(range(last + 1))
        epochs = np.asarray(self.epochs)
        wanted = {int(np.abs(epochs - epoch).argmin()) for epoch in (0, 1, 5)}
        return sorted(wanted | {last, self.kept})


def kernel_history(subject: Subject) -> KernelHistory:
    """Take the kernels of the first convolution as training kept them.

    Where those of the model are none of them, since snapshots are spaced wider or weights were
    averaged, they are added at the epoch that they were chosen from.

    Raises
    ------
    NothingToSee
        Where none were kept: networks that were not trained here, and those whose first layers
        are another's.
    """
    model, layer = subject.model, first_convolution(subject)
    if model is None or layer is None or len(subject.snapshots) < 2:
        raise NothingToSee(
            "kernels over the epochs",
            needed="kernels that training kept",
            came="none",
            remedy="look at a model whose first convolution was trained by Foveal",
        )
    known = model.provenance
    epoch = steps_of_epoch(sum(known.class_counts), known.config.batch_size if known.config else 1)
    epochs = [step / epoch for step in known.snapshot_steps]
    kernels = list(np.asarray(subject.snapshots, np.float32))
    equal = [time for time, one in enumerate(kernels) if np.array_equal(one, layer.weights)]
    if not equal:
        equal = [bisect_right(epochs, known.best_epoch)]
        epochs.insert(equal[0], float(known.best_epoch))
        kernels.insert(equal[0], layer.weights)
    return KernelHistory(
        name=subject.name,
        layer=layer.layer,
        epochs=tuple(epochs),
        kept=equal[-1],
        kernels=np.stack(kernels),
        channels=layer.channels,
    )


def steps_of_epoch(pictures: int, batch_size: int) -> int:
    """Return how many batches an epoch had.

    >>> steps_of_epoch(1_119, 32)
    35
    """
    return max(1, -(-pictures // batch_size))
