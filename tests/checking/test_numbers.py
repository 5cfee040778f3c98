"""Numbers as labels are checked as numbers: none among them, far from the others, how spread."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import foveal
from foveal import UsageError
from foveal.checking.numbers import NumberLabels
from foveal.pages.check import check_page
from foveal.pictures.sources import gather


def drawn(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 8, 8), dtype=np.uint8)


def numbers(count: int) -> np.ndarray:
    return np.random.default_rng(1).normal(30, 5, count)


def test_numbers_are_no_classes_and_those_far_off_are_named() -> None:
    values = numbers(60).astype(object)
    values[7], values[9] = 3_000.0, None
    found = foveal.check(drawn(60), values, quick=True)
    assert not found.classes.names and found.of("few") is None
    (far,) = found.of("far").items
    assert far.rows == (7,) and far.why.startswith("3,000, where the median is ")
    assert found.of("number").rows == (9,)
    summary = found.summary
    known = np.delete(values, 9).astype(float)
    assert (summary.pictures, summary.greatest) == (59, 3_000.0)
    assert summary.median == pytest.approx(np.median(known))
    assert found.to_dict()["numbers"]["least"] == pytest.approx(known.min())


def test_whole_numbers_are_classes_unless_they_are_asked_to_be_numbers() -> None:
    labels = np.arange(40) % 4
    found = foveal.check(drawn(40), labels, quick=True)
    assert found.classes.names == (0, 1, 2, 3) and found.summary is None
    asked = foveal.check(drawn(40), labels, quick=True, target_kind="numbers")
    assert not asked.classes.names and str(asked.summary) == "numbers from 0 to 3, median 1.5"
    forced = foveal.check(drawn(40), numbers(40), quick=True, target_kind="classes")
    assert forced.summary is None
    with pytest.raises(UsageError, match="target_kind: needed None, or one of 'classes'"):
        foveal.check(drawn(4), labels[:4], quick=True, target_kind="number")


def test_the_histogram_counts_every_number_once() -> None:
    pictures = gather(drawn(50)).labelled(numbers(50))
    labels = NumberLabels.of(pictures, None)
    counts, edges = labels.histogram(np.arange(50))
    assert counts.sum() == 50 and len(edges) == len(counts) + 1 == 8


def test_the_page_shows_how_they_are_spread(tmp_path: Path) -> None:
    found = foveal.check(drawn(60), numbers(60), quick=True)
    page = check_page(found)
    section = next(one for one in page.sections if one.id == "numbers")
    chart = section.blocks[0].plots[0].chart
    assert chart.description.startswith("60 pictures: numbers from ")
    assert sum(row[2] for row in chart.rows) == 2 * 60  # each bar has two ends
    assert "How many pictures have a number of about this size" in page.html()
