"""What all layers share: fields that are checked as their metadata says. Never imports torch."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal

from foveal.nets.ranges import Pair, checked_shape, counted, outcome, pair, refused, whole, word

Padding = Literal["valid", "same"] | Pair


ACTIVATIONS = (
    "relu",
    "leakyrelu",
    "relu6",
    "prelu",
    "elu",
    "selu",
    "celu",
    "gelu",
    "silu",
    "mish",
    "hardswish",
    "hardsigmoid",
    "sigmoid",
    "tanh",
    "hardtanh",
    "softplus",
    "softsign",
    "softmax",
)
"""Every non-linear activation a layer may carry, by its usual name."""


def part_of(read: str, default: Any = None, *, needed: bool = False) -> Any:
    """Declare a field of a layer; `read` names how it is written and what it may be."""
    metadata = {"read": read}
    return field(metadata=metadata) if needed else field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Layer:
    """Base of all layers; `name` is the word that stands for the layer in the notation."""

    name: ClassVar[str]

    def __post_init__(self) -> None:
        for part in fields(self):
            _settle(self, part.name, part.metadata.get("read", ""))


def _settle(layer: Layer, name: str, read: str) -> None:
    """Check one field and bring it into its one form: 3 becomes (3, 3)."""
    value = getattr(layer, name)
    settled = _settled(value, read, f"{layer.name}: {name}")
    if settled is not value:
        object.__setattr__(layer, name, settled)


def _settled(value: Any, read: str, where: str) -> Any:
    match read:
        case "count":
            if value is None and where == "dense: nodes":
                return None
            return whole(value, 1, where)
        case "pair" | "rows":
            if value is None and where.endswith("pool: stride"):
                return None
            return pair(value, 1 if read == "pair" else 0, where)
        case "padding":
            return value if value in ("valid", "same") else pair(value, 0, where)
        case "share":
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
                raise refused(where, "a share from 0 to below 1", value)
            return float(value)
        case "bias":
            if not isinstance(value, bool):
                raise refused(where, "true or false", value)
            return value
        case "activation":
            if value is None and where != "activation: function":
                return None
            if value not in ACTIVATIONS:
                raise refused(where, f"one of {', '.join(ACTIVATIONS)}", value)
            return value
        case "shape":
            return checked_shape(value, where)
        case "word":
            return word(value, where)
        case "counted":
            return counted(value, where)
        case "outcome":
            return outcome(value, where)
        case "layers":
            inner = tuple(value)
            if not inner or not all(isinstance(one, Layer) for one in inner):
                raise refused(where, "at least one layer", value)
            return inner
        case _:
            if value not in read.split("|"):
                raise refused(where, " or ".join(read.split("|")), value)
            return value
