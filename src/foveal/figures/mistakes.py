"""A sheet of the pictures that a classifier called wrong, the surest mistakes first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PIL import Image

from foveal.drawing.colours import FAINT
from foveal.drawing.figure import Figure
from foveal.drawing.layout import GRID, abreast, celled, page, stacked
from foveal.drawing.panel import panel
from foveal.drawing.text import BODY, LABEL, number, shortened, words
from foveal.drawing.thumbnails import SMALL, drawn, hairlined
from foveal.judging.evaluation import evaluate
from foveal.looking.mistakes import PictureRow, rows_of_mistakes
from foveal.looking.selection import seen
from foveal.looking.subject import NothingToSee, subject_of
from foveal.parameters import Whole, check
from foveal.pictures.sources import gather
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.judging.evaluation import Evaluation
    from foveal.model.fitted import FittedModel
    from foveal.pictures.collection import Pictures

WIDTH_OF_NAMES = 34 * GRID
LEAST_WIDTH = 104
"""Room that a picture takes at least."""
ROOM = 176
"""Width of a picture of a row with its caption."""
WRONG_ROWS = (
    "The highest losses are what training would learn most from; the surest errors are often wrong "
    "labels, which cost the most and are the cheapest to mend. A pair of classes that is confused "
    "again and again needs pictures that show their difference."
)
WRONG = (
    "Each picture stands beside its class and the class that the model called it, the surest "
    "mistakes first. Look for wrong labels before anything else: they cost the most, and are the "
    "cheapest to mend."
)
UNSURE = (
    "No picture was called wrong: these are the ones that the model was least sure of, each beside "
    "its class. What they have in common is what further pictures to learn from should show."
)


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
    table = list(found.rows())
    named = [dict(zip(found.columns, table[row], strict=True)) for row in rows]
    pictures = [hairlined(drawn(one)) for one in seen(model, gather(X).take(rows))]
    width = max([LEAST_WIDTH, *(one.width for one in pictures)])
    entries = [
        abreast([celled(picture, width, 1), _verdict(facts, place)], 2 * GRID)
        for place, (facts, picture) in enumerate(zip(named, pictures, strict=True), start=1)
    ]
    half = len(entries) if len(entries) <= 4 else -(-len(entries) // 2)
    columns = [stacked(entries[at : at + half]) for at in range(0, len(entries), half)]
    caption = WRONG if len(wrong) else UNSURE
    return Figure(
        values=found,
        image=page(_title(found), _facts(found), [abreast(columns, 4 * GRID)], caption),
        caption=caption,
        columns=_kept(found),
        rows=tuple(tuple(facts[name] for name in _kept(found)) for facts in named),
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
        For a network that is no trained classifier, and pictures without labels.
    """
    check({"count": count}, {"count": Whole()})
    subject, pictures = subject_of(model), gather(X)
    if subject.model is None or not subject.classes:
        raise _nothing("a classifier that was trained", subject.name)
    if pictures.labels is None:
        raise _nothing("labelled pictures, such as a folder of class folders", "no labels")
    found = evaluate(subject.model, pictures, with_baselines=False)
    rows = rows_of_mistakes(found, count)
    table = [dict(zip(found.columns, one, strict=True)) for one in found.rows()]
    caption = WRONG_ROWS if len(found.answers.mistakes) else UNSURE
    return Figure(
        values=found,
        image=page(
            _title(found),
            _facts(found),
            [_row(subject.model, pictures, found, one, table) for one in rows],
            caption,
        ),
        caption=caption,
        columns=("row", *_kept(found)),
        rows=tuple(
            (one.title, *(table[at][name] for name in _kept(found)))
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
    captions = [_in_short(table[at]) for at in rows]
    return stacked([words(row.title, BODY), panel(images, captions, least=ROOM)])


def _in_short(facts: dict[str, Any]) -> list[str]:
    true, called = str(facts["true"]), str(facts["predicted"])
    verdict = true if true == called else f"{true} -> {called}"
    return [
        verdict,
        ", ".join([*_sure(facts), f"loss {number(facts['loss'])}"]),
        str(facts["path"]),
    ]


def _sure(facts: dict[str, Any]) -> list[str]:
    """Say how sure an answer was, where it has one probability."""
    return [f"{100 * facts['probability']:.1f} %"] if "probability" in facts else []


def _title(found: Evaluation) -> str:
    return "Pictures that were called wrong" if len(found.answers.mistakes) else "Least sure of"


def _facts(found: Evaluation) -> tuple[str, str]:
    wrong, judged = len(found.answers.mistakes), len(found.answers.rows)
    return (
        f"{wrong:,} of {counted(judged, 'picture')} called wrong, judged by {found.judged_by}",
        " ".join(found.answers.target.figures(found.metrics, None, 1.0)[0]),
    )


def _verdict(facts: dict[str, Any], place: int) -> Image.Image:
    """Say beside a picture which it is, what it is and what it was called."""
    name = shortened(str(facts["path"]), WIDTH_OF_NAMES - 4 * GRID)
    true, called = facts["true"], facts["predicted"]
    half = (WIDTH_OF_NAMES - 6 * GRID) // 2
    verdict = [shortened(str(one), half, BODY, "start") for one in (true, called)]
    lines = [
        abreast([words(f"{place}.", LABEL, FAINT), words(name, LABEL)]),
        words(verdict[0] if true == called else " -> ".join(verdict), BODY),
        *[words(f"probability {one}", LABEL) for one in _sure(facts)],
        words(f"loss {number(facts['loss'])}", LABEL, FAINT),
    ]
    return celled(stacked(lines, GRID // 2), WIDTH_OF_NAMES, 1, "left")
