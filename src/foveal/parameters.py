"""Ranges of parameters as data; one checker, one form of sentence."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Protocol, TypeVar

from foveal.errors import UsageError

W = TypeVar("W", bound=str)
ALIKE = 0.7
"""Share of letters from which on words are alike: gpu is not cpu, adam is adamw."""


class Rule(Protocol):
    """What a parameter may be."""

    def accepts(self, value: object) -> bool:
        """Whether the value is within the rule."""
        ...

    def sentence(self) -> str:
        """Say the rule, as in "a whole number of at least 1"."""
        ...

    def example(self) -> str:
        """Say a value within the rule, as in "1"."""
        ...

    def known(self) -> tuple[str, ...]:
        """Return the words within the rule, one of which may have been meant."""
        ...


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number of at least `least`."""

    least: int = 1

    def accepts(self, value: object) -> bool:
        """Whether the value is such a number; booleans are none."""
        if isinstance(value, bool) or not isinstance(value, numbers.Integral):
            return False
        return int(value) >= self.least

    def sentence(self) -> str:
        """Say the rule."""
        return f"a whole number of at least {self.least}"

    def example(self) -> str:
        """Say the least of them."""
        return str(self.least)

    def known(self) -> tuple[str, ...]:
        """Return nothing: no word is within the rule."""
        return ()


@dataclass(frozen=True, slots=True)
class Real:
    """A number between two bounds, each of which may be left out of the range."""

    least: float
    most: float = float("inf")
    above: bool = False
    """Whether `least` itself is excluded."""
    below: bool = False
    """Whether `most` itself is excluded."""

    def accepts(self, value: object) -> bool:
        """Whether the value is such a number; booleans and NaN are none."""
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            return False
        try:
            number = float(value)
        except OverflowError:
            return False
        high_enough = number > self.least if self.above else number >= self.least
        low_enough = number < self.most if self.below else number <= self.most
        return high_enough and low_enough and number != float("inf")

    def sentence(self) -> str:
        """Say the rule."""
        low = f"{'above' if self.above else 'of at least'} {self.least:g}"
        if self.most == float("inf"):
            return f"a number {low}"
        return f"a number {low} and {'below' if self.below else 'at most'} {self.most:g}"

    def example(self) -> str:
        """Say the least of them, or a number above it where that is excluded."""
        value = min(self.least + 1, (self.least + self.most) / 2) if self.above else self.least
        return f"{value:g}"

    def known(self) -> tuple[str, ...]:
        """Return nothing: no word is within the rule."""
        return ()


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]

    def accepts(self, value: object) -> bool:
        """Whether the value is one of the words."""
        return isinstance(value, str) and value in self.words

    def sentence(self) -> str:
        """Say the rule."""
        return f"one of {', '.join(repr(word) for word in self.words)}"

    def example(self) -> str:
        """Say the first word."""
        return repr(self.words[0])

    def known(self) -> tuple[str, ...]:
        """Return the words."""
        return self.words


@dataclass(frozen=True, slots=True)
class Kind:
    """Anything of one of the given types."""

    types: tuple[type, ...]
    said: str

    def accepts(self, value: object) -> bool:
        """Whether the value has one of the types."""
        return isinstance(value, self.types)

    def sentence(self) -> str:
        """Say the rule."""
        return self.said

    def example(self) -> str:
        """Say the rule: it is no range, and names what to give."""
        return self.said

    def known(self) -> tuple[str, ...]:
        """Return nothing: no word is within the rule."""
        return ()


@dataclass(frozen=True, slots=True)
class Either:
    """Any of several rules."""

    rules: tuple[Rule, ...]

    def accepts(self, value: object) -> bool:
        """Whether one of the rules accepts the value."""
        return any(rule.accepts(value) for rule in self.rules)

    def sentence(self) -> str:
        """Say the rules."""
        return ", or ".join(rule.sentence() for rule in self.rules)

    def example(self) -> str:
        """Say a value of the first rule; of an optional parameter that is None."""
        return self.rules[0].example()

    def known(self) -> tuple[str, ...]:
        """Return the words of all rules."""
        return tuple(word for rule in self.rules for word in rule.known())


NOTHING = Kind((type(None),), "None")
FLAG = Kind((bool,), "True or False")


def optional(rule: Rule) -> Either:
    """Let None stand for "decide for me" beside a rule."""
    return Either((NOTHING, rule))


def choice(words: Iterable[str]) -> Choice:
    """Make a rule of words, such as the keys of a table."""
    return Choice(tuple(words))


def _remedy(name: str, rule: Rule, value: object) -> str:
    """Say what to choose; None is chosen by leaving a parameter out.

    A number that would be within the rule as a percentage is written as the share that it means.
    """
    share = _share_meant(rule, value)
    if share is not None:
        return f"for {100 * share:g} %, choose {share:g} for `{name}`"
    example = rule.example()
    if example == NOTHING.example() and isinstance(rule, Either):
        return f"leave `{name}` out, or choose {rule.rules[-1].example()}"
    return f"for instance, choose {example} for `{name}`"


def _share_meant(rule: Rule, value: object) -> float | None:
    """Return the share within a rule that a percentage says; None where it says none."""
    if isinstance(rule, Either):
        return next((one for part in rule.rules if (one := _share_meant(part, value))), None)
    if isinstance(value, bool) or not isinstance(value, int | float) or not isinstance(rule, Real):
        return None
    return value / 100 if rule.most == 1 < value and rule.accepts(value / 100) else None


def check(values: Mapping[str, Any], rules: Mapping[str, Rule]) -> None:
    """Check parameters against their rules.

    Raises
    ------
    UsageError
        Naming the first parameter outside its rule, what it may be and what it was.
    """
    for name, rule in rules.items():
        if not rule.accepts(values[name]):
            raise UsageError(
                name,
                needed=rule.sentence(),
                came=repr(values[name]),
                remedy=did_you_mean(values[name], rule.known())
                or _remedy(name, rule, values[name]),
            )


def one_of(name: str, value: object, words: Sequence[W]) -> W:
    """Check one word that stands for a choice, and return it.

    Raises
    ------
    UsageError
        For any other, naming the nearest.
    """
    for word in words:
        if value == word:
            return word
    raise UsageError(
        name,
        needed=Choice(tuple(words)).sentence(),
        came=repr(value),
        remedy=did_you_mean(value, words) or "choose one of them",
    )


def did_you_mean(value: object, known: Iterable[str]) -> str:
    """Ask for the known words that are most like a value; empty where none is like it.

    >>> did_you_mean("adam", ("sgd", "adamw"))
    "did you mean 'adamw'?"
    """
    return asking_for(nearest_words(value, known))


def asking_for(words: Iterable[object]) -> str:
    """Ask whether one of these was meant; empty where there is none.

    >>> asking_for(["new/cat.jpg"])
    "did you mean 'new/cat.jpg'?"
    """
    named = [repr(str(one)) for one in words]
    return f"did you mean {' or '.join(named)}?" if named else ""


def nearest_words(value: object, known: Iterable[str], most: int = 2) -> list[str]:
    """Return the known words that are most like a value, nearest first, in any case of letters."""
    if not isinstance(value, str):
        return []
    lowered = {word.lower(): word for word in known}
    return [lowered[one] for one in get_close_matches(value.lower(), lowered, most, ALIKE)]
