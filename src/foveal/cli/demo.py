"""`foveal demo`: real digits and photographs, trained and reused networks, within a minute."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foveal.cli.options import Json, Threads, interruptible
from foveal.cli.output import print_json
from foveal.results import Result
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.demonstration import FewPictures, LearnedDigits, NamedPhotograph, NarrowedDigits


@dataclass(frozen=True, slots=True, kw_only=True)
class Demonstration(Result):
    """What the demonstration showed."""

    digits: LearnedDigits
    few_pictures: Sequence[FewPictures]
    codes: NarrowedDigits
    photographs: Sequence[NamedPhotograph]


def demo(
    to: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for pictures, model and predictions.")
    ] = Path("foveal-demo"),
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Train a network on 1,797 handwritten digits, reuse kernels, and show what came of it.

    Digits (Alpaydin and Kaynak, 1998) and photographs come with scikit-learn; nothing is
    downloaded.
    """
    from foveal import demonstration as steps
    from foveal.cli.progress import shown_progress

    def say(lines: Iterable[str]) -> None:
        if not json:
            typer.echo("\n".join(lines))

    pictures = steps.write_digits(to)
    say([f"pictures    {pictures}: one folder a class"])
    with shown_progress() as show:
        digits = steps.learn_digits(pictures, to, threads=threads, tell=show, within=interruptible)
    say(_digits(digits))
    few = list(steps.learn_from_few(threads))
    say(_few(few))
    say(["", f"autoencoder: 64 pixels to {counted(steps.CODE, 'number')} and back, without labels"])
    with shown_progress() as show:
        codes = steps.narrow_digits(pictures, to, threads=threads, tell=show, within=interruptible)
    say(_codes(codes))
    photographs = list(steps.name_photographs(threads))
    say(_photographs(photographs))
    say(_places(digits, codes))
    if json:
        found = Demonstration(digits=digits, few_pictures=few, codes=codes, photographs=photographs)
        print_json(found.to_dict())


def _digits(found: LearnedDigits) -> list[str]:
    from foveal.judging.lines import lines_of_evaluation

    return lines_of_evaluation(found.evaluation)


def _few(found: Sequence[FewPictures]) -> Iterator[str]:
    from foveal.demonstration import EACH, FIRST

    yield ""
    yield (
        f"transfer: kernels learned on the digits 0-{FIRST - 1} stay fixed; of {FIRST}-9 there "
        f"are {EACH} pictures each"
    )
    for one in found:
        yield f"  {one.way:<16} {one.accuracy.percent()}, {counted(one.learned, 'number')} learned"


def _codes(found: NarrowedDigits) -> Iterator[str]:
    judged = found.reconstruction
    yield (
        f"  squared error on {counted(judged.pictures, 'test picture')} "
        f"{judged.autoencoder.mse:.4f}, of PCA "
        f"with as many numbers {judged.pca.mse:.4f}"
    )
    yield f"  encoded to {found.codes}, decoded to {found.decoded}; the first code:"
    yield f"  {'  '.join(f'{number:.1f}' for number in found.first)}"


def _photographs(found: Sequence[NamedPhotograph]) -> Iterator[str]:
    yield ""
    yield "two photographs through EfficientNet-Lite0, pretrained on ImageNet"
    for one in found:
        yield f"  {one.name:<16} {one.label}, {100 * one.probability:.1f} %"


def _places(digits: LearnedDigits, codes: NarrowedDigits) -> Iterator[str]:
    yield ""
    yield f"model        {digits.model}"
    yield f"run          {digits.run}"
    yield f"predictions  {digits.predictions}"
    yield f"gallery      {codes.gallery}"
    yield f"report       {digits.report}: open it in a browser"
    yield f"of the codes {codes.report}"
    yield f"inside it    foveal {_inside(digits)}"
    yield f"next: foveal {following(digits.model, digits.pictures)}"


def _inside(digits: LearnedDigits) -> str:
    """Return what may be typed to walk through the network with one of the pictures."""
    return shlex.join(["look", str(digits.model), _three(digits.pictures), "--to", "look.html"])


def _three(pictures: Path) -> str:
    return str(min((pictures / "3").iterdir()))


def following(model: Path, pictures: Path) -> str:
    """Return what may be typed next: the model asked for one of the pictures."""
    return shlex.join(["predict", str(model), _three(pictures)])
