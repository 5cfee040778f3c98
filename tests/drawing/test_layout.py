"""Layout: blocks that flow over rows."""

from __future__ import annotations

from PIL import Image

from foveal.drawing.layout import flowing
from support.sheets import find

COLOURS = [(200, 0, 0), (0, 200, 0), (0, 0, 200), (90, 90, 0)]


def test_blocks_flow_in_order_over_rows_no_wider_than_asked() -> None:
    blocks = [
        Image.new("RGB", (width, 10), hue)
        for width, hue in zip((40, 50, 20, 300), COLOURS, strict=True)
    ]
    sheet = flowing(blocks, gap=5, widest=100, between=3)
    assert [find(sheet, block) for block in blocks] == [(0, 0), (45, 0), (0, 13), (0, 26)]
    assert sheet.size == (300, 36)
    assert flowing(blocks[:3], gap=5, widest=120).size == (40 + 50 + 20 + 10, 10)
