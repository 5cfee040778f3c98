"""What a report tells of whole trainings on folds."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from foveal.pages.document import Table
from foveal.pages.report import report
from foveal.progress.events import FoldsJudged
from foveal.training.run import Run
from support.models import small_model


def judged(folder: Path, **facts: object) -> str:
    with Run(folder) as kept:
        kept.agree("options", {}, "")
        kept.tell(FoldsJudged(facts=facts, lines=()))
        kept.finish()
    return folder


def scores(*shares: float | None) -> list[dict[str, object]]:
    return [
        {"fold": fold, "taught": 1_200, "judged": 300, "accuracy": share, "loss": 0.25}
        for fold, share in enumerate(shares, 1)
    ]


def test_each_fold_has_a_row_and_mean_and_spread_are_told(tmp_path: Path) -> None:
    folder = judged(tmp_path / "m.run", folds=scores(0.9, 0.95), mean=0.925, deviation=0.035)
    (found,) = [one for one in report(small_model(), run=folder).sections if one.id == "folds"]
    words, table = found.blocks
    assert "92.5 % on average" in words.text and "3.5 points" in words.text
    assert isinstance(table, Table)
    assert table.rows == (("1", "1,200", "300", "90.0 %"), ("2", "1,200", "300", "95.0 %"))


def test_where_nothing_is_right_or_wrong_losses_are_told(tmp_path: Path) -> None:
    folder = judged(tmp_path / "m.run", folds=scores(None, None), mean=0.25, deviation=0.0)
    (found,) = [one for one in report(small_model(), run=folder).sections if one.id == "folds"]
    assert found.blocks[1].columns[-1] == "loss" and found.blocks[1].rows[0][-1] == "0.25"


def test_without_folds_there_is_no_such_section(tmp_path: Path) -> None:
    with Run(tmp_path / "m.run") as kept:
        kept.agree("options", {}, "")
        kept.finish()
    found = report(small_model(), np.zeros((3, 8, 8), dtype=np.uint8), run=tmp_path / "m.run")
    assert "folds" not in {one.id for one in found.sections}
