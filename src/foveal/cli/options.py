"""Arguments and options that several commands share, and what they stand for."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foveal.addresses import Address, is_remote
from foveal.cli.stopping import ASKS
from foveal.errors import UsageError
from foveal.learning.option_groups import THREADS_HELP

if TYPE_CHECKING:
    from foveal.model.fitted import FittedModel
    from foveal.training.run import Run


def path_or_address(word: str) -> Any:
    """Return a path, or an address as it is: a path would lose a slash of it."""
    return Address(word) if is_remote(word) else Path(word)


Model = Annotated[
    Path, typer.Argument(metavar="MODEL", parser=path_or_address, help="A .safetensors file.")
]
LABELLED_HELP = (
    "A folder of class folders (train/, val/, test/ inside are honoured), a table of path and "
    "label (.csv, .tsv, .parquet), .tar or .parquet shards or a folder of them, an .npz file, or a "
    "folder of .npy or IDX files."
)
Pictures = Annotated[str, typer.Argument(metavar="PICTURES", help=LABELLED_HELP)]
PicturesOrParts = Annotated[
    str,
    typer.Argument(
        metavar="PICTURES",
        help=f"{LABELLED_HELP} Or parts of their features, which 'foveal encode imagenet PICTURES "
        "--to parts/' writes.",
    ),
]
PICTURES_HELP = (
    "A folder of pictures, with or without folders in it (train/, val/, test/ are honoured), one "
    "file, a table with the column path (.csv, .tsv, .parquet), .tar or .parquet shards or a "
    "folder of them, an .npz file, a folder of .npy or IDX files, or - for names on standard input."
)
AnyPictures = Annotated[str, typer.Argument(metavar="PICTURES", help=PICTURES_HELP)]
SeveralPictures = Annotated[
    list[str],
    typer.Argument(
        metavar="PICTURES",
        help="Files, folders, tables, shards, .npz, or IDX folders; - for names on standard input.",
    ),
]
GROUPS_HELP = (
    "What belongs together and is never torn apart, as frames of one animal: 'folder' (folders "
    "below the class folders), a regular expression for names, or a CSV file of path and group."
)
LABEL_FROM_HELP = (
    "Read labels off the names of files: a regular expression, whose first group or whole match is "
    r"the label, such as '^(cat|dog)\.'. With a / it is searched in the path."
)
LabelFrom = Annotated[
    str | None, typer.Option(metavar="REGEX", help=LABEL_FROM_HELP, show_default=False)
]
LABEL_HELP = (
    "The column of the table that says the labels, where it is not called label, such as age; "
    "several with commas between them."
)
Label = Annotated[str | None, typer.Option(metavar="COLUMN", help=LABEL_HELP, show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Strict = Annotated[
    bool, typer.Option("--strict", help="Exit with 3 if any file cannot be read or used.")
]


def _limited(size: str | None) -> str | None:
    """Let the cache hold so much from here on."""
    if size is not None:
        from foveal.eviction import VARIABLE, parse_size

        parse_size(size, "--cache-limit")
        os.environ[VARIABLE] = size
    return size


CACHE_LIMIT_HELP = (
    "The most that the cache on disk may hold, such as 20GB: what was not used the longest goes "
    "first, and pictures that would be more are decoded anew in every epoch. Left out: "
    "FOVEAL_CACHE_LIMIT, else half of what is free."
)


def cache_limit(**more: Any) -> Any:
    """Make the option that says how much the cache may hold."""
    return typer.Option(
        metavar="SIZE", callback=_limited, show_default=False, help=CACHE_LIMIT_HELP, **more
    )


CacheLimit = Annotated[str | None, cache_limit()]
Reject = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        help="Leave the least sure to a person: at most this share of pictures, by a threshold "
        "that the model's held-out pictures set, as 0.1.",
        show_default=False,
    ),
]
LeastProbability = Annotated[
    float | None,
    typer.Option(
        metavar="P",
        help="Leave to a person what is called with a lower probability, as 0.9.",
        show_default=False,
    ),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
Threads = Annotated[int | None, typer.Option(help=THREADS_HELP)]


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


def opened(
    model: Path | str, device: str, threads: int | None, *, whole: bool = False
) -> FittedModel:
    """Load a model file, or ImageNet's classifier where its name stands for one.

    With `whole` the latter sees whole pictures, for what lies at their edges, and not their middle.
    """
    from foveal.model.opening import load

    return load(model, whole=whole, device=device, threads=threads)


@contextmanager
def interruptible(run: Run) -> Iterator[None]:
    """Let signals that ask for it end a run well: in training after a checkpoint, else at once."""

    def handle(number: int, frame: FrameType | None) -> None:
        if run.training and not run.stopping:
            run.stop()
        elif callable(earlier := before.get(number)):
            earlier(number, frame)  # raises an interrupt: no handler of ordinary errors swallows it
        else:
            raise KeyboardInterrupt

    before: dict[int, Any] = {}
    for one in ASKS:
        if signal.getsignal(one) is not signal.SIG_IGN:  # as nohup has it
            before[one] = signal.getsignal(one)
            signal.signal(one, handle)
    try:
        yield
    except KeyboardInterrupt:
        raise run.interrupted() from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
