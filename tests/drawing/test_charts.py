"""Charts: what stands where, and that nothing of a name becomes SVG."""

from __future__ import annotations

import itertools
import re
from xml.etree import ElementTree

import pytest

from foveal.drawing.axes import Axis, spanning
from foveal.drawing.bars import Bar, bars
from foveal.drawing.charts import STYLE, WIDTH, Chart, cut, cut_apart, extent
from foveal.drawing.curves import Curve, Mark, curves
from foveal.drawing.matrix import matrix
from foveal.drawing.strip import Stretch, strip
from foveal.drawing.svg import element
from foveal.pages.shell import style

HOSTILE = '</text><script>alert("x")</script>\x1b[31m\u202e\ud800&'
SVG = "{http://www.w3.org/2000/svg}"
UNIT = spanning("share", [], unit="percent", low=0, high=1)


def curve(**more: object) -> Curve:
    given = {"name": "training", "role": "training", "x": (1.0, 2.0, 3.0), "y": (0.0, 0.5, 1.0)}
    return Curve(**{**given, **more})  # type: ignore[arg-type]


def charts(name: str = "cat") -> list[Chart]:
    x = Axis(name="epoch", low=1, high=3, unit="count")
    return [
        curves("c", name, name, [curve(name=name)], x, UNIT, [Mark(x=2, text=name)]),
        bars("b", name, name, [_bar(name, 0.5)], UNIT),
        matrix("m", name, name, [name, "dog"], [[3, 1], [0, 4]]),
        strip("s", name, name, [Stretch(name=name, layers=3, fixed=True, facts=name)]),
    ]


def _bar(name: str, value: float) -> Bar:
    return Bar(name=name, role="baseline", value=value, low=0.4, high=0.7, text="50 %")


def parts(chart: Chart, tag: str, look: str = "") -> list[ElementTree.Element]:
    root = ElementTree.fromstring(chart.svg)
    return [
        one for one in root.iter(f"{SVG}{tag}") if look in one.get("class", "").split() or not look
    ]


@pytest.mark.parametrize("place", range(4))
def test_names_stay_text_and_files_stay_xml(place: int) -> None:
    chart = charts(HOSTILE)[place]
    for text in (chart.svg, chart.alone):
        root = ElementTree.fromstring(text)
        assert not list(root.iter(f"{SVG}script"))
        assert not re.search("[\x00-\x08\x1b\u202e\ud800]", text)
    assert any(
        "<script>" in (one.text or "") for one in parts(chart, "text") + parts(chart, "title")
    )


@pytest.mark.parametrize("place", range(4))
def test_a_screen_reader_is_told_title_and_description(place: int) -> None:
    root = ElementTree.fromstring(charts()[place].svg)
    ids = root.get("aria-labelledby", "").split()
    assert root.get("role") == "img" and len(ids) == 2
    assert [one.text for name in ids for one in root.iter() if one.get("id") == name] == ["cat"] * 2


def test_curves_stand_where_their_values_are() -> None:
    x = Axis(name="epoch", low=1, high=3, unit="count")
    chart = curves("c", "t", "d", [curve()], x, UNIT)
    (line,) = [one for one in parts(chart, "path", "curve") if "L" not in one.get("d", "")][-1:]
    numbers = [float(one) for one in re.findall(r"[\d.]+", line.get("d", ""))]
    across, down = numbers[::2], numbers[1::2]
    assert across[1] - across[0] == pytest.approx(across[2] - across[1], abs=0.02)
    assert down[0] - down[1] == pytest.approx(down[1] - down[2], abs=0.02) and down[0] > down[2]
    grid = [float(one.get("d", "").split()[1]) for one in parts(chart, "path", "grid")]
    assert down[0] == pytest.approx(max(grid)) and down[2] == pytest.approx(min(grid))
    assert chart.rows == (("training", 1, 0), ("training", 2, 0.5), ("training", 3, 1))


def test_what_is_no_number_leaves_a_gap_and_a_lone_value_is_a_point() -> None:
    x = Axis(name="epoch", low=1, high=3, unit="count")
    chart = curves("c", "t", "d", [curve(y=(0.2, float("nan"), 0.4))], x, UNIT)
    assert len(parts(chart, "path", "curve")) == 1  # the sample in the legend
    assert len(parts(chart, "circle", "training")) == 2


def test_intervals_are_drawn_and_are_in_the_numbers() -> None:
    x = Axis(name="epoch", low=1, high=3, unit="count")
    for form, look in (("line", "band"), ("points", "reach")):
        drawn = curve(low=(0, 0.4, 0.8), high=(0.1, 0.6, 1), form=form)
        chart = curves("c", "t", "d", [drawn], x, UNIT)
        assert len(parts(chart, "path", look)) == (1 if form == "line" else 3)
        assert chart.columns[-2:] == ("low", "high") and chart.rows[1][-2:] == (0.4, 0.6)


def test_a_bar_reaches_from_low_to_high() -> None:
    chart = bars("b", "t", "d", [_bar("majority class", 0.5), _bar("none", float("nan"))], UNIT)
    (reach,) = parts(chart, "path", "reach")
    low, _, high, _ = (float(one) for one in re.findall(r"[\d.]+", reach.get("d", "")))
    (dot,) = parts(chart, "circle")
    middle = float(dot.get("cx", 0))
    assert (middle - low) / (high - low) == pytest.approx(1 / 3, abs=0.01)


def test_a_cell_is_the_stronger_the_larger_its_share_of_its_row() -> None:
    cells = parts(matrix("m", "t", "d", ["a", "b"], [[3, 1], [0, 4]]), "rect", "cell")
    assert [float(one.get("opacity", 0)) for one in cells] == pytest.approx([0.77, 0.31, 1])


@pytest.mark.parametrize("dark", [False, True])
def test_each_number_can_be_read_on_its_cell(dark: bool) -> None:
    """By 4.5 to 1, as WCAG 2.2 AA asks, whatever its share of the row."""
    light, _, rest = style().partition("@media (prefers-color-scheme: dark)")
    colours = dict(re.findall(r"(--[a-z-]+): (#[0-9a-f]{6});", light))
    colours |= (
        dict(re.findall(r"(--[a-z-]+): (#[0-9a-f]{6});", rest.partition("*, ")[0])) if dark else {}
    )
    fills = dict(re.findall(r"\.chart \.(on-[a-z]+) \{ fill: (.*); \}", STYLE))
    for count in range(1, 101):
        chart = matrix("m", "t", "d", ["a", "b"], [[count, 100 - count], [0, 1]])
        cell, number = (
            parts(chart, "rect", "cell")[0],
            parts(chart, "text")[-3 if count < 100 else -2],
        )
        fill = fills[number.get("class", "")]
        ink = _rgb(colours[fill[4:].partition(",")[0]] if fill.startswith("var") else fill)
        opacity = float(cell.get("opacity", 1))
        paper, full = _rgb(colours["--paper"]), _rgb(colours["--train"])
        mixed = [one + opacity * (two - one) for one, two in zip(paper, full, strict=True)]
        faint, bright = sorted((_luminance(ink), _luminance(mixed)))
        assert (bright + 0.05) / (faint + 0.05) >= 4.5, (count, dark)


def _rgb(colour: str) -> list[float]:
    return [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]


def _luminance(rgb: list[float]) -> float:
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in rgb]
    return sum(w * one for w, one in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_fixed_layers_are_hatched_and_updated_ones_solid() -> None:
    stretches = [
        Stretch(name="fixed", layers=69, fixed=True, facts=""),
        Stretch(name="updated", layers=1, fixed=False, facts=""),
    ]
    chart = strip("s", "t", "d", stretches)
    shapes = parts(chart, "path", "hatched") + parts(chart, "path", "solid")
    assert [one.get("fill") for one in shapes] == ["url(#s-hatch)", None]
    assert chart.rows[0] == ("fixed", 69, "fixed", "")


def test_many_classes_with_long_names_stay_within() -> None:
    names = [f"a rather long name of class number {index}" for index in range(20)]
    chart = matrix("m", "t", "d", names, [[1] * 20] * 20)
    edges = [float(one.get("x", 0)) + float(one.get("width", 0)) for one in parts(chart, "rect")]
    assert max(edges) <= WIDTH + 0.1
    assert cut(names[0], 50).endswith("...") and extent(cut(names[0], 50)) <= 50
    assert cut("", 0) == "" and cut("cat", 100) == "cat"


def test_names_that_begin_alike_are_told_apart_by_their_ends() -> None:
    names = [
        "front axle on the left",
        "front axle on the right",
        "wheel",
        "a" * 90,
        "cut, alone" * 9,
    ]
    shown = cut_apart(names, 88)
    assert len(set(shown)) == 5 and all(extent(one) <= 88 for one in shown)
    assert shown[0].endswith("ft") and shown[1].endswith("ht") and shown[2] == "wheel"
    assert shown[3:] == [cut(one, 88) for one in names[3:]]
    chart = matrix("m", "t", "d", names, [[1] * 5] * 5)
    written = [one.text for one in parts(chart, "text")]
    assert written.count(shown[0]) == written.count(shown[1]) == 1


def test_the_name_of_an_axis_stays_within() -> None:
    y = spanning("recall of " + "a long name " * 10, [0.1, 0.9])
    chart = curves("c", "t", "d", [curve()], Axis(name="epoch", low=1, high=3), y)
    (named,) = (one.text or "" for one in parts(chart, "text") if "recall" in (one.text or ""))
    assert named.endswith("...") and extent(named) <= WIDTH and chart.columns[2] == y.name


def test_colours_of_a_chart_alone_are_those_of_pages() -> None:
    known = dict(re.findall(r"(--[a-z-]+): (#[0-9a-f]{6});", style().split("@media")[0]))
    used = re.findall(r"var\((--[a-z-]+), (#[0-9a-f]{6})\)", STYLE)
    assert used and all(known[name] == colour for name, colour in used)


def test_attributes_are_escaped_and_numbers_short() -> None:
    assert element("a", x=1 / 3, title='"<', none=None) == '<a x="0.33" title="&quot;&lt;"/>'


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (7, 237.987654, {"10", "20", "50", "100", "200"}),
        (0.0987654, 30.9026475, {"0.1", "1", "10"}),
        (1_000, 39_876.54321, {"1000", "10,000"}),
    ],
)
def test_a_logarithmic_axis_has_the_values_that_there_is_room_for(
    low: float, high: float, expected: set[str]
) -> None:
    x = Axis(name="pictures", low=low, high=high, log=True)
    svg = curves("c", "t", "d", [curve(x=(low, high), y=(0, 1))], x, UNIT).svg
    texts = [one for one in ElementTree.fromstring(svg).iter() if one.tag.endswith("text")]
    under = [one for one in texts if one.get("text-anchor") == "middle"]
    assert expected <= {one.text for one in under}
    places = sorted((float(one.attrib["x"]), extent(one.text) / 2) for one in under)
    spans = [(place - half, place + half) for place, half in places]
    assert all(end < start for (_, end), (start, _) in itertools.pairwise(spans))
