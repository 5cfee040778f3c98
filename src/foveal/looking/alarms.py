"""Alarms: kernels that do no work, or the same work as another.

Axes: k kernel, d weight of a kernel.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import betainccinv

from foveal.arrays import Array
from foveal.looking.convolutions import Kernels
from foveal.looking.responses import Responses
from foveal.wording import counted

Kind = Literal["broken", "dead", "silent", "saturated", "duplicate"]
"""No numbers; weights of 0; a map of 0 on the pictures shown; a map where its activation function
is flat; like another."""

DEAD = 1e-3
"""Norm, as a share of the layer's median, below which a kernel is dead: what it adds to its map is
then below what rounding to half precision takes from those of the others."""
ALIKE = 0.98
"""Cosine of two kernels from which on one is a duplicate: 96 % of its weights' energy is the
other's."""
CHANCE = 1e-4
"""Probability at most that random kernels of a layer give such an alarm. Short kernels are alike by
chance, so that among many of them a duplicate must be more alike than `ALIKE`."""
NEAREST_TO_ONE = 1 - 1e-9
"""Kernels so short that a duplicate would have to be more alike are not compared."""
MOST_COMPARED = 4_096
"""Kernels of a group that are compared with one another, the first ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A kernel that is of no use as it is."""

    layer: str
    kernel: int
    """From 0."""
    kind: Kind
    why: str
    """In words."""
    other: int | None = None
    """The kernel that a duplicate is like."""
    cosine: float | None = None
    """How like; negative where it is the other with its sign turned."""

    @property
    def says(self) -> str:
        """The alarm as a sentence without its full stop."""
        return f"kernel {self.kernel} of layer {self.layer} {self.why}"


def alarms(kernels: Kernels, responses: Responses | None = None) -> tuple[Alarm, ...]:
    """Find kernels of one convolution that are dead, silent, saturated, duplicates, or no numbers.

    Parameters
    ----------
    kernels : Kernels
        The convolution.
    responses : Responses, optional
        What its maps were on pictures; without them weights alone are judged.

    Returns
    -------
    tuple of Alarm
        By number of the kernel, of each at most one: the first that applies.
    """
    flat = kernels.weights.reshape(len(kernels.weights), -1).astype(np.float64)
    found: dict[int, Alarm] = {}
    for kernel, kind, why in (*_of_weights(flat), *_of_maps(kernels.layer, responses)):
        if kernel not in found:
            found[kernel] = Alarm(layer=kernels.layer, kernel=kernel, kind=kind, why=why)
    flat[list(found)] = 0
    for kernel, other, cosine in _duplicates(flat, kernels.groups):
        found[kernel] = _duplicate(kernels.layer, kernel, other, cosine)
    return tuple(found[kernel] for kernel in sorted(found))


def _duplicate(layer: str, kernel: int, other: int, cosine: float) -> Alarm:
    like = "a duplicate" if cosine > 0 else "the opposite"
    return Alarm(
        layer=layer,
        kernel=kernel,
        kind="duplicate",
        why=f"is {like} of kernel {other} (cosine {cosine:.3f})",
        other=other,
        cosine=cosine,
    )


def _of_weights(flat_kd: Array) -> Iterator[tuple[int, Kind, str]]:
    finite = np.asarray(np.isfinite(flat_kd).all(axis=1))
    for kernel in np.flatnonzero(~finite).tolist():
        yield kernel, "broken", "is broken: it has weights that are no numbers"
    norms = np.linalg.norm(np.where(finite[:, None], flat_kd, 0), axis=1)
    usual = float(np.median(norms[finite])) if finite.any() else 0.0
    for kernel in np.flatnonzero(finite & (norms <= DEAD * usual)).tolist():
        yield kernel, "dead", "is dead: its weights are almost 0"


def _of_maps(layer: str, responses: Responses | None) -> Iterator[tuple[int, Kind, str]]:
    maps = None if responses is None else responses.maps.get(layer)
    if responses is None or maps is None:
        return
    all_of = f"all {counted(responses.pictures, 'picture')}"
    for kernel in np.flatnonzero(maps.silent).tolist():
        yield kernel, "silent", f"is silent: its map is 0 everywhere on {all_of}"
    for kernel in np.flatnonzero(maps.flat & ~maps.silent).tolist():
        why = f"is saturated: its map stays where {maps.function} is flat, on {all_of}"
        yield kernel, "saturated", why


# Duplicates -------------------------------------------------------------------------------


def _duplicates(flat_kd: Array, groups: int) -> Iterator[tuple[int, int, float]]:
    """Find kernels like an earlier one of their group: kernel, the other, and the cosine.

    One of all zeros is like none. Kernels of other groups see other channels, and are no duplicates
    however alike: a depthwise convolution has none.
    """
    size = len(flat_kd) // groups
    compared = min(size, MOST_COMPARED)
    least = least_cosine(flat_kd.shape[1], groups * compared * (compared - 1) // 2)
    if least is None:
        return
    for start in range(0, len(flat_kd), size):
        cosines = _cosines(flat_kd[start : start + compared])
        earlier = np.tril(cosines, -1)
        likest = np.abs(earlier).argmax(axis=1)
        values = earlier[np.arange(compared), likest]
        for kernel in np.flatnonzero(np.abs(values) >= least).tolist():
            yield start + kernel, start + int(likest[kernel]), float(values[kernel])


def least_cosine(length: int, pairs: int) -> float | None:
    """Return the size of cosine from which on two kernels are duplicates; None to compare none.

    Parameters
    ----------
    length : int
        Weights of a kernel.
    pairs : int
        Pairs that are compared.

    Notes
    -----
    The square of the cosine of two random directions of d dimensions follows the beta distribution
    of 1/2 and (d - 1)/2 (Cai, Fan and Jiang, "Distributions of Angles in Random Packing on
    Spheres", 2013).
    """
    if length < 2 or not pairs:
        return None
    by_chance = float(np.sqrt(betainccinv(0.5, (length - 1) / 2, CHANCE / pairs)))
    return None if by_chance > NEAREST_TO_ONE else max(ALIKE, by_chance)


def _cosines(flat_kd: Array) -> Array:
    norms = np.linalg.norm(flat_kd, axis=1, keepdims=True)
    unit = np.divide(flat_kd, norms, out=np.zeros_like(flat_kd), where=norms > 0)
    cosines: Array = np.clip(unit @ unit.T, -1, 1)
    return cosines
