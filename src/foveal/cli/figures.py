"""How far the pictures of a command that draws are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from foveal.pictures.store import Progress


@contextmanager
def shown_passage(network: str = "the autoencoder", *later: str) -> Iterator[Progress]:
    """Show on stderr how many pictures went through a network, and then through others."""
    from foveal.cli.progress import shown_progress
    from foveal.progress.events import passing

    with shown_progress() as show:
        yield passing(show, network, *later)


def check_table_and_sheet(
    to: Path | None, sheet: Path | None, formats: tuple[str, ...] | None = None
) -> None:
    """Check the names under which a table and a sheet, with its numbers, are to be written.

    A table may end as `foveal.tables.FORMATS` say, unless other formats are named.

    Raises
    ------
    UsageError
        For other endings, folders that are not there, and the same name for both.
    """
    from foveal.drawing.figure import checked_figure, numbers_beside
    from foveal.errors import UsageError
    from foveal.tables import FORMATS, checked_table

    if to is not None:
        checked_table(to, formats or FORMATS)
    if sheet is None:
        return
    checked_figure(sheet, "--sheet")
    if to is not None and numbers_beside(sheet).absolute() == to.absolute():
        raise UsageError(
            f"--sheet {sheet}",
            needed="another name than the table's: the sheet's numbers go beside it as .csv",
            came=f"--to {to}",
            remedy=f"write {sheet.stem}-sheet.png",
        )
