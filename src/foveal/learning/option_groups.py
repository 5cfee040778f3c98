"""How an option is declared and a group of them read: what `options` is written in.

Never imports torch, so that the command's help is quick.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import Field, field, fields
from typing import Any, TypeVar

from foveal.errors import UsageError
from foveal.parameters import FLAG, Rule, check, optional

NETWORK, TRAINING, PICTURES, RUN = "Network", "Training", "Pictures", "Run"
"""Panels of the command's help."""
THREADS_HELP = "Threads on the processor; as many as it has cores if left out."
"""Of the option that every command has which computes."""

Group = TypeVar("Group")


def option(panel: str, default: Any, rule: Rule, help: str) -> Any:
    """Declare an option.

    Parameters
    ----------
    panel : str
        Under which heading the command's help shows it.
    default : object
        Its value where it is left out.
    rule : Rule
        What it may be.
    help : str
        One line for the command's help.
    """
    return field(default=default, metadata={"panel": panel, "rule": rule, "help": help})


def mirroring(left_out: str) -> Any:
    """Declare whether pictures are mirrored, and say what is done where it is left out."""
    rule, help = optional(FLAG), f"Mirror half of the pictures; {left_out}."
    return option(PICTURES, None, rule, help)


def fields_of(group: type) -> tuple[Field[Any], ...]:
    """Return the options of a group."""
    return fields(group)


def options_of(groups: tuple[type, ...]) -> Iterator[Field[Any]]:
    """Yield all options of a learner's groups."""
    for group in groups:
        yield from fields(group)


def check_options(groups: tuple[type, ...], values: dict[str, Any]) -> None:
    """Check the values of a learner's options, and those that exclude one another.

    Raises
    ------
    UsageError
        Naming the first option outside its rule.
    """
    check(values, {one.name: one.metadata["rule"] for one in options_of(groups)})
    for group in groups:
        group(**{one.name: values[one.name] for one in fields(group)})


def pick(group: type[Group], learner: object) -> Group:
    """Pick a group of options out of an object that has them as attributes."""
    return group(**{one.name: getattr(learner, one.name) for one in fields(group)})  # type: ignore[arg-type]


def sides_of(size: Any) -> tuple[int, int] | None:
    """Read a size, one side or (height, width)."""
    if size is None:
        return None
    if not isinstance(size, tuple | list):
        return int(size), int(size)
    if len(size) != 2:
        raise UsageError(
            "size",
            needed="one side, or (height, width)",
            came=repr(size),
            remedy="write 64, or (48, 64)",
        )
    return int(size[0]), int(size[1])
