"""How a trial is told."""

from __future__ import annotations

import pytest

from foveal.tuning.study import Tried


@pytest.mark.parametrize(
    ("measure", "said"),
    [
        ("accuracy", "loss 0.1000, accuracy 99.7 % (98.1 to 99.9 %)"),
        ("mean average precision", "loss 0.1000, mean average precision 99.7 % (98.1 to 99.9 %)"),
        ("mean absolute error", "loss 0.1000, mean absolute error 0.997 (0.981 to 0.999)"),
    ],
)
def test_a_share_is_told_as_everywhere_in_percent_and_an_error_in_its_unit(
    measure: str, said: str
) -> None:
    figures = {"value": 0.9965, "low": 0.9806, "high": 0.9994, "score": 0.9965, "loss": 0.1}
    counts = {"epochs": 1, "seconds": 1.0, "multiply_adds": 1, "parameters": 1}
    known = {"number": 0, "state": "complete", "options": {}, "why": "", **figures, **counts}
    one = Tried(measure=measure, **known)
    assert one.told == said
