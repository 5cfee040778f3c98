"""What a format of files must be able to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from foveal.arrays import Array
from foveal.engines.choose import NEEDS
from foveal.exporting.program import Program

Facts = Mapping[str, str]
"""What a file tells of itself, by name; values longer than a word are JSON."""
Run = Callable[[Array], Array]
"""Answers a batch by the runtime of a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A format of files."""

    name: str
    """What people call it."""
    suffix: str
    engine: str
    """The engine of `foveal.engines.choose` that runs it: by its packages it is written too."""
    beside: tuple[str, ...] = ()
    """Endings of further files that belong to it, in place of `suffix`."""
    write: Callable[[Program, Facts, Path], None]
    """Write a program, with facts in the file's own metadata."""
    open: Callable[[Path, int], Run]
    """Open a file, to be run by so many threads."""
    facts: Callable[[Path], dict[str, str]]
    """Read the facts of a file."""

    def files(self, path: Path) -> tuple[Path, ...]:
        """Name all files that belong together, the one that is opened last."""
        return (*(path.with_suffix(ending) for ending in self.beside), path)

    def versions(self) -> dict[str, str]:
        """Return the versions of the packages that write and run it."""
        return {name: version(name) for name in ("torch", *NEEDS[self.engine])}
