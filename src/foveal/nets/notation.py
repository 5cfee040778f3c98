"""Networks as text, one to one with `spec`. Never imports torch.

    network  = [shape "|"] item {"|" item}
    item     = count "*" "(" item {"|" item} ")"
             | "residual" "(" item {"|" item} ")"
             | layer
    layer    = name {argument}

    3x32x32 | 2*(conv 32 3x3 same relu | maxpool 2) | flatten | dense 128 relu | dense 10
    3x224x224 | timm resnet18 all gives 512 holds 11176512 | dense 10

Arguments without a name come first and in order (``conv 32 3x3``); the others follow in any
order: a name and its value (``stride 2``, ``padding 1x0``), or a word that speaks for itself
(``same``, ``nobias``, ``relu``). `write` gives the canonical form: defaults left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import MISSING, Field, fields
from typing import Any

from foveal.errors import NetworkError
from foveal.nets.layer import ACTIVATIONS, Layer
from foveal.nets.spec import LAYERS, Activation, Network, Repeat, Residual
from foveal.parameters import nearest_words
from foveal.shapes import Shape, written

_BY_NAME: dict[str, type[Layer]] = {
    kind.name: kind for kind in LAYERS if kind not in (Activation, Repeat)
}
_TOKEN = re.compile(r"\s*(?:(?P<mark>[|()*])|(?P<word>[^\s|()*]+))")
_SHAPE = re.compile(r"[0-9]{1,9}x[0-9]{1,9}x[0-9]{1,9}$")
_SIDES = re.compile(r"[0-9]{1,9}(x[0-9]{1,9}){1,2}$")
_PAIR = re.compile(r"([0-9]{1,9})(?:x([0-9]{1,9}))?$")
_COUNT = re.compile(r"[0-9]{1,9}$")
_COUNTED = re.compile(r"[0-9]{1,15}$")
_FOLLOWED = ("pair", "rows", "padding", "count", "counted", "outcome")
"""Kinds of fields that are written as a name and a value."""
DEEPEST = 20
"""Deepest nesting of brackets that is read."""


def read(text: str, also: tuple[str, ...] = ()) -> Network:
    """Read a network from its text.

    Parameters
    ----------
    text : str
        As in ``"3x32x32 | conv 6 5x5 | maxpool 2 | flatten | dense 10"``.
    also : tuple of str
        Other words that may have been meant, to be suggested.

    Raises
    ------
    NetworkError
        With the place in the text and what was expected there.

    Examples
    --------
    >>> read("1x28x28 | flatten | dense 10").input
    (1, 28, 28)
    >>> write(read("2 * (conv 8 3 same relu | maxpool 2x2) | flatten | dense"))
    '2*(conv 8 3x3 same relu | maxpool 2) | flatten | dense'
    """
    return _Reader(text, also).network()


def read_shape(text: str) -> Shape:
    """Read the shape of an input, as in "3x32x32".

    >>> read_shape("3x32x32")
    (3, 32, 32)
    """
    if not _SHAPE.match(text.strip()):
        raise NetworkError(
            "the input of the network",
            needed="channels x height x width",
            came=repr(text),
            remedy="write it as in 3x32x32",
        )
    channels, height, width = (int(side) for side in text.strip().split("x"))
    return channels, height, width


def write(network: Network) -> str:
    """Write a network as text, in the one canonical form."""
    head = [written(network.input)] if network.input else []
    return " | ".join([*head, *map(write_layer, network.layers)])


def write_layer(layer: Layer) -> str:
    """Write one layer as text."""
    match layer:
        case Repeat(times, layers):
            return f"{times}*({' | '.join(map(write_layer, layers))})"
        case Residual(layers):
            return f"residual({' | '.join(map(write_layer, layers))})"
        case Activation(function):
            return function
    words = [layer.name]
    for part in fields(layer):
        value = getattr(layer, part.name)
        if part.default is not MISSING and value == part.default:
            continue
        words.append(_written(part, value))
    return " ".join(words)


def _written(part: Field[Any], value: Any) -> str:
    match part.metadata["read"]:
        case "padding" if value in ("same", "valid"):
            return str(value)
        case "pair" if part.name == "size":
            return written(value)
        case "pair" | "rows" | "padding":
            text = str(value[0]) if value[0] == value[1] else written(value)
        case "bias":
            return "nobias"
        case "shape":
            return written(value)
        case "outcome":
            text = written(value)
        case "count" | "counted" if part.kw_only:
            text = str(value)
        case _:
            return str(value)
    return f"{part.name} {text}" if part.kw_only else text


class _Reader:
    """A recursive-descent reader over the tokens of one text."""

    def __init__(self, text: str, also: tuple[str, ...] = ()) -> None:
        self.text, self.also = text, also
        self.tokens: list[tuple[str, int]] = []
        at = 0
        while match := _TOKEN.match(text, at):
            kind = match.lastgroup or "word"
            self.tokens.append((match.group(kind), match.start(kind)))
            at = match.end()
        self.at = 0

    def network(self) -> Network:
        shape: Shape | None = None
        if self.tokens and _SHAPE.match(self.tokens[0][0]):
            shape = tuple(int(side) for side in self.take().split("x"))
            self.expect("|", "a '|' after the shape of the input")
        layers = self.items(depth=0)
        if self.at < len(self.tokens):
            raise self.wrong("'|' or the end of the text", "remove what does not belong")
        return Network(tuple(layers), shape)

    def items(self, depth: int) -> list[Layer]:
        if depth > DEEPEST:
            raise self.wrong(f"at most {DEEPEST} brackets within each other", "write it flatter")
        found = [self.item(depth)]
        while self.peek() == "|":
            self.take()
            found.append(self.item(depth))
        return found

    def item(self, depth: int) -> Layer:
        word = self.peek()
        if word is None or word in "|()*":
            raise self.wrong("a layer", f"write a layer here, such as {_some(_BY_NAME)}")
        if _COUNT.match(word):
            times = int(self.take())
            self.expect("*", "'*' and a bracket after the number of repetitions")
            return Repeat(times, tuple(self.bracket(depth)))
        self.take()
        if word in ACTIVATIONS:
            return Activation(word)
        if word == Residual.name:
            return Residual(tuple(self.bracket(depth)))
        if word not in _BY_NAME:
            self.at -= 1
            if _SIDES.match(word):
                raise self.wrong(
                    "the name of a layer", "a shape is written first, with its channels: 1x28x28 |"
                )
            names = [*_BY_NAME, *ACTIVATIONS, *self.also * (len(self.tokens) == 1)]
            raise self.wrong("the name of a layer", _nearest(word, names))
        return self.layer(_BY_NAME[word])

    def bracket(self, depth: int) -> list[Layer]:
        self.expect("(", "an opening bracket")
        layers = self.items(depth + 1)
        self.expect(")", "a closing bracket")
        return layers

    def layer(self, kind: type[Layer]) -> Layer:
        open_parts = {part.name: part for part in fields(kind)}
        values: dict[str, Any] = {}
        while (word := self.peek()) is not None and word not in "|()*":
            part, value, used = self.argument(kind, word, open_parts)
            if part.name in values:
                raise self.wrong(f"each argument of {kind.name} once", f"remove '{word}'")
            values[part.name] = value
            self.at += used
        missing = [
            part.name
            for part in fields(kind)
            if part.default is MISSING and part.name not in values
        ]
        if missing:
            raise self.wrong(
                f"{kind.name} with its {' and '.join(missing)}", f"as in '{_EXAMPLES[kind.name]}'"
            )
        return kind(**values)

    def argument(
        self, kind: type[Layer], word: str, parts: dict[str, Field[Any]]
    ) -> tuple[Field[Any], Any, int]:
        """Read one argument: its field, its value, and how many words it took."""
        if word in parts and parts[word].metadata["read"] in _FOLLOWED:
            part = parts[word]
            following = self.peek(1)
            value = None if following is None else _value(following, part.metadata["read"])
            if value is None:
                needed = "a shape or a length" if word == "gives" else "a number"
                raise self.wrong(f"{needed} after '{word}'", f"as in '{word} 1'", ahead=1)
            return part, value, 2
        for part in parts.values():
            value = _value(word, part.metadata["read"])
            if value is not None and not part.kw_only and not self._given(part, kind):
                return part, value, 1
            if part.metadata["read"] == "bias" and word in ("bias", "nobias"):
                return part, word == "bias", 1
            if part.metadata["read"] == "padding" and word in ("same", "valid"):
                return part, word, 1
            if part.metadata["read"] == "activation" and word in ACTIVATIONS:
                return part, word, 1
            if "|" in part.metadata["read"] and word in part.metadata["read"].split("|"):
                return part, word, 1
        raise self.wrong(f"an argument of {kind.name}", _nearest(word, _words_of(kind)))

    def _given(self, part: Field[Any], kind: type[Layer]) -> bool:
        """Whether this nameless argument was written already: they come first and in order."""
        order = [one.name for one in fields(kind) if not one.kw_only]
        start = self.at
        while start > 0 and self.tokens[start - 1][0] not in "|()*":
            start -= 1
        return order.index(part.name) < self.at - start - 1

    def peek(self, ahead: int = 0) -> str | None:
        index = self.at + ahead
        return self.tokens[index][0] if index < len(self.tokens) else None

    def take(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1][0]

    def expect(self, mark: str, needed: str) -> None:
        if self.peek() != mark:
            raise self.wrong(needed, f"write '{mark}' here")
        self.take()

    def wrong(self, needed: str, remedy: str, ahead: int = 0) -> NetworkError:
        index = self.at + ahead
        if index < len(self.tokens):
            word, at = self.tokens[index]
            came = f"'{word}'"
        else:
            at, came = len(self.text), "the end of the text"
        before = self.text[max(0, at - 30) : at]
        where = f"network, character {at + 1}, after '{before.strip()}'" if before else "network"
        return NetworkError(where, needed=needed, came=came, remedy=remedy)


def _value(word: str, read: str) -> Any:
    """Read a word as the kind of value a field wants; None where it is none."""
    if read == "word":
        return word
    if read == "counted":
        return int(word) if _COUNTED.match(word) else None
    if read == "outcome" and _COUNT.match(word):
        return (int(word),)
    if read == "count":
        return int(word) if _COUNT.match(word) else None
    if read in ("pair", "rows", "padding") and (match := _PAIR.match(word)):
        return (int(match[1]), int(match[2] or match[1]))
    if read == "share":
        try:
            return float(word)
        except ValueError:
            return None
    if read in ("shape", "outcome") and _SHAPE.match(word):
        return tuple(int(side) for side in word.split("x"))
    return None


def _words_of(kind: type[Layer]) -> list[str]:
    words: list[str] = []
    for part in fields(kind):
        match part.metadata["read"]:
            case "bias":
                words.append("nobias")
            case "activation":
                words.extend(ACTIVATIONS)
            case "padding":
                words.extend(["same", "valid", "padding"])
            case read if "|" in read:
                words.extend(read.split("|"))
            case _ if part.kw_only:
                words.append(part.name)
    return words


def _nearest(word: str, known: Iterable[str]) -> str:
    close = nearest_words(word, known)
    if close:
        return f"write {' or '.join(repr(one) for one in close)}"
    return f"known here: {_some(known)}"


def _some(words: Iterable[str]) -> str:
    return ", ".join(sorted(words)) or "nothing"


_EXAMPLES = {
    "conv": "conv 32 3x3",
    "convtranspose": "convtranspose 32 4x4 stride 2 padding 1",
    "maxpool": "maxpool 2",
    "avgpool": "avgpool 2",
    "dropout": "dropout 0.5",
    "upsample": "upsample 2",
    "reshape": "reshape 8x7x7",
    "spacetodepth": "spacetodepth 2",
    "depthtospace": "depthtospace 2",
    "resize": "resize 7x7",
    "timm": "timm resnet18 layer1.0 gives 64x56x56 holds 73984",
}
