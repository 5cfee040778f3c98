"""Figures: values, their sheet and its numbers, written as PNG and CSV, whole or not at all."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from foveal.drawing.layout import BODY
from foveal.errors import UsageError
from foveal.files import checked_output, write_whole
from foveal.tables import write_table

Values = TypeVar("Values")


@dataclass(frozen=True, repr=False, slots=True, kw_only=True)
class Figure(Generic[Values]):
    """Values, a sheet that shows them, and the numbers that are on it.

    A notebook shows the sheet; `save` writes sheet and numbers.
    """

    values: Values
    """What is shown."""
    image: Image.Image
    """The sheet."""
    caption: str
    """What one sees and why it matters; it stands on the sheet too."""
    columns: tuple[str, ...]
    """Names of the numbers."""
    rows: tuple[tuple[Any, ...], ...]
    """The numbers, in the order of the sheet."""

    def __repr__(self) -> str:
        wide, high = self.image.size
        return f"Figure({type(self.values).__name__}, {wide}x{high} pixels)"

    @property
    def body(self) -> Image.Image:
        """The sheet without its title, facts and caption, for where words are set around it."""
        box = self.image.info.get(BODY)
        return self.image if box is None else self.image.crop(box)

    def _repr_png_(self) -> bytes:
        """Return the sheet as PNG: what a notebook shows."""
        told = PngInfo()
        told.add_itxt("Description", self.caption)
        content = io.BytesIO()
        self.image.save(content, "PNG", pnginfo=told)
        return content.getvalue()

    def save(self, path: str | Path) -> tuple[Path, Path]:
        """Write the sheet as PNG and its numbers as CSV beside it, each whole or not at all.

        Returns
        -------
        tuple of Path
            The two files.

        Raises
        ------
        UsageError
            For another ending than .png, or a folder that is not there.
        ResourceError
            Where the disk is full.
        """
        place = checked_figure(Path(path))
        write_whole(place, self._repr_png_())
        numbers = numbers_beside(place)
        write_table(numbers, self.columns, [[list(row) for row in self.rows]])
        return place, numbers


def checked_figure(path: Path, option: str = "`to`") -> Path:
    """Check the name under which a figure is to be written.

    Raises
    ------
    UsageError
        For another ending than .png, a name too long, a folder that is not there, or a table of
        another origin where its numbers go.
    """
    numbers = numbers_beside(checked_output(path, (".png",), option))
    if numbers.exists() and not path.exists():
        raise UsageError(
            f"{option} {path}",
            needed=f"room for its numbers in {numbers.name}, which is written beside",
            came="another table of that name",
            remedy="choose another name",
        )
    return path


def numbers_beside(path: Path) -> Path:
    """Name the table that goes beside a figure."""
    return path.with_suffix(".csv")
