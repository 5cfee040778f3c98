"""Tensors as the Open Inference Protocol writes them: JSON, and the binary extension beside it.

https://github.com/open-inference/open-inference-protocol and Triton's "Binary Tensor Data
Extension". Nothing here knows of HTTP beyond one header.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from foveal.arrays import Array
from foveal.serving.bodies import parsed
from foveal.serving.refusals import Refused
from foveal.wording import counted

TYPES: Mapping[str, np.dtype[Any]] = {
    "BOOL": np.dtype(np.bool_),
    "UINT8": np.dtype("<u1"),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "INT8": np.dtype("<i1"),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "FP16": np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
}
BYTES = "BYTES"
MOST_AXES = 8
MOST_INPUTS = 8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tensor:
    """A tensor of a request or an answer."""

    name: str
    datatype: str
    """A name of `TYPES`, or `BYTES`."""
    shape: tuple[int, ...]
    values: Array | list[bytes]
    """An array of that shape; of `BYTES` a flat list."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Asked:
    """A request to infer."""

    id: str | None
    inputs: list[Tensor]
    outputs: Mapping[str, bool] | None
    """Outputs that are wanted, and whether as binary data; None for all."""
    binary: bool
    """Whether outputs that say nothing of it are wanted as binary data."""

    def wants(self, name: str) -> bool | None:
        """Whether an output is wanted as binary data; None where it is not wanted."""
        return self.binary if self.outputs is None else self.outputs.get(name)


def read_request(body: bytes, json_length: int | None) -> Asked:
    """Read a request.

    Parameters
    ----------
    json_length : int, optional
        Bytes of JSON ahead of the binary data, as the header says; all of them where left out.

    Raises
    ------
    Refused
        With 400, for what does not hold.
    """
    if json_length is not None and json_length > len(body):
        _refuse("inference-header-content-length", f"at most {len(body)}", str(json_length))
    head = body if json_length is None else body[:json_length]
    rest = memoryview(b"" if json_length is None else body[json_length:])
    facts = _mapping(parsed(head), "the body")
    inputs = facts.get("inputs")
    if not isinstance(inputs, list) or not 1 <= len(inputs) <= MOST_INPUTS:
        _refuse("inputs", f"a list of 1 to {MOST_INPUTS} tensors", _said(inputs))
    found: list[Tensor] = []
    for one in inputs:
        tensor, rest = _tensor(_mapping(one, "an input"), rest)
        found.append(tensor)
    if len(rest):
        _refuse(
            "binary data", "as much as the inputs announce", f"{counted(len(rest), 'byte')} more"
        )
    binary = _parameters(facts).get("binary_data_output", False)
    return Asked(
        id=_identity(facts.get("id")),
        inputs=found,
        outputs=_outputs(facts.get("outputs"), binary is True),
        binary=binary is True,
    )


def written(head: Mapping[str, Any], asked: Asked, tensors: Sequence[Tensor]) -> tuple[bytes, int]:
    """Write an answer: its bytes, and how many of them are JSON.

    Raises
    ------
    Refused
        With 400, for outputs that were asked for and are not there.
    """
    there = {one.name for one in tensors}
    for name in asked.outputs or ():
        if name not in there:
            _refuse("outputs", f"some of {', '.join(sorted(there))}", name[:80])
    outputs: list[dict[str, Any]] = []
    tails: list[bytes] = []
    for one in tensors:
        binary = asked.wants(one.name)
        if binary is None:
            continue
        facts = {"name": one.name, "datatype": one.datatype, "shape": list(one.shape)}
        if binary:
            tails.append(_packed(one))
            outputs.append({**facts, "parameters": {"binary_data_size": len(tails[-1])}})
        else:
            outputs.append({**facts, "data": _listed(one)})
    named = {"id": asked.id} if asked.id is not None else {}
    facts = {**head, **named, "outputs": outputs}
    text = json.dumps(facts, allow_nan=False).encode()
    return b"".join([text, *tails]), len(text)


def _tensor(facts: Mapping[str, Any], rest: memoryview) -> tuple[Tensor, memoryview]:
    """Read a tensor; returns it and the binary data that is left."""
    name, datatype = facts.get("name"), facts.get("datatype")
    if not isinstance(name, str):
        _refuse("an input", "a name", _said(name))
    shape = _shape(facts.get("shape"))
    if not isinstance(datatype, str) or datatype not in (*TYPES, BYTES):
        _refuse(f"datatype of {name[:40]}", f"one of {', '.join([*TYPES, BYTES])}", _said(datatype))
    size = _parameters(facts).get("binary_data_size")
    if size is None:
        return _of_json(name, datatype, shape, facts.get("data")), rest
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= len(rest):
        _refuse("binary_data_size", f"0 to {len(rest)}, the bytes that are left", _said(size))
    return _of_bytes(name, datatype, shape, rest[:size]), rest[size:]


def _of_json(name: str, datatype: str, shape: tuple[int, ...], data: Any) -> Tensor:
    if datatype == BYTES:
        _refuse(f"{name[:40]}", "binary data: JSON holds no bytes", "data in JSON")
    kind = TYPES[datatype]
    try:
        flat = np.asarray(data, dtype=np.float64 if kind.kind == "f" else None).ravel()
    except (ValueError, TypeError, OverflowError):
        _refuse(f"data of {name[:40]}", "numbers", _said(data))
    if flat.dtype.kind not in "biuf" or (
        kind.kind in "biu" and flat.dtype.kind == "f" and flat.size
    ):
        _refuse(f"data of {name[:40]}", f"numbers of {datatype}", f"{flat.dtype}")
    _check_count(name, shape, flat.size)
    values = _converted(name, flat, kind)
    return Tensor(name=name, datatype=datatype, shape=shape, values=values.reshape(shape))


def _converted(name: str, flat: Array, kind: np.dtype[Any]) -> Array:
    """Bring numbers of JSON to their type; those that it cannot hold are refused."""
    if flat.size and kind.kind in "iu":
        bounds = np.iinfo(kind)
        if int(flat.min()) < bounds.min or int(flat.max()) > bounds.max:
            _refuse(f"data of {name[:40]}", f"{bounds.min} to {bounds.max}", "a number beyond")
    with np.errstate(over="ignore"):
        return flat.astype(kind)


def _of_bytes(name: str, datatype: str, shape: tuple[int, ...], data: memoryview) -> Tensor:
    if datatype == BYTES:
        texts = list(_elements(data))
        _check_count(name, shape, len(texts))
        return Tensor(name=name, datatype=datatype, shape=shape, values=texts)
    kind = TYPES[datatype]
    if len(data) % kind.itemsize:
        _refuse("binary_data_size", f"a multiple of {kind.itemsize}", str(len(data)))
    flat = np.frombuffer(data, kind)
    _check_count(name, shape, flat.size)
    return Tensor(name=name, datatype=datatype, shape=shape, values=flat.reshape(shape))


def _elements(data: memoryview) -> Iterator[bytes]:
    """Split bytes, each after its length in four bytes, the least first."""
    while len(data):
        size = int.from_bytes(data[:4], "little")
        if len(data) < 4 + size:
            _refuse("binary data", "each element after its length", "one cut short")
        yield bytes(data[4 : 4 + size])
        data = data[4 + size :]


def _packed(tensor: Tensor) -> bytes:
    if isinstance(tensor.values, list):
        return b"".join(len(one).to_bytes(4, "little") + one for one in tensor.values)
    return np.ascontiguousarray(tensor.values, TYPES[tensor.datatype]).tobytes()


def _listed(tensor: Tensor) -> list[Any]:
    """Return the values row by row; what JSON has no number for is null."""
    if isinstance(tensor.values, list):
        return [one.decode("utf-8", "replace") for one in tensor.values]
    flat: list[Any] = tensor.values.ravel().tolist()
    return [None if isinstance(one, float) and not math.isfinite(one) else one for one in flat]


def _shape(said: Any) -> tuple[int, ...]:
    right = isinstance(said, list) and 1 <= len(said) <= MOST_AXES
    if not right or not all(type(one) is int and 0 <= one < 2**31 for one in said):
        _refuse("shape", f"1 to {MOST_AXES} whole numbers", _said(said))
    return tuple(said)


def _check_count(name: str, shape: tuple[int, ...], count: int) -> None:
    if math.prod(shape) != count:
        wanted = f"{counted(math.prod(shape), 'value')}, as its shape says"
        _refuse(f"data of {name[:40]}", wanted, f"{count:,}")


def _outputs(said: Any, binary: bool) -> dict[str, bool] | None:
    if said is None:
        return None
    if not isinstance(said, list) or len(said) > MOST_INPUTS:
        _refuse("outputs", f"a list of at most {MOST_INPUTS}", _said(said))
    found: dict[str, bool] = {}
    for one in said:
        facts = _mapping(one, "an output")
        if not isinstance(facts.get("name"), str):
            _refuse("an output", "a name", _said(facts.get("name")))
        found[facts["name"]] = _parameters(facts).get("binary_data", binary) is True
    return found


def _identity(said: Any) -> str | None:
    if said is not None and (not isinstance(said, str) or len(said) > 1_000):
        _refuse("id", "a text of at most 1,000 letters", _said(said))
    return said


def _parameters(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    return _mapping(facts.get("parameters") or {}, "parameters")


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        _refuse(what, "an object", _said(value))
    return value


def _said(value: Any) -> str:
    return "nothing" if value is None else repr(value)[:60]


def _refuse(what: str, needed: str, came: str) -> NoReturn:
    remedy = "see /docs, and the Open Inference Protocol"
    raise Refused(400, what, needed=needed, came=came, remedy=remedy)
