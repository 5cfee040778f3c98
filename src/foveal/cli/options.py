"""Arguments and options that several commands share, and how sizes and JSON are written."""

from __future__ import annotations

import json
import math
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foveal.cli.words import in_options
from foveal.errors import DataError, UsageError

if TYPE_CHECKING:
    from foveal.model.fitted import FittedModel
    from foveal.pictures.collection import Pictures as PicturesFound
    from foveal.training.run import Run

Model = Annotated[Path, typer.Argument(metavar="MODEL", help="A .safetensors file.")]
Pictures = Annotated[
    str,
    typer.Argument(
        metavar="PICTURES",
        help="A folder of class folders (train/, val/, test/ inside are honoured), "
        "an .npz file, or a folder of IDX files.",
    ),
]
AnyPictures = Annotated[
    str,
    typer.Argument(
        metavar="PICTURES",
        help="A folder of pictures, with or without folders in it (train/, val/, test/ are "
        "honoured), one file, an .npz file, or a folder of IDX files.",
    ),
]
GROUPS_HELP = (
    "What belongs together and is never torn apart, as frames of one animal: 'folder' (folders "
    "below the class folders), a regular expression for names, or a CSV file of path and group."
)
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Strict = Annotated[
    bool, typer.Option("--strict", help="Exit with 3 if any file cannot be read or used.")
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
Threads = Annotated[int | None, typer.Option(help="Threads on the processor.")]


def print_json(value: Any) -> None:
    """Print a result for machines; what JSON has no number for, NaN and infinity, as null.

    Its notes are told in the words of the command line.
    """
    plain = _finite(value)
    if isinstance(plain, dict) and "notes" in plain:
        plain["notes"] = list(map(in_options, plain["notes"]))
    text = json.dumps(plain, indent=1, ensure_ascii=False, default=str, allow_nan=False)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:  # a file name that is no text, which an escape keeps whole
            text = json.dumps(plain, indent=1, default=str, allow_nan=False)
    typer.echo(text)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _finite(one) for name, one in value.items()}
    return list(map(_finite, value)) if isinstance(value, list | tuple) else value


def size_of(text: str | None) -> int | tuple[int, int] | None:
    """Read a size: "64", or "48x64" as height x width."""
    if text is None:
        return None
    sides = text.lower().split("x")
    if len(sides) > 2 or not all(side.isdecimal() and len(side) < 6 for side in sides):
        raise UsageError(
            "--size",
            needed="one side, or height x width",
            came=repr(text),
            remedy="write 64, or 48x64",
        )
    return int(sides[0]) if len(sides) == 1 else (int(sides[0]), int(sides[1]))


def groups_of(text: str | None) -> str | None:
    """Return how groups are named, a table by its whole path, so that a run finds it again."""
    is_table = text is not None and text.lower().endswith(".csv")
    return str(Path(text).absolute()) if text is not None and is_table else text


def opened(model: Path, device: str, threads: int | None, *, whole: bool = False) -> FittedModel:
    """Load a model file, or ImageNet's classifier where its name stands for one.

    With `whole` the latter sees whole pictures, for what lies at their edges, and not their middle.
    """
    from foveal.model.imagenet import NAME, imagenet
    from foveal.model.loading import load

    if str(model) == NAME and not model.exists():
        return imagenet(device=device, threads=threads, whole=whole)
    return load(model, device=device, threads=threads)


def with_whole_names(pictures: PicturesFound) -> PicturesFound:
    """Name files so that they can be opened from here."""
    return pictures.with_whole_names()


def refuse_unreadable(count: int, strict: bool) -> None:
    """End with an error under --strict where pictures could not be read.

    Raises
    ------
    DataError
        Where there are any.
    """
    if strict and count:
        raise DataError(
            "--strict",
            needed="every file to be a picture",
            came=f"{count} that cannot be read",
            remedy="the column 'error' of the table says why",
        )


@contextmanager
def interruptible(run: Run) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end a run well: in training after a checkpoint, else at once."""

    def handle(number: int, frame: FrameType | None) -> None:
        if run.training and not run.stopping:
            run.stop()
        else:
            raise KeyboardInterrupt  # no handler of ordinary errors may swallow it

    signals = [signal.SIGINT, signal.SIGTERM]
    before = [signal.signal(one, handle) for one in signals]
    try:
        yield
    except KeyboardInterrupt:
        raise run.interrupted() from None
    finally:
        for one, handler in zip(signals, before, strict=True):
            signal.signal(one, handler)
