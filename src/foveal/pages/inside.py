"""Of a report: what the network sees, by the looks at it that there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from foveal.drawing.figure import Figure
from foveal.errors import DataError, FovealError
from foveal.figures.gallery import gallery
from foveal.figures.looks import LOOKS, Asked
from foveal.figures.picture_map import picture_map
from foveal.looking.subject import NothingToSee, Subject, subject_of
from foveal.nets.spec import Conv
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
MOST_CONVOLUTIONS = 8
"""Convolutions whose kernels are all drawn; of more, those of the first."""


def inside(material: Material) -> Section | None:
    """Look inside the network, at a picture of its own."""
    subject = replace(subject_of(material.model), name=material.name)
    example = _example(material, subject)
    kernels = Asked(subject=subject, pictures=example, layer=_first_of_many(material))
    asked = {"kernels": kernels}
    rest = Asked(subject=subject, pictures=example)
    drawn: list[tuple[str, Figure[Any]]] = []
    left: list[str] = []
    for name in SHOWN:
        try:
            drawn += LOOKS[name].draw(asked.get(name, rest))
        except (NothingToSee, DataError) as why:
            left.append(f"{LOOKS[name].shows}: {_why(material, name, why)}")
    if not drawn:
        return None
    told = Words(f"Left out, {'; '.join(left)}.") if left else None
    return section("inside", "What it sees", [*_sheets(drawn), told])


def _why(material: Material, name: str, why: FovealError) -> str:
    """Say why a look does not apply, as the reader of a report knows the network."""
    if name == "epochs" and material.model.plan.fixed:
        return "not trained here, since the first layer is fixed"
    return f"needs {why.needed}"


def _sheets(drawn: Sequence[tuple[str, Figure[Any]]]) -> Iterator[Sheet]:
    """Embed figures; of several that follow one another a caption stands under the last."""
    following = [*(figure.caption for _, figure in drawn[1:]), ""]
    for (name, figure), next_one in zip(drawn, following, strict=True):
        yield Sheet.of(name, figure, captioned=figure.caption != next_one)


def _first_of_many(material: Material) -> str | None:
    """Return the number of the first convolution where there are many; None for all of them."""
    numbers = [one.number for one in material.model.plan.walk() if isinstance(one.layer, Conv)]
    return numbers[0] if len(numbers) > MOST_CONVOLUTIONS else None


def _example(material: Material, subject: Subject) -> Pictures | None:
    """Choose the picture to look at: the first that judged the model, else one to be read."""
    pictures = material.pictures
    if pictures is None or not len(pictures):
        return None
    judged = [] if material.evaluation is None else material.evaluation.answers.rows[:1].tolist()
    return pictures.take(judged) if judged else subject.without_unreadable(pictures)[0].take([0])


def codes(material: Material) -> Section | None:
    """Show what an autoencoder's codes keep, and where pictures lie by them."""
    pictures, model = material.pictures, material.model
    if not model.autoencodes or pictures is None:
        return None
    return section("codes", "What a code keeps", list(_of_codes(material, pictures)))


def _of_codes(material: Material, pictures: Pictures) -> Iterator[Block]:
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
