"""check.html: each finding with its pictures, nothing of others runs, it fits narrow screens."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from foveal.checking.check import checked
from foveal.pages.check import MOST_ROWS, MOST_SETS, MOST_TILES, check_page
from foveal.pages.document import Table, Tiles
from foveal.pages.report import Report
from foveal.pictures.collection import Pictures
from support.browser import HOSTILE, opened


def page(count: int = 200) -> Report:
    """Lay out what was found of blank, equal and unreadable pictures with hostile names."""
    draws = np.random.default_rng(0)
    array = draws.integers(0, 256, (count, 20, 20, 3)).astype(np.uint8)
    array[:60] = 128
    array[60:80:2] = array[61:81:2]
    names = [f"{row} {HOSTILE[row % len(HOSTILE)]}" for row in range(count)]
    labels = np.array(HOSTILE[:4], dtype=object)[np.arange(count) % 4]
    pictures = replace(Pictures.of_array(array), names=names, labels=labels)
    broken = dict.fromkeys(range(100, 170), HOSTILE[0])
    content = replace(pictures.content, reasons=broken)  # type: ignore[type-var]
    return check_page(checked(replace(pictures, content=content), True, 1, None), source=HOSTILE[1])


@pytest.fixture(scope="module")
def made() -> Report:
    return page()


def test_each_kind_is_a_section_and_lists_are_cut_and_said(made: Report) -> None:
    blocks = {one.id: one.blocks for one in made.sections}
    (table,) = (one for one in blocks["unreadable"] if isinstance(one, Table))
    assert len(table.rows) == MOST_ROWS and table.caption.startswith(f"{70 - MOST_ROWS} more")
    (tiles,) = (one for one in blocks["blank"] if isinstance(one, Tiles))
    assert len(tiles.tiles) == MOST_TILES and tiles.title == f"The first {MOST_TILES} of 60"
    sets = [one for one in blocks["contradiction"] if isinstance(one, Tiles)]
    assert len(sets) == MOST_SETS and all(len(one.tiles) == 2 for one in sets)


@pytest.mark.parametrize("width", [390, 1280])
def test_a_long_name_folds_so_that_the_numbers_beside_it_are_seen(
    browser: Any, tmp_path: Path, width: int
) -> None:
    draws = np.random.default_rng(1)
    labels = np.array(["cat", "a pullover of new wool with pockets " * 5], dtype=object)
    pictures = Pictures.of_array(draws.integers(0, 256, (40, 20, 20, 3)).astype(np.uint8))
    named = replace(pictures, labels=labels[np.arange(40) % 2])
    place = check_page(checked(named, True, 1, None)).save(tmp_path / "check.html")
    with opened(browser, place, width=width) as found:
        ends = found.page.eval_on_selector_all(
            "#classes td.number", "all => all.map(one => one.getBoundingClientRect().right)"
        )
    assert len(ends) == 2 and max(ends) <= width


@pytest.mark.parametrize("width", [390, 1600])
def test_nothing_of_others_runs_and_nothing_overflows(
    made: Report, browser: Any, tmp_path: Path, width: int
) -> None:
    place = made.save(tmp_path / "check.html")
    with opened(browser, place, width=width) as found:
        wide = found.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width
        assert found.page.evaluate("document.images.length") > MOST_TILES
        assert not found.errors and not [one for one in found.requests if "check.html" not in one]
