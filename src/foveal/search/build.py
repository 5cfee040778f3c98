"""Similar pictures: building an index of what a model makes of them, and opening one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from foveal.errors import DataError, UsageError
from foveal.pictures.ledger import summary
from foveal.pictures.sources import gather
from foveal.search import graph, index_file, index_writer
from foveal.search.held import HeldVectors
from foveal.search.index import Searched, SearchIndex
from foveal.search.index_file import FACTS, GRAPH, NAMES, VECTORS, Facts
from foveal.search.of_parts import PartVectors, vectors_of_parts
from foveal.search.vectors import Progress, Vectors, vectors_of
from foveal.shapes import volume
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.model.fitted import FittedModel

EXACT_UP_TO = 1_000_000
"""Vectors up to which all of them are looked at, where nothing else is asked for."""


def build(
    model: FittedModel,
    pictures: Any,
    *,
    place: str | Path | None = None,
    approximate: bool | None = None,
    force: bool = False,
    progress: Progress | None = None,
    linking: Progress | None = None,
) -> SearchIndex:
    """Build an index of pictures by what a model makes of them.

    What the model makes of a picture is kept in the cache by its content: a second build
    decodes nothing. Pictures that cannot be read are not in the index; `unreadable` names them.
    Parts that are not kept elsewhere are searched where they lie, in constant memory.

    Parameters
    ----------
    model : FittedModel
        An autoencoder, whose codes are compared by Euclidean distance, or a classifier that ends
        with a dense layer; what that sees is brought to unit length first ("cosine").
    pictures : path, sequence of paths, or array
        As in `fit`; or a folder of parts that `foveal encode` or `foveal similar` wrote, or its
        address, of pictures that are not encoded again.
    place : str or Path, optional
        Folder to keep it in, NAME.index; an index that lies there is replaced. In memory where
        left out.
    approximate : bool, optional
        Whether to link the vectors to a graph and search that (extra `search`). Where left out,
        beyond `EXACT_UP_TO` vectors, if usearch is installed; of parts where they are kept.
    force : bool
        Whether parts of another model are searched all the same, if its vectors are as long; no
        index of this model is kept of them.
    progress, linking : callable, optional
        Called now and then with pictures done and in all: that the model saw, and that are
        linked to the graph.

    Raises
    ------
    UsageError
        For a place that cannot be taken, a model without features, or `approximate` without
        usearch.
    DataError
        Where no picture can be read.
    ResourceError
        Where the disk is full.
    """
    target = None if place is None else index_writer.checked_place(Path(place))
    if approximate:
        graph.require()
    made: Vectors | PartVectors | None
    made = vectors_of_parts(model, pictures, force=force and target is None)
    if made is None:
        made = vectors_of(model, gather(pictures), progress)
    if not made.count:
        raise DataError(
            "pictures",
            needed="at least one picture that can be read",
            came=summary(made.unreadable) if made.unreadable else "none",
            remedy="name the folder that holds the pictures",
        )
    if target is None and isinstance(made, PartVectors) and not approximate:
        return _index(model, made, made)
    linked, notes = _way(made.count, approximate)
    if target is not None:
        with index_writer.written_folder(target) as temporary:
            index_writer.write_names(temporary / NAMES, made.names(), made.unreadable)
            _write(temporary, model, made, linked, linking)
        return replace(open_index(target, model), notes=(*made.notes, *notes))
    vectors, threads = made.gathered(), model.device.threads
    held = HeldVectors(
        vectors=vectors,
        names=index_writer.texts(made.names()),
        graph=graph.build_graph(vectors, threads=threads, progress=linking) if linked else None,
    )
    return _index(model, made, held, notes)


def _index(
    model: FittedModel, made: Vectors | PartVectors, held: Searched, notes: tuple[str, ...] = ()
) -> SearchIndex:
    return SearchIndex(
        model=model,
        held=held,
        unreadable=made.unreadable,
        measure=made.measure,
        notes=(*made.notes, *notes),
    )


def _write(
    place: Path,
    model: FittedModel,
    made: Vectors | PartVectors,
    linked: bool,
    linking: Progress | None,
) -> None:
    """Write vectors, graph and facts into a folder that has the names already."""
    shape = (made.count, made.size)
    index_writer.write_vectors(place / VECTORS, shape, made.batches())
    if linked:
        vectors = np.load(place / VECTORS, mmap_mode="r", allow_pickle=False)
        threads = model.device.threads
        graph.build_graph(vectors, threads=threads, progress=linking).save(place / GRAPH)
    facts = Facts(
        model=model.digest(),
        measure=made.measure,
        count=shape[0],
        size=shape[1],
        unreadable=len(made.unreadable),
        sha256=index_writer.digests(place),
    )
    (place / FACTS).write_text(facts.model_dump_json(indent=1) + "\n", encoding="utf-8")


def open_index(
    place: str | Path, model: FittedModel, *, force: bool = False, approximate: bool | None = None
) -> SearchIndex:
    """Open an index that `build` left in a folder; vectors and graph are memory-mapped.

    Parameters
    ----------
    place : str or Path
        Its folder. Nothing in it is executed, and nothing in it that does not hold is believed.
    model : FittedModel
        The model it was built with.
    force : bool
        Whether an index of another model is taken all the same, if its vectors are as long.
    approximate : bool, optional
        Whether to search its graph; where left out, if it has one and usearch is installed.

    Raises
    ------
    DataError
        Where it is damaged, foreign, or of another model.
    UsageError
        For `approximate` where there is no graph or no usearch.
    """
    path = Path(place)
    facts = index_file.read_facts(path)
    _check_belongs(path, facts, model, force)
    pieces = index_file.open_pieces(path, facts)
    linked, notes = _kept_way(path, facts, approximate)
    try:
        opened = graph.open_graph(path / GRAPH, pieces.vectors) if linked else None
    except (ValueError, OSError) as error:
        raise index_file.damaged(path, f"{GRAPH}: {error}") from error
    return SearchIndex(
        model=model,
        held=HeldVectors(vectors=pieces.vectors, names=pieces.names, graph=opened),
        unreadable=pieces.unreadable,
        measure=facts.measure,
        notes=notes,
    )


def _way(count: int, approximate: bool | None) -> tuple[bool, tuple[str, ...]]:
    """Decide whether so many vectors are linked to a graph, and what to say of it."""
    if approximate is not None or count <= EXACT_UP_TO:
        return bool(approximate), ()
    if graph.available():
        return True, (
            f"{counted(count, 'picture')}: search is approximate, by a graph of neighbours",
        )
    return False, (
        f"{counted(count, 'picture')} to search one by one: pip install "
        "'foveal[search]' for a graph",
    )


def _kept_way(path: Path, facts: Facts, approximate: bool | None) -> tuple[bool, tuple[str, ...]]:
    """Decide whether the graph of an index is searched, and what to say of it."""
    if approximate:
        graph.require()
        if GRAPH not in facts.sha256:
            raise UsageError(
                f"approximate search in {path}",
                needed="an index with a graph",
                came="one without",
                remedy="build it again with `approximate`, or search exactly",
            )
    if approximate is False or GRAPH not in facts.sha256:
        return False, ()
    if graph.available():
        return True, ()
    return False, ("its graph needs usearch: searched exactly; pip install 'foveal[search]'",)


def _check_belongs(path: Path, facts: Facts, model: FittedModel, force: bool) -> None:
    """Check an index against the model that is to make the vectors of queries."""
    digest = model.digest()
    if facts.model != digest and not force:
        raise DataError(
            f"index {path}",
            needed=f"one of this model ({digest[:12]}...)",
            came=f"one of another ({facts.model[:12]}...)",
            remedy="use the model that built it, build it again, or use `force`",
        )
    size = volume(model.feature_session().network.shape)
    if facts.size != size:
        raise DataError(
            f"index {path}",
            needed=f"vectors of {counted(size, 'number')}, as this model makes them",
            came=f"vectors of {facts.size}",
            remedy="use the model that built it, or build it again",
        )
