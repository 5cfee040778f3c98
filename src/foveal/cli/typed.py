"""The line that was typed, as it can be typed again."""

from __future__ import annotations

import shlex
from collections.abc import Collection

import typer

from foveal.cli.words import quoted


def was_typed(context: typer.Context, name: str) -> bool:
    """Say whether an option or an argument stood on the line."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def typed_line(context: typer.Context, without: Collection[str] = ()) -> str:
    """Return the line that was typed: arguments first, then options but for those named."""
    params = [one for one in context.command.params if was_typed(context, str(one.name))]
    arguments = [one for one in params if one.param_type_name == "argument"]
    words = [context.command_path, *(quoted(context.params[str(one.name)]) for one in arguments)]
    for one in params:
        if one in arguments or one.name in without:
            continue
        value = context.params[str(one.name)]
        flag = one.secondary_opts[0] if value is False and one.secondary_opts else one.opts[0]
        words.append(flag)
        if not isinstance(value, bool):
            words.append(shlex.quote(_number(value) if isinstance(value, float) else str(value)))
    return " ".join(words)


def _number(value: float) -> str:
    """Write a number so that it is read as the same one, briefly where that is enough."""
    short = f"{value:g}"
    return short if float(short) == value else repr(value)
