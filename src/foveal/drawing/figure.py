"""Figures: values, their sheet and its numbers, written as PNG and CSV, whole or not at all.

Some move: their frames are written as an animation too.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from foveal.drawing.layout import MADE, Made
from foveal.errors import UsageError
from foveal.files import checked_output, write_whole
from foveal.tables import write_table

Values = TypeVar("Values")

ANIMATIONS = {".webp": "WEBP", ".gif": "GIF"}
"""Formats of animations, by the ending of a name."""
HOLD = 5
"""Times as long as the others the last frame stays."""


@dataclass(frozen=True, eq=False, slots=True)
class Frames(Sequence[Image.Image]):
    """Frames of an animation, each drawn when it is asked for: a page shows the sheet alone."""

    draw: Callable[[int], Image.Image]
    """Draws the frame of this number, from 0."""
    total: int

    def __len__(self) -> int:
        return self.total

    def __getitem__(self, place: Any) -> Any:
        places = range(self.total)[place]
        return [*map(self.draw, places)] if isinstance(places, range) else self.draw(places)


@dataclass(frozen=True, repr=False, slots=True, kw_only=True)
class Figure(Generic[Values]):
    """Values, a sheet that shows them, and the numbers that are on it.

    A notebook shows the sheet; `save` writes sheet and numbers, and the animation where there is
    one.
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
    frames: Sequence[Image.Image] = ()
    """An animation, all of one size; empty where nothing moves."""
    pause: int = 400
    """Milliseconds that a frame stays; the last one stays longer."""

    def __repr__(self) -> str:
        wide, high = self.image.size
        return f"Figure({type(self.values).__name__}, {wide}x{high} pixels)"

    @property
    def made(self) -> Made:
        """What the sheet is made of; a sheet that is one block has no title and no facts."""
        found = self.image.info.get(MADE)
        return found if isinstance(found, Made) else Made("", (), (0, 0, *self.image.size))

    @property
    def body(self) -> Image.Image:
        """The sheet without its title, facts and caption, for where words are set around it."""
        return self.image.crop(self.made.box)

    def _repr_png_(self) -> bytes:
        """Return the sheet as PNG: what a notebook shows."""
        told = PngInfo()
        told.add_itxt("Description", self.caption)
        content = io.BytesIO()
        self.image.save(content, "PNG", pnginfo=told)
        return content.getvalue()

    def save(self, path: str | Path) -> tuple[Path, ...]:
        """Write the sheet as PNG and its numbers as CSV beside it, each whole or not at all.

        What moves is written as WebP beside them too.

        Returns
        -------
        tuple of Path
            The two files, or three.

        Raises
        ------
        UsageError
            For another ending than .png, or a folder that is not there.
        ResourceError
            Where the disk is full.
        """
        place = checked_figure(Path(path))
        moving = place.with_suffix(".webp")
        if self.frames:
            _check_room(place, moving, "its animation", "`to`")
        write_whole(place, self._repr_png_())
        numbers = numbers_beside(place)
        write_table(numbers, self.columns, [[list(row) for row in self.rows]])
        return (place, numbers, self.save_animation(moving)) if self.frames else (place, numbers)

    def save_animation(self, path: str | Path) -> Path:
        """Write the frames as an animation that begins again at its end.

        Parameters
        ----------
        path : path
            Ends in .webp, without loss, or in .gif, of 256 colours.

        Raises
        ------
        UsageError
            For another ending, a folder that is not there, and a figure that does not move.
        ResourceError
            Where the disk is full.
        """
        place = checked_output(Path(path), tuple(ANIMATIONS))
        if not self.frames:
            raise UsageError(
                f"`to` {place}",
                needed="a figure that moves",
                came="one without frames",
                remedy="write its sheet with save",
            )
        write_whole(place, animated(self.frames, self.pause, ANIMATIONS[place.suffix.lower()]))
        return place


def animated(frames: Sequence[Image.Image], pause: int, form: str = "WEBP") -> bytes:
    """Return frames as an animation.

    Parameters
    ----------
    frames : sequence of Image
        All of one size.
    pause : int
        Milliseconds that each stays; the last one stays `HOLD` times as long.
    form : {"WEBP", "GIF"}
        Which format.
    """
    first, *others = frames
    how: dict[str, Any] = {"lossless": True, "method": 2} if form == "WEBP" else {"optimize": False}
    content = io.BytesIO()
    first.save(
        content,
        form,
        save_all=True,
        append_images=others,
        duration=[pause] * len(others) + [HOLD * pause],
        loop=0,
        **how,
    )
    return content.getvalue()


def checked_figure(path: Path, option: str = "`to`") -> Path:
    """Check the name under which a figure is to be written.

    Raises
    ------
    UsageError
        For another ending than .png, a name too long, a folder that is not there, or a table of
        another origin where its numbers go.
    """
    numbers = numbers_beside(checked_output(path, (".png",), option))
    _check_room(path, numbers, "its numbers", option)
    return path


def _check_room(path: Path, beside: Path, what: str, option: str) -> None:
    """Check that what is written beside a figure replaces nothing but its own of before."""
    if beside.exists() and not path.exists():
        raise UsageError(
            f"{option} {path}",
            needed=f"room for {what} in {beside.name}, which is written beside",
            came="another file of that name",
            remedy="choose another name",
        )


def numbers_beside(path: Path) -> Path:
    """Name the table that goes beside a figure."""
    return path.with_suffix(".csv")
