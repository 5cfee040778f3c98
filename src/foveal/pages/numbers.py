"""Of a report: how near answers come that are numbers, and which are farthest off."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from foveal.arrays import Doubles, Rows
from foveal.drawing.axes import Axis, spanning
from foveal.drawing.charts import Chart
from foveal.drawing.curves import Curve, curves
from foveal.drawing.thumbnails import drawn
from foveal.looking.mistakes import rows_of_mistakes
from foveal.looking.selection import seen
from foveal.pages.document import Block, Plot, Plots, Section, Tiles, Words, section, tile
from foveal.pages.material import Material
from foveal.pictures.collection import evenly
from foveal.wording import counted, four_digits

if TYPE_CHECKING:
    from foveal.judging.evaluation import Evaluation
    from foveal.pictures.collection import Pictures

SIDE = 128
"""Longer side of pictures that are seen, at most."""
MOST = 250
"""Pictures in a chart, at most: evenly spaced by their true numbers."""
SCATTER = (
    "Each point is a picture, with the interval of its answer: right answers lie on the dashed "
    "line. A cloud that is flatter than the line says that large numbers are answered too small "
    "and small ones too large, as where little can be told."
)
RESIDUALS = (
    "The same points by how far they are off: above 0 the answer is too large. They should lie "
    "about 0 everywhere; a slope or a fan says where the network is not to be trusted."
)
FARTHEST = (
    "Look for wrong numbers before anything else: they cost the most, and are the cheapest to "
    "mend. Each picture is shown as the network sees it."
)


def nearness(material: Material) -> Section | None:
    """Show answers beside the truth, and how well their intervals hold."""
    found = material.measured
    if found is None:
        return None
    answers = found.answers
    order = np.argsort(answers.values, kind="stable")
    places = order[evenly(len(order), MOST)]
    more = f" {MOST} of {counted(len(order), 'picture')} are drawn." if len(order) > MOST else ""
    plots = (
        Plot(chart=_scatter(found, places), caption=SCATTER + more),
        Plot(chart=_residuals(found, places), caption=RESIDUALS + more),
    )
    return section("nearness", "How near answers come", [Plots(plots), Words(_of_intervals(found))])


def _of_intervals(found: Evaluation) -> str:
    metrics = found.metrics
    if metrics.coverage is None:
        return "Answers have no intervals: too few pictures were held out to set them."
    told = (
        f"An interval is {four_digits(metrics.width)} wide, and is said to hold "
        f"{100 * metrics.stated:.0f} % of numbers; of these pictures it holds "
        f"{metrics.coverage.percent()}."
    )
    if found.judged_by == "held-out pictures":
        return told
    return f"{told} They set that width, so that this proves little; only other pictures can."


def _scatter(found: Evaluation, places: Rows) -> Chart:
    true, made, low, high = _drawn(found, places)
    ends = [*true, *made, *low, *high]
    axis = spanning("true number", ends)
    line = Curve(name="as it is", role="ideal", x=(axis.low, axis.high), y=(axis.low, axis.high))
    upward = Axis(name="answer", low=axis.low, high=axis.high)
    told = _told("answers", true, made)
    points = _points("a picture", true, made, low, high)
    return curves("scatter", "Answers beside the truth", told, [line, points], axis, upward)


def _residuals(found: Evaluation, places: Rows) -> Chart:
    true, made, _, _ = _drawn(found, places)
    residuals = made - true
    axis = spanning("true number", true)
    far = float(np.abs(residuals).max(initial=0.0))
    upward = spanning("answer less truth", [-far, far])
    line = Curve(name="right", role="ideal", x=(axis.low, axis.high), y=(0.0, 0.0))
    told = _told("residuals", true, residuals)
    points = _points("a picture", true, residuals, (), ())
    return curves("residuals", "How far answers are off", told, [line, points], axis, upward)


def _drawn(found: Evaluation, places: Rows) -> tuple[Doubles, Doubles, Doubles, Doubles]:
    predicted = found.answers.predicted[places]
    low, high = predicted[:, 1], predicted[:, 2]
    if not np.isfinite(low).all():
        low, high = low[:0], high[:0]
    return np.asarray(found.answers.values[places], dtype=np.float64), predicted[:, 0], low, high


def _points(
    name: str, x: Doubles, y: Doubles, low: Iterable[float], high: Iterable[float]
) -> Curve:
    return Curve(
        name=name,
        role="validation",
        x=x.tolist(),
        y=y.tolist(),
        low=list(low),
        high=list(high),
        form="dots",
    )


def _told(what: str, true: Doubles, y: Doubles) -> str:
    """Say what a chart shows, by the thirds of the true numbers."""
    parts = [part for part in np.array_split(np.arange(len(true)), 3) if len(part)]
    said = "; ".join(
        f"of {four_digits(true[part[0]])} to {four_digits(true[part[-1]])} on average "
        f"{four_digits(float(np.mean(y[part])))}"
        for part in parts
    )
    return f"{counted(len(true), 'picture')}; {what} {said}."


def farthest(material: Material) -> Section | None:
    """Show the pictures whose answers are farthest off."""
    found = material.measured
    if found is None or material.pictures is None:
        return None
    blocks: list[Block] = [Words(FARTHEST), *_rows(material, found, material.pictures)]
    return section("mistakes", "What is farthest off", blocks)


def _rows(material: Material, found: Evaluation, pictures: Pictures) -> Iterator[Tiles]:
    for row in rows_of_mistakes(found):
        rows = found.answers.rows[row.places].tolist()
        images = seen(material.model, pictures.take(rows), 2 * SIDE)
        tiles = [
            tile(drawn(image, SIDE, SIDE), str(pictures.names[at]), _verdict(found, place))
            for image, at, place in zip(images, rows, row.places.tolist(), strict=True)
        ]
        yield Tiles(title=row.title, caption="", tiles=tuple(tiles))


def _verdict(found: Evaluation, place: int) -> tuple[str, ...]:
    """Say what the number is, and what the answer was."""
    made, low, high = found.answers.predicted[place].tolist()
    true = float(found.answers.values[place])
    told = f"is {four_digits(true)}, answer {four_digits(made)}"
    if low != low:
        return (told,)
    return told, f"{four_digits(low)} to {four_digits(high)}"
