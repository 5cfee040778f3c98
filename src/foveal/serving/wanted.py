"""Which models are to be served, under which names: words only, nothing is loaded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from foveal.errors import UsageError

FALSE_ALARMS = 0.05
"""Share of usual pictures that may be called unusual where a request says nothing else."""
NAMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""What a model may be called in an address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A model that is to be served."""

    name: str
    file: str
    """The file, or the name of a network that came with Foveal."""
    indexes: tuple[Path, ...] = ()
    """Folders of indexes; at the start those of other models may be among them."""
    usual: str | None = None
    """Usual pictures that others are held against, by a model that is no autoencoder."""
    reject: float | None = None
    """Share of pictures that it may leave to a person."""
    least_probability: float | None = None
    """Probability from which on it answers."""
    device: str = "auto"
    threads: int | None = None


def wanted_of(
    words: Sequence[str], *, device: str = "auto", threads: int | None = None
) -> list[Wanted]:
    """Read which models are to be served, under which names.

    Parameters
    ----------
    words : sequence of str
        Files, each called by its name without the ending; or ``name=file``.

    Raises
    ------
    UsageError
        For two models of one name, and for a name that an address cannot hold.
    """
    found: dict[str, Wanted] = {}
    for word in words:
        name, _, file = word.partition("=")
        if not file or Path(word).exists():
            name, file = Path(word).stem, word
        if not NAMED.fullmatch(name):
            raise UsageError(
                "MODEL",
                needed="a name of letters, digits, dots, dashes and underscores",
                came=repr(name)[:80],
                remedy=f"name it: cats={file}",
            )
        if name in found:
            raise UsageError(
                "MODEL",
                needed="models of different names",
                came=f"{found[name].file} and {file}, both {name}",
                remedy=f"name one of them: {name}-2={file}",
            )
        found[name] = Wanted(name=name, file=file, device=device, threads=threads)
    return list(found.values())
