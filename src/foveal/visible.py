"""Text of others, such as names of files and classes, in which nothing can hide."""

from __future__ import annotations

import re
import unicodedata

HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Kinds of characters that steer: control, format, halves of pairs, ends of lines."""
JOINERS = "\u200c\u200d"
"""Of these the two that letters and emoji are written with."""
LONGEST = 10
"""Letters of an escape, at most."""
WITHIN = re.compile(f"(?<=[^\x00-\x7f{JOINERS}])[{JOINERS}](?=[^\x00-\x7f{JOINERS}])")
"""A joiner where it is written: elsewhere it would be seen by nobody."""


def is_plain(text: str) -> bool:
    r"""Whether all of a text is seen as it is: nothing in it steers, or hides.

    >>> [is_plain(one) for one in ("\u0645\u06cc\u200c\u062e", "cat\u200d", "a\nb")]
    [True, False, False]
    """
    return WITHIN.sub("", text).isprintable()


def visible(text: object, most: int = 200, *, kept: str = "") -> str:
    r"""Write control and format characters as their escapes, and cut what is too long.

    Neither a terminal nor a page is then steered by a name: no colours, no new lines, no text
    that runs the other way.

    Parameters
    ----------
    text : object
        What is to be shown; `str` makes it text.
    most : int
        Letters of the answer, "..." included.
    kept : str
        Characters left as they are, such as the ends of lines.

    Examples
    --------
    >>> visible("cat\x1b[31m\n.png"), visible("photo\u202egpj.exe")
    ('cat\\x1b[31m\\n.png', 'photo\\u202egpj.exe')
    >>> visible("a long name", 8)
    'a lon...'
    """
    raw = str(text)
    if len(raw) <= most and raw.isprintable():
        return raw
    shown = "".join(_shown(one, kept) for one in raw[: most + 1])
    cut = len(raw) > most or len(shown) > most
    return shown[: most - 3] + "..." if cut else shown


def _shown(letter: str, kept: str) -> str:
    if letter in kept or letter in JOINERS or unicodedata.category(letter) not in HIDDEN:
        return letter
    return letter.encode("unicode_escape").decode("ascii")


def visible_line(text: object, *, kept: str = "") -> str:
    r"""Write what steers in a line of text as its escapes, however long it is.

    >>> visible_line("cat\x1b[31m\n  dog")
    'cat\\x1b[31m\\n  dog'
    """
    line = str(text)
    return visible(line, len(line) * LONGEST + 3, kept=kept)


def visible_lines(text: str) -> str:
    r"""Write what steers in lines of text as its escapes, but for ends of lines and tabs.

    >>> visible_lines("cat\x1b[31m\n  dog")
    'cat\\x1b[31m\n  dog'
    """
    return "\n".join(visible_line(line, kept="\t") for line in text.split("\n"))
