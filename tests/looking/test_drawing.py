"""Pictures, numbers and words, drawn: their pixels and their sizes."""

from __future__ import annotations

import string

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from foveal.looking import drawing
from foveal.looking.drawing import (
    BODY,
    DARKEST,
    LABEL,
    LIGHTEST,
    ORANGE,
    drawn,
    number,
    over_grey,
    words,
)
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
    text = number(value)
    assert float(text.replace(",", "")) == pytest.approx(value, rel=0.0051)
    digits = text.partition("e")[0].replace(".", "").replace(",", "").lstrip("0")
    assert len(digits) == 3 or (value >= 99.95 and len(digits) >= 3)
    assert not text.endswith(".")


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3]))
@settings(max_examples=30)
def test_small_pictures_are_enlarged_by_a_whole_factor_and_never_blurred(
    height: int, width: int, channels: int
) -> None:
    levels = np.random.default_rng(height).integers(0, 256, (height, width, channels))
    factor = 128 // max(height, width)
    oracle = levels.repeat(factor, axis=0).repeat(factor, axis=1)
    found = np.asarray(drawn(levels / 255))
    assert (found == np.broadcast_to(oracle, found.shape)).all()


@pytest.mark.parametrize(
    ("sides", "drawn_as"),
    [
        ((1, 1), (128, 128)),
        ((28, 28), (112, 112)),
        ((64, 65), (64, 65)),
        ((256, 100), (256, 100)),
        ((257, 100), (129, 50)),
        ((1, 2000), (1, 250)),
    ],
)
def test_sizes_of_drawn_pictures(sides: tuple[int, int], drawn_as: tuple[int, int]) -> None:
    assert drawn(np.zeros((*sides, 1))).size == drawn_as[::-1]


def test_two_and_four_channels_are_drawn_as_their_mean_and_nothing_leaves_black_and_white() -> None:
    four = np.array([[[0.0, 0.2, 0.4, 0.6]]])
    assert drawn(four).getpixel((5, 5)) == (77, 77, 77)  # 0.3 of 255
    assert drawn(np.array([[[-3.0, 0.5, 9.0]]])).getpixel((0, 0)) == (0, 128, 255)
    assert drawn(np.array([[[np.nan]]])).getpixel((0, 0)) == (0, 0, 0)


def test_overlays_are_soft_grey_where_nothing_is_and_one_hue_where_all_is() -> None:
    red = np.zeros((1, 3, 3))
    red[..., 0] = 1.0
    grey = 255 * (DARKEST + (LIGHTEST - DARKEST) * 0.299)
    left, middle, right = (
        over_grey(red, np.array([[0.0, 0.5, 1.0]]), 3).getpixel((column, 0)) for column in range(3)
    )
    assert left == (round(grey),) * 3
    assert middle == tuple(round((grey + part) / 2) for part in ORANGE)
    assert right == ORANGE


def test_letters_the_font_lacks_and_bytes_that_are_no_text_become_plain() -> None:
    assert drawing.writable("caf\u00e9 \u732b\udcff\n.png") == "cafe ???.png"
    assert drawing.words("").size[0] == 1
    assert drawing.shortened("\u732b" * 5000, 100).startswith("...?")


@given(st.text(max_size=300), st.integers(30, 300), st.sampled_from(["start", "end"]))
@settings(max_examples=50)
def test_shortened_texts_fit(text: str, width: int, keep: drawing.Side) -> None:
    assert drawing.length(drawing.shortened(text, width, LABEL, keep), LABEL) <= width


def test_shortened_texts_keep_the_end_that_tells_files_apart() -> None:
    assert drawing.shortened("pictures/of/many/things/cat.12.jpg", 90).endswith("cat.12.jpg")
    assert drawing.shortened("cat", 90) == "cat"
    assert drawing.shortened("a long name of a class", 90, keep="start").startswith("a long")


@given(st.lists(st.text(string.ascii_letters, min_size=1, max_size=9), min_size=1, max_size=40))
@settings(max_examples=30)
def test_lines_hold_every_word_within_the_width(parts: list[str]) -> None:
    text = " ".join(parts)
    block = drawing.words(text, width=200)
    assert block.height == 24 * len(drawing._lines(text, BODY, 200))
    assert " ".join(drawing._lines(text, BODY, 200)) == text
    assert block.width <= 200
