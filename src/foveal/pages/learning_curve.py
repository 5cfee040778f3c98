"""A learning curve as charts, and as a section of a page."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from foveal.drawing.axes import Axis, spanning
from foveal.drawing.charts import Chart
from foveal.drawing.curves import Curve, Mark, curves
from foveal.evaluation.intervals import Estimate
from foveal.judging.curve import LearningCurve
from foveal.judging.forecast import Forecast
from foveal.pages.document import Listing, Plot, Plots, Section, Table, Words, section
from foveal.wording import counted

MOST_CLASSES = 4
"""Classes that have a chart of their own, at most: those that more pictures would change most."""
WHOLE = (
    "Each point is the {measure} of networks that so many pictures taught, on pictures that these "
    "had not seen, with its 95 % interval. The dashed line is a power law through them, with its "
    "interval; it ends at twice the pictures that there are. Where it is flat, more pictures of "
    "the same kind bring little: better labels, larger pictures or another network may bring more."
)
CLASS = (
    "The share of the pictures of {name} that are called so, as pictures of all kinds are added."
)


def curve_chart(found: LearningCurve) -> Chart:
    """Draw the accuracy against the pictures that teach, and what more would bring."""
    title = f"{found.measure[0].upper()}{found.measure[1:]}"
    return _chart("learning-curve", title, found, found.forecast, -1)


def class_charts(found: LearningCurve) -> list[tuple[str, Chart]]:
    """Draw the recall of the classes that more pictures would change most."""
    order = np.argsort([-one.gain.value for one in found.by_class], kind="stable")
    return [
        (
            found.classes[code],
            _chart(
                f"learning-curve-{code}",
                f"Recall of {found.classes[code]}",
                found,
                found.by_class[code],
                code,
            ),
        )
        for code in order[:MOST_CLASSES].tolist()
    ]


def curve_section(found: LearningCurve, said: Callable[[str], str] = str) -> Section:
    """Tell of a learning curve; `said` writes parameters that are marked in its notes."""
    head = ("pictures to teach", found.measure, *(f"recall of {one}" for one in _named(found)))
    table = Table(
        columns=head,
        rows=tuple(
            (
                f"{one.pictures:,}",
                one.accuracy.percent(),
                *(recall.percent() for recall in one.recalls[: len(_named(found))]),
            )
            for one in found.points
        ),
        numbers=(0,),
        folded="all sizes",
    )
    told = [f"{one[0].upper()}{one[1:]}." for one in found.sentences()]
    plots = [
        Plot(chart=curve_chart(found), caption=WHOLE.format(measure=found.measure)),
        *(
            Plot(chart=chart, caption=CLASS.format(name=name))
            for name, chart in class_charts(found)
        ),
    ]
    return section(
        "learning-curve",
        "Would more pictures help?",
        [
            Words(" ".join(told)),
            Plots(tuple(plots)),
            table,
            Listing(tuple(map(said, found.notes))) if found.notes else None,
        ],
    )


def _named(found: LearningCurve) -> Sequence[str]:
    return found.classes[:MOST_CLASSES]


def _chart(name: str, title: str, found: LearningCurve, ahead: Forecast, code: int) -> Chart:
    """Draw the accuracy, or the recall of a class where a code is not below 0."""
    shares = [one.accuracy if code < 0 else one.recalls[code] for one in found.points]
    sizes = [float(one.pictures) for one in found.points]
    law = _curve(f"power law, to {ahead.pictures:,}", ahead.sizes, ahead.along)
    points = Curve(
        name="measured",
        role="validation",
        x=sizes,
        y=[one.value for one in shares],
        low=[one.low for one in shares],
        high=[one.high for one in shares],
        form="points",
    )
    across = Axis(
        name="pictures to teach (logarithmic)",
        low=sizes[0] * 0.9,
        high=ahead.pictures * 1.1,
        unit="count",
        log=True,
    )
    lows = [*law.low, *points.low]
    named = found.measure if code < 0 else f"recall of {found.classes[code]}"
    upward = spanning(named, lows, unit="percent", high=1.0)
    told = "; ".join(
        f"{counted(one.pictures, 'picture')}, {share.percent()}"
        for one, share in zip(found.points, shares, strict=True)
    )
    marks = [Mark(x=ahead.pictures / 2, text=f"all {ahead.pictures // 2:,}")]
    return curves(name, title, told, [law, points], across, upward, marks)


def _curve(name: str, sizes: Sequence[float], along: Sequence[Estimate]) -> Curve:
    finite = [one for one in along if math.isfinite(one.value)]
    assert len(finite) == len(sizes)
    return Curve(
        name=name,
        role="ideal",
        x=sizes,
        y=[one.value for one in along],
        low=[one.low for one in along],
        high=[one.high for one in along],
    )
