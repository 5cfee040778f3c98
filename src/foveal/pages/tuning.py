"""tune.html: what was tried, what mattered, and what accuracy costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from foveal.drawing.axes import Axis, spanning
from foveal.drawing.bars import Bar, bars
from foveal.drawing.curves import Curve, curves
from foveal.pages.document import Block, Facts, Plot, Plots, Section, Table, Words, section
from foveal.pages.report import Report
from foveal.tuning.space import told, worded
from foveal.tuning.study import Tried
from foveal.tuning.tuned import Tuning, percent
from foveal.wording import counted

MOST_ROWS = 200
NEAR = 5
"""How many times the low end of an axis the high one is at least, to be logarithmic."""
COST = (
    "Each point is a network that was trained to its end; it stands the further right, the more "
    "multiply-adds a picture takes. The line is what is reached at a cost, or at less."
)
MATTERED = (
    "The share of the differences between trials that each choice explains by itself. What is near "
    "nothing may be left at its default; shares of few trials are rough."
)
CHOSEN = (
    "Trials are held against one another by their loss on validation pictures, which flatters the "
    "best: the best few are trained again on other splits beside all defaults, and figures of "
    "pictures that no trial saw tell how the chosen one fares."
)
AGAIN = (
    "Calibrated loss of trainings with other seeds on other splits of the pictures that teach: the "
    "less, the better. The gain is how much lower it is than that of all defaults on the same "
    "splits, with its 95 % interval. One that is less than a standard error, or of one training, "
    "may be chance: then the model of all defaults is kept."
)


def tuning_page(found: Tuning, source: str = "", *, said: Callable[[str], str] = str) -> Report:
    """Lay out what tuning found as a page that loads nothing.

    Parameters
    ----------
    found : Tuning
        What was found.
    source : str
        How the pictures are called.
    said : callable
        Words the library's text as its reader knows it.

    Returns
    -------
    Report
        `save` writes it as one .html file.
    """
    facts = tuple((name, said(text)) for name, text in found.facts())
    blocks: list[Block | None] = [Facts(rows=facts), Words(CHOSEN)]
    notes = [Words(said(one)) for one in found.notes]
    sections = [section("outcome", "What came of it", [*blocks, *notes])]
    sections += [*_again(found), *_cost(found), *_mattered(found), _trials(found)]
    lead = found.outcome()[0]
    return Report(title=f"Tuned on {source or 'pictures'}", lead=lead, sections=tuple(sections))


def _again(found: Tuning) -> Iterator[Section]:
    if not found.confirmed:
        return
    rows = tuple(
        (str(one.number), str(one.rounds), f"{one.loss:.4g}", f"{one.defaults_loss:.4g}", one.told)
        for one in found.confirmed
    )
    table = Table(
        columns=("trial", "trainings", "loss", "loss of all defaults", "gain"),
        rows=rows,
        numbers=(0, 1, 2, 3),
    )
    yield section("again", "The best few, trained again", [Words(AGAIN), table])


def _cost(found: Tuning) -> Iterator[Section]:
    own = [one for one in found.trials if one.repeat_of is None]
    done = [one for one in own if one.complete and one.multiply_adds]
    if len(done) < 2:
        return
    costs = [_millions(one) for one in done]
    values = [one.value or 0.0 for one in done]
    shown = Curve(name="trials", role="validation", x=costs, y=values, form="points")
    best = found.front
    across = _axis_of(costs)
    x, y = _stairs(best, across.high)
    line = Curve(name="best at their cost", role="ideal", x=x, y=y)
    measure = best[0].measure
    share = (best[0].score or 0.0) >= 0  # what is made small may be any number
    name = f"validation {measure}"
    upward = spanning(name, values, unit="percent", high=1.0) if share else spanning(name, values)
    title = f"{measure.capitalize()} against cost"
    said = f"{counted(len(done), 'trial')}, {counted(len(best), 'one', 'ones')} best at their cost"
    chart = curves("accuracy-against-cost", title, said, [shown, line], across, upward)
    yield section("cost", title, [Plots((Plot(chart=chart, caption=COST),))])


def _axis_of(costs: list[float]) -> Axis:
    """Make the axis of costs: logarithmic, unless they lie so near that it had one number."""
    low, high = 0.8 * min(costs), 1.25 * max(costs)
    if high < NEAR * low:
        return spanning("million multiply-adds", costs)
    return Axis(name="million multiply-adds (logarithmic)", low=low, high=high, log=True)


def _millions(one: Tried) -> float:
    """Return the multiply-adds of a picture, in millions."""
    return (one.multiply_adds or 0) / 1e6


def _stairs(best: Sequence[Tried], end: float) -> tuple[list[float], list[float]]:
    """Return what is reached at each cost: that of the best until a dearer one beats it."""
    costs = [_millions(one) for one in best]
    values = [one.value or 0.0 for one in best]
    x = [cost for pair in zip(costs, [*costs[1:], end], strict=True) for cost in pair]
    return x, [value for value in values for _ in range(2)]


def _mattered(found: Tuning) -> Iterator[Section]:
    if not found.importance:
        return
    drawn = [
        Bar(
            name=worded(name),
            role="validation",
            value=share,
            low=share,
            high=share,
            text=percent(share),
        )
        for name, share in found.importance.items()
    ]
    axis = Axis(name="share explained", low=0.0, high=1.0, unit="percent")
    said = ", ".join(f"{worded(name)} {percent(share)}" for name, share in found.importance.items())
    chart = bars("importance", "What mattered", said, drawn, axis)
    yield section("importance", "What mattered", [Plots((Plot(chart=chart, caption=MATTERED),))])


def _trials(found: Tuning) -> Section:
    own = [one for one in found.trials if one.repeat_of is None]
    order = sorted(own, key=lambda one: (one.complete, one.rank), reverse=True)
    more = len(order) - MOST_ROWS
    measure = next((one.measure for one in order if one.measure), "validation")
    blocks: list[Block | None] = [
        Table(
            columns=("trial", "loss", measure, "multiply-adds", "seconds"),
            rows=tuple(map(_row, order[:MOST_ROWS])),
            numbers=(0, 1, 3, 4),
            beneath="what was tried",
            caption=f"{more:,} more in trials.csv." if more > 0 else "",
        )
    ]
    return section("trials", f"Trials: {len(order):,}", blocks)


def _row(one: Tried) -> tuple[str, ...]:
    cost = "" if one.multiply_adds is None else f"{_millions(one):,.2f} M"
    options = told(one.options) if one.options else ""
    options = f"{one.why}: " * bool(one.why) + "all defaults: " * one.is_first + options
    loss = "none" if one.loss is None else f"{one.loss:.4f}"
    return str(one.number), loss, one.figure, cost, f"{one.seconds:.1f}", options
