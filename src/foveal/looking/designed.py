"""Kernels designed by hand: by name, from a file, or a matrix. No code is ever run to read one.

Axes: h height, w width.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from foveal.arrays import Array
from foveal.errors import UsageError
from foveal.parameters import did_you_mean
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
NAMED_MARKS = {",": "commas", ";": "semicolons", "": "blanks"}
"""What may stand between numbers: one of these in a file."""
POINTS = "a decimal number needs a point, as 0.5"


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


def designed(kernel: Any) -> Designed:
    """Return a kernel made by hand.

    Parameters
    ----------
    kernel : str, path or array
        A name of `KERNELS`; a .csv or .txt file, a row a line, its numbers apart by commas,
        semicolons or blanks, one of these in a file, a fraction such as 1/9 among them; a .npy
        file; or a matrix.
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
    marks = {mark for line in lines for mark in _marks(line)}
    if len(marks) > 1:  # 0,5;1,5 are two numbers, not four
        raise ValueError(f"numbers apart by {' and by '.join(sorted(marks))}; {POINTS}")
    words = [[word for word in re.split(r"[,;\s]+", line) if word] for line in lines]
    rows = [[_number(word) for word in line] for line in words if line]
    lengths = sorted({len(row) for row in rows})
    if len(lengths) > 1:
        raise ValueError(f"rows of {lengths[0]} and of {counted(lengths[-1], 'number')}")
    return rows


def _marks(line: str) -> set[str]:
    """Name what stands between the numbers of a line."""
    between = re.findall(r"\s*[,;]\s*|\s+", line.strip().rstrip(",;"))
    return {NAMED_MARKS[mark.strip()] for mark in between}


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
