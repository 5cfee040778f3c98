"""`foveal encode`: pictures to codes of a few numbers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foveal.cli.options import Device, Json, Model, SeveralPictures, Strict, Threads, opened
from foveal.cli.output import print_answer
from foveal.cli.outputs import Given, file_of, or_parts, writes
from foveal.cli.parts import Engine, InParts, PartSize, Shards, parts_wanted
from foveal.cli.sources import all_pictures, refuse_unreadable
from foveal.cli.words import quoted
from foveal.remote_copies import origin
from foveal.results import Result
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.model.bulk_work import Encoding
    from foveal.pictures.collection import Pictures


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedPictures(Result):
    """What was encoded."""

    to: Path
    """The table of the codes or features."""
    rows: int
    unreadable: int
    """Rows of pictures that cannot be read."""
    code_size: int | None
    """Numbers of a code; None where these are features."""
    features: int | None
    """Numbers of a picture's features; None where these are codes."""
    model: str
    """Hash of the model that encoded."""
    seconds: float


def _codes(name: Any, what: str, given: Given) -> tuple[Path, ...]:
    from foveal.model.codes_text import FORMATS

    return file_of(*FORMATS)(name, what, given)


@writes(to=or_parts(_codes))
def encode(
    model: Model,
    pictures: SeveralPictures,
    to: Annotated[
        str,
        typer.Option(
            metavar="FILE|DIR/",
            help="Write the codes here: .parquet, which decode reads, or .csv or .jsonl for "
            "other programs. Of many pictures parts in a folder, whose name ends in /: the same "
            "line goes on with what is there.",
        ),
    ],
    sample: Annotated[
        int | None,
        typer.Option(
            help="Draw codes of a variational autoencoder by this seed; means if left out."
        ),
    ] = None,
    shards: Shards = None,
    part_size: PartSize = None,
    engine: Engine = None,
    device: Device = "auto",
    threads: Threads = None,
    strict: Strict = False,
    json: Json = False,
) -> None:
    """Encode pictures: path, code, and why there is none where there is none.

    By an autoencoder to its codes; by any other model, or 'imagenet', to its features: what its
    last dense layer sees.
    """
    from foveal.model.bulk_work import EncodeWork, Encoding
    from foveal.model.codec import check_half

    in_parts = parts_wanted(to, shards, part_size, engine)
    fitted = opened(model, device, threads, whole=True)
    worker = Encoding(fitted, sample, in_parts)
    if sample is not None:
        check_half(fitted, "encoder")
    if in_parts:
        work = EncodeWork(
            model=origin(model),
            digest=fitted.digest(),
            device=device,
            threads=threads,
            sample=sample,
            codes=fitted.autoencodes,
        )
        InParts(to, shards, part_size, engine, strict=strict, json=json).answer(
            work, worker, pictures
        )
        return
    began = time.perf_counter()
    rows, missing = _encoded(worker, all_pictures(pictures), Path(to))
    size = worker.features
    found = EncodedPictures(
        to=Path(to),
        rows=rows,
        unreadable=missing,
        code_size=fitted.plan.code_size if size is None else None,
        features=size,
        model=fitted.digest(),
        seconds=time.perf_counter() - began,
    )
    print_answer(found, lambda answer: _lines(answer, model), as_json=json)
    refuse_unreadable(missing, rows, strict=strict)


def _encoded(worker: Encoding, sources: Sequence[Pictures], to: Path) -> tuple[int, int]:
    """Encode into a table; rows, and those without a code."""
    from foveal.cli.progress import passed_on, shown_progress
    from foveal.model.codes_file import write_codes
    from foveal.progress.events import passing

    fitted, size = worker.fitted, worker.features
    with shown_progress() as show:
        lengths = [len(source) for source in sources]
        starts = [sum(lengths[:index]) for index in range(len(sources))]
        batches = (
            batch
            for source, start in zip(sources, starts, strict=True)
            for batch in worker.answers(source, start)
        )
        tell = passing(show, "the encoder" if size is None else "the network")
        return write_codes(to, fitted, passed_on(batches, sum(lengths), tell), size)


def _lines(found: EncodedPictures, model: Path) -> Iterator[str]:
    from foveal.model.codes_text import FORMATS

    each = (
        f"{counted(found.code_size, 'number')} a code"
        if found.code_size
        else counted(found.features or 0, "feature")
    )
    yield f"{counted(found.rows, 'row')} in {found.to}, {found.unreadable} unreadable, {each}"
    if found.code_size and found.to.suffix.lower() == FORMATS[0]:
        names = quoted(model), quoted(found.to)
        yield f"next: foveal decode {names[0]} {names[1]} --to {_new_folder('decoded')}"


def _new_folder(name: str) -> str:
    """Return a name that no folder here has, with a number where it must."""
    names = (name, *(f"{name}-{number}" for number in range(2, 1000)))
    return next((one for one in names if not Path(one).exists()), name)
