"""`--pages`: which pages of a picture become pictures, for every command that takes some."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any, Literal

import typer

TAKING = ("pictures", "queries", "where")
"""Parameters that stand for pictures."""
Pages = Annotated[
    Literal["first", "all"],
    typer.Option(
        help="Of a TIFF, GIF or DICOM of several pages: the first alone, or every page as a "
        "picture of its own, named scan.tif#3.",
    ),
]


def with_pages(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command with the option --pages, where it takes pictures."""
    signature = inspect.signature(command, eval_str=True)
    if not set(TAKING) & set(signature.parameters):
        return command

    @functools.wraps(command)
    def run(*, pages: str = "first", **asked: Any) -> None:
        if pages == "first":
            return command(**asked)
        from foveal.pictures.pages import every_page_read

        with every_page_read(True):
            return command(**asked)

    option = inspect.Parameter(
        "pages", inspect.Parameter.KEYWORD_ONLY, default="first", annotation=Pages
    )
    parameters = [*signature.parameters.values(), option]
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return run
