"""Events for TensorBoard (extra `track`)."""

from __future__ import annotations

from pathlib import Path

from foveal.errors import UsageError, without_extra
from foveal.progress.events import EpochEnded, Event, Listener, StepEnded

OFTEN = 10
"""Steps between two points of a curve."""


def tensorboard(folder: Path) -> Listener:
    """Make a listener that writes losses, accuracies and learning rate for TensorBoard.

    Raises
    ------
    UsageError
        Where TensorBoard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter  # optional: the extra `track`
    except ImportError as error:
        raise without_extra("tensorboard", "the package tensorboard", "track") from error
    try:
        writer = SummaryWriter(str(folder))
    except OSError as error:
        raise UsageError(
            f"`tensorboard` {folder}",
            needed="a folder that can be written to",
            came=error.strerror or str(error),
            remedy="name another folder",
        ) from error

    def listen(event: Event) -> None:
        if isinstance(event, StepEnded) and event.step % OFTEN == 0:
            writer.add_scalar("training/loss", event.loss, event.step)
            writer.add_scalar("training/learning rate", event.learning_rate, event.step)
        if isinstance(event, EpochEnded):
            if event.accuracy == event.accuracy:
                writer.add_scalar("training/accuracy", event.accuracy, event.step)
            if event.validation_loss is not None:
                writer.add_scalar("validation/loss", event.validation_loss, event.step)
            if event.validation_accuracy is not None:
                writer.add_scalar("validation/accuracy", event.validation_accuracy, event.step)
            writer.flush()

    return listen
