"""The page of what was tried."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from foveal.judging.evaluation import evaluate
from foveal.pages.tuning import tuning_page
from foveal.tuning.study import Tried
from foveal.tuning.tuned import Tuning
from support.browser import BOUNDS, opened
from support.models import small_model

NET = " | ".join(["conv 256 5x5 same", "batchnorm", "relu"] * 12 + ["globalpool", "dense"])
OPTIONS = {"net": NET, "weight_decay": 0.0005, "label_smoothing": 0.05, "epochs": 12}


def trial(number: int) -> Tried:
    return Tried(
        number=number,
        state="complete",
        measure="accuracy",
        value=0.9 + number / 400,
        low=0.88,
        high=0.999,
        score=0.9 + number / 400,
        loss=1 / (1 + number),
        epochs=12,
        seconds=12.5,
        multiply_adds=123_456 * 2**number,
        parameters=1_000,
        options=OPTIONS,
        why="",
        is_first=number == 0,
    )


@pytest.fixture(scope="module")
def tuning() -> Tuning:
    X = np.random.default_rng(0).integers(0, 256, (12, 8, 8), dtype=np.uint8)
    model = small_model()
    return Tuning(
        trials=tuple(map(trial, range(9))),
        best=8,
        confirmed=(),
        importance={"weight_decay": 0.7, "label_smoothing": 0.2, "epochs": 0.1},
        path=Path("m.safetensors"),
        judged=evaluate(model, X, np.resize(model.classes, 12), with_baselines=False),
        default=None,
        seconds=60.0,
    )


@pytest.fixture(scope="module")
def page(tuning: Tuning, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tuning_page(tuning, "photos").save(tmp_path_factory.mktemp("page") / "tune.html")


@pytest.mark.parametrize("width", [390, 1100])
def test_it_is_seen_whole(page: Path, browser: Any, width: int) -> None:
    with opened(browser, page, width=width) as found:
        wide = found.page.evaluate("document.documentElement.scrollWidth")
        beyond = found.page.eval_on_selector_all("svg.chart", BOUNDS)
        hidden, long = found.page.eval_on_selector(
            "#trials .scroll",
            """all => {
                const long = [...all.querySelectorAll(".beneath div")];
                const ends = long.map(one => one.getBoundingClientRect().right);
                return [all.scrollWidth - all.clientWidth, Math.max(...ends)];
            }""",
        )
    assert wide <= width and beyond == [] and long <= width
    assert hidden == 0 or width < 600  # where columns have no room, what was tried still has


def test_what_was_tried_has_the_same_names_everywhere_and_is_told_whole(
    tuning: Tuning, page: Path
) -> None:
    text = page.read_text("utf-8")
    assert text.count(NET) == 1 + 9 and "..." not in text  # the best one, and each trial
    for told in (text, str(tuning)):
        assert "weight decay 70 %" in told and "weight decay 0.0005" in told
        assert "weight_decay" not in told


def test_the_library_speaks_in_the_words_of_the_command(tuning: Tuning) -> None:
    noted = replace(tuning, notes=("name what belongs together (`groups`)",))
    words = tuning_page(noted, said=lambda text: text.replace("`groups`", "--groups")).html()
    assert "together (--groups)" in words and "`" not in words.partition("</style>")[2]


def test_costs_that_lie_near_one_another_have_numbers_too(tuning: Tuning) -> None:
    near = [replace(one, multiply_adds=480_000_000 + one.number) for one in tuning.trials]
    chart = tuning_page(replace(tuning, trials=tuple(near))).html().partition('id="cost"')[2]
    axis = chart.partition("</svg>")[0]
    assert ">million multiply-adds<" in axis and "logarithmic" not in axis


def test_every_cost_that_was_tried_lies_between_two_that_are_written(page: Path) -> None:
    chart = page.read_text("utf-8").partition('id="cost"')[2].partition("</svg>")[0]
    assert all(f">{one}<" in chart for one in ("1", "10"))
