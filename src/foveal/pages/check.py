"""check.html: what is wrong with pictures and their labels, each finding with its pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from foveal.checking.check import Check
from foveal.checking.findings import Finding, Item
from foveal.checking.views import Viewer, viewer
from foveal.drawing.axes import spanning
from foveal.drawing.curves import Curve, curves
from foveal.drawing.thumbnails import drawn
from foveal.pages.document import (
    Block,
    Facts,
    Listing,
    Plot,
    Plots,
    Section,
    Table,
    Tile,
    Tiles,
    Words,
    section,
    tile,
)
from foveal.pages.report import Report
from foveal.wording import agreeing, counted, four_digits

SIDE = 128
"""Longer side of pictures that are seen, at most."""
MOST_TILES = 24
"""Pictures shown of a kind, at most."""
MOST_SETS = 8
"""Sets of pictures shown of a kind, at most."""
MOST_OF_A_SET = 6
"""Pictures shown of a set, at most."""
MOST_ROWS = 50
"""Rows of a table, at most."""
NUMBERS = (
    "How many pictures have a number of about this size. A network learns best where there are "
    "many; what stands far from all others is a slip of the pen, another unit, or a rare case."
)
LISTED = ("unreadable", "few", "imbalance")
"""Kinds that have no pictures to be seen."""


def check_page(found: Check, *, source: str = "", said: Callable[[str], str] = str) -> Report:
    """Lay out what `foveal.check` found as a page that loads nothing.

    Parameters
    ----------
    found : Check
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
    view = viewer(found.pictures, SIDE)
    sections = [_overview(found, said), *_classes(found), *_numbers(found)]
    sections += [_of_kind(found, one, view, said) for one in found.findings]
    return Report(title=source or "Pictures", lead=_lead(found), sections=tuple(sections))


def _lead(found: Check) -> str:
    total, kept = len(found.reasons), len(found.cleaning.rows)
    readable = total - found.unreadable
    kinds = counted(len(found.findings), "kind")
    told = f"{kinds} of findings" if found.findings else "nothing was found wrong"
    return (
        f"{counted(total, 'picture')}: {readable:,} can be read, {found.unreadable:,} cannot; "
        f"{told}. {kept:,} may teach {agreeing(kept, 'as it is', 'as they are')}."
    )


def _overview(found: Check, said: Callable[[str], str]) -> Section:
    blocks: list[Block | None] = []
    if found.findings:
        rows = tuple((f"{one.count:,}", one.about.title) for one in found.findings)
        blocks.append(Table(columns=("found", "what"), rows=rows, numbers=(0,)))
    if found.notes:
        blocks.append(Listing(tuple(map(said, found.notes))))
    return section("overview", "What was found", blocks)


def _classes(found: Check) -> Iterator[Section]:
    if not found.classes.names:
        return
    pairs = list(zip(map(str, found.classes.names), found.counts.tolist(), strict=True))
    more = len(pairs) - MOST_ROWS
    noun = ("label", "labels") if found.classes.several else ("class", "classes")
    table = Table(
        columns=(noun[0], "pictures"),
        rows=tuple((name, f"{count:,}") for name, count in pairs[:MOST_ROWS]),
        numbers=(1,),
        caption="Pictures that can be read." + f" {counted(more, *noun)} more." * (more > 0),
    )
    yield section("classes", f"{noun[1].capitalize()}: {len(pairs):,}", [table])


def _numbers(found: Check) -> Iterator[Section]:
    numbers, summary = found.numbers, found.summary
    if numbers is None or summary is None:
        return
    counts, edges = numbers.histogram(found.readable)
    steps = Curve(
        name="pictures",
        role="training",
        x=np.repeat(edges, 2).tolist(),
        y=[0.0, *np.repeat(counts, 2).astype(float).tolist(), 0.0],
    )
    told = f"{counted(summary.pictures, 'picture')}: {summary}."
    across = spanning("number", edges.tolist())
    upward = spanning("pictures", [0.0, float(counts.max())], unit="count", low=0.0)
    chart = curves("numbers", "How the numbers are spread", told, [steps], across, upward)
    facts = (
        ("least", four_digits(summary.least)),
        ("a quarter below", four_digits(summary.lower_quartile)),
        ("median", four_digits(summary.median)),
        ("a quarter above", four_digits(summary.upper_quartile)),
        ("greatest", four_digits(summary.greatest)),
    )
    yield section(
        "numbers", "Numbers", [Plots((Plot(chart=chart, caption=NUMBERS),)), Facts(facts)]
    )


def _of_kind(found: Check, one: Finding, view: Viewer, said: Callable[[str], str]) -> Section:
    about = one.about
    blocks: list[Block] = [Words(f"{about.meaning}. What to do: {said(about.remedy)}.")]
    if one.kind in LISTED:
        blocks.append(_listed(one))
    elif all(len(item.rows) == 1 for item in one.items):
        shown = [
            _tile(found, item, row, view) for item in one.items[:MOST_TILES] for row in item.rows
        ]
        blocks.append(Tiles(title=_cut(one.items, MOST_TILES), caption="", tiles=tuple(shown)))
    else:
        blocks += _sets(found, one.items, view)
    return section(one.kind, f"{about.title[:1].upper()}{about.title[1:]}: {one.count:,}", blocks)


def _listed(one: Finding) -> Table:
    more = len(one.items) - MOST_ROWS
    named = any(item.paths for item in one.items)
    rows = [(*item.paths[:1], item.why) for item in one.items[:MOST_ROWS]]
    return Table(
        columns=("picture", "why") if named else ("class",),
        rows=tuple(rows),
        caption=f"{more:,} more in the answer as JSON." if more > 0 else "",
    )


def _cut(items: Sequence[Item], most: int) -> str:
    """Say how many are shown, where not all are."""
    return f"The first {most:,} of {len(items):,}" if len(items) > most else ""


def _sets(found: Check, items: Sequence[Item], view: Viewer) -> Iterator[Block]:
    for item in items[:MOST_SETS]:
        rows = item.rows[:MOST_OF_A_SET]
        more = len(item.rows) - len(rows)
        title = item.why + f", {more:,} more" * (more > 0)
        shown = tuple(_tile(found, item, row, view, why=False) for row in rows)
        yield Tiles(title=title, caption="", tiles=shown)
    if len(items) > MOST_SETS:
        yield Words(f"{len(items) - MOST_SETS:,} more sets in the answer as JSON.")


def _tile(found: Check, item: Item, row: int, view: Viewer, *, why: bool = True) -> Tile:
    name, seen = str(found.pictures.names[row]), view(row)
    part = "" if found.pictures.parts is None else str(found.pictures.parts[row])
    label = found.classes.name(row) if found.classes.names else ""
    if found.numbers is not None and not found.numbers.reasons[row]:
        label = four_digits(float(found.numbers.values_n[row]))
    first = ", ".join(one for one in (label, part) if one)
    lines = [*[first] * bool(first), *[item.why.removeprefix(f"{label}; ")] * why]
    if isinstance(seen, str):
        return Tile(image="", width=SIDE, height=SIDE, name=name, lines=(*lines, seen))
    return tile(drawn(seen.values_hwc, SIDE, SIDE), name, lines)
