"""Events as lines of text, for logs and for whoever has no terminal."""

from __future__ import annotations

import contextlib
import sys

from foveal.training.events import (
    Decoding,
    EpochEnded,
    Event,
    Finished,
    Planned,
    Prepared,
    Resumed,
)

DECODING_LINES = 10
"""Lines that tell of decoding, about."""


def lines_of(event: Event) -> list[str]:
    """Say an event in lines of text; steps are not worth a line."""
    match event:
        case Decoding(done=done, total=total):
            often = max(1, total // DECODING_LINES // 32) * 32
            due = done % often == 0 or done == total
            return [f"decoded {done:,} of {total:,} pictures"] if due else []
        case Prepared():
            counts = ", ".join(f"{name} {count:,}" for name, count in _first(event.classes))
            lines = [
                f"{event.train:,} training, {event.validation:,} validation, {event.test:,} test "
                f"pictures of {event.size}, {'found decoded' if event.warm else 'ready'} after "
                f"{event.seconds:.1f} s",
                f"classes: {counts}",
            ]
            if event.duplicates:
                lines.append(f"{event.duplicates} training pictures stand in another part too")
            return [*lines, *_notes(event.notes)]
        case Planned():
            config = event.config
            return [
                event.table,
                f"{config['steps']:,} steps of {config['batch_size']} pictures "
                f"({event.epochs:.3g} epochs), {config['optimizer']}, learning rate "
                f"{config['learning_rate']:g}, augmentation {event.augmentation}"
                f"{', mirrored' if event.flip else ''}, seed {config['seed']}",
                *_notes(event.notes),
            ]
        case Resumed(step=step):
            return [f"going on from step {step:,}"] * bool(step) + _notes(event.notes)
        case EpochEnded():
            return [epoch_line(event)]
        case Finished():
            return [f"kept the weights of epoch {event.best_epoch}", *_notes(event.notes)]
    return []


def epoch_line(event: EpochEnded) -> str:
    """Say one epoch in one line."""
    judged = ""
    if event.validation_accuracy is not None:
        judged = (
            f", validation loss {event.validation_loss:.3f}, "
            f"accuracy {100 * event.validation_accuracy:.1f} %{' (best)' if event.best else ''}"
        )
    return (
        f"epoch {event.epoch}: training loss {event.loss:.3f}, "
        f"accuracy {100 * event.accuracy:.1f} %{judged}, {event.seconds:.1f} s"
    )


def print_plainly(event: Event) -> None:
    """Print an event to stderr."""
    with contextlib.suppress(OSError, ValueError):  # nobody listening must not end the work
        for line in lines_of(event):
            print(line, file=sys.stderr, flush=True)


def _notes(notes: tuple[str, ...]) -> list[str]:
    return [f"note: {note}" for note in notes]


def _first(classes: dict[str, int], most: int = 10) -> list[tuple[str, int]]:
    return list(classes.items())[:most]
