"""`foveal export`: a model as a file for another runtime, with a proof."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foveal.cli.options import PICTURES_HELP, Json, Model, Threads, opened
from foveal.cli.output import print_answer, wrote
from foveal.cli.outputs import Given, writes
from foveal.cli.words import noted
from foveal.parameters import one_of
from foveal.results import Result
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.exporting.certificate import Judged, Quantized
    from foveal.exporting.export import Export


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet(Result):
    """Lines of Python that show pictures to a file."""

    file: Path
    snippet: str


def _other_runtime(name: Any, what: str, given: Given) -> tuple[Path, ...]:
    from foveal.exporting.endings import checked_name

    return (checked_name(Path(name)),)


@writes(file=_other_runtime)
def export(
    model: Model,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="The file to write: .onnx (ONNX Runtime), .xml (OpenVINO) or .pt2 (torch).",
        ),
    ],
    half: Annotated[
        str | None,
        typer.Option(
            help="Half of an autoencoder: encoder or decoder; pictures to pictures if left out."
        ),
    ] = None,
    raw: Annotated[
        bool,
        typer.Option(
            "--raw",
            help="Resize within the file: it takes pictures of any size, as decoders give them.",
        ),
    ] = False,
    pictures: Annotated[
        str | None,
        typer.Option(
            metavar="PICTURES",
            help=f"Prove the file by these; by some that are made if left out. {PICTURES_HELP}",
            show_default=False,
        ),
    ] = None,
    int8: Annotated[
        bool, typer.Option("--int8", help="Compute in eight bits (.onnx, .xml).")
    ] = False,
    calibrate: Annotated[
        str | None,
        typer.Option(
            metavar="PICTURES",
            help="Find the ranges of --int8 on these; class folders tell the accuracy.",
            show_default=False,
        ),
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Largest difference of an answer, 0.0001 if left out; of the mean difference with "
            "--raw (0.005) and --int8 (0.05).",
            show_default=False,
        ),
    ] = None,
    card: Annotated[bool, typer.Option("--card", help="Write a model card beside it.")] = False,
    as_: Annotated[
        str | None,
        typer.Option(
            "--as",
            help="'snippet' prints the lines of Python that show pictures to the file, and "
            "writes nothing.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Keep an int8 file that is slower and worse.")
    ] = False,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Write a model as a file for another runtime, and prove that it answers the same.

    A certificate lies beside it; where answers differ, no file is left.
    """
    if as_ is not None:
        one_of("--as", as_, ("snippet",))
    from foveal.cli.sources import pictures_of
    from foveal.exporting.export import export as exported
    from foveal.exporting.snippet import snippet

    fitted = opened(model, "cpu", threads)
    if as_ is not None:
        lines = Snippet(file=file, snippet=snippet(fitted, file, half=half, raw=raw))
        print_answer(lines, lambda answer: answer.snippet.splitlines(), as_json=json)
        return
    done = exported(
        fitted,
        file,
        half=half,
        raw=raw,
        pictures=None if pictures is None else pictures_of(pictures),
        int8=int8,
        calibrate=None if calibrate is None else pictures_of(calibrate),
        tolerance=tolerance,
        card=card,
        force=force,
    )
    print_answer(done, _lines, as_json=json)


def _lines(found: Export) -> Iterator[str]:
    certificate = found.certificate
    for port, way in ((certificate.input, "takes"), (certificate.output, "gives")):
        sides = "x".join(map(str, port.shape))
        yield f"{way:<10}{port.name} {port.dtype} {sides}: {port.values}"
    apart = certificate.difference
    golden = counted(apart.pictures, f"{certificate.golden} picture")
    off = f"differs by {apart.largest:.1e} at most, {apart.mean:.1e} on average"
    yield f"{'proved':<10}on {golden}: {off}"
    if apart.agreement is not None:
        yield f"{'':<10}answers the same {apart.agreement.percent()}"
    if certificate.quantized is not None:
        yield from _eight_bits(certificate.quantized)
    yield from noted(found.notes)
    yield wrote(found.written)


def _eight_bits(found: Quantized) -> Iterator[str]:
    yield f"{'':<10}{'accuracy':<28}{'a picture':<22}size"
    for name, judged, speed, size in (
        ("int8", found.int8, found.int8_ms, found.int8_bytes),
        ("fp32", found.fp32, found.fp32_ms, found.fp32_bytes),
    ):
        took = f"{speed.median:.2f} ms ({speed.low:.2f} to {speed.high:.2f})"
        yield f"{name:<10}{_accuracy(judged):<28}{took:<22}{size / 1e6:.2f} MB"
    yield f"{'':<10}{counted(found.judged, 'labelled picture')}, {counted(found.threads, 'thread')}"


def _accuracy(judged: Judged | None) -> str:
    if judged is None:
        return "not judged"
    return f"loss {judged.loss:.4g}" if judged.accuracy is None else judged.accuracy.percent()
