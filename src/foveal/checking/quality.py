"""What is wrong with single pictures: blank, dark, overexposed, blurred, of odd size or kind.

Each is held against the others of the folder, since what is dark among photographs of pets is usual
among those of stars; and against a bound of its own, since of pictures that are all alike the
farthest is still no fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from foveal.arrays import Doubles, Rows
from foveal.checking.fences import beyond, rare
from foveal.checking.findings import Finding, finding
from foveal.checking.measures import Measures
from foveal.pictures.collection import Pictures
from foveal.pictures.remarks import joined

LEVELS = 255
FLAT = 8 / LEVELS
"""Spread of values below which nothing is to be seen."""
DIM, GLARING = 0.2, 0.8
"""Lightest value of a dark picture, and darkest of an overexposed one."""
LIGHT_APART = 0.15
"""Least distance from the median of dark and overexposed pictures."""
SOFTER = np.log(3.0)
"""Least factor between the sharpness of a blurred picture and the median."""
LARGER = np.log(3.0)
"""Least factor between the side of an odd picture and the median."""
WIDER = np.log(2.0)
"""Least factor between the aspect of an odd picture and the median."""
TINY = 1e-6


def quality(pictures: Pictures, measures: Measures) -> Iterator[Finding | None]:
    """Find pictures that can be read and may not serve.

    Yields
    ------
    Finding or None
        None where nothing of a kind was found.
    """
    names = pictures.names

    def found(kind: str, rows: Rows, why: Sequence[str]) -> Finding | None:
        return finding(kind, (([row], text) for row, text in zip(rows, why, strict=True)), names)

    blank = blank_rows(measures)
    seen = np.setdiff1d(measures.rows, blank)
    yield found("blank", blank, [_spread(one) for one in measures.spread[blank]])
    dark = _apart(measures.light, seen, lower=True, bound=DIM)
    yield found("dark", dark, [f"lightest {one:.2f} of 1" for one in measures.light[dark]])
    light = _apart(measures.dark, seen, lower=False, bound=GLARING)
    yield found("light", light, [f"darkest {one:.2f} of 1" for one in measures.dark[light]])
    blurred, usual = _blurred(measures, np.setdiff1d(seen, np.concatenate([dark, light])))
    sharp = measures.sharpness
    yield found(
        "blurred",
        blurred,
        [f"{usual / max(one, TINY):.1f} times softer than usual" for one in sharp[blurred]],
    )
    yield from _sizes(pictures, measures)
    yield from _kinds(pictures, measures)


def blank_rows(measures: Measures) -> Rows:
    """Find pictures in which nothing is to be seen."""
    with np.errstate(invalid="ignore"):
        return np.flatnonzero(measures.spread < FLAT)


def _spread(value: float) -> str:
    return f"its values differ by {round(value * LEVELS)} of {LEVELS}"


def _apart(values_n: Doubles, seen: Rows, *, lower: bool, bound: float) -> Rows:
    """Find rows beyond the fence on one side, and beyond a bound of its own; the worst first."""
    known = _only(values_n, seen)
    rows, middle = beyond(known, LIGHT_APART)
    side = known[rows] < min(middle, bound) if lower else known[rows] > max(middle, bound)
    rows = rows[side]
    ranked: Rows = rows[np.argsort(known[rows] if lower else -known[rows], kind="stable")]
    return ranked


def _only(values_n: Doubles, rows: Rows) -> Doubles:
    """Return values of some rows, and NaN in all others."""
    found = np.full(len(values_n), np.nan)
    found[rows] = values_n[rows]
    return found


def _blurred(measures: Measures, seen: Rows) -> tuple[Rows, float]:
    """Find pictures that are far softer than others, the softest first; and what is usual."""
    logs = np.log(np.maximum(_only(measures.sharpness, seen), TINY))
    rows, middle = beyond(logs, SOFTER)
    rows = rows[logs[rows] < middle]
    return rows[np.argsort(logs[rows], kind="stable")], float(np.exp(middle))


def _sizes(pictures: Pictures, measures: Measures) -> Iterator[Finding | None]:
    height, width = measures.heights, measures.widths
    ways = (
        ("size", np.log(height * width) / 2, LARGER),
        ("shape", np.log(width / height), WIDER),
    )
    for kind, logs, least in ways:
        rows, middle = beyond(logs, least)
        rows = rows[np.argsort(-np.abs(logs[rows] - middle), kind="stable")]
        sides = [f"{height[row]:.0f}x{width[row]:.0f}" for row in rows]
        found = (([row], side) for row, side in zip(rows, sides, strict=True))
        yield finding(kind, found, pictures.names)


def _kinds(pictures: Pictures, measures: Measures) -> Iterator[Finding | None]:
    """Find files of formats and colours that hardly any other has, and those read with a remark."""
    shown = [
        f"{mode}, no colours in it" * (mode == "colour") or mode if mode and not coloured else mode
        for mode, coloured in zip(measures.modes, measures.coloured, strict=True)
    ]
    for kind, values in (("format", measures.formats), ("colour", shown)):
        rows, common = rare(values)
        found = (([row], f"{values[row]}; nearly all are {common}") for row in rows)
        yield finding(kind, found, pictures.names)
    told = (([row], joined(remarks)) for row, remarks in enumerate(measures.remarks) if remarks)
    yield finding("remark", told, pictures.names)
