"""Kernels designed by hand, slid over a picture, beside the network's kernel most like them.

Axes: h height, w width of a picture; k kernel; y, x row and column of a map.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view

from foveal.arrays import Array
from foveal.errors import UsageError
from foveal.looking.convolutions import Kernels, convolution_modules, first_convolution
from foveal.looking.subject import NothingToSee, Seen, Subject
from foveal.parameters import did_you_mean
from foveal.pictures.collection import Pictures
from foveal.recipe import LUMA
from foveal.training.snapshots import first_kernels
from foveal.wording import counted

Rows = tuple[tuple[float, ...], ...]

KERNELS: Mapping[str, Rows] = {
    "sobel": ((-1, 0, 1), (-2, 0, 2), (-1, 0, 1)),
    "edge": ((-1, -1, -1), (-1, 8, -1), (-1, -1, -1)),
    "blur": ((1 / 16, 2 / 16, 1 / 16), (2 / 16, 4 / 16, 2 / 16), (1 / 16, 2 / 16, 1 / 16)),
    "sharpen": ((0, -1, 0), (-1, 5, -1), (0, -1, 0)),
    "emboss": ((-2, -1, 0), (-1, 1, 1), (0, 1, 2)),
}
"""Kernels by name: the derivative from left to right (Sobel and Feldman, 1968), the Laplacian with
its diagonals, a Gaussian by binomials, the picture and its Laplacian, and light from one side
(Gonzalez and Woods, "Digital Image Processing")."""
LARGEST = 31
"""Sides of a kernel at most."""
LARGEST_WEIGHT = 1e6
"""Size of a weight at most, so that sums stay exact enough to be shown."""
LARGEST_FILE = 1_000_000
"""Bytes of a file that holds one."""
ENDINGS = (".csv", ".txt", ".npy")


@dataclass(frozen=True, eq=False, slots=True)
class Designed:
    """A kernel made by hand."""

    name: str
    weights: Array
    """(h, w), float64, finite."""

    @property
    def keeps_brightness(self) -> bool:
        """Whether its weights add up to 1: its map is a picture as bright as the one it sees."""
        return bool(abs(self.weights.sum() - 1) < 1e-6)


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
    found: Array = kept[0][0, kernel].to("cpu", torch.float32).numpy()
    return found


# Reading ----------------------------------------------------------------------------------


def designed(kernel: Any) -> Designed:
    """Return a kernel made by hand.

    Parameters
    ----------
    kernel : str, path or array
        A name of `KERNELS`; a .csv or .txt file, a row a line, its numbers apart by commas,
        semicolons or blanks, a fraction such as 1/9 among them; a .npy file; or a matrix.
        Even sides are allowed: nothing is padded, so that a kernel needs no middle.

    Raises
    ------
    UsageError
        For a name or a file that is none, and for anything but a matrix of finite numbers, of
        at most 31x31, not all of them 0.
    """
    if isinstance(kernel, Designed):
        return kernel
    if not isinstance(kernel, str | Path):
        return _checked("kernel", kernel)
    if str(kernel) in KERNELS:
        return Designed(str(kernel), np.array(KERNELS[str(kernel)], np.float64))
    if not os.path.isfile(kernel):  # noqa: PTH113  Path raises for long names
        raise UsageError(
            "kernel",
            needed=f"one of {', '.join(KERNELS)}, or a file that holds a matrix",
            came=repr(str(kernel)[:100]),
            remedy=did_you_mean(str(kernel), KERNELS) or "choose one of them, or name a file",
        )
    return _of_file(Path(kernel))


def _of_file(path: Path) -> Designed:
    what = f"kernel {path.name[:100]}"
    ending = path.suffix.lower()
    size = path.stat().st_size
    if ending not in ENDINGS or size > LARGEST_FILE:
        raise UsageError(
            what,
            needed=f"a file ending in {', '.join(ENDINGS)}, of at most {LARGEST_FILE:,} bytes",
            came=f"one of {counted(size, 'byte')}" if ending in ENDINGS else ending or "no ending",
            remedy="write the matrix as text, a row a line",
        )
    try:
        data = np.load(path, allow_pickle=False) if ending == ".npy" else _rows_of(path)
    except OSError as error:
        raise _unreadable(what, error.strerror or str(error)) from error
    except (ValueError, ZeroDivisionError, EOFError) as error:
        raise _unreadable(what, str(error).splitlines()[0][:100]) from error
    return _checked(what, data, path.name)


def _unreadable(what: str, came: str) -> UsageError:
    return UsageError(
        what,
        needed="a matrix of numbers, a row a line, or a .npy file that holds one",
        came=came,
        remedy="write for instance three lines: 1 0 -1",
    )


def _rows_of(path: Path) -> list[list[float]]:
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    words = [[word for word in re.split(r"[,;\s]+", line) if word] for line in lines]
    rows = [[_number(word) for word in line] for line in words if line]
    lengths = sorted({len(row) for row in rows})
    if len(lengths) > 1:
        raise ValueError(f"rows of {lengths[0]} and of {counted(lengths[-1], 'number')}")
    return rows


def _number(word: str) -> float:
    above, _, below = word.partition("/")
    try:
        return float(above) / float(below) if below else float(word)
    except ValueError:
        raise ValueError(f"{word[:40]!r}, which is no number") from None


def _checked(what: str, values: Any, name: str = "of your own") -> Designed:
    """Check that values are a kernel."""
    given = np.asarray(values)
    came = f"values of type {given.dtype}, of shape {given.shape}"
    if given.dtype.kind in "biuf" and given.ndim == 2 and given.size:
        weights = given.astype(np.float64)
        if max(weights.shape) > LARGEST:
            came = f"one of {weights.shape[0]}x{weights.shape[1]}"
        elif not np.isfinite(weights).all():
            came = f"{counted(int((~np.isfinite(weights)).sum()), 'number')} not finite"
        elif not weights.any():
            came = "nothing but 0"
        elif np.abs(weights).max() > LARGEST_WEIGHT:
            came = f"a weight of {np.abs(weights).max():.3g}"
        else:
            return Designed(name, weights)
    raise UsageError(
        what,
        needed=f"a matrix of finite numbers, of at most {LARGEST}x{LARGEST}, each of at most "
        f"{LARGEST_WEIGHT:,.0f} and not all 0",
        came=came,
        remedy="write for instance three lines: 1 0 -1",
    )
