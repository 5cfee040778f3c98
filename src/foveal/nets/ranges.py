"""What a layer may carry: the ranges of its numbers, shapes and words. Never imports torch."""

from __future__ import annotations

import re
from numbers import Integral
from typing import Any

from foveal.errors import NetworkError
from foveal.shapes import Shape

Pair = tuple[int, int]
MOST = 1_000_000
"""Largest whole number a layer may carry: a guard against slips and hostile files."""
MOST_COUNTED = 10**15 - 1
"""Largest number of parameters or multiply-adds that is believed: fifteen digits."""
LONGEST = 100
"""Longest name of an architecture or of a unit of it, in characters."""
_WORDS = {"architecture": "[a-z0-9_.]", "unit": "[A-Za-z0-9_.]"}
"""The characters of the two names. Without ':' and '/' none can lead out of the package."""
_KEYWORDS = ("gives", "holds", "adds")
"""Words that stand before a value, and so cannot be names."""


def whole(value: Any, least: int, where: str, most: int = MOST) -> int:
    """Check a value against the whole numbers from `least` to `most`."""
    if (
        isinstance(value, bool)
        or not isinstance(value, Integral)
        or not least <= int(value) <= most
    ):
        raise refused(where, f"a whole number from {least} to {most}", value)
    return int(value)


def counted(value: Any, where: str) -> int:
    """Check a value against the numbers of parameters or multiply-adds."""
    return whole(value, 0, where, MOST_COUNTED)


def pair(value: Any, least: int, where: str) -> Pair:
    """Bring one whole number or two into the form (height, width)."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = (value, value)
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise refused(where, "one whole number or two (height, width)", value)
    return (whole(value[0], least, where), whole(value[1], least, where))


def checked_shape(value: Any, where: str) -> Shape:
    """Check a shape against channels x height x width.

    Raises
    ------
    NetworkError
        For anything but three whole numbers of at least 1.
    """
    if not isinstance(value, tuple | list) or len(value) != 3:
        raise refused(where, "channels x height x width, as in 3x32x32", value)
    return tuple(whole(side, 1, where) for side in value)


def outcome(value: Any, where: str) -> Shape:
    """Bring what a unit gives into the form (channels, height, width) or (length,).

    >>> outcome(512, "timm: gives"), outcome([64, 7, 7], "timm: gives")
    ((512,), (64, 7, 7))
    """
    if isinstance(value, int):
        value = (value,)
    if not isinstance(value, tuple | list) or len(value) not in (1, 3):
        raise refused(where, "channels x height x width or one length", value)
    return tuple(whole(side, 1, where) for side in value)


def word(value: Any, where: str) -> str:
    """Check a name of timm against its characters; `where` ends in the kind of name."""
    allowed = _WORDS[where.rpartition(" ")[2]]
    fits = isinstance(value, str) and re.fullmatch(f"{allowed}{{1,{LONGEST}}}", value)
    if not fits or value in _KEYWORDS:
        raise refused(where, f"1 to {LONGEST} characters of {allowed}, no keyword", value)
    return str(value)


def refused(where: str, needed: str, value: Any) -> NetworkError:
    """Make the error for a value out of its range."""
    return NetworkError(
        where, needed=needed, came=repr(value), remedy="choose a value in that range"
    )
