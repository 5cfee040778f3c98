"""Of a report: how far to trust an answer, and what was called wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from foveal.drawing.axes import Axis, spanning
from foveal.drawing.charts import Chart
from foveal.drawing.curves import Curve, Mark, curves
from foveal.drawing.matrix import matrix
from foveal.drawing.thumbnails import drawn
from foveal.evaluation.confusion import confused_pairs, most_confused
from foveal.evaluation.reliability import CalibrationBin, calibration_curve
from foveal.looking.mistakes import rows_of_mistakes
from foveal.looking.selection import seen
from foveal.pages.document import Block, Plot, Plots, Section, Table, Tiles, Words, section, tile
from foveal.pages.material import Material
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.judging.evaluation import Evaluation
    from foveal.pictures.collection import Pictures

SIDE = 128
"""Longer side of pictures that are seen, at most."""
MOST_IN_MATRIX = 20
"""Classes in the matrix, at most: those with the most wrong answers."""
BINS = 10
FEW = 0.2
"""Share of pictures answered below which an interval may reach out of the chart."""
CALIBRATION = (
    "Each point stands for a tenth of the pictures, of which the network was about equally sure: "
    "how sure is read to the right, how many were right upward, and the upright line is the 95 % "
    "interval of that. On the dashed line both agree: of answers that are 90 % sure 9 in 10 are "
    "right. Below it answers are surer than they should be."
)
ANSWERED = (
    "A network need not answer where it is unsure: leave the rest to a person. To the left only "
    "the surest answers are given; the shaded band is the 95 % interval of the accuracy among them."
)
MATRIX = (
    "Rows are true classes, columns what they were called; the diagonal is right. Two classes that "
    "are taken for one another need more pictures that show their difference, or better labels."
)
LABELS = (
    "Look for wrong labels before anything else: they cost the most, and are the cheapest to mend. "
    "Each picture is shown as the network sees it."
)
RIGHT = (
    "So good an outcome is worth a doubt: did pictures of the same thing teach, or does the "
    "background give the class away? The pictures it was least sure of say where it is weakest. "
    "Each picture is shown as the network sees it."
)


def certainty(material: Material) -> Section | None:
    """Show how far a single answer can be trusted."""
    found = material.classified
    if found is None or len(found.metrics.classes) < 2:
        return None
    plots = (
        Plot(chart=_calibration(found), caption=CALIBRATION),
        Plot(chart=_answered(found), caption=ANSWERED),
    )
    error = 100 * found.metrics.calibration_error
    words = (
        f"On average being sure and being right differ by {error:.1f} % (the calibration error)"
        f"{_by_temperature(found)}."
    )
    return section("certainty", "How far to trust an answer", [Plots(plots), Words(words)])


def _by_temperature(found: Evaluation) -> str:
    before = found.uncalibrated_error
    if found.temperature == 1 or before is None:
        return ""
    return (
        f"; it was {100 * before:.1f} % before the logits were divided by {found.temperature:.3g}"
    )


def _calibration(found: Evaluation) -> Chart:
    answers = found.answers
    right = answers.called == answers.values
    bins = calibration_curve(answers.sure, right, BINS, found.worth)
    return calibration_chart(
        bins, "a tenth of the pictures", "how sure it is", "share that is right"
    )


def calibration_chart(
    bins: Sequence[CalibrationBin], points_are: str, across: str, upward: str
) -> Chart:
    """Draw how sure answers are against how often they are right, beside the diagonal."""
    sure = [one.sure for one in bins]
    low = min([*sure, *(one.right.low for one in bins)])
    axis = spanning(across, [low, 1.0], unit="percent", high=1.0)
    ideal = Curve(name="as sure as right", role="ideal", x=(axis.low, 1.0), y=(axis.low, 1.0))
    points = Curve(
        name=f"{points_are}{'' if len(bins) == BINS else ', about'}",
        role="validation",
        x=sure,
        y=[one.right.value for one in bins],
        low=[one.right.low for one in bins],
        high=[one.right.high for one in bins],
        form="points",
    )
    told = "; ".join(f"{100 * one.sure:.0f} % sure, {one.right.percent()} right" for one in bins)
    up = Axis(name=upward, low=axis.low, high=1.0, unit="percent")
    return curves("calibration", "How sure and how right", told, [ideal, points], axis, up)


def _answered(found: Evaluation) -> Chart:
    points = found.answered
    curve = Curve(
        name="accuracy among those answered",
        role="validation",
        x=[one.share for one in points],
        y=[one.accuracy.value for one in points],
        low=[one.accuracy.low for one in points],
        high=[one.accuracy.high for one in points],
    )
    wide = [one.accuracy.low for one in points if one.share >= FEW] or [0.0]
    upward = spanning("accuracy", [*wide, *curve.y], unit="percent", high=1.0)
    across = Axis(name="share of pictures answered", low=0.0, high=1.0, unit="percent")
    told = "; ".join(
        f"{100 * one.share:.0f} % answered, {one.accuracy.percent()} right"
        for one in points[:: max(1, len(points) // 5)]
    )
    marks = list(_chosen(found))
    return curves("answered", "Accuracy on what is answered", told, [curve], across, upward, marks)


def _chosen(found: Evaluation) -> Iterator[Mark]:
    """Mark the share that was answered, where some pictures were left to a person."""
    reached = found.refusing
    if reached is not None and reached.answered:
        right = f"{100 * reached.accuracy.value:.1f} % right"
        yield Mark(
            x=reached.share.value, text=f"answers {100 * reached.share.value:.1f} %: {right}"
        )


# Mistakes --------------------------------------------------------------------------------


def mistakes(material: Material) -> Section | None:
    """Show what was called wrong."""
    found = material.classified
    if found is None:
        return None
    wrong, judged = len(found.answers.mistakes), len(found.answers.rows)
    asked = LABELS if wrong else RIGHT
    blocks: list[Block] = [
        Words(f"Called wrong: {wrong:,} of {counted(judged, 'picture')}. {asked}")
    ]
    if len(found.metrics.classes) > 1:
        blocks.append(Plots((_matrix(found),)))
    if wrong and len(found.metrics.classes) > 2:
        blocks.append(_pairs(found))
    if material.pictures is not None:
        blocks += rows_of_tiles(material, found, material.pictures)
    return section("mistakes", "What was called wrong", blocks)


def _matrix(found: Evaluation) -> Plot:
    confusion = found.metrics.confusion
    ids = most_confused(confusion, MOST_IN_MATRIX)
    labels = [found.metrics.classes[one].label for one in ids.tolist()]
    rest = len(confusion) - len(ids)
    more = f" The {MOST_IN_MATRIX} classes with most errors of {len(confusion):,}." if rest else ""
    told = "; ".join(
        f"{found.metrics.classes[one.true].label} called "
        f"{found.metrics.classes[one.called].label} {one.pictures:,} times"
        for one in confused_pairs(confusion, 5)
    )
    chart = matrix(
        "confusion",
        "What was called what",
        told or "No picture was called wrong.",
        labels,
        confusion.within(ids).tolist(),
    )
    return Plot(chart=chart, caption=MATRIX + more)


def _pairs(found: Evaluation) -> Table:
    labels = [one.label for one in found.metrics.classes]
    pairs = confused_pairs(found.metrics.confusion, worth=found.worth)
    return Table(
        columns=("class", "called", "pictures", "share of the class"),
        rows=tuple(
            (labels[one.true], labels[one.called], f"{one.pictures:,}", one.share.percent())
            for one in pairs
        ),
        numbers=(2,),
        caption="The pairs that are confused most often, with 95 % intervals.",
    )


def rows_of_tiles(material: Material, found: Evaluation, pictures: Pictures) -> Iterator[Tiles]:
    """Show rows of pictures whose look teaches most, each with what was said of it."""
    chosen = rows_of_mistakes(found)
    verdicts = _verdicts(found, {place for row in chosen for place in row.places.tolist()})
    for row in chosen:
        rows = found.answers.rows[row.places].tolist()
        images = seen(material.model, pictures.take(rows), 2 * SIDE)
        tiles = [
            tile(drawn(image, SIDE, SIDE), str(pictures.names[at]), verdicts[place])
            for image, at, place in zip(images, rows, row.places.tolist(), strict=True)
        ]
        yield Tiles(title=row.title, caption="", tiles=tuple(tiles))


def _verdicts(found: Evaluation, places: set[int]) -> dict[int, tuple[str, ...]]:
    """Say what pictures are, what they were called, how sure that was, and their losses."""
    answers, losses = found.answers, found.answers.losses
    return {
        place: (
            *answers.target.verdict(answers.predicted[place], answers.values[place]),
            f"loss {losses[place]:.3g}",
        )
        for place in places
    }
