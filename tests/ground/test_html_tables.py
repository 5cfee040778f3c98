"""Tables in HTML, read back by a parser."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from foveal.html_tables import html_lines, html_table


class Cells(HTMLParser):
    """Rows of cells, and all tags that there are."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()
        self.inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        self.inside = tag in ("td", "th")
        if self.inside:
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.rows[-1][-1] += data


PRINTABLE = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20)


@given(st.lists(st.tuples(PRINTABLE, PRINTABLE), min_size=1, max_size=5))
def test_cells_come_back_as_they_were_whatever_they_hold(rows: list[tuple[str, str]]) -> None:
    found = Cells(html_table(["a", "<b>"], rows, caption="<script>", numbers=[1]))
    assert found.rows == [["a", "<b>"], *map(list, rows)]
    assert found.tags <= {"table", "caption", "thead", "tbody", "tr", "td", "th"}


def test_nothing_is_an_empty_cell_and_numbers_stand_at_the_right() -> None:
    text = html_table([], [[None, 7]], numbers=[1])
    assert Cells(text).rows == [["", "7"]] and "thead" not in text
    assert '<td style="text-align: right">7</td>' in text


def test_lines_are_escaped_paragraphs() -> None:
    assert html_lines(["a < b", 3]) == "<p>a &lt; b</p><p>3</p>" and html_lines([]) == ""
