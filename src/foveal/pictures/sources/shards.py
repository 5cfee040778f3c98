"""Several shards as one source: a folder of them, or a list."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from foveal.pictures.collection import Pictures
from foveal.pictures.encoded import Absent, Encoded, EncodedRows, Unreadable, as_page
from foveal.pictures.opening import reason_of
from foveal.pictures.sources import parquet, tar
from foveal.pictures.sources.columns import SPLIT, Listed, told
from foveal.pictures.sources.folder import in_order, passed_over, seen_files
from foveal.pictures.sources.parts import PARTS, SHARDS


class Kind(Protocol):
    """A module that reads one kind of shard."""

    def takes(self, given: Any, /) -> bool:
        """Whether this is such a shard."""

    def listed(self, shard: Path, name: str, /) -> Listed:
        """List its pictures, beneath this name."""


KINDS: tuple[Kind, ...] = (tar, parquet)
BESIDE = (".md", ".txt", ".json", ".yaml", ".yml", ".gitattributes", ".idx", ".index", ".lock")
"""Endings of what may lie beside shards, and says nothing of pictures."""


def takes(given: Any) -> bool:
    """Whether this is a folder of shards, or several of them."""
    if isinstance(given, Path):
        return given.is_dir() and _holds_shards(given)
    if not isinstance(given, list | tuple) or not given:
        return False
    return all(isinstance(one, str | os.PathLike) and _is_shard(Path(one)) for one in given)


def read(given: Any) -> Pictures:
    """Read shards, each whole in the order of their names; of a list in its own order."""
    if isinstance(given, Path):
        files = in_order(list(seen_files(given)))
        found = [file for file in files if _is_shard(file)]
        beside = [str(file.relative_to(given)) for file in files if not _is_shard(file)]
        pictures = told([_listed(file, given) for file in found], str(given))
        return pictures.noted(passed_over(beside, "beside the shards"))
    return told([_listed(Path(one), None) for one in given], f"{len(given)} shards")


def each(given: Any) -> Iterator[Pictures]:
    """Read shards one by one, as they are asked for, where `read` reads all of them at once.

    A shard without any picture is passed over.
    """
    folder = given if isinstance(given, Path) else None
    for file in in_order(list(seen_files(folder))) if folder else map(Path, given):
        if _is_shard(file) and len((listed := _listed(file, folder)).rows):
            yield told([listed], str(file))


def members_too(paths: Sequence[Path]) -> tuple[Encoded, ...]:
    """Return files, and for names beneath those of shards, such as x.tar/1.jpg, their members."""
    known: dict[Path, tuple[Listed, dict[str, int]]] = {}
    return tuple(_member(path, known) or as_page(path) for path in paths)


class MembersToo(EncodedRows):
    """Files by row, of which names beneath those of shards are members; a shard is listed once.

    None is listed before a member of it is asked for.
    """

    def __init__(self, rows: Sequence[Encoded]) -> None:
        self.rows = rows
        self._known: dict[Path, tuple[Listed, dict[str, int]]] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def one(self, row: int) -> Encoded:
        """Return the file or the member of a row."""
        found = self.rows[row]
        return (_member(found, self._known) or found) if isinstance(found, Path) else found


def _member(path: Path, known: dict[Path, tuple[Listed, dict[str, int]]]) -> Encoded | None:
    """Find a member by its name; None for what does not lie beneath a shard."""
    if not any(f"{ending}/" in path.as_posix().lower() for ending in SHARDS):
        return None
    shard = next((one for one in path.parents if _is_shard(one) and one.is_file()), None)
    if shard is None:
        return None
    if shard not in known:
        listed = _listed(shard, None)
        known[shard] = listed, {name: row for row, name in enumerate(listed.names)}
    listed, row_of = known[shard]
    row = row_of.get(f"{shard.name}/{path.relative_to(shard).as_posix()}")
    return Absent(str(path), "no such member") if row is None else listed.rows[row]


def _is_shard(path: Path) -> bool:
    return any(kind.takes(path) for kind in KINDS)


def _holds_shards(folder: Path) -> bool:
    """Whether shards are all that a folder holds; soon answered for a folder of pictures."""
    shards = 0
    for file in seen_files(folder):
        if _is_shard(file):
            shards += 1
        elif file.suffix.lower() not in BESIDE:
            return False
    return shards > 0


def _listed(shard: Path, folder: Path | None) -> Listed:
    """List the pictures of one of several shards; one that cannot be read is a row of its own."""
    name = shard.name if folder is None else shard.relative_to(folder).as_posix()
    kind = next(kind for kind in KINDS if kind.takes(shard))
    try:
        listed = kind.listed(shard, name)
    except (OSError, Unreadable) as error:
        absent = Absent(str(shard), reason_of(error))
        return Listed(rows=(absent,), names=[name], columns={})
    return with_part(listed, name)


def with_part(listed: Listed, name: str) -> Listed:
    """Return what a shard lists, with the part that its name says where nothing else says one."""
    part = _part(name)
    if not part or SPLIT in listed.columns:
        return listed
    return replace(listed, columns={**listed.columns, SPLIT: [part] * len(listed.rows)})


def _part(name: str) -> str:
    """Read the part off a shard's name, where one word of it is that of a part.

    >>> _part("data/train-00000-of-00002.parquet"), _part("cats.tar")
    ('train', '')
    """
    words = {PARTS[word] for word in re.split(r"[^a-z]+", name.lower()) if word in PARTS}
    return words.pop() if len(words) == 1 else ""
