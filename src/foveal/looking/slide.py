"""A kernel designed by hand slid over a picture, beside the network's kernel most like it.

Axes: h height, w width of a picture; k kernel; y, x row and column of a map.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view

from foveal.arrays import Array
from foveal.looking.convolutions import Kernels, convolution_modules, first_convolution
from foveal.looking.designed import Designed, designed
from foveal.looking.subject import NothingToSee, Seen, Subject, check_numbers
from foveal.pictures.collection import Pictures
from foveal.recipe import LUMA
from foveal.training.snapshots import first_kernels


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Alike:
    """The kernel of a network's first convolution most like a designed one, and its map."""

    layer: str
    kernel: int
    cosine: float
    """Of the designed kernel and this one for grey pictures, where it fits best; negative where
    it is like it with its sign turned."""
    weights: Array
    """(c, h, w)."""
    grey: Array
    """What it is to a grey picture: its channels added, (h, w)."""
    map: Array
    """What it makes of the same picture, with its bias, (y, x)."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Slide:
    """A designed kernel and the map that it makes of a picture."""

    name: str
    """The picture."""
    picture: Array
    """In grey, (h, w), black = 0 and white = 1."""
    kernel: Designed
    map: Array
    """At each place of the kernel within the picture the sum of its products, (y, x)."""
    alike: Alike | None
    """None where the network has no kernel as large."""


def slide(subject: Subject, pictures: Pictures, kernel: Any = "sobel") -> Slide:
    """Slide a kernel made by hand over the first of the pictures, as the network sees it in grey.

    Parameters
    ----------
    subject : Subject
        The network, whose first convolution is searched for a kernel like it.
    pictures : Pictures
        The first one is taken.
    kernel : str, path or array
        As for `designed`.

    Raises
    ------
    UsageError
        For a kernel that cannot be used.
    NothingToSee
        Where the picture is smaller than the kernel.
    """
    made = designed(kernel)
    seen = subject.seen(pictures.take([0]))
    picture = grey(seen.images[0])
    high, wide = made.weights.shape
    if picture.shape[0] < high or picture.shape[1] < wide:
        raise NothingToSee(
            f"kernel {made.name}",
            needed=f"a picture of at least {high}x{wide} pixels",
            came=f"one of {picture.shape[0]}x{picture.shape[1]}",
            remedy="choose a smaller kernel, or a network that sees larger pictures",
        )
    return Slide(
        name=str(seen.names[0]),
        picture=picture,
        kernel=made,
        map=slid(picture, made.weights),
        alike=_most_alike(subject, seen, made.weights),
    )


def grey(image_hwc: Array) -> Array:
    """Return a picture in grey, (h, w): by brightness where it has colours, else the mean."""
    values = image_hwc.astype(np.float64)
    found: Array = values @ np.array(LUMA) if values.shape[2] == 3 else values.mean(axis=2)
    return found


def slid(picture_hw: Array, kernel_hw: Array) -> Array:
    """Slide a kernel over a picture, without turning it, as networks do; nothing is padded."""
    windows = sliding_window_view(picture_hw, kernel_hw.shape)
    found: Array = np.einsum("yxhw,hw->yx", windows, kernel_hw)
    return found


# The network's kernel most like it --------------------------------------------------------


def _most_alike(subject: Subject, seen: Seen, kernel_hw: Array) -> Alike | None:
    learned = first_convolution(subject)
    if learned is None:
        return None
    in_greys = in_grey(learned)
    cosines = likeness(in_greys, kernel_hw)
    if cosines is None:
        return None
    kernel = int(np.abs(cosines).argmax())
    return Alike(
        layer=learned.layer,
        kernel=kernel,
        cosine=float(cosines[kernel]),
        weights=learned.weights[kernel],
        grey=in_greys[kernel],
        map=_map_of(subject, seen, kernel),
    )


def in_grey(kernels: Kernels) -> Array:
    """Return what kernels are to a grey picture, all of whose channels are alike: (k, h, w)."""
    found: Array = np.nan_to_num(kernels.weights.astype(np.float64)).sum(axis=1)
    return found


def likeness(learned_khw: Array, kernel_hw: Array) -> Array | None:
    """Compute the cosine of a kernel with each of others, at the place where it fits best.

    Returns
    -------
    array or None
        (k,), of -1 to 1; None where the kernel is larger than the others, or all of it is 0.
    """
    norm = float(np.linalg.norm(kernel_hw))
    if any(a > b for a, b in zip(kernel_hw.shape, learned_khw.shape[1:], strict=True)) or not norm:
        return None
    sizes = np.linalg.norm(learned_khw, axis=(1, 2))
    windows = sliding_window_view(learned_khw, kernel_hw.shape, axis=(1, 2))
    sums = np.einsum("kyxhw,hw->kyx", windows, kernel_hw).reshape(len(learned_khw), -1)
    best = sums[np.arange(len(sums)), np.abs(sums).argmax(axis=1)]
    found: Array = np.divide(best, norm * sizes, out=np.zeros_like(best), where=sizes > 0)
    return found


def _map_of(subject: Subject, seen: Seen, kernel: int) -> Array:
    """Return the map that a kernel of the first convolution makes, before anything follows."""
    first = first_kernels(subject.network)
    (module,) = [
        module
        for _, _, module in convolution_modules(subject.network, subject.plan)
        if module.weight is first
    ]
    kept: list[torch.Tensor] = []
    hook = module.register_forward_hook(lambda *passed: kept.append(passed[2]))
    try:
        with subject.device.at_work(), torch.inference_mode():
            subject.network(seen.inputs)
    finally:
        hook.remove()
    check_numbers(kept[0])
    found: Array = kept[0][0, kernel].to("cpu", torch.float32).numpy()
    return found
