"""`foveal demo`: real digits, a network, a judgement, in less than a minute."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foveal.cli.options import Threads, interruptible

if TYPE_CHECKING:
    from foveal.training.run import Run

SHADES = 16
"""Shades of grey in scikit-learn's digits."""


def demo(
    to: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for pictures, model and predictions.")
    ] = Path("foveal-demo"),
    threads: Threads = None,
) -> None:
    """Train a network on 1,797 handwritten digits and show what came of it.

    The digits come with scikit-learn (Alpaydin and Kaynak, 1998); nothing is downloaded.
    """
    from foveal.cli.evaluate import lines_of_evaluation
    from foveal.cli.progress import shown_progress
    from foveal.errors import ResourceError
    from foveal.estimators.cnn import CNNClassifier
    from foveal.model.tables import write_table
    from foveal.pictures.sources import gather
    from foveal.training.run import Run

    pictures, model = to / "digits", to / "digits.safetensors"
    try:
        to.mkdir(parents=True, exist_ok=True)
        if not pictures.exists():
            _write_digits(pictures)
    except OSError as error:
        raise ResourceError(
            f"--to {to}",
            needed="a folder that can be written to",
            came=error.strerror or str(error),
            remedy="name another folder",
        ) from error
    typer.echo(f"pictures    {pictures}: one folder a class")
    learner = CNNClassifier(test_share=0.2, random_state=0, threads=threads)
    with shown_progress() as show:
        with Run(model.with_suffix(".run"), fresh=True, listeners=[show]) as run:
            _train(learner, pictures, model, run)
        found = learner.model_.evaluate(pictures)
    typer.echo("\n".join(lines_of_evaluation(found)))
    table = to / "predictions.csv"
    predicted = learner.model_.predictions(gather(pictures))
    write_table(table, predicted.columns, [predicted.rows()])
    typer.echo("")
    typer.echo(f"model        {model}")
    typer.echo(f"run          {model.with_suffix('.run')}")
    typer.echo(f"predictions  {table}")
    typer.echo(f"next: foveal predict {model} {pictures / '3' / '3.0.png'}")


def _train(learner: object, pictures: Path, model: Path, run: Run) -> None:
    from foveal.estimators.cnn import CNNClassifier

    assert isinstance(learner, CNNClassifier)
    with interruptible(run):
        learner.fit(pictures, run=run)
        digest = learner.model_.save(model)
        run.finish({"model": model.name, "sha256": digest})


def _write_digits(folder: Path) -> None:
    """Write the digits as PNG files, one folder a class, whole or not at all."""
    from PIL import Image
    from sklearn.datasets import load_digits

    digits = load_digits()
    working = folder.with_name(f".{folder.name}.tmp")
    for index, (image, digit) in enumerate(zip(digits.images, digits.target, strict=True)):
        place = working / str(digit)
        place.mkdir(parents=True, exist_ok=True)
        shades = (image * (255 / SHADES)).round().astype("uint8")
        Image.fromarray(shades).save(place / f"{digit}.{index}.png")
    working.rename(folder)
