"""Tables in HTML, which notebooks show of plans, models and evaluations. All text is escaped."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from html import escape

MOST_ROWS = 20
"""Rows of a long table that are shown."""


def html_table(
    head: Sequence[object],
    rows: Iterable[Sequence[object]],
    *,
    caption: str = "",
    numbers: Collection[int] = (),
) -> str:
    """Write a table; a notebook's own style gives fonts and colours.

    Parameters
    ----------
    head : sequence
        Names of the columns; empty for a table without a head.
    rows : iterable of sequences
        The cells, as they are to be read.
    caption : str
        What stands above the table.
    numbers : collection of int
        Columns that are set at the right.

    Examples
    --------
    >>> html_table([], [["a<b", 7]], numbers=[1]).partition("<tbody>")[2]
    '<tr><td>a&lt;b</td><td style="text-align: right">7</td></tr></tbody></table>'
    """
    above = f'<caption style="text-align: left">{escape(caption)}</caption>' if caption else ""
    top = f"<thead>{_row(head, 'th', numbers)}</thead>" if head else ""
    body = "".join(_row(row, "td", numbers) for row in rows)
    style = 'style="font-variant-numeric: tabular-nums"'
    return f"<table {style}>{above}{top}<tbody>{body}</tbody></table>"


def html_lines(lines: Iterable[object]) -> str:
    """Write lines of text, each a paragraph."""
    return "".join(f"<p>{escape(str(line))}</p>" for line in lines)


def _row(cells: Sequence[object], tag: str, numbers: Collection[int]) -> str:
    right = ' style="text-align: right"'
    return "".join(
        [
            "<tr>",
            *(
                f"<{tag}{right if place in numbers else ''}>{_text(cell)}</{tag}>"
                for place, cell in enumerate(cells)
            ),
            "</tr>",
        ]
    )


def _text(cell: object) -> str:
    return "" if cell is None else escape(str(cell))
