"""What the commands that draw have in common: how far they are, and what they wrote."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from foveal.pictures.store import Progress


@contextmanager
def shown_passage(network: str = "the autoencoder") -> Iterator[Progress]:
    """Show on stderr how many pictures went through a network."""
    from foveal.cli.progress import shown_progress
    from foveal.progress.events import passing

    with shown_progress() as show:
        yield passing(show, network)


def unreadable_line(names: Sequence[str], reasons: Sequence[str]) -> list[str]:
    """Describe which pictures could not be read, in one line; no line where all could."""
    from foveal.pictures.ledger import Entry, summary

    if not any(reasons):
        return []
    entries = [
        Entry(str(name), None, "", reason) for name, reason in zip(names, reasons, strict=True)
    ]
    return [f"note: {summary(entries)}"]


def wrote(paths: Sequence[Path]) -> str:
    """Name the files that were written."""
    *first, last = map(str, paths)
    return f"wrote {', '.join(first)} and {last}" if first else f"wrote {last}"
