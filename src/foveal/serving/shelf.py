"""The models of a server by their names: loaded, and loaded again when their files change.

What replaces a model is whole before it takes its place: requests that came before are answered by
the one they found, and one that cannot be loaded replaces nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from foveal.anomaly.neighbours import Neighbouring
from foveal.errors import FovealError, UsageError
from foveal.model.fitted import FittedModel
from foveal.model.imagenet import NAME as IMAGENET
from foveal.model.opening import load
from foveal.model.refusing import Refusal
from foveal.pictures.sources import gather
from foveal.search.build import open_index
from foveal.search.index import SearchIndex
from foveal.search.index_file import read_facts
from foveal.serving.refusals import Refused
from foveal.serving.resources import Resources
from foveal.serving.served import Served
from foveal.serving.wanted import FALSE_ALARMS, Wanted

GONE = "gone"
"""Stamp of a file that is not there."""


class Shelf:
    """Models that are served, by name."""

    def __init__(self, wanted: Iterable[Wanted], resources: Resources) -> None:
        self.resources = resources
        self.wanted = {one.name: one for one in wanted}
        self.stamps = {name: stamp_of(one) for name, one in self.wanted.items()}
        self.served = {
            name: loaded(replace(one, indexes=()), resources) for name, one in self.wanted.items()
        }
        self._share_indexes()
        _check_used(self.wanted.values(), self.served.values())
        for served in self.served.values():
            resources.engine.submit(served.open_engines).result()
        self.troubles: dict[str, str] = {}
        """Why a file that changed is not what is served, by model."""
        self._wanting = self._reloading = False

    def _share_indexes(self) -> None:
        """Give each model the index that it built, of those named for all."""
        built = {name: served.wide.digest() for name, served in self.served.items()}
        for name, one in self.wanted.items():
            own = tuple(place for place in one.indexes if read_facts(place).model == built[name])
            for place in one.indexes:
                if read_facts(place).model not in built.values():
                    open_index(place, self.served[name].wide)  # says that it is another's
            self.wanted[name] = replace(one, indexes=own)
            self.served[name].index = _index(self.wanted[name], self.served[name].wide)

    def __getitem__(self, name: str) -> Served:
        found = self.served.get(name)
        if found is None:
            known = ", ".join(self.served)
            raise Refused(
                404,
                "the model",
                needed=f"one that is served: {known}",
                came=name[:80],
                remedy="GET /v2 says which there are",
            )
        return found

    def __iter__(self) -> Iterator[Served]:
        return iter(self.served.values())

    async def reload(self) -> Mapping[str, str]:
        """Load the files that changed since they were read; nothing waits for it.

        Returns
        -------
        mapping
            By the model whose file changed, "loaded", or why it was not: then the one of before
            goes on. Nothing where a call that has begun will see to it.
        """
        found: dict[str, str] = {}
        self._wanting = True
        while self._wanting and not self._reloading:  # a second call is done by the first one
            self._wanting, self._reloading = False, True
            try:
                found |= await self._changed()
            finally:
                self._reloading = False
        return found

    async def _changed(self) -> dict[str, str]:
        """Load what changed, once."""
        found: dict[str, str] = {}
        for name, one in self.wanted.items():
            stamp = stamp_of(one)
            if stamp != self.stamps[name] or name in self.troubles:
                found[name] = await self._again(one, stamp)
        return found

    def _retire(self, served: Served) -> None:
        """Let a model go once nobody can be waiting for it.

        Its engines are taken down in the thread that runs all of them, so that none ends while
        another runs. Left to Python they would end in whatever thread collects garbage, for a
        served model is in a circle with its batches.
        """
        loop = asyncio.get_running_loop()
        seconds = self.resources.limits.request_seconds + 1.0
        loop.call_later(seconds, loop.run_in_executor, self.resources.engine, served.close)

    async def _again(self, one: Wanted, stamp: str) -> str:
        loop = asyncio.get_running_loop()
        try:
            served = await asyncio.to_thread(loaded, one, self.resources)
            await loop.run_in_executor(self.resources.engine, served.open_engines)
        except FovealError as error:
            reason = f"needed {error.needed}, got {error.came}"
        except Exception as error:  # whatever a file can bring about, the model of before answers
            reason = type(error).__name__
        else:
            self._retire(self.served[one.name])
            self.served[one.name], self.stamps[one.name] = served, stamp
            self.troubles.pop(one.name, None)
            self.resources.counters.reloads.labels(one.name, "loaded").inc()
            return "loaded"
        self.troubles[one.name] = reason
        self.resources.counters.reloads.labels(one.name, "failed").inc()
        return reason


def stamp_of(wanted: Wanted) -> str:
    """Return what changes with the file of a model."""
    place = Path(wanted.file)
    if wanted.file == IMAGENET and not place.exists():
        return IMAGENET
    try:
        status = place.stat()
    except OSError:
        return GONE
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ino}"


def loaded(wanted: Wanted, resources: Resources) -> Served:
    """Load a model; its engine is opened where it is asked.

    Raises
    ------
    ModelFileError
        Where the file cannot be loaded.
    DataError
        Where an index does not belong to it any more, or is damaged.
    """
    device, threads = wanted.device, wanted.threads
    model = load(wanted.file, device=device, threads=threads)
    wide = model
    if not Path(wanted.file).exists():
        wide = load(wanted.file, whole=True, device=device, threads=threads)
    return Served(
        wanted.name,
        model,
        resources,
        wide=wide,
        index=_index(wanted, wide),
        usual=_usual(wanted, wide),
        refusal=_refusal(wanted, model),
    )


def _index(wanted: Wanted, wide: FittedModel) -> SearchIndex | None:
    """Open the index of a model."""
    if len(wanted.indexes) > 1:
        raise UsageError(
            "index",
            needed="one of each model",
            came=f"{' and '.join(map(str, wanted.indexes))}, both of {wanted.name}",
            remedy="leave one out, or index all pictures together",
        )
    return open_index(wanted.indexes[0], wide) if wanted.indexes else None


def _usual(wanted: Wanted, wide: FittedModel) -> Neighbouring | None:
    """Look at the usual pictures, for a model that cannot do without."""
    if wanted.usual is None or wide.autoencodes:
        return None
    return Neighbouring.opened(wide, gather(wanted.usual), FALSE_ALARMS, 1)


def _refusal(wanted: Wanted, model: FittedModel) -> Refusal | None:
    """Decide from when on a model answers; an autoencoder answers nothing that could be refused."""
    if model.autoencodes:
        return None
    try:
        return model.refusal(reject=wanted.reject, least_probability=wanted.least_probability)
    except FovealError as error:
        said = {**error.beats, "what": f"{wanted.name}: {error.what}"}
        raise type(error)(**said) from error  # type: ignore[arg-type]


def _check_used(wanted: Iterable[Wanted], served: Iterable[Served]) -> None:
    """Refuse what is asked of models where none of them could do it."""
    asked = {
        word: [one for one in wanted if getattr(one, word) is not None]
        for word in ("usual", "reject", "least_probability")
    }
    if all(one.model.autoencodes for one in served):
        for word in (word for word, those in asked.items() if those):
            raise UsageError(
                word,
                needed="a model that answers what pictures are, among those served",
                came="autoencoders alone",
                remedy=f"leave `{word}` out",
            )
