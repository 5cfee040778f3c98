"""Parts that actors of Ray write: what an actor does is what is done here.

A piece that was given out twice is one part all the same: whole or absent, under its own name.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from foveal.actors import handed_out, needs_graphics
from foveal.bulk.folder import PartsFolder
from foveal.bulk.part import Part
from foveal.bulk.pieces import Piece
from foveal.bulk.run import Doing
from foveal.bulk.work import Work
from foveal.cluster import Cluster


@dataclass(frozen=True, slots=True)
class Writing:
    """Work whose parts go into a folder, as a task of actors."""

    work: Work
    folder: PartsFolder

    def open(self, threads: int) -> Callable[[Piece], Part]:
        """Open the work, in this process."""
        worker = _with_threads(self.work, threads).open()

        def written(piece: Piece) -> Part:
            found = self.folder.held(piece)  # by an actor that ended just after
            return found or self.folder.write(piece, worker)

        return written


def on_ray(work: Work, cluster: Cluster) -> Doing:
    """Do pieces by actors of Ray, of which each opens the work once, by its own threads.

    Parameters
    ----------
    work : Work
        What is done.
    cluster : Cluster
        Where Ray is; its machines see model, pictures and parts under the same paths.
    """

    def doing(folder: PartsFolder, missing: Iterator[Piece]) -> Generator[Part, None, None]:
        done: list[int] = []
        task, threads = Writing(work, folder), getattr(work, "threads", None)
        graphics = needs_graphics(getattr(work, "device", "cpu"))
        given = handed_out(cluster, task, missing, threads=threads, graphics=graphics)
        try:
            with closing(given) as parts:
                for part in parts:
                    done.append(part.number)
                    yield part
        finally:
            _sweep(folder, done)

    return doing


def _sweep(folder: PartsFolder, done: list[int]) -> None:
    """Take away what actors that ended left of parts that others wrote."""
    left = folder.leftovers()
    for number in done if left else ():
        for path in left.get(folder.beginning(number), ()):
            path.unlink(missing_ok=True)


def _with_threads(work: Work, threads: int) -> Work:
    """Return the same work by this number of threads, where it may say one."""
    known: Any = work
    return replace(known, threads=threads) if hasattr(work, "threads") else work
