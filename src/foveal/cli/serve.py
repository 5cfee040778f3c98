"""`foveal serve`: models that answer over HTTP."""

from __future__ import annotations

import importlib.util
import socket
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from foveal.cli.options import Device, LeastProbability, Reject, Threads
from foveal.errors import without_extra

NEEDS = ("fastapi", "uvicorn", "httptools", "python_multipart", "prometheus_client")
"""Packages of the extra `serve`."""


def serve(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL",
            help="Files, each called by its name without the ending, or NAME=FILE; 'imagenet'.",
        ),
    ],
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Port to listen at; 0 for any that is free.")
    ] = 8000,
    host: Annotated[
        str, typer.Option(help="Address to listen at; others than this machine need a token.")
    ] = "127.0.0.1",
    token_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Ask every request for the token in this file."),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A further name that requests may call this server by."),
    ] = None,
    index: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="An index for 'similar', which foveal similar --to left."),
    ] = None,
    usual: Annotated[
        str | None,
        typer.Option(
            metavar="PICTURES",
            help="Usual pictures that 'anomaly' of other models than autoencoders compares with.",
        ),
    ] = None,
    reject: Reject = None,
    least_probability: LeastProbability = None,
    queue: Annotated[
        int, typer.Option(min=1, help="Pictures under way at a time; beyond it answers are 503.")
    ] = 64,
    workers: Annotated[
        int, typer.Option(min=1, max=256, help="Processes that share the port.")
    ] = 1,
    no_log: Annotated[
        bool, typer.Option("--no-log", help="Write no line for each request.")
    ] = False,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Serve models over HTTP: the same bytes in, the same numbers as predict out.

    /docs shows the routes. SIGHUP loads files that changed, SIGTERM finishes what is under way.
    """
    _check_installed()
    from foveal.serving.limits import Limits
    from foveal.serving.settings import Settings, address_of, listening, read_token
    from foveal.serving.wanted import wanted_of

    wanted = wanted_of(models, device=device, threads=threads)
    asked: dict[str, Any] = {
        "indexes": tuple(index or ()),
        "usual": usual,
        "reject": reject,
        "least_probability": least_probability,
    }
    settings = Settings(
        wanted=tuple(replace(one, **asked) for one in wanted),
        host=host,
        hosts=frozenset(allow_host or ()),
        token="" if token_file is None else read_token(token_file),
        limits=Limits(queue=queue),
        threads=threads,
        log=not no_log,
    )
    bound: socket.socket = listening(host, port)
    address = address_of(bound)

    def told(names: Sequence[str]) -> None:
        typer.echo(f"serving {', '.join(names)} at {address}, see {address}/docs")
        sys.stdout.flush()

    if workers == 1:
        from foveal.serving.server import serve as serve_alone

        serve_alone(settings, bound, told)
        return
    from foveal.serving.workers import serve_by_many

    code = serve_by_many(settings, bound, workers, told)
    if code:
        raise typer.Exit(code)


def _check_installed() -> None:
    missing = [name for name in NEEDS if importlib.util.find_spec(name) is None]
    if missing:
        names = ", ".join(name.replace("_", "-") for name in missing)
        raise without_extra("serve", f"the packages {names}", "serve")
