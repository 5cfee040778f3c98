"""What each picture is like, said by actors of Ray: what an actor does is what is done here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

from foveal.actors import handed_out
from foveal.checking.measures import (
    Measured,
    Measures,
    Progress,
    gathered,
    measured,
    side_of,
)
from foveal.checking.views import FileViewer, plain_recipe
from foveal.cluster import Cluster
from foveal.pictures.collection import Pictures
from foveal.pictures.content import Content
from foveal.recipe import PictureRecipe

PIECE = 256
"""Pictures that an actor is given at once."""

Piece = tuple[int, Content]
"""Pictures that come before some, and these."""
Said = tuple[int, list[Measured | str]]


@dataclass(frozen=True, slots=True)
class Measuring:
    """Measuring pictures by what was seen of all of them, as a task of actors."""

    side: int
    recipe: PictureRecipe

    def open(self, threads: int) -> Callable[[Piece], Said]:
        """Make ready to measure, in this process."""

        def said(piece: Piece) -> Said:
            before, content = piece
            view = FileViewer(content, self.side, self.recipe)
            return before, list(measured(content, view, threads))

        return said


def measure_on_ray(
    pictures: Pictures,
    cluster: Cluster,
    threads: int | None,
    progress: Progress | None = None,
) -> Measures:
    """Measure pictures as `measure` does, by actors of Ray.

    Parameters
    ----------
    pictures : Pictures
        Files: arrays are at hand.
    cluster : Cluster
        Where Ray is; its machines see the pictures under the same paths or addresses.
    threads : int, optional
        Threads of an actor, see `handed_out`.
    progress : callable, optional
        Called now and then with pictures done and in all.

    Raises
    ------
    ResourceError
        Where actors end again and again.
    """
    task = Measuring(side_of(pictures), plain_recipe(pictures))

    def found() -> Iterator[tuple[int, Measured | str]]:
        done = 0
        with closing(handed_out(cluster, task, _pieces(pictures), threads=threads)) as answers:
            for before, some in answers:
                yield from enumerate(some, before)
                done += len(some)
                if progress is not None:
                    progress(done, len(pictures))

    return gathered(len(pictures), found())


def _pieces(pictures: Pictures) -> Iterator[Piece]:
    for start in range(0, len(pictures), PIECE):
        yield start, pictures.content.piece(start, min(start + PIECE, len(pictures)))
