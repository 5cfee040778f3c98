"""How far the pictures of a command that draws are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from foveal.pictures.store import Progress


@contextmanager
def shown_passage(network: str = "the autoencoder", *later: str) -> Iterator[Progress]:
    """Show on stderr how many pictures went through a network, and then through others."""
    from foveal.cli.progress import shown_progress
    from foveal.progress.events import passing

    with shown_progress() as show:
        yield passing(show, network, *later)
