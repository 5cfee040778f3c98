"""Numbers in sentences."""

from __future__ import annotations

import re

MARKED = re.compile(r"`([a-z_][a-z0-9_]*|C)`")
"""A parameter in the library's text: its name between backquotes."""


def unmarked(text: str) -> str:
    """Write marked parameters by their bare names.

    >>> unmarked("allow a higher rate (`false_alarms`)")
    'allow a higher rate (false_alarms)'
    """
    return MARKED.sub(r"\1", text)


def counted(count: int, noun: str, plural: str = "") -> str:
    """Write how many there are; the plural is the noun with an s, unless it is named.

    >>> counted(1, "picture"), counted(1797, "usual picture"), counted(2, "class", "classes")
    ('1 picture', '1,797 usual pictures', '2 classes')
    """
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def agreeing(count: int, one: str, several: str) -> str:
    """Return the word that agrees with a number: a verb, or a verb and more.

    >>> [f"{count} of them {agreeing(count, 'was', 'were')} there" for count in (1, 2)]
    ['1 of them was there', '2 of them were there']
    """
    return one if count == 1 else several


def three_digits(value: float) -> str:
    """Write a number of any size with three significant digits, or all before its point.

    >>> [three_digits(one) for one in (0.01234, 12.52, 999.6, 1034.5, 123456.0, 1.5e30)]
    ['0.0123', '12.5', '1,000', '1,034', '123,456', '1.5e+30']
    """
    return _digits(value, 3)


def four_digits(value: float) -> str:
    """Write a number of any size with four significant digits, or all before its point.

    >>> [four_digits(one) for one in (0.01234, 12.5, 1234.5, 123456.0, 1.5e30)]
    ['0.01234', '12.5', '1,234', '123,456', '1.5e+30']
    """
    return _digits(value, 4)


def _digits(value: float, count: int) -> str:
    whole = 1000 - 0.5 * 10 ** (3 - count) <= abs(value) < 1e7  # where rounding makes it 1,000
    return f"{value:,.0f}" if whole else f"{value:.{count}g}"
