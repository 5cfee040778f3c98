"""Panels, legends and colour bars: what stands where."""

from __future__ import annotations

import numpy as np
from PIL import Image

from foveal.drawing.colours import CLASSES, FAINT, INK
from foveal.drawing.panel import colour_bar, difference_bar, legend, panel
from foveal.drawing.text import LABEL
from foveal.drawing.thumbnails import drawn, hairlined
from support.sheets import find, random_pictures, says


def test_a_panel_sets_pictures_in_rows_with_hairlines_and_captions() -> None:
    pictures = [drawn(picture) for picture in random_pictures(5)]
    titles = [("one", "1x8x8"), ("two",), ("three", "more"), ("four", "x"), ("five", "y")]
    found = panel(pictures, titles, across=2)
    places = [find(found, hairlined(picture)) for picture in pictures]
    assert None not in places
    lefts, tops = zip(*places, strict=True)
    assert len(set(lefts)) == 2 and len(set(tops)) == 3
    assert lefts[0] == lefts[2] == lefts[4] and tops[0] == tops[1]
    for first, *rest in titles:
        assert says(found, first, LABEL, INK)
        assert all(says(found, one, LABEL, FAINT) for one in rest)


def test_a_panel_breaks_where_the_sheet_ends_and_shortens_what_is_too_long() -> None:
    pictures = [drawn(picture) for picture in random_pictures(9, 64, 64)]
    found = panel(pictures, [("a/very/long/name/of/a/folder/cat.png",)] * 9, widest=300)
    assert found.width <= 300
    places = [find(found, picture) for picture in pictures]
    assert None not in places and len({top for _, top in places}) == 5
    assert panel(pictures[:1], [()]).size == (130, 130)


def test_a_legend_names_colours_with_a_further_word() -> None:
    entries = [(f"class {row}", CLASSES[row], str(100 + row)) for row in range(4)]
    found = legend(entries)
    for name, colour, more in entries:
        assert says(found, name) and says(found, more, LABEL, FAINT)
        assert find(found, Image.new("RGB", (LABEL, LABEL), colour)) is not None
    assert legend(entries, widest=200).height > 2 * found.height


def test_a_colour_bar_stands_between_the_words_for_its_ends() -> None:
    ramp = Image.new("RGB", (80, 16), CLASSES[0])
    found = colour_bar(ramp, "weight -1", "1")
    left, _ = find(found, ramp)
    assert says(found.crop((0, 0, left, found.height)), "weight -1", LABEL, FAINT)
    assert says(found.crop((left + 80, 0, *found.size)), "1", LABEL, FAINT)
    shades = np.asarray(difference_bar(0.5, "difference"))
    assert says(Image.fromarray(shades), "0.500 and more", LABEL, FAINT)
