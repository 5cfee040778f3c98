"""Results as values, and any value as what JSON can hold."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from foveal.model.card import Origin
from foveal.results import Result, plain


class Pair(NamedTuple):
    left: int
    right: float


@dataclass(frozen=True, slots=True)
class Inner:
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outer(Result):
    inner: Inner
    table: np.ndarray
    place: Path


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (float("nan"), None),
        (float("-inf"), None),
        (np.float64("nan"), None),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (True, True),
        (np.array([[1.0, np.nan], [np.inf, 2.0]]), [[1.0, None], [None, 2.0]]),
        ((1, [2, (3,)]), [1, [2, [3]]]),
        ({1: {"a": np.arange(2)}}, {"1": {"a": [0, 1]}}),
        (Path("a/b"), "a/b"),
        (Pair(1, float("nan")), {"left": 1, "right": None}),
        (Inner(0.25), {"share": 0.25}),
        (
            Origin(name="n", source="hub", sha256="0", stage="s"),
            {"name": "n", "source": "hub", "sha256": "0", "stage": "s"},
        ),
        (np.dtype("float32"), "float32"),
    ],
)
def test_any_value_becomes_what_json_holds(value: Any, wanted: Any) -> None:
    found = plain(value)
    assert found == wanted and type(found) is type(wanted)
    assert json.loads(json.dumps(found, allow_nan=False)) == wanted


def test_a_result_is_its_fields() -> None:
    found = Outer(inner=Inner(0.5), table=np.eye(2, dtype=int), place=Path("x"))
    assert found.to_dict() == {"inner": {"share": 0.5}, "table": [[1, 0], [0, 1]], "place": "x"}
    assert plain([found]) == [found.to_dict()]
