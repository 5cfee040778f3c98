"""Sheets of similar pictures: what was searched for, and beside it what is nearest.

Axes: n picture, h height, w width, c channel.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from foveal.bulk.reading import are_parts
from foveal.drawing.colours import FAINT, PALE
from foveal.drawing.figure import Figure
from foveal.drawing.layout import GRID, WIDEST, abreast, celled, page, stacked
from foveal.drawing.panel import panel
from foveal.drawing.text import LABEL, number, words
from foveal.drawing.thumbnails import HAIRLINE, fitted, thumbnail
from foveal.errors import DataError, UsageError
from foveal.looking.selection import seen_or_not
from foveal.parameters import Whole, check
from foveal.pictures.collection import Pictures, evenly
from foveal.pictures.sources import gather
from foveal.search.index_file import is_index
from foveal.search.vectors import measure_of
from foveal.wording import agreeing, counted

if TYPE_CHECKING:
    from foveal.model.fitted import FittedModel
    from foveal.search.index import Neighbours

SIDE = 120
"""Longer side of a picture on the sheet."""
ACROSS = 10
"""Pictures drawn beside each query, at most."""
BESIDE = 3 * GRID
"""Gap between a query and what was found."""
LEAST = 6 * LABEL
"""Room for the words beneath a picture, at least."""
MEASURES = {
    "euclidean": "Euclidean distance of codes",
    "cosine": "distance of features of unit length, 0 to 2",
}
CAPTION = (
    "At the left stands what was searched for, beside it the pictures nearest to it as the network "
    "sees them, the nearest first, each with its distance. What the network finds alike need not "
    "be what a person would; where the distances of a row hardly differ, its order says little."
)


def similar_sheet(
    model: FittedModel,
    where: Any,
    queries: Any,
    found: Sequence[Neighbours],
    count: int = 12,
) -> Figure[Sequence[Neighbours]]:
    """Draw what was searched for, each beside the pictures that are nearest to it.

    Parameters
    ----------
    model : FittedModel
        The model that compared them.
    where : path, sequence of paths, or array
        Pictures that were searched, or the folder of an index, whose pictures must lie where they
        lay when it was built.
    queries : path, sequence of paths, or array
        Pictures that were searched for; or a list of several gathered before.
    found : sequence of Neighbours
        What `foveal.similar` said of them, in order.
    count : int
        Queries drawn at most, evenly spaced over those that could be searched for.

    Returns
    -------
    Figure of Neighbours
        With query, rank, distance and path of each that is drawn; `save` writes the sheet.

    Raises
    ------
    UsageError
        For a count below 1, and for queries or pictures that are not those of `found`.
    DataError
        Where nothing could be searched for, or none of the pictures found can be read.
    """
    check({"count": count}, {"count": Whole()})
    sources = queries if _several(queries) else [gather(queries)]
    places = [(source, row) for source in sources for row in range(len(source))]
    _check_belong(len(places), found)
    answered = [row for row, one in enumerate(found) if not one.reason]
    if not answered:
        raise DataError(
            "queries",
            needed="one that can be read",
            came=f"{len(found):,}, none of them readable",
            remedy="the reasons are in `reason` of each answer",
        )
    chosen = [answered[place] for place in evenly(len(answered), count)]
    shown = [_drawn(model, places[row][0].take([places[row][1]]))[0] for row in chosen]
    across = _across(model)
    ranked = [list(found[row].ranked())[:across] for row in chosen]
    names = dict.fromkeys(name for nearest in ranked for _, _, name in nearest)
    known = _drawn_by_name(model, where, names)
    blank = Image.new("RGB", _size(model), PALE)
    rows = [
        (panel([image or blank], [[found[row].query]]), _nearest(nearest, known, blank))
        for row, image, nearest in zip(chosen, shown, ranked, strict=True)
    ]
    return Figure(
        values=found,
        image=page(
            "Similar pictures", _facts(model, found, chosen, across), [_laid_out(rows)], CAPTION
        ),
        caption=CAPTION,
        columns=("query", "rank", "distance", "path"),
        rows=tuple(
            (found[row].query, *one)
            for row, nearest in zip(chosen, ranked, strict=True)
            for one in nearest
        ),
    )


def _several(queries: Any) -> bool:
    return isinstance(queries, list) and all(isinstance(one, Pictures) for one in queries)


def _check_belong(count: int, found: Sequence[Neighbours]) -> None:
    if count != len(found):
        raise UsageError(
            "found",
            needed="what was found for these queries, one answer a picture",
            came=f"{len(found)} answers for {counted(count, 'picture')}",
            remedy="give the queries that were searched for",
        )


def _drawn_by_name(
    model: FittedModel, where: Any, names: Iterable[str]
) -> Mapping[str, Image.Image | None]:
    """Draw pictures that were searched, by their names; None for those that cannot be read."""
    wanted = list(names)
    images = _drawn(model, _named(where, wanted))
    if not any(images):
        raise DataError(
            "pictures found",
            needed="pictures that can still be read",
            came=f"none of {len(wanted):,}, such as {wanted[0]}",
            remedy="go to the folder where the index was built, or name the pictures instead of it",
        )
    return dict(zip(wanted, images, strict=True))


def _named(where: Any, names: Sequence[str]) -> Pictures:
    """Gather those of the pictures searched that have these names."""
    if are_parts(where) or (isinstance(where, str | Path) and is_index(Path(where))):
        return gather(list(names))
    pictures = gather(where)
    row_of = {str(name): row for row, name in enumerate(pictures.names)}
    missing = [name for name in names if name not in row_of]
    if missing:
        raise UsageError(
            "where",
            needed="the pictures that were searched",
            came=f"{len(pictures):,} others, without {missing[0]}",
            remedy="give the same as to `similar`",
        )
    return pictures.take([row_of[name] for name in names])


def _drawn(model: FittedModel, pictures: Pictures) -> list[Image.Image | None]:
    """Draw pictures as the model sees them; None for those that cannot be read."""
    images, reasons = seen_or_not(model, pictures, SIDE)
    return [
        None if reason else thumbnail(image, _size(model))
        for image, reason in zip(images, reasons, strict=True)
    ]


def _size(model: FittedModel) -> tuple[int, int]:
    """Return width and height of a picture on the sheet."""
    return fitted(model.recipe.height, model.recipe.width, SIDE)


def _across(model: FittedModel) -> int:
    """Count the pictures for which there is room beside a query."""
    width = max(LEAST, _size(model)[0] + 2 * HAIRLINE)
    return min(ACROSS, max(1, (WIDEST - width - BESIDE + GRID) // (width + GRID)))


def _nearest(
    ranked: Sequence[tuple[int, float, str]],
    known: Mapping[str, Image.Image | None],
    blank: Image.Image,
) -> Image.Image:
    """Lay out the pictures nearest to one."""
    images = [known[name] for _, _, name in ranked]
    captions = [
        [name, number(distance), *["cannot be read"] * (image is None)]
        for (_, distance, name), image in zip(ranked, images, strict=True)
    ]
    return panel([image or blank for image in images], captions, across=ACROSS, least=LEAST)


def _laid_out(rows: Sequence[tuple[Image.Image, Image.Image]]) -> Image.Image:
    width = max(query.width for query, _ in rows)
    titles = [
        words(text, LABEL, FAINT)
        for text in ("searched for", "nearest first, with their distances")
    ]
    head = abreast([celled(titles[0], width, 1, "left"), titles[1]], BESIDE)
    return stacked([head, *(abreast([*row], BESIDE) for row in rows)], 2 * GRID)


def _facts(
    model: FittedModel, found: Sequence[Neighbours], drawn: Sequence[int], across: int
) -> list[str]:
    """Say how they were compared, and what is left out."""
    most = max(len(found[row].names) for row in drawn)
    beside = min(most, across)
    nearest = f"the {beside:,} nearest" if beside > 1 else "the nearest"
    unread = sum(bool(one.reason) for one in found)
    others = len(found) - unread - len(drawn)
    queries, each = counted(len(drawn), "picture"), agreeing(len(drawn), "it", "each")
    left = [
        *[f"{others:,} more between them {agreeing(others, 'is', 'are')} not drawn"] * bool(others),
        *[f"{unread:,} cannot be read"] * bool(unread),
        *[f"{beside:,} of {most:,} found {agreeing(beside, 'is', 'are')} drawn beside {each}"]
        * (most > beside),
    ]
    told = f"{queries} searched for, beside {each} {nearest}"
    return [told, MEASURES[measure_of(model)], *["; ".join(left)] * bool(left)]
