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
