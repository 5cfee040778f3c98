"""The models of a server by their names: loaded, and loaded again when their files change.

What replaces a model is whole before it takes its place: requests that came before are answered by
the one they found, and one that cannot be loaded replaces nothing.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from foveal.errors import FovealError, UsageError
from foveal.model.imagenet import NAME as IMAGENET
from foveal.model.opening import load
from foveal.search.build import open_index
from foveal.serving.refusals import Refused
from foveal.serving.resources import Resources
from foveal.serving.served import Served

NAMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""What a model may be called in an address."""
GONE = "gone"
"""Stamp of a file that is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A model that is to be served."""

    name: str
    file: str
    """The file, or the name of a network that came with Foveal."""
    indexes: tuple[Path, ...] = ()
    """Folders of indexes that may belong to it."""
    device: str = "auto"
    threads: int | None = None

    def stamp(self) -> str:
        """Return what changes with the file."""
        place = Path(self.file)
        if self.file == IMAGENET and not place.exists():
            return IMAGENET
        try:
            status = place.stat()
        except OSError:
            return GONE
        return f"{status.st_size} {status.st_mtime_ns} {status.st_ino}"

    def load(self, resources: Resources) -> Served:
        """Load it, open its engine, and ask it once.

        Raises
        ------
        ModelFileError
            Where the file cannot be loaded.
        DataError
            Where an index does not belong to it any more, or is damaged.
        """
        options = {"device": self.device, "threads": self.threads}
        model = load(self.file, **options)  # type: ignore[arg-type]
        wide = model if Path(self.file).exists() else load(self.file, whole=True, **options)  # type: ignore[arg-type]
        indexes = [open_index(place, wide) for place in self.indexes]
        served = Served(
            self.name, model, resources, wide=wide, index=indexes[0] if indexes else None
        )
        served.open_engines()
        return served


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


class Shelf:
    """Models that are served, by name."""

    def __init__(self, wanted: Iterable[Wanted], resources: Resources) -> None:
        self.resources = resources
        self.wanted = {one.name: one for one in wanted}
        self.stamps = {name: one.stamp() for name, one in self.wanted.items()}
        self.served: dict[str, Served] = {
            name: one.load(resources) for name, one in self.wanted.items()
        }
        self.troubles: dict[str, str] = {}
        """Why a file that changed is not what is served, by model."""
        self._reloading = asyncio.Lock()

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
            goes on.
        """
        async with self._reloading:
            found: dict[str, str] = {}
            for name, one in self.wanted.items():
                stamp = one.stamp()
                if stamp == self.stamps[name] and name not in self.troubles:
                    continue
                found[name] = await self._again(one, stamp)
            return found

    async def _again(self, one: Wanted, stamp: str) -> str:
        try:
            served = await asyncio.to_thread(one.load, self.resources)
        except FovealError as error:
            reason = f"needed {error.needed}, got {error.came}"
        except (MemoryError, OSError) as error:
            reason = type(error).__name__
        else:
            self.served[one.name], self.stamps[one.name] = served, stamp
            self.troubles.pop(one.name, None)
            self.resources.counters.reloads.labels(one.name, "loaded").inc()
            return "loaded"
        self.troubles[one.name] = reason
        self.resources.counters.reloads.labels(one.name, "failed").inc()
        return reason
