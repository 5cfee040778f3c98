"""Numbers in sentences."""

from __future__ import annotations


def counted(count: int, noun: str, plural: str = "") -> str:
    """Write how many there are; the plural is the noun with an s, unless it is named.

    >>> counted(1, "picture"), counted(1797, "usual picture"), counted(2, "class", "classes")
    ('1 picture', '1,797 usual pictures', '2 classes')
    """
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"
