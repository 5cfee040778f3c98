"""Results as values, and any value as what JSON can hold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import PurePath
from typing import Any


class Result:
    """Base of frozen dataclasses that are the answer to a question."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain values: numbers, text, lists and dictionaries."""
        return {one.name: plain(getattr(self, one.name)) for one in fields(self)}  # type: ignore[arg-type]


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it.

    Dataclasses become dictionaries, arrays lists, paths text. What JSON has no number for, NaN
    and infinity, becomes None.

    >>> plain({"shape": (3, 8), "loss": float("nan")})
    {'shape': [3, 8], 'loss': None}
    """
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple) and not hasattr(value, "_asdict"):
        return [plain(one) for one in value]
    if isinstance(value, PurePath):
        return str(value)
    return plain(_taken_apart(value))


def _taken_apart(value: Any) -> Any:
    """Return the parts of a value as a dictionary, list, number or text."""
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if hasattr(value, "tolist"):  # arrays and numbers of NumPy, which this does not import
        return value.tolist()
    if hasattr(value, "_asdict"):
        return value._asdict()
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if is_dataclass(value):
        return {one.name: getattr(value, one.name) for one in fields(value)}
    return str(value)
