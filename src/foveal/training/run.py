"""A run: the folder beside a model, in which training keeps what it needs to go on.

    MODEL.run/
        lock             held while the run is under way
        checkpoint-*     the training state
        ...              its journal: what was decided, what happened, whether it is complete
        ledger.csv       what became of every picture
        folds/           the runs of a training on folds, one each

A run without a folder keeps nothing and only tells its listeners.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import filelock
import torch

from foveal.allocator import give_back
from foveal.errors import Interrupted, UsageError
from foveal.launched import BY_HAND, Launch
from foveal.progress.events import Event, Listener, Resumed, StepEnded
from foveal.training import checkpoint
from foveal.training.group import ALONE, Group
from foveal.training.journal import Journal
from foveal.training.loop import TrainingState
from foveal.wording import counted

T = TypeVar("T")
DUTY = 30
"""Checkpoints are at least this many times as far apart as writing one takes."""
TRIMMED = 30.0
"""Seconds of training after which free memory is given back: what is kept of steps comes to lie
among their tensors, and the holes grow, by 40 MB in 1,500 steps."""


class Run:
    """Where a training run keeps itself.

    Parameters
    ----------
    folder : Path, optional
        Folder of the run; None keeps nothing.
    resume : bool
        Go on from the last checkpoint.
    fresh : bool
        Throw an unfinished run away.
    listeners : sequence of callable
        Told every event.
    checkpoint_seconds : float
        Time between checkpoints, at least.
    target : Path, optional
        The model the run is to leave; a run whose model is gone is not complete.
    group : Group
        The processes that train together: the first alone keeps and tells, and decides for all.
    launch : Launch
        Who started this process: a launcher that begins again goes on with the run that it began.

    Raises
    ------
    UsageError
        Where the folder holds an unfinished run and neither is asked for, or another process
        is at it.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        resume: bool = False,
        fresh: bool = False,
        listeners: Sequence[Listener] = (),
        checkpoint_seconds: float = 5.0,
        target: Path | None = None,
        group: Group = ALONE,
        launch: Launch = BY_HAND,
    ) -> None:
        if resume and fresh:
            raise UsageError(
                "`resume` and `fresh`",
                needed="one of them",
                came="both",
                remedy="`resume` goes on where the run stopped, `fresh` begins anew",
            )
        self.group = group
        self.folder = folder = folder if group.first else None
        self.listeners = list(listeners) if group.first else []
        self.checkpoint_seconds = checkpoint_seconds
        self.stopping = False
        self.training = False
        self.cut_short: BaseException | None = None
        """Why training ended before its end, where what it had is kept all the same."""
        self.resuming = False
        self.was_finished = False
        self._stepped = False
        self._cleared = False
        self.journal = Journal(folder)
        self._lock = None if folder is None else _locked(folder)
        if launch.left(self.journal.launch):
            resume, fresh = True, False
        self.asked_to_resume = resume
        if folder is None:
            return
        try:
            self._open(folder, resume=resume, fresh=fresh, target=target)
            self.journal.begin(launch.name)
        except UsageError:
            self.close()
            raise

    def _open(self, folder: Path, *, resume: bool, fresh: bool, target: Path | None) -> None:
        """Find out what the folder holds, and go on with it or clear it."""
        kept = self.journal.written()
        checkpoints = any(folder.glob(checkpoint.PATTERN))
        self._stepped = self.journal.stepped
        self.was_finished = self.journal.done and (target is None or target.exists())
        unfinished = (checkpoints or self.journal.begun) and not self.journal.done
        if unfinished and not (resume or fresh):
            raise UsageError(
                f"{folder}",
                needed="to know what to do with the unfinished run in it",
                came="neither `resume` nor `fresh`",
                remedy="`resume` goes on where it stopped, `fresh` begins anew",
            )
        if resume and checkpoints and not kept:
            raise UsageError(
                f"{folder / 'config.json'}",
                needed="what the run to be resumed had decided",
                came="nothing that can be read, beside checkpoints",
                remedy="bring the file back, or begin anew with `fresh`",
            )
        if resume and (unfinished or self.was_finished):
            self.journal.take_up(kept)
            self.resuming = bool(kept) and unfinished
            return
        checkpoint.clear(folder)
        self.journal.clear()
        self._cleared = True
        if resume:  # stopped before its first step it lost nothing, but what was asked for holds
            self.journal.take_up(kept, write=True)

    # The journal -----------------------------------------------------------------------------

    def decide(self, name: str, compute: Callable[[], T]) -> T:
        """Decide something once: a resumed run takes what the first one decided.

        The answer must survive JSON: numbers, texts, lists, dictionaries.
        """
        return self.group.agreed(lambda: self.journal.decide(name, compute))

    def agree(self, name: str, value: object, remedy: str) -> None:
        """Check something against what the first run had; it must be the same.

        Raises
        ------
        UsageError
            Where it differs.
        """
        self.journal.agree(name, value, remedy)

    @property
    def options(self) -> dict[str, Any]:
        """The options the resumed run was begun with."""
        return self.journal.options

    @property
    def epochs(self) -> list[dict[str, Any]]:
        """The epochs so far."""
        return self.journal.epochs

    def tell(self, *events: Event) -> None:
        """Tell listeners of events, in order, and write them down."""
        for event in events:
            for listener in self.listeners:
                listener(event)
            self.journal.write(event)

    # Checkpoints -----------------------------------------------------------------------------

    def restore(self, state: TrainingState) -> None:
        """Bring a fresh state to the last checkpoint, where this run resumes one."""
        self._restore(state)
        checkpoint.share(state, self.group)

    def _restore(self, state: TrainingState) -> None:
        if self.folder is None:
            return
        facts = checkpoint.restore(self.folder, state, self._id()) if self.resuming else None
        if facts is not None:
            self.journal.rewind(facts["events"])
            self.tell(Resumed(step=state.step, notes=_thread_notes(facts)))
        elif self.asked_to_resume:
            what = "damaged checkpoints" if checkpoint.clear(self.folder) else "no checkpoint"
            self.journal.rewind(0)
            if self.journal.folded and not self._stepped:
                return  # it was stopped in its folds, and had not begun itself
            self.tell(Resumed(step=0, notes=(f"{what}: training starts anew",)))

    def watch(self, events: Iterable[Event], state: TrainingState, *, keep: bool = True) -> None:
        """Follow the loop to its end: tell events, write checkpoints, stop where asked.

        A keyboard interrupt in Python ends it early, with `cut_short` set: the caller takes what
        the state has, and raises it in the end (`raise_cut_short`). So does `stop` without a
        folder. Once cut short, a run follows no further loop.

        Parameters
        ----------
        keep : bool
            Whether checkpoints are written; not for what a resumed run quickly does again.

        Raises
        ------
        Interrupted
            After `stop`, with a checkpoint written.
        """
        if self.cut_short is not None:
            return
        self.training = True
        try:
            self._follow(events, state, keep=keep and self.folder is not None)
        except KeyboardInterrupt:
            if self.stopping or not state.step:
                raise  # asked for twice, or nothing to keep
            told = f"in epoch {len(self.epochs) + 1}: the best weights so far are kept"
            self.cut_short = KeyboardInterrupt(told)
        finally:
            self.training = False

    def _follow(self, events: Iterable[Event], state: TrainingState, *, keep: bool) -> None:
        last, pause = time.monotonic(), self.checkpoint_seconds
        trimmed = last
        for event in events:
            self.tell(event)
            if isinstance(event, StepEnded):
                self.stopping = self.group.any(self.stopping)
            if self.stopping:
                if self.folder is None:
                    self.cut_short = self.interrupted()
                    return
                if keep:
                    self._checkpoint(state)
                raise self.interrupted()
            if keep and time.monotonic() - last >= pause:
                began = time.monotonic()
                self._checkpoint(state)
                last = time.monotonic()
                pause = max(self.checkpoint_seconds, DUTY * (last - began))
            if time.monotonic() - trimmed >= TRIMMED:
                give_back()
                trimmed = time.monotonic()
        if keep:
            self._checkpoint(state)

    def stop(self) -> None:
        """Ask a run under way to stop after its current step."""
        self.stopping = True

    def raise_cut_short(self) -> None:
        """Raise what ended training early, once what it had is kept.

        Raises
        ------
        KeyboardInterrupt, Interrupted
            As it came.
        """
        if self.cut_short is not None:
            raise self.cut_short

    def interrupted(self) -> Interrupted:
        """Make the error that says how a stopped run goes on."""
        kept = self.folder is not None and any(self.folder.glob(checkpoint.PATTERN))
        kept = kept or self.journal.folded
        remedy = "give the same command again"
        if self.folder is None:
            remedy = "use the best weights so far, which are kept, or fit again"
        elif kept:
            remedy = "go on from its checkpoint with `resume`"
        elif self.journal.decided("steps"):
            remedy = "start again with `fresh`: there was no checkpoint yet"
        came = f"a request to stop, in epoch {len(self.epochs) + 1}"
        return Interrupted("training", needed="to run to its end", came=came, remedy=remedy)

    def finish(self, model: Path | None = None) -> None:
        """Mark the run complete and remove its checkpoints; the model must be saved by now."""
        if self.folder is None:
            return
        self.journal.complete(model)
        checkpoint.clear(self.folder)

    def close(self) -> None:
        """Let go of the folder."""
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        failed = isinstance(error, Exception) and not isinstance(error, Interrupted)
        if failed and self._cleared and not self.journal.begun:
            self.journal.put_back()  # what was asked for was refused: nothing is replaced
        self.close()

    def _checkpoint(self, state: TrainingState) -> None:
        assert self.folder is not None
        facts = {
            "run": self._id(),
            "events": self.journal.size,
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
        }
        checkpoint.save(self.folder, state, facts)

    def _id(self) -> str:
        """Tell this run's checkpoints from those another run left in the folder."""
        return self.journal.decide("run", lambda: secrets.token_hex(8))


def _thread_notes(facts: dict[str, Any]) -> tuple[str, ...]:
    """Say what is unlike it was when a checkpoint was written."""
    notes: list[str] = []
    threads = torch.get_num_threads()
    if facts["threads"] != threads:
        notes.append(
            f"begun with {counted(facts['threads'], 'thread')}, resumed with {threads}: "
            "the weights may differ in the last digits from an uninterrupted run"
        )
    if facts["torch"] != torch.__version__:
        notes.append(f"begun with torch {facts['torch']}, resumed with {torch.__version__}")
    return tuple(notes)


def _locked(folder: Path) -> filelock.BaseFileLock:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            str(folder),
            needed="a folder that can be made",
            came=error.strerror or str(error),
            remedy="choose another place for the model",
        ) from error
    lock = filelock.FileLock(folder / "lock")
    try:
        lock.acquire(timeout=0)
    except OSError as error:
        if isinstance(error, filelock.Timeout):
            raise _taken(folder) from None
        raise UsageError(
            str(folder / "lock"),
            needed="a file that can be locked",
            came=error.strerror or str(error),
            remedy="remove it, or choose another place for the model",
        ) from error
    return lock


def _taken(folder: Path) -> UsageError:
    return UsageError(
        str(folder),
        needed="a run of its own for each process",
        came="another process at work on it",
        remedy="wait for it, stop it, or give the model another name",
    )
