"""Many pictures into part files: what is there is passed over, the rest is done piece by piece."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from foveal.bulk.folder import PartsFolder, short
from foveal.bulk.part import Part, by_engines, heard, told
from foveal.bulk.pieces import Piece, Share, count_of, pieces
from foveal.bulk.remote_folder import begun
from foveal.bulk.work import Work, Worker
from foveal.pictures.collection import Pictures
from foveal.progress.events import Listener, PartWritten
from foveal.recipe import PictureRecipe
from foveal.results import Result
from foveal.wording import counted

MOST_NOTES = 5
"""Notes that are told at the end; each part keeps those of its pictures."""

Doing = Callable[[PartsFolder, Iterator[Piece]], Generator[Part, None, None]]
"""Takes pieces as they come and gives their parts, in any order, once each is whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartsWritten(Result):
    """What lies in a folder of parts after a share of it was done."""

    to: Path | str
    parts: int
    """Parts of this share."""
    kept: int
    """Those of them that were there before."""
    rows: int
    """Rows of these parts."""
    unreadable: int
    """Rows of pictures that cannot be read."""
    counts: Mapping[str, int]
    """What else was counted in these parts."""
    shards: str
    """Which share this is, such as "2/8"; "1/1" of all."""
    part_size: int
    """Pictures of a part at most."""
    whole: bool
    """Whether every part of all shares is there."""
    all_parts: int
    """Parts of all shares."""
    all_rows: int
    """Rows of all shares."""
    notes: Sequence[str]
    """What a reader should know."""


@dataclass(slots=True)
class _Sum:
    """What the parts of a share come to so far."""

    parts: int = 0
    kept: int = 0
    rows: int = 0
    unreadable: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    engines: Counter[str] = field(default_factory=Counter)
    notes: dict[str, None] = field(default_factory=dict)
    unsaid: int = 0
    """Notes that are not told."""
    seen: list[str] = field(default_factory=list)
    """For each piece of all shares what is kept of its names; empty where it is another's."""
    pictures: int = 0
    """Pictures of all shares."""

    def add(self, part: Part) -> None:
        """Add a part."""
        self.parts += 1
        self.rows += part.rows
        self.unreadable += part.unreadable
        self.counts.update(part.counts)
        self.engines[part.engine] += 1
        for note in part.notes:
            self.note(note)

    def note(self, note: str) -> None:
        """Keep a note, or count it."""
        if note not in self.notes and len(self.notes) >= MOST_NOTES:
            self.unsaid += 1
        else:
            self.notes[note] = None

    @property
    def told(self) -> list[str]:
        """The notes that are told, and how many are not."""
        more = counted(self.unsaid, "more note")
        mixed = by_engines(self.engines, "part")
        return [*self.notes, *[f"and {more}"] * bool(self.unsaid), *[mixed] * bool(mixed)]


def write_parts(
    place: Path | str,
    work: Work,
    sources: Iterable[Pictures],
    doing: Doing,
    *,
    share: Share | None = None,
    part_size: int | None = None,
    recipe: PictureRecipe | None = None,
    tell: Listener | None = None,
) -> PartsWritten:
    """Write the parts of a share of all pictures that are not there yet.

    Each piece of at most `part_size` pictures becomes a file, whole or absent: whatever ends this,
    the same call goes on, and in the end there is one row for each picture.

    Parameters
    ----------
    place : Path or str
        The folder of the parts, or its address.
    work : Work
        What is done with the pictures.
    sources : iterable of Pictures
        The pictures, in order; of a sequence it is told how far the work is.
    doing : callable
        What does pieces, such as `here`.
    share : Share, optional
        Which of several shares is done; all where left out.
    part_size : int, optional
        Pictures of a part at most; where left out as the folder was begun, else `PART_SIZE`.
    recipe : PictureRecipe, optional
        How a network sees the pictures: those of an array mean in pieces what they mean together.
    tell : callable, optional
        Gets an event for each part.

    Raises
    ------
    UsageError
        For a folder of something else, and where another process works on the share.
    DataError
        Where parts of other pictures are there, and for arrays that do not suit the recipe.
    ResourceError
        Where the disk is full; parts that are whole stay.
    """
    share, found = share or Share(), _Sum()
    folder = begun(place, work.facts, part_size)
    known = isinstance(sources, Sequence)
    parts = sum(map(share.takes, range(count_of(sources, folder.part_size)))) if known else None
    missing = _missing(folder, _noted(sources, found, recipe), share, found)
    with folder.kept(share), closing(doing(folder, missing)) as written:
        told_of = 0
        for part in written:
            found.add(part)
            told_of = _told(found, parts, tell)
        if told_of and told_of < found.parts:  # those that come last were there before
            _told(found, parts, tell)
    whole = folder.ended(found.seen, found.pictures)
    return PartsWritten(
        to=place,
        parts=found.parts,
        kept=found.kept,
        rows=found.rows,
        unreadable=found.unreadable,
        counts=dict(found.counts),
        shards=str(share),
        part_size=folder.part_size,
        whole=whole,
        all_parts=len(found.seen),
        all_rows=found.pictures,
        notes=found.told,
    )


def _told(found: _Sum, parts: int | None, tell: Listener | None) -> int:
    """Tell how many parts are whole."""
    if tell is not None:
        tell(PartWritten(done=found.parts, total=parts, kept=found.kept, rows=found.rows))
    return found.parts


def here(worker: Worker) -> Doing:
    """Do pieces in this process, one after another."""

    def doing(folder: PartsFolder, missing: Iterator[Piece]) -> Generator[Part, None, None]:
        return (folder.write(piece, worker) for piece in missing)

    return doing


def _missing(
    folder: PartsFolder, sources: Iterable[Pictures], share: Share, found: _Sum
) -> Iterator[Piece]:
    """Yield the pieces of a share that have no part yet; add up the parts of the others."""
    leftovers = folder.leftovers()
    for piece in pieces(sources, folder.part_size):
        found.pictures += len(piece.pictures)
        own = share.takes(piece.number)
        found.seen.append(short(piece.names) if own else "")
        if not own:
            continue
        if part := folder.held(piece):
            found.kept += 1
            found.add(part)
            continue
        for left in leftovers.pop(folder.beginning(piece.number), ()):
            left.unlink(missing_ok=True)
        if folder.has(piece.number):
            found.note(f"{folder.path(piece.number).name} was damaged, and is written again")
        yield piece


def _noted(
    sources: Iterable[Pictures], found: _Sum, recipe: PictureRecipe | None
) -> Iterator[Pictures]:
    """Pass sources on, and note what is known of their pictures, each source as a whole."""
    for source in sources:
        with heard() as caught:
            whole = source if recipe is None else source.settled(recipe)
        for note in (*source.notes, *told(caught)):
            found.note(note)
        yield whole
