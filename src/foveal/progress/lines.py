"""Events as lines of text."""

from __future__ import annotations

from foveal.progress.events import (
    CutTried,
    Decoding,
    EpochEnded,
    Event,
    Extracting,
    Finished,
    FoldBegan,
    FoldEnded,
    FoldsJudged,
    HeadFitted,
    PartWritten,
    Planned,
    Prepared,
    Reconstructed,
    Resumed,
    Shortened,
    TeachingAnew,
)
from foveal.wording import agreeing, counted


def lines_of(event: Event) -> list[str]:
    """Say an event in lines of text; steps are not worth a line."""
    match event:
        case Decoding(done=done, total=total, purpose=purpose):
            why = f" for {purpose}" if purpose else ""
            return [f"decoded {done:,} of {counted(total, 'picture')}{why}"]
        case Extracting(done=done, total=total, network=network):
            return [f"{done:,} of {counted(total, 'picture')} through {network}"]
        case PartWritten():
            return [part_line(event)]
        case TeachingAnew(done=done, total=total):
            return [f"taught anew {done:,} of {counted(total, 'time')}"]
        case Prepared():
            counts = ", ".join(f"{name} {count:,}" for name, count in _first(event.classes))
            lines = [
                f"{event.train:,} training, {event.validation:,} validation, {event.test:,} test "
                f"pictures of {event.size}, {'found decoded' if event.warm else 'ready'} after "
                f"{event.seconds:.1f} s",
                *[f"classes: {counts}"] * bool(counts),
            ]
            if event.duplicates:
                lines.append(
                    f"in another part too: {counted(event.duplicates, 'training picture')}"
                )
            return [*lines, *_notes(event.notes)]
        case CutTried():
            return [
                f"cut after {event.stage}: {counted(event.features, 'feature')}, held-out loss "
                f"{_digits(event.log_loss, event.accuracy)}{_accuracy(event.accuracy)}",
                *_notes(event.notes),
            ]
        case HeadFitted():
            return [_head_line(event), *_notes(event.notes)]
        case Planned(config={}):
            return [*[event.table] * bool(event.table), *_notes(event.notes)]
        case Planned():
            config = event.config
            return [
                *[event.table] * bool(event.table),
                f"{counted(config['steps'], 'step')} of {counted(config['batch_size'], 'picture')} "
                f"({event.epochs:.3g} epochs), {config['optimizer']}, learning rate "
                f"{config['learning_rate']:g}, augmentation {event.augmentation}"
                f"{', mirrored' if event.flip else ''}, seed {config['seed']}",
                *_notes(event.notes),
            ]
        case Resumed(step=step):
            return [f"going on from step {step:,}"] * bool(step) + _notes(event.notes)
        case Shortened():
            return [
                f"note: the machine has become slower; after {counted(event.step, 'step')} in "
                f"{event.seconds:.0f} s training ends at {event.steps:,} of {event.before:,} "
                "steps, to keep to `seconds`"
            ]
        case EpochEnded():
            return [epoch_line(event)]
        case FoldBegan():
            return [
                f"fold {event.fold} of {event.folds}: {counted(event.taught, 'picture')} of the "
                f"others to teach, {event.judged:,} to judge"
            ]
        case FoldEnded():
            how = "judged before" if event.kept else f"{event.seconds:.1f} s"
            return [f"fold {event.fold} of {event.folds}: {event.figure}, {how}"]
        case FoldsJudged() | Reconstructed():
            return [*event.lines, *_notes(event.notes)]
        case Finished():
            kept = f"kept the weights of epoch {event.best_epoch}"
            return [kept] * bool(event.best_epoch) + _notes(event.notes)
    return []


def _head_line(event: HeadFitted) -> str:
    """Say a fitted head in one line."""
    chosen = f" (of {event.folds}-fold cross-validation)" if event.folds else ""
    line = f"head: {event.fit} regression, C = {event.C:.3g}{chosen}, {event.seconds:.2f} s"
    if event.figures:
        told = ", ".join(f"{name} {value}" for name, value in event.figures.items())
        return f"{line}; {event.judged_by}: {told}"
    if event.right is None or not event.judged:
        return line
    return (
        f"{line}; {event.judged_by}: log loss {event.log_loss:.3f}, "
        f"{event.right:,} of {event.judged:,} right"
    )


def part_line(event: PartWritten) -> str:
    """Say how many parts are whole in one line."""
    of = "" if event.total is None else f" of {event.total:,}"
    noun = "part" if (event.total or event.done) == 1 else "parts"
    were = agreeing(event.kept, "was", "were")
    before = f" ({event.kept:,} {were} there before)" if event.kept else ""
    return f"{event.done:,}{of} {noun} written{before}, {counted(event.rows, 'row')}"


def epoch_line(event: EpochEnded) -> str:
    """Say one epoch in one line."""
    judged = ""
    if event.validation_loss is not None:
        right = _accuracy(event.validation_accuracy)
        best = " (best)" if event.best else ""
        judged = f", validation loss {_loss(event, event.validation_loss)}{right}{best}"
    told = f"training loss {_loss(event, event.loss)}{_accuracy(event.accuracy)}"
    return f"epoch {event.epoch}: {told}{judged}, {event.seconds:.1f} s"


def _accuracy(share: float | None) -> str:
    """Say an accuracy, where there is one."""
    return "" if share is None or share != share else f", accuracy {100 * share:.1f} %"


def _loss(event: EpochEnded, loss: float) -> str:
    """Say a loss: in digits that tell epochs apart, where it is all there is."""
    return _digits(loss, event.accuracy)


def _digits(loss: float, accuracy: float) -> str:
    return f"{loss:.3f}" if accuracy == accuracy else f"{loss:#.4g}"


def _notes(notes: tuple[str, ...]) -> list[str]:
    return [f"note: {note}" for note in notes]


def _first(classes: dict[str, int], most: int = 10) -> list[tuple[str, int]]:
    return list(classes.items())[:most]
