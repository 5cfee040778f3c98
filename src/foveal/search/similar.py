"""Similar pictures in one call: search a folder, or an index that was kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from foveal.search.build import build, open_index
from foveal.search.index import Neighbours, SearchIndex
from foveal.search.index_file import is_index

if TYPE_CHECKING:
    from foveal.model.fitted import FittedModel
    from foveal.search.vectors import Progress


def similar(
    model: FittedModel,
    where: Any,
    queries: Any,
    k: int = 10,
    *,
    approximate: bool | None = None,
    force: bool = False,
    progress: Progress | None = None,
    searching: Progress | None = None,
) -> list[Neighbours]:
    """Find the pictures most like others: by an autoencoder's codes, or a classifier's features.

    For many calls build the index once: `foveal.search.build.build`, whose answer is asked by its
    `query`, or the command `foveal similar MODEL PICTURES --to NAME.index`.

    Parameters
    ----------
    model : FittedModel
        An autoencoder, or a classifier that ends with a dense layer, such as `foveal.imagenet()`.
    where : path, sequence of paths, or array
        Pictures to search in, as in `fit`, the folder of an index, or one of parts that
        `foveal encode` or `foveal similar` wrote, or its address.
    queries : path, sequence of paths, or array
        Pictures to search for. One that is among those searched finds itself, at distance 0.
    k : int
        How many to find for each; all, where there are fewer.
    approximate : bool, optional
        Whether to search by a graph of neighbours (extra `search`). Where left out, beyond a
        million pictures, if usearch is installed.
    force : bool
        Whether an index of another model is taken all the same, if its vectors are as long.
    progress : callable, optional
        Called now and then with pictures done and in all.
    searching : callable, optional
        Called so too while an index that is read off parts is searched.

    Returns
    -------
    list of Neighbours
        One for each query, in order, nearest first; those that cannot be read have a reason.

    Raises
    ------
    UsageError
        For a `k` below 1, or a model without features.
    DataError
        Where no picture can be read, and for an index that is damaged or of another model.
    """
    index = searched(model, where, approximate=approximate, force=force, progress=progress)
    return index.query(queries, k, progress=progress, searching=searching)


def searched(
    model: FittedModel,
    where: Any,
    *,
    place: str | Path | None = None,
    approximate: bool | None = None,
    force: bool = False,
    progress: Progress | None = None,
    linking: Progress | None = None,
) -> SearchIndex:
    """Open an index, or build one of pictures; see `build` and `open_index`."""
    if isinstance(where, str | Path) and is_index(Path(where)):
        return open_index(where, model, force=force, approximate=approximate)
    return build(
        model,
        where,
        place=place,
        approximate=approximate,
        force=force,
        progress=progress,
        linking=linking,
    )
