"""Features that actors of Ray compute: each adds to the one cache what it was given.

The cache must lie on a disk that all machines see. What was added stays, whoever ends: a part of
the cache is named after what is in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from foveal.actors import handed_out
from foveal.inference.extracting import (
    A_SAVING,
    Extracted,
    Extraction,
    Progress,
    Unfit,
    Wanted,
    extracted,
)
from foveal.inference.feature_cache import FeatureCache
from foveal.inference.session import Session
from foveal.pictures.scaling import of_prepared
from foveal.recipe import PictureRecipe

PIECE = A_SAVING
"""Pictures that an actor is given at once: a part of the cache."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Extracting:
    """An extraction as a task of actors."""

    extraction: Extraction
    engine: str
    folder: Path
    """That of the cache."""

    def open(self, threads: int) -> Callable[[Wanted], tuple[int, Extracted]]:
        """Open the network, in this process."""
        sent = self.extraction.session
        device = replace(sent.device, threads=threads)
        session = Session(sent.network, sent.recipe, device, engine=self.engine)
        extraction = replace(self.extraction, session=session)
        cache = FeatureCache(self.folder)

        def done(wanted: Wanted) -> tuple[int, Extracted]:
            with device.at_work():
                return len(wanted.missing), extracted(wanted, extraction, cache, self.engine)

        return done


def extracted_on_ray(
    wanted: Wanted,
    extraction: Extraction,
    cache: FeatureCache,
    name: str,
    progress: Progress | None = None,
) -> Extracted:
    """Compute what is missing as `extracted` does, by actors of Ray.

    Raises
    ------
    Unfit
        Where the engine cannot run the network.
    ResourceError
        Where the disk is full, and where actors end again and again.
    """
    assert extraction.cluster is not None
    session = extraction.session
    note = session.engine(name, of_prepared(wanted.pictures, session.recipe)).note
    if note:
        raise Unfit(note)
    task = Extracting(extraction=extraction, engine=name, folder=cache.folder.absolute())
    computed, done, passing = 0, 0, dict[bytes, str]()
    graphics = session.device.name == "cuda"
    pieces, threads = _pieces(wanted, session.recipe), session.device.asked
    given = handed_out(extraction.cluster, task, pieces, threads=threads, graphics=graphics)
    with closing(given) as answers:
        for pictures, found in answers:
            computed, done = computed + found.computed, done + pictures
            passing |= found.passing
            if progress is not None:
                progress(done, len(wanted.missing))
    return Extracted(computed=computed, passing=passing)


def _pieces(wanted: Wanted, recipe: PictureRecipe) -> Iterator[Wanted]:
    """Divide what is missing; each piece holds its own pictures alone."""
    pictures = wanted.pictures.settled(recipe)
    for start in range(0, len(wanted.missing), PIECE):
        some = wanted.missing[start : start + PIECE]
        rows = [row for row, _ in some]
        yield Wanted(
            pictures=pictures.take(rows),
            ids=[[view[row] for row in rows] for view in wanted.ids],
            missing=[(at, views) for at, (_, views) in enumerate(some)],
        )
