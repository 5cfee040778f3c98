"""Axes of charts: from values to places, and the round numbers that are written along them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Unit = Literal["number", "percent", "count"]
STEPS = (1.0, 2.0, 5.0, 10.0)
"""Round steps between ticks, times a power of ten."""
WIDE = 50.0
"""How many times the least value the greatest is, from which on a scale is logarithmic."""

NEAR = 1e-9
"""Share of themselves by which values must be apart for an axis to tell them apart."""
FAR = 1e100
"""What is farther from 0 is drawn there; what is apart by less than 1 / `FAR` is drawn as one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One axis of a chart."""

    name: str
    low: float
    high: float
    unit: Unit = "number"
    log: bool = False

    def place(self, value: float) -> float:
        """Return where a value stands, from 0 at the low end to 1 at the high one."""
        if not self.log:
            return (value - self.low) / (self.high - self.low)
        least = max(value, self.low)  # what is 0, or less, stands at the low end
        return math.log(least / self.low) / math.log(self.high / self.low)

    def ticks(self, most: int = 6) -> list[float]:
        """Return the round values that are written, ascending.

        >>> Axis(name="share", low=0, high=1).ticks()
        [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
        >>> Axis(name="loss", low=0.01, high=1, log=True).ticks()
        [0.01, 0.1, 1.0]
        """
        if self.log:
            return self._decades(most)
        step = _round_step((self.high - self.low) / max(most - 1, 1))
        if self.unit == "count":
            step = max(step, 1.0)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        digits = 2 - math.floor(math.log10(step))
        return [round(place * step, digits) for place in range(first, last + 1)]

    def _decades(self, most: int) -> list[float]:
        """Return 1, 2 and 5 of each power of ten where there is room, or powers alone."""
        low, high = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        far = max(-(-(high - low) // max(most - 1, 1)), 10)
        for digits, every in (((1, 2, 5), 1), ((1,), 1), ((1,), 2), ((1,), 5), ((1,), far)):
            found = [
                float(f"{digit}e{power}")
                for power in range(low, high + 1, every)
                for digit in digits
                if self.low * 0.999 <= float(f"{digit}e{power}") <= self.high * 1.001
            ]
            if len(found) <= most:
                break
        return found or [self.low, self.high]

    def text(self, value: float) -> str:
        """Write the value of a tick.

        >>> Axis(name="share", low=0, high=1, unit="percent").text(0.2)
        '20 %'
        """
        if self.unit == "percent":
            return f"{100 * value:.10g} %"
        return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.10g}"


def spanning(
    name: str,
    values: Iterable[float],
    *,
    unit: Unit = "number",
    low: float | None = None,
    high: float | None = None,
    log: bool = False,
) -> Axis:
    """Make an axis that has room for values, with round ends.

    Parameters
    ----------
    name : str
        What it measures.
    values : iterable of float
        What is drawn; those not finite are passed over.
    unit : {"number", "percent", "count"}
        How its ticks are written.
    low, high : float, optional
        Ends that are given.
    log : bool
        Whether it may be logarithmic: it is where all values are above 0 and the greatest is more
        than 50 times the least.
    """
    known = [min(max(float(one), -FAR), FAR) for one in values if math.isfinite(one)] or [0.0, 1.0]
    least, greatest = min(known), max(known)
    if log and least > 0 and greatest / least > WIDE:
        return Axis(name=name, low=_below(least), high=_above(greatest), unit=unit, log=True)
    least = least if low is None else low
    greatest = greatest if high is None else high
    far = max(abs(least), abs(greatest))
    if greatest - least <= max(NEAR * far, 1 / FAR):
        room = far if far > 1 / FAR else 1.0
        least, greatest = (least, least + room) if high is None else (high - room, high)
    step = _round_step((greatest - least) / 5)
    return Axis(
        name=name,
        low=math.floor(least / step + 1e-9) * step if low is None else low,
        high=math.ceil(greatest / step - 1e-9) * step if high is None else high,
        unit=unit,
    )


def _round_step(rough: float) -> float:
    """Return the least round step that is no less than a rough one."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(one for one in STEPS if one * power >= rough * (1 - 1e-9)) * power


def _below(value: float) -> float:
    """Return the nearest of 1, 2 and 5 times a power of ten that is not above a value."""
    power = 10.0 ** math.floor(math.log10(value))
    return max(one for one in STEPS[:3] if one * power <= value * (1 + 1e-9)) * power


def _above(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return min(one for one in STEPS if one * power >= value * (1 - 1e-9)) * power
