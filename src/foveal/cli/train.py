"""`foveal train`: from pictures to a model file. The commands are derived from the learners."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from foveal.cli.commands import Command, Commands
from foveal.cli.learners import DEFAULT, OF_LABELS, ON_RAY, TRANSFER_ON_RAY, command
from foveal.cli.options import AnyPictures, Pictures, PicturesOrParts, size_of
from foveal.cli.output import print_answer
from foveal.cli.pages import with_pages
from foveal.cli.training import (
    TrainedAutoencoder,
    TrainedClassifier,
    lines_of_autoencoder,
    lines_of_classifier,
    trained,
)
from foveal.learning.code_options import AUTOENCODER
from foveal.learning.options import CNN
from foveal.learning.transfer_options import TRANSFER

if TYPE_CHECKING:
    from foveal.estimators.learner import Answering

L = TypeVar("L", bound="Answering")


class Learners(Commands):
    """The kinds of training, the one to start with first."""

    order = ("transfer", "cnn", "autoencoder")
    instead = "say what to train: foveal train transfer {word} MODEL.safetensors"


app = typer.Typer(cls=Learners, help="Train a network on pictures.", no_args_is_help=True)


@app.callback()
def train() -> None:
    """Train a network on pictures."""


def cnn(context: typer.Context) -> None:
    """Train a convolutional network on labelled pictures.

    Beside MODEL.safetensors it leaves MODEL.run/ with events.jsonl, ledger.csv, config.json.
    """
    from foveal.estimators.cnn import LEARNERS

    _answering(context, LEARNERS)


def transfer(context: typer.Context) -> None:
    """Reuse the kernels of a trained network: fix them, train only what remains.

    Needs few pictures and seconds. Features of pictures are kept: other labels, another head
    or another split need no picture decoded again.
    """
    from foveal.estimators.transfer import LEARNERS

    _answering(context, LEARNERS)


def autoencoder(context: typer.Context) -> None:
    """Learn to encode pictures as a few numbers and to decode them, without labels.

    Says how well, beside principal components of the same size.
    """
    from foveal.estimators.autoencoder import Autoencoder

    found = trained(context, lambda given: Autoencoder(**_read(given)), TrainedAutoencoder)
    print_answer(found, lines_of_autoencoder, as_json=context.params["json"])


def _answering(context: typer.Context, kinds: Mapping[str, type[L]]) -> None:
    """Train what labels are learned by, and say how it fares."""
    from foveal.estimators.learner import of_target

    def made(given: dict[str, Any]) -> L:
        options = {name: value for name, value in given.items() if name != "target_kind"}
        return of_target(kinds, given.get("target_kind", DEFAULT), _read(options))

    found = trained(context, made, TrainedClassifier)
    print_answer(found, lines_of_classifier, as_json=context.params["json"])


def _read(options: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of an estimator that options of the command stand for."""
    parameters = {**options, "size": size_of(options["size"])}
    parameters["random_state"] = parameters.pop("seed")
    return parameters


app.command("cnn", cls=Command)(with_pages(command(CNN, Pictures, cnn, OF_LABELS | ON_RAY)))
app.command("transfer", cls=Command)(
    with_pages(command(TRANSFER, PicturesOrParts, transfer, OF_LABELS | TRANSFER_ON_RAY))
)
app.command("autoencoder", cls=Command)(
    with_pages(command(AUTOENCODER, AnyPictures, autoencoder, ON_RAY))
)
