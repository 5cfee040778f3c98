"""`foveal evaluate`: how good a model is, and how sure one can be of it."""

from __future__ import annotations

from typing import Annotated

import typer

from foveal.cli.options import Device, Json, Model, Pictures, Strict, Threads
from foveal.cli.output import print_answer
from foveal.cli.sources import given
from foveal.cli.words import in_options


def evaluate(
    model: Model,
    pictures: Pictures,
    include_training: Annotated[
        bool,
        typer.Option("--include-training", help="Judge pictures that trained the model too."),
    ] = False,
    training: Annotated[
        str | None,
        typer.Option(help="Training pictures for the baselines, where PICTURES holds none."),
    ] = None,
    baselines: Annotated[
        bool,
        typer.Option("--baselines/--no-baselines", help="Fit the baselines on pixels beside it."),
    ] = True,
    device: Device = "auto",
    threads: Threads = None,
    strict: Strict = False,
    json: Json = False,
) -> None:
    """Judge a model on labelled pictures: accuracy with its interval, classes, baselines.

    Pictures the model was trained on are left out, by their content.
    """
    from foveal.cli.progress import shown_progress
    from foveal.errors import DataError
    from foveal.judging.evaluation import evaluate as judged
    from foveal.judging.held_out import WITHHELD
    from foveal.judging.lines import lines_of_evaluation
    from foveal.model.opening import load
    from foveal.pictures.ledger import left_out, summary
    from foveal.progress.events import Decoding

    fitted = load(model, device=device, threads=threads)
    with shown_progress() as show:
        found = judged(
            fitted,
            given(pictures),
            include_training=include_training,
            training=training,
            with_baselines=baselines,
            progress=lambda done, total: show(Decoding(done=done, total=total)),
        )
    unreadable = [entry for entry in left_out(found.ledger) if entry.reason not in WITHHELD]
    if strict and unreadable:
        raise DataError(
            "--strict",
            needed="every file to be a picture with a class",
            came=summary(unreadable),
            remedy="mend or remove these files",
        )
    print_answer(found, lambda one: map(in_options, lines_of_evaluation(one)), as_json=json)
