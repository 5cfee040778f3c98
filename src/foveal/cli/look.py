"""`foveal look`: what is inside a network, as pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foveal.cli.figures import shown_passage
from foveal.cli.options import Device, Json, Label, LabelFrom, Threads
from foveal.cli.output import print_answer
from foveal.cli.outputs import PAGE, Given, check_apart, file_of, writes
from foveal.cli.sources import one_source
from foveal.errors import UsageError
from foveal.files import checked_folder, told
from foveal.results import Result

if TYPE_CHECKING:
    from foveal.figures.looks import Asked

NAMES = (
    "planes",
    "designed",
    "kernels",
    "epochs",
    "steps",
    "maps",
    "fields",
    "way",
    "favourites",
    "attribution",
    "mistakes",
    "traversal",
)
"""The looks, in order (`figures/looks.py`, which is not imported for the sake of a help)."""


OF_LOOKS = ("only", "layer", "pixel", "channel", "kernel", "count", "target")
"""What is asked of looks, which a page does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look(Result):
    """What was drawn of a network."""

    network: str
    written: tuple[Path, ...]
    left_out: dict[str, str]
    """Looks that do not apply, each with why."""


def _folder_or_page(name: Any, what: str, given: Given) -> tuple[Path, ...]:
    if name.suffix.lower() == PAGE:
        _check_page(name, given)
        return file_of(PAGE)(name, what, given)
    _check_folder(name, given)
    return (name,)


@writes(to=_folder_or_page)
def look(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="A .safetensors file; 'imagenet' or another backbone; or a network in the "
            "notation, untrained.",
        ),
    ],
    to: Annotated[
        Path,
        typer.Option(
            metavar="DIR|PAGE.html",
            help="Draw here: a folder, made where there is none; or write all layers as one "
            "page, in which one walks.",
        ),
    ],
    pictures: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PICTURES",
            help="Pictures of your own to look at it with: files or folders.",
            show_default=False,
        ),
    ] = None,
    only: Annotated[
        str | None,
        typer.Option(
            metavar="LOOK,...", help=f"Only these: {', '.join(NAMES)}.", show_default=False
        ),
    ] = None,
    layer: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER",
            help="A layer by its number in the plan; if left out, each look chooses.",
            show_default=False,
        ),
    ] = None,
    pixel: Annotated[
        str | None,
        typer.Option(
            metavar="ROW,COLUMN",
            help="A pixel of that layer's maps; if left out, an active one.",
            show_default=False,
        ),
    ] = None,
    channel: Annotated[
        int | None,
        typer.Option(min=0, help="One of that layer's maps, from 0.", show_default=False),
    ] = None,
    kernel: Annotated[
        str | None,
        typer.Option(
            metavar="KERNEL",
            help="A kernel made by hand to slide over the picture: sobel, edge, blur, sharpen, "
            "emboss, or a file with its numbers, a row a line.",
            show_default=False,
        ),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="How many are shown of what there are many of, such as kernels, maps or pictures; "
            "if left out, each look chooses.",
            show_default=False,
        ),
    ] = None,
    limits: Annotated[
        str,
        typer.Option(
            metavar="layer|map",
            help="Whether all maps of a layer share the limits of their colours, or each has its "
            "own.",
        ),
    ] = "layer",
    target: Annotated[
        str | None,
        typer.Option(
            "--class",
            metavar="CLASS",
            help="The class that attribution asks about; if left out, the predicted one.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=2**63 - 1, help="Of the weights of an untrained network.")
    ] = 0,
    label_from: LabelFrom = None,
    label: Label = None,
    device: Device = "auto",
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Look inside a network: its kernels, maps and receptive fields, on a picture of yours."""
    if limits not in ("layer", "map"):
        raise UsageError(
            "--limits", needed="layer or map", came=repr(limits), remedy="write --limits map"
        )
    place = _pixel(pixel)
    from foveal.figures.looks import Asked
    from foveal.looking.subject import subject_of
    from foveal.pictures.naming import labelled_as

    names = _names(only)
    subject = subject_of(model, seed=seed, device=device, threads=threads)
    shown = labelled_as(one_source(pictures), label_from, label) if pictures else None
    unreadable: dict[str, str] = {}
    if shown is not None:
        shown, unreadable = subject.without_unreadable(shown)
    asked = Asked(
        subject=subject,
        pictures=shown,
        layer=layer,
        pixel=place,
        channel=channel,
        kernel=kernel,
        count=count,
        limits=limits,
        target=target,
    )
    if to.suffix.lower() == PAGE:
        answer = _page(asked, to)
    else:
        with shown_passage("the network") as tell:
            answer = _drawn(replace(asked, progress=tell), names, to)
    told_all = replace(answer, left_out=unreadable | answer.left_out)
    print_answer(told_all, _lines, as_json=json)


def _check_folder(to: Path, given: Given) -> None:
    """Check the name of a folder: it does not end like a file, and is not among the pictures."""
    if to.suffix and not to.is_dir():
        raise UsageError(
            f"--to {to}",
            needed="a folder, or a page that ends in .html",
            came=f"a name that ends in {to.suffix}",
            remedy=f"write {to.with_suffix('')}, or {to.with_suffix(PAGE)}",
        )
    checked_folder(to, "--to", needed="a folder", spared=lambda _: "")
    check_apart(to, "--to", given)


def _check_page(to: Path, given: Given) -> None:
    """Check that nothing is asked of looks, which a page does not have."""
    for name in OF_LOOKS:
        if given[name] is not None:
            raise UsageError(
                f"`{name}`",
                needed="a folder as --to, where looks are drawn",
                came=f"the page {to}, which shows all layers",
                remedy=f"leave `{name}` out, or name a folder",
            )


def _page(asked: Asked, to: Path) -> Look:
    """Write the network as one page."""
    from foveal.pages.look import page_of

    page = page_of(asked.subject, asked.shown(None))
    left_out = {"page": " ".join(page.left_out)} if page.left_out else {}
    return Look(network=asked.subject.name, written=(page.save(to),), left_out=left_out)


def _drawn(asked: Asked, only: list[str], to: Path) -> Look:
    """Draw each look into a folder."""
    from foveal.figures.looks import LeftOut, looks

    written: list[Path] = []
    left_out: dict[str, str] = {}
    for one in looks(asked, only):
        if isinstance(one, LeftOut):
            left_out[one.look] = one.why
            continue
        stem, figure = one
        with told(f"--to {to}"):
            to.mkdir(exist_ok=True)
        written += figure.save(to / f"{stem}.png")
    return Look(network=asked.subject.name, written=tuple(written), left_out=left_out)


def _names(text: str | None) -> list[str]:
    """Read names of looks; none where nothing is said, which stands for all."""
    from foveal.figures.looks import checked_names

    if text is None:
        return []
    names = checked_names(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise UsageError(
            "--only",
            needed="a look, or several with commas between them",
            came=repr(text),
            remedy="write --only kernels,maps, or leave it out: all are drawn",
        )
    return names


def _pixel(text: str | None) -> tuple[int, int] | None:
    """Read a place in a map: "3,5" as row and column, from 0."""
    if text is None:
        return None
    parts = text.split(",")
    if len(parts) != 2 or not all(part.strip().isdecimal() and len(part) < 6 for part in parts):
        raise UsageError(
            "--pixel", needed="row,column, from 0", came=repr(text), remedy="write 3,5"
        )
    return int(parts[0]), int(parts[1])


def _lines(answer: Look) -> Iterator[str]:
    by_reason: dict[str, list[str]] = {}
    for look, why in answer.left_out.items():
        by_reason.setdefault(why, []).append(look)
    for why, looks in by_reason.items():
        page = looks == ["page"]
        yield f"left out of the page: {why}" if page else f"left out, {why}: {', '.join(looks)}"
    yield from (f"wrote {path}" for path in answer.written if path.suffix != ".csv")
    if any(path.suffix == ".csv" for path in answer.written):
        yield "the numbers of each lie beside it as .csv"
