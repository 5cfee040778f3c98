"""`foveal schema`: what a command's `--json` holds, as JSON Schema."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from foveal.errors import UsageError


def schema(
    command: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="COMMAND",
            help="Such as 'predict' or 'train cnn'; 'error' for what is printed instead of an "
            "answer. All of them if left out.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Print the JSON Schema of what a command prints with --json."""
    from foveal.cli.answers.by_command import ANSWERS, schema_of

    name = " ".join(command or [])
    if not name:
        typer.echo(json.dumps({one: schema_of(one) for one in ANSWERS}, indent=1))
        return
    if name not in ANSWERS:
        raise UsageError(
            "COMMAND",
            needed=f"one of {', '.join(ANSWERS)}",
            came=repr(name)[:80],
            remedy="leave it out for all of them",
        )
    typer.echo(json.dumps(schema_of(name), indent=1))
