"""Text on figures: its pixels and its widths."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from foveal.drawing import text
from foveal.drawing.text import BODY, LABEL, number, words
from foveal.drawing.thumbnails import drawn
from support.sheets import contains, find, random_pictures, says


def test_the_helpers_find_what_is_there_and_nothing_else() -> None:
    sheet = Image.new("RGB", (200, 60), "white")
    sheet.paste(words("MSE 0.0123"), (20, 10))
    sheet.paste(drawn(random_pictures(1)[0], 16), (150, 3))
    assert says(sheet, "MSE 0.0123", BODY)
    assert not says(sheet, "MSE 0.0124", BODY) and not says(sheet, "MSE 0.0123", LABEL)
    assert find(sheet, drawn(random_pictures(1)[0], 16)) == (150, 3)
    assert not contains(sheet, drawn(random_pictures(2)[0], 16))


@given(st.floats(1e-6, 1e6))
def test_numbers_have_three_significant_digits(value: float) -> None:
    told = number(value)
    assert float(told.replace(",", "")) == pytest.approx(value, rel=0.0051)
    digits = told.partition("e")[0].replace(".", "").replace(",", "").lstrip("0")
    assert len(digits) == 3 or (value >= 99.95 and len(digits) >= 3)
    assert not told.endswith(".")


def test_letters_the_font_lacks_and_bytes_that_are_no_text_become_plain() -> None:
    assert text.writable("caf\u00e9 \u732b\udcff\n.png") == "cafe ???.png"
    assert text.writable("Gr\u00f6\u00dfe 36\u201342 \u00b5m, 2\u00d72") == "Grosse 36-42 um, 2x2"
    assert text.words("").size[0] == 1
    assert text.shortened("\u732b" * 5000, 100).startswith("...?")


@given(st.text(max_size=300), st.integers(30, 300), st.sampled_from(["start", "end"]))
@settings(max_examples=50)
def test_shortened_texts_fit(name: str, width: int, keep: text.Side) -> None:
    assert text.length(text.shortened(name, width, LABEL, keep), LABEL) <= width


def test_shortened_texts_keep_the_end_that_tells_files_apart() -> None:
    assert text.shortened("pictures/of/many/things/cat.12.jpg", 90).endswith("cat.12.jpg")
    assert text.shortened("cat", 90) == "cat"
    assert text.shortened("a long name of a class", 90, keep="start").startswith("a long")


@given(st.lists(st.text(string.ascii_letters, min_size=1, max_size=9), min_size=1, max_size=40))
@settings(max_examples=30)
def test_lines_hold_every_word_within_the_width(parts: list[str]) -> None:
    line = " ".join(parts)
    block = text.words(line, width=200)
    assert block.height == 24 * len(text._lines(line, BODY, 200))
    assert " ".join(text._lines(line, BODY, 200)) == line
    assert block.width <= 200
