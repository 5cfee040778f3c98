"""What `foveal similar --groups` answers: which pictures of a folder belong together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foveal.cli.figures import shown_passage
from foveal.cli.output import unreadable_line, wrote
from foveal.cli.words import noted
from foveal.results import plain
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.model.fitted import FittedModel
    from foveal.pictures.collection import Pictures
    from foveal.search.groups import PictureGroup, PictureGroups

SHOWN = 20
"""Groups printed at most."""
NAMED = 10
"""Pictures named of a group at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundGroups:
    """Groups of pictures, and what was written of them."""

    found: PictureGroups
    model: str
    """Digest of the model by which they were found."""
    sheet: Path | None
    """Where they were to be drawn."""
    written: Sequence[Path]

    def to_dict(self) -> dict[str, Any]:
        """Return groups, counts and files."""
        return {"model": self.model, **self.found.to_dict(), "written": plain(self.written)}


def found_groups(
    fitted: FittedModel, pictures: Pictures, to: Path | None, sheet: Path | None
) -> FoundGroups:
    """Find groups, write the group of each picture, and draw them; where there are none, nothing.

    Parameters
    ----------
    fitted : FittedModel
        The model by whose features candidates are found.
    pictures : Pictures
        What is compared.
    to : Path, optional
        Table of path and group.
    sheet : Path, optional
        Drawing of the groups.
    """
    from foveal.figures.groups import groups_sheet
    from foveal.search.groups import picture_groups

    with shown_passage("the network") as tell:
        found = picture_groups(fitted, pictures, progress=tell)
    written: list[Path] = []
    if to is not None:
        written.append(found.save(to))
    if sheet is not None and found.groups:
        written.extend(groups_sheet(fitted, found).save(sheet))
    return FoundGroups(found=found, model=fitted.digest(), sheet=sheet, written=written)


def groups_lines(answer: FoundGroups) -> list[str]:
    """Lay the groups out for a person."""
    found = answer.found
    lines = [*unreadable_line(found.pictures.names, found.reasons), *noted(found.notes)]
    for one in found.groups[:SHOWN]:
        lines += [*_named(one), ""]
    if len(found.groups) > SHOWN:
        lines += [
            f"and {counted(len(found.groups) - SHOWN, 'smaller group')}: --to FILE.csv names all",
            "",
        ]
    read = sum(not reason for reason in found.reasons)
    nothing = ": nothing is drawn" if answer.sheet else ""
    count = counted(len(found.groups), "group")
    lines.append(
        f"{count} of {counted(found.grouped, 'picture')} among {read:,}; "
        f"{read - found.grouped:,} alone"
        if found.groups
        else f"no equal pictures and no near copies among {counted(read, 'picture')}{nothing}"
    )
    return [*lines, wrote(answer.written)] if answer.written else lines


def _named(group: PictureGroup) -> list[str]:
    more = len(group) - NAMED
    return [
        f"group {group.group}: {counted(len(group), 'picture')}, {group.alikeness}",
        *(f"  {path}" for path in group.paths[:NAMED]),
        *[f"  and {more:,} more"] * (more > 0),
    ]
