"""A sheet of the pictures that a classifier called wrong, the surest mistakes first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PIL import Image

from foveal.drawing.colours import FAINT
from foveal.drawing.figure import Figure
from foveal.drawing.layout import GRID, abreast, celled, page, stacked
from foveal.drawing.text import BODY, LABEL, number, shortened, words
from foveal.drawing.thumbnails import drawn, hairlined
from foveal.looking.selection import seen
from foveal.parameters import Whole, check
from foveal.pictures.sources import gather
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.judging.evaluation import Evaluation
    from foveal.model.fitted import FittedModel

WIDTH_OF_NAMES = 34 * GRID
LEAST_WIDTH = 104
"""Room that a picture takes at least."""
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
    kept = ("path", "true", "predicted", "probability", "loss")
    return Figure(
        values=found,
        image=page(_title(found), _facts(found), [abreast(columns, 4 * GRID)], caption),
        caption=caption,
        columns=kept,
        rows=tuple(tuple(facts[name] for name in kept) for facts in named),
    )


def _title(found: Evaluation) -> str:
    return "Pictures that were called wrong" if len(found.answers.mistakes) else "Least sure of"


def _facts(found: Evaluation) -> tuple[str, str]:
    wrong, judged = len(found.answers.mistakes), len(found.answers.rows)
    return (
        f"{wrong:,} of {counted(judged, 'picture')} called wrong, judged by {found.judged_by}",
        f"accuracy {found.metrics.accuracy.percent()}",
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
        words(f"probability {100 * facts['probability']:.1f} %", LABEL),
        words(f"loss {number(facts['loss'])}", LABEL, FAINT),
    ]
    return celled(stacked(lines, GRID // 2), WIDTH_OF_NAMES, 1, "left")
