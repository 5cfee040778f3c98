"""Sheets of groups: pictures that show one thing, each group by itself.

Axes: n picture, h height, w width, c channel.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PIL import Image

from foveal.arrays import Array
from foveal.drawing.colours import FAINT
from foveal.drawing.figure import Figure
from foveal.drawing.layout import GRID, abreast, flowing, page, stacked
from foveal.drawing.panel import panel
from foveal.drawing.text import LABEL, words
from foveal.drawing.thumbnails import fitted, thumbnail
from foveal.errors import DataError
from foveal.looking.selection import seen
from foveal.parameters import Whole, check
from foveal.pictures.collection import evenly
from foveal.pictures.groups import COLUMNS
from foveal.search.groups import PictureGroup, PictureGroups
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.model.fitted import FittedModel

SIDE = 120
"""Longer side of a picture on the sheet."""
MOST = 10
"""Pictures drawn of a group, at most."""
CAPTION = (
    "Each group holds pictures that show one thing: equal ones, or near copies, whose edges "
    "correlate once they are aligned. Kept on both sides of a split they flatter every figure: "
    "what a model learned from one it knows of the other."
)


def groups_sheet(
    model: FittedModel, found: PictureGroups, count: int = 24
) -> Figure[PictureGroups]:
    """Draw groups of pictures, the largest first.

    Parameters
    ----------
    model : FittedModel
        The model by which they were found: pictures are drawn as it sees them.
    found : PictureGroups
        What `foveal.picture_groups` found.
    count : int
        Groups drawn at most; of each group no more than ten pictures, evenly spaced.

    Returns
    -------
    Figure of PictureGroups
        With path and group of every picture, and whether it is drawn; `save` writes the sheet.

    Raises
    ------
    UsageError
        For a count below 1.
    DataError
        Where there is no group of two pictures and more.
    """
    check({"count": count}, {"count": Whole()})
    if not found.groups:
        raise DataError(
            "groups",
            needed="at least one of two pictures and more",
            came=f"none among {counted(len(found.numbers), 'picture')}",
            remedy="there is nothing to draw: each picture stands alone",
        )
    groups = found.groups[:count]
    members = [[one.rows[place] for place in evenly(len(one), MOST)] for one in groups]
    images = iter(seen(model, found.pictures.take([row for rows in members for row in rows]), SIDE))
    blocks = [
        _block(one, rows, [next(images) for _ in rows], found)
        for one, rows in zip(groups, members, strict=True)
    ]
    facts = _facts(found, groups)
    return Figure(
        values=found,
        image=page("Pictures that belong together", facts, [flowing(blocks, 4 * GRID)], CAPTION),
        caption=CAPTION,
        columns=(*COLUMNS, "drawn"),
        rows=_rows(found, {row for rows in members for row in rows}),
    )


def _rows(found: PictureGroups, drawn: set[int]) -> tuple[tuple[str, int, bool], ...]:
    return tuple(
        (str(name), number, row in drawn)
        for row, (name, number) in enumerate(
            zip(found.pictures.names, found.numbers.tolist(), strict=True)
        )
    )


def _block(
    group: PictureGroup, rows: Sequence[int], images: Sequence[Array], found: PictureGroups
) -> Image.Image:
    """Lay out one group beneath what is said of it."""
    size = fitted(images[0].shape[0], images[0].shape[1], SIDE)
    names = [[str(found.pictures.names[row])] for row in rows]
    drawn = f", {len(rows)} of them drawn" if len(rows) < len(group) else ""
    return stacked(
        [
            abreast(
                [
                    words(f"{group.group}. {counted(len(group), 'picture')}{drawn}", LABEL),
                    words(group.alikeness, LABEL, FAINT),
                ]
            ),
            panel([thumbnail(one, size) for one in images], names),
        ],
        GRID // 2,
    )


def _facts(found: PictureGroups, drawn: Sequence[PictureGroup]) -> list[str]:
    read = sum(not reason for reason in found.reasons)
    facts = [
        f"{counted(len(found.groups), 'group')} of {counted(found.grouped, 'picture')} among "
        f"{read:,}; {read - found.grouped:,} stand alone",
    ]
    if len(drawn) < len(found.groups):
        several = f"the {len(drawn):,} largest are drawn"
        facts.append(several if len(drawn) > 1 else "the largest is drawn")
    return facts
