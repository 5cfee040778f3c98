"""What can be wrong with pictures: each kind with why it matters and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from foveal.results import Result


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of finding."""

    title: str
    meaning: str
    """Why it matters."""
    remedy: str


KINDS: Mapping[str, Kind] = {
    "unreadable": Kind(
        "unreadable",
        "They teach nothing and judge nothing: every command leaves them out, each with its reason",
        "mend or remove them",
    ),
    "blank": Kind(
        "blank",
        "There is nothing to see in them, whatever their label says",
        "remove them",
    ),
    "contradiction": Kind(
        "under several labels",
        "One picture cannot be two things: equal ones teach neither, near ones teach both",
        "keep the right label of each",
    ),
    "leak": Kind(
        "on both sides of a split",
        "What a network learned of one it knows of the other: the test flatters",
        "keep each set on one side; training leaves those out that would train",
    ),
    "equal": Kind(
        "equal",
        "Copies count twice and say no more than one",
        "keep one of each",
    ),
    "near": Kind(
        "near copies",
        "They are one thing, shifted, saved again or a moment later, and no two pictures",
        "keep each set on one side of every split, as training does",
    ),
    "label": Kind(
        "label looks wrong",
        "A network that never saw them, taught by the others, contradicts their label, or one of "
        "several: wrong labels cost accuracy, and among test pictures they cost the truth of it",
        "look at each, and mend those that are wrong, in every part alike",
    ),
    "few": Kind(
        "classes with few pictures",
        "Too few to learn from and to hold out: their accuracy is a guess",
        "gather more of them, or leave the class out",
    ),
    "imbalance": Kind(
        "classes out of balance",
        "A network may fare well by calling everything by the name of the largest class",
        "gather more of the small classes, or weigh them (`class_weight`); read balanced accuracy",
    ),
    "unlabelled": Kind(
        "without a label",
        "They cannot teach classes",
        "put them in the folder of their class, or fill in the label",
    ),
    "number": Kind(
        "without a number",
        "They cannot teach numbers, nor judge them",
        "fill in the number, with a decimal point",
    ),
    "far": Kind(
        "number far from the others",
        "A slip of the pen, another unit, or a rare case: a network learns little of it, and is "
        "judged hard by it",
        "look at each, and mend the numbers that are wrong",
    ),
    "outlier": Kind(
        "unlike all others",
        "Nothing in the folder is near them: a stray file, another subject, or a rare case",
        "look at each; remove strays, and gather more of what is rare",
    ),
    "blurred": Kind(
        "blurred",
        "Even their sharpest part is far softer than that of the others",
        "look at each; keep them if what a network will see later is as blurred",
    ),
    "dark": Kind(
        "dark",
        "Hardly anything in them is lighter than black, unlike in the others",
        "look at each; keep them if there is still something to see",
    ),
    "light": Kind(
        "overexposed",
        "Hardly anything in them is darker than white, unlike in the others",
        "look at each; keep them if there is still something to see",
    ),
    "size": Kind(
        "odd sizes",
        "Much smaller or larger than the others (height x width): thumbnails, or of another source",
        "look where they come from",
    ),
    "shape": Kind(
        "odd shapes",
        "Much wider or taller than the others (height x width): brought to one shape they are "
        "squeezed, lose their ends or keep wide margins",
        "crop them to what they show",
    ),
    "format": Kind(
        "odd formats",
        "Files of another kind than nearly all others: perhaps of another source",
        "look where they come from",
    ),
    "colour": Kind(
        "odd colours",
        "Of another colour space or depth than nearly all others: a network may learn that instead",
        "bring all to one, or look where they come from",
    ),
    "remark": Kind(
        "read with a remark",
        "They can be read, though not as they may be meant",
        "save them again as one plain picture each",
    ),
}
"""In the order in which they are told."""


@dataclass(frozen=True, slots=True)
class Item(Result):
    """A picture, or several that belong together, or a class, and what is wrong."""

    paths: tuple[str, ...]
    """How the pictures are named; none where it is about a class."""
    why: str
    rows: tuple[int, ...]
    """Rows of the pictures."""


@dataclass(frozen=True, slots=True)
class Finding:
    """All of one kind that was found."""

    kind: str
    """One of `KINDS`."""
    items: tuple[Item, ...]
    """The worst first, where they can be ranked."""

    @property
    def about(self) -> Kind:
        """What this kind means."""
        return KINDS[self.kind]

    @property
    def rows(self) -> tuple[int, ...]:
        """Rows of all pictures, each once, ascending."""
        return tuple(sorted({row for item in self.items for row in item.rows}))

    @property
    def count(self) -> int:
        """Pictures, or classes where it is about these."""
        return len(self.rows) or len(self.items)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "kind": self.kind,
            "title": self.about.title,
            "count": self.count,
            "meaning": self.about.meaning,
            "remedy": self.about.remedy,
            "items": [item.to_dict() for item in self.items],
        }


Found = Iterable[tuple[Iterable[int], str]]
"""Rows that belong together, and what is wrong with them."""


def finding(kind: str, found: Found, names: Sequence[str]) -> Finding | None:
    """Make a finding of rows; None where there are none."""
    rows_of = [(tuple(map(int, rows)), why) for rows, why in found]
    items = tuple(Item(tuple(str(names[row]) for row in rows), why, rows) for rows, why in rows_of)
    return Finding(kind, items) if items else None
