"""`foveal train ... --engine ray`: the command that was typed, by workers of Ray Train."""

from __future__ import annotations

import shlex

import typer

from foveal.cli.sources import STDIN
from foveal.cli.typed import typed_line
from foveal.errors import UsageError


def trained_by_workers(context: typer.Context) -> None:
    """Let workers run the command, where they are asked for; it ends as theirs did.

    Raises
    ------
    UsageError
        For workers of no cluster, and for names on standard input, which several cannot read.
    FovealError
        See `foveal.training.on_ray.train_on_ray`.
    typer.Exit
        Once they are done.
    """
    asked = context.params
    engine = asked.get("launcher") or asked.get("engine")
    if asked.get("launcher") is None and asked["workers"] is None:
        return
    from foveal.cluster import Cluster

    if engine is None or (not Cluster.named(engine) and "launcher" not in asked):
        raise UsageError(
            "workers",
            needed="`engine` ray, whose workers they are",
            came=f"engine {engine}" if engine else "no engine",
            remedy="add --engine ray, or start processes by torchrun",
        )
    cluster = Cluster.read(engine)
    if asked["pictures"] == STDIN:
        raise UsageError(
            "PICTURES -",
            needed="what every worker can read",
            came="names on standard input",
            remedy="write them into a table with the column path",
        )
    from foveal.training.on_ray import train_on_ray

    line = typed_line(context, ("launcher", "engine", "workers"))
    found = train_on_ray(
        cluster,
        shlex.split(line)[1:],
        workers=asked["workers"],
        threads=asked["threads"],
        device=asked["device"],
        tell=_tell,
    )
    typer.echo(found.out, nl=False)
    typer.echo(found.err, nl=False, err=True)
    raise typer.Exit(found.code)


def _tell(line: str) -> None:
    typer.echo(line, err=True)
