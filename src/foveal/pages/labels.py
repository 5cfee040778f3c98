"""Of a report on several labels a picture: how each fares, how far to trust it, what was wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from foveal.drawing.axes import spanning
from foveal.drawing.bars import Bar, bars
from foveal.drawing.charts import Chart, Role
from foveal.evaluation.intervals import Estimate
from foveal.evaluation.label_metrics import LabelMetrics, LabelScores
from foveal.evaluation.reliability import label_calibration_curve
from foveal.pages.document import Block, Plot, Plots, Section, Table, Words, section
from foveal.pages.errors import BINS, LABELS, RIGHT, calibration_chart, rows_of_tiles
from foveal.pages.material import Material
from foveal.targets.label_words import HEAD, NUMBERS, row_of, taken_for, unchosen
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.judging.evaluation import Evaluation

MOST_LABELS = 30
"""Labels that a table or a chart names, at most."""
MOST_PAIRS = 10
LADDER = (
    "Each bar is the F1 of all labels of the same pictures together, with its 95 % interval: what "
    "is said too much and what is missed count alike. What pixels alone reach without any network "
    "stands beneath. A network earns its cost by what it has over them."
)
EACH = (
    "Recall is the share of the pictures that bear a label of which it is said, precision the "
    "share of those of which it is said that bear it. A label is said where its probability is "
    "above its threshold, which was chosen on held-out pictures."
)
RANKED = (
    "The average precision of a label says how well its pictures are ranked before all others, "
    "whatever the threshold; chance reaches the share of pictures that bear it. Labels with wide "
    "intervals need more pictures before anything is said of them."
)
CALIBRATION = (
    "Of labels that are 90 % likely, nine in ten should be there: then the points lie on the "
    "dashed line. Points below it are labels that are surer than they should be."
)
PAIRS = (
    "Labels that were missed on pictures of which another was said too much: the one may be taken "
    "for the other. Pictures that bear only one of them tell them apart."
)


def ladder(found: Evaluation, role: Role, beside: list[Bar]) -> Plot:
    """Draw the F1 of all labels, and what it is held against."""
    metrics: LabelMetrics = found.metrics
    entries = [_bar("the network", role, metrics.micro_f1), *beside]
    told = "; ".join(f"{one.name}: {one.text}" for one in entries)
    words = f"Micro F1 on {counted(metrics.pictures, 'picture')}, with 95 % intervals: {told}."
    axis = spanning("micro F1", [], unit="percent", low=0.0, high=1.0)
    chart = bars("ladder", "Micro F1 beside baselines", words, entries, axis)
    return Plot(chart=chart, caption=LADDER)


def outcome_of_labels(found: Evaluation, role: Role) -> Iterator[Block]:
    """Tell how each label fares: as a table, and ranked whatever the threshold."""
    metrics: LabelMetrics = found.metrics
    some, more = _weakest(metrics)
    halves = "".join(f" {one[0].upper()}{one[1:]}." for one in unchosen(found.answers.target))
    yield Table(
        columns=HEAD[:-1],  # the chart beneath has the last
        rows=tuple(row_of(one)[:-1] for one in some),
        numbers=NUMBERS,
        caption=EACH + halves + more,
    )
    known = [one for one in some if one.pictures]
    if known:
        yield Plots((Plot(chart=_ranked(known, role), caption=RANKED + more),))


def _weakest(metrics: LabelMetrics) -> tuple[list[LabelScores], str]:
    """Return the labels that are shown, and which these are where there are more."""
    if len(metrics.labels) <= MOST_LABELS:
        return list(metrics.labels), ""
    known = [one for one in metrics.labels if one.f1 == one.f1]
    some = sorted(known, key=lambda one: one.f1)[:MOST_LABELS]
    return some, f" The {MOST_LABELS} labels with the lowest F1 of {len(metrics.labels):,}."


def _ranked(labels: list[LabelScores], role: Role) -> Chart:
    entries = [_bar(one.label, role, one.average_precision) for one in labels]
    told = "; ".join(f"{one.name}: {one.text}" for one in entries)
    axis = spanning("average precision", [], unit="percent", low=0.0, high=1.0)
    return bars("labels", "How well each label is ranked", f"{told}.", entries, axis)


def _bar(name: str, role: Role, estimate: Estimate) -> Bar:
    value, low, high = estimate.value, estimate.low, estimate.high
    return Bar(name=name, role=role, value=value, low=low, high=high, text=estimate.percent())


def certainty_of_labels(material: Material) -> Section | None:
    """Show how far the probability of a label can be trusted."""
    found = material.several
    if found is None:
        return None
    answers = found.answers
    bins = label_calibration_curve(
        answers.probabilities, answers.values.astype(bool), BINS, found.worth
    )
    chart = calibration_chart(bins, "a tenth of the labels", "how likely it is", "share there")
    error = 100 * found.metrics.calibration_error
    words = f"On average how likely and how frequent a label is differ by {error:.1f} %."
    plots = Plots((Plot(chart=chart, caption=CALIBRATION),))
    return section("certainty", "How far to trust a label", [plots, Words(words)])


def mistakes_of_labels(material: Material) -> Section | None:
    """Show pictures with a label missed or said too much."""
    found = material.several
    if found is None:
        return None
    wrong, judged = len(found.answers.mistakes), len(found.answers.rows)
    asked = LABELS if wrong else RIGHT
    told = f"Not all labels right: {wrong:,} of {counted(judged, 'picture')}. {asked}"
    blocks: list[Block] = [Words(told)]
    pairs = [(*two, f"{count:,}") for *two, count in taken_for(found.metrics, MOST_PAIRS)]
    if pairs:
        columns = ("label missed", "label said", "pictures")
        rows = tuple(tuple(map(str, one)) for one in pairs)
        blocks.append(Table(columns=columns, rows=rows, numbers=(2,), caption=PAIRS))
    if material.pictures is not None:
        blocks += rows_of_tiles(material, found, material.pictures)
    return section("mistakes", "What was called wrong", blocks)
