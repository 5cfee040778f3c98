"""Of a report: what the network sees, by the looks at it that there are."""

from __future__ import annotations

from collections.abc import Iterator

from foveal.errors import FovealError
from foveal.figures.gallery import gallery
from foveal.figures.looks import LOOKS, Asked
from foveal.figures.picture_map import picture_map
from foveal.looking.subject import NothingToSee, subject_of
from foveal.pages.document import Block, Section, Sheet, Words, section
from foveal.pages.material import Material
from foveal.pictures.collection import Pictures, evenly
from foveal.wording import counted

SHOWN = ("kernels", "epochs", "maps", "fields")
"""Looks that are in a report, in order."""
MOST_ON_MAP = 1_000
"""Pictures on the map of codes, at most, evenly spaced."""
MOST_JUDGED = 200
"""Pictures that the gallery of reconstructions chooses from, evenly spaced."""
GALLERY = 7


def inside(material: Material) -> Section | None:
    """Look inside the network, at a picture of its own."""
    subject = subject_of(material.model)
    example = _example(material)
    asked = Asked(subject=subject, pictures=example)
    sheets: list[Block] = []
    left: list[str] = []
    for name in (one for one in SHOWN if one in LOOKS):
        try:
            sheets += [Sheet.of(stem, figure) for stem, figure in LOOKS[name].draw(asked)]
        except NothingToSee as why:
            left.append(f"{LOOKS[name].shows}: needs {why.needed}")
    if not sheets:
        return None
    told = Words(f"Left out, {'; '.join(left)}.") if left else None
    return section("inside", "What it sees", [*sheets, told])


def _example(material: Material) -> Pictures | None:
    """Choose the picture to look at: the first of those that judged the model."""
    pictures = material.pictures
    if pictures is None or not len(pictures):
        return None
    judged = [] if material.evaluation is None else material.evaluation.answers.rows[:1].tolist()
    return pictures.take(judged or [0])


def codes(material: Material) -> Section | None:
    """Show what an autoencoder's codes keep, and where pictures lie by them."""
    pictures, model = material.pictures, material.model
    if not model.autoencodes or pictures is None:
        return None
    return section("codes", "What a code keeps", list(_sheets(material, pictures)))


def _sheets(material: Material, pictures: Pictures) -> Iterator[Block]:
    some = pictures.take(evenly(len(pictures), MOST_JUDGED).tolist())
    try:
        yield Sheet.of("reconstructions", gallery(material.model, some, GALLERY))
        several = pictures.take(evenly(len(pictures), MOST_ON_MAP).tolist())
        yield Sheet.of("map", picture_map(material.model, several))
    except FovealError as why:
        yield Words(f"Left out: {why}")
        return
    if len(several) < len(pictures):
        yield Words(
            f"The map shows {len(several):,} of {counted(len(pictures), 'picture')}, evenly spaced."
        )
