"""A sheet of the pictures that a classifier called wrong, the highest loss first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PIL import Image

from foveal.drawing.colours import FAINT
from foveal.drawing.figure import Figure
from foveal.drawing.layout import GRID, abreast, celled, page, stacked
from foveal.drawing.panel import panel
from foveal.drawing.text import BODY, LABEL, length, shortened, words, writable
from foveal.drawing.thumbnails import SMALL, drawn, hairlined
from foveal.figures.mistake_words import OfClasses, OfNumbers, words_of
from foveal.judging.evaluation import NothingToJudge, evaluate
from foveal.looking.mistakes import PictureRow, rows_of_mistakes
from foveal.looking.selection import seen
from foveal.looking.subject import NothingToSee, subject_of
from foveal.parameters import Whole, check
from foveal.pictures.sources import gather

if TYPE_CHECKING:
    from foveal.judging.evaluation import Evaluation
    from foveal.model.fitted import FittedModel
    from foveal.pictures.collection import Pictures

ARROW = " -> "
WIDTH_OF_NAMES = 34 * GRID
LEAST_WIDTH = 104
"""Room that a picture takes at least."""
ROOM = 176
"""Width of a picture of a row with its caption."""


def mistakes(model: FittedModel, X: Any, found: Evaluation, count: int = 10) -> Figure[Evaluation]:
    """Draw the pictures that were called wrong, those with the largest loss first.

    Where none was, those with the largest loss are drawn.

    Parameters
    ----------
    model : FittedModel
        The model that was judged.
    X : path, sequence of paths, or array
        The pictures that it was judged on.
    found : Evaluation
        What `foveal.evaluate` said of them.
    count : int
        Pictures drawn at most.

    Returns
    -------
    Figure of Evaluation
        With path, true class, class called, its probability and the loss of each.
    """
    check({"count": count}, {"count": Whole()})
    answers = found.answers
    wrong = answers.mistakes
    places = (wrong if len(wrong) else answers.order)[:count]
    rows = answers.rows[places].tolist()
    table, said = list(found.rows()), words_of(found)
    named = [dict(zip(found.columns, table[row], strict=True)) for row in rows]
    pictures = [hairlined(drawn(one)) for one in seen(model, gather(X).take(rows))]
    width = max([LEAST_WIDTH, *(one.width for one in pictures)])
    entries = [
        abreast([celled(picture, width, 1), _verdict(said, facts, place)], 2 * GRID)
        for place, (facts, picture) in enumerate(zip(named, pictures, strict=True), start=1)
    ]
    half = len(entries) if len(entries) <= 4 else -(-len(entries) // 2)
    columns = [stacked(entries[at : at + half]) for at in range(0, len(entries), half)]
    caption = said.caption(rows=False)
    return Figure(
        values=found,
        image=page(said.title, _facts(found), [abreast(columns, 4 * GRID)], caption),
        caption=caption,
        columns=said.kept,
        rows=tuple(tuple(facts[name] for name in said.kept) for facts in named),
    )


def draw_mistakes(model: Any, X: Any, count: int = 6) -> Figure[Evaluation]:
    """Judge a classifier, and draw rows of the pictures whose look teaches most about it.

    The highest losses, the errors that it was surest of, and of each of the pairs of classes that
    are confused most the surest errors.

    Parameters
    ----------
    model : FittedModel, learner that was fitted, or path
        A classifier.
    X : path, sequence of paths, or array
        Labelled pictures: those that it was trained on are left out, or stand in where there are
        no others, as in `evaluate`.
    count : int
        Pictures of a row, at most.

    Raises
    ------
    NothingToSee
        For a network that is no trained classifier, for pictures without labels, and where none of
        them can be judged.
    """
    check({"count": count}, {"count": Whole()})
    subject, pictures = subject_of(model), gather(X)
    if subject.model is None or subject.model.autoencodes:
        raise _nothing("a classifier that was trained", subject.name)
    if pictures.labels is None:
        raise _nothing("labelled pictures, such as a folder of class folders", "no labels")
    try:
        found = evaluate(subject.model, pictures, with_baselines=False)
    except NothingToJudge as none:
        raise _nothing(none.needed, none.came) from none
    rows = rows_of_mistakes(found, count)
    table = [dict(zip(found.columns, one, strict=True)) for one in found.rows()]
    said = words_of(found)
    caption = said.caption(rows=True)
    return Figure(
        values=found,
        image=page(
            said.title,
            _facts(found),
            [_row(subject.model, pictures, found, one, table) for one in rows],
            caption,
        ),
        caption=caption,
        columns=("row", *said.kept),
        rows=tuple(
            (one.title, *(table[at][name] for name in said.kept))
            for one in rows
            for at in found.answers.rows[one.places].tolist()
        ),
    )


def _kept(found: Evaluation) -> tuple[str, ...]:
    """Name the columns that are kept of each picture."""
    return ("path", *found.answers.target.judged_columns)


def _nothing(needed: str, came: str) -> NothingToSee:
    return NothingToSee(
        "mistakes", needed=needed, came=came, remedy="leave this look out, or give what it needs"
    )


def _row(
    model: FittedModel,
    pictures: Pictures,
    found: Evaluation,
    row: PictureRow,
    table: list[dict[str, Any]],
) -> Image.Image:
    """Draw one row of pictures under its title."""
    rows = found.answers.rows[row.places].tolist()
    images = [drawn(one) for one in seen(model, pictures.take(rows), SMALL)]
    said = words_of(found)
    captions = [_in_short(said, table[at]) for at in rows]
    return stacked([words(row.title, BODY), panel(images, captions, least=ROOM)])


def _in_short(said: OfClasses | OfNumbers, facts: dict[str, Any]) -> list[str]:
    verdict = _within(said.verdict(facts), ROOM - length(ARROW, LABEL), LABEL)
    return [ARROW.join(verdict), said.in_short(facts), str(facts["path"])]


def _within(parts: Sequence[str], room: float, size: int) -> list[str]:
    """Shorten what stands side by side to a width; what is short leaves the others more of it."""
    shown = list(parts)
    places = sorted(range(len(parts)), key=lambda place: length(writable(parts[place]), size))
    for left, place in zip(range(len(parts), 0, -1), places, strict=True):
        shown[place] = shortened(parts[place], int(room / left), size, "start")
        room -= length(shown[place], size)
    return shown


def _facts(found: Evaluation) -> tuple[str, ...]:
    target, told = found.answers.target, words_of(found).told
    name, value = target.figures(found.metrics, None, 1.0)[0]
    return f"{told}, judged by {found.judged_by}", f"{name} {value}"


def _verdict(said: OfClasses | OfNumbers, facts: dict[str, Any], place: int) -> Image.Image:
    """Say beside a picture which it is, what it is and what it was called."""
    name = shortened(str(facts["path"]), WIDTH_OF_NAMES - 4 * GRID)
    parts = said.verdict(facts)
    verdict = _within(parts, WIDTH_OF_NAMES - (4 * len(parts) - 2) * GRID, BODY)
    first, second = said.lines(facts)
    lines = [
        abreast([words(f"{place}.", LABEL, FAINT), words(name, LABEL)]),
        words(ARROW.join(verdict), BODY),
        *[words(first, LABEL, width=WIDTH_OF_NAMES - 2 * GRID)] * bool(first),
        *[words(second, LABEL, FAINT)] * bool(second),
    ]
    return celled(stacked(lines, GRID // 2), WIDTH_OF_NAMES, 1, "left")
