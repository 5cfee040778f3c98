"""A run: the folder beside a model, in which training keeps what it needs to go on.

    MODEL.run/
        lock             held while the run is under way
        config.json      what was asked for and what was decided, once
        ledger.csv       what became of every picture
        events.jsonl     what happened
        checkpoint-*     the training state
        done.json        written last: the run is complete

A run without a folder keeps nothing and only tells its listeners.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import filelock
import torch

from foveal import files
from foveal.errors import Interrupted, UsageError
from foveal.progress.events import EpochEnded, Event, Listener, Resumed, StepEnded, to_json
from foveal.training import checkpoint
from foveal.training.loop import TrainingState

T = TypeVar("T")
MOST_STEP_EVENTS = 1_000
"""Steps of which events.jsonl keeps a line, at most."""
DUTY = 30
"""Checkpoints are at least this many times as far apart as writing one takes."""


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
    ) -> None:
        if resume and fresh:
            raise UsageError(
                "`resume` and `fresh`",
                needed="one of them",
                came="both",
                remedy="`resume` goes on where the run stopped, `fresh` begins anew",
            )
        self.folder = folder
        self.listeners = list(listeners)
        self.checkpoint_seconds = checkpoint_seconds
        self.stopping = False
        self.training = False
        self.asked_to_resume = resume
        self.resuming = False
        self.was_finished = False
        self.epochs: list[dict[str, Any]] = []
        self._config: dict[str, Any] = {}
        self._lock = None if folder is None else _locked(folder)
        if folder is None:
            return
        there = target is None or target.exists()
        self.was_finished = (folder / "done.json").exists() and there
        begun = any(folder.glob(checkpoint.PATTERN)) or "steps" in _decided(folder)
        unfinished = begun and not (folder / "done.json").exists()
        if unfinished and not (resume or fresh):
            self.close()
            raise UsageError(
                f"{folder}",
                needed="to know what to do with the unfinished run in it",
                came="neither `resume` nor `fresh`",
                remedy="`resume` goes on where it stopped, `fresh` begins anew",
            )
        if resume and (unfinished or self.was_finished):
            self._config = _read_json(folder / "config.json")
            self.resuming = bool(self._config) and unfinished
        if resume and not self._config and any(folder.glob(checkpoint.PATTERN)):
            self.close()
            raise UsageError(
                f"{folder / 'config.json'}",
                needed="what the run to be resumed had decided",
                came="nothing that can be read, beside checkpoints",
                remedy="bring the file back, or begin anew with `fresh`",
            )
        if not (resume and (unfinished or self.was_finished)):
            # a run stopped before its first step loses nothing, but what was asked for holds
            kept = _read_json(folder / "config.json") if resume else {}
            self._clear()
            if kept:
                self._config = kept
                self._write_config()

    # Decisions ---------------------------------------------------------------------------

    def decide(self, name: str, compute: Callable[[], T]) -> T:
        """Decide something once: a resumed run takes what the first one decided.

        The answer must survive JSON: numbers, texts, lists, dictionaries.
        """
        decided = self._config.setdefault("decided", {})
        if name not in decided:
            decided[name] = compute()
            self._write_config()
        found: T = decided[name]
        return found

    def agree(self, name: str, value: object, remedy: str) -> None:
        """Check something against what the first run had; it must be the same.

        Raises
        ------
        UsageError
            Where it differs.
        """
        agreed = self._config.setdefault("agreed", {})
        value = json.loads(json.dumps(value))
        if name in agreed and agreed[name] != value:
            before, now = _differences(agreed[name], value)
            raise UsageError(
                f"`resume`: {name}", needed=f"{before}, as the run began", came=now, remedy=remedy
            )
        if name not in agreed:
            agreed[name] = value
            self._write_config()

    @property
    def options(self) -> dict[str, Any]:
        """The options the resumed run was begun with."""
        agreed = self._config.get("agreed", {})
        found: dict[str, Any] = agreed.get("options", {})
        return found

    # Events and checkpoints ----------------------------------------------------------------

    def tell(self, *events: Event) -> None:
        """Tell listeners of events, in order, and write them down."""
        for event in events:
            for listener in self.listeners:
                listener(event)
            if isinstance(event, EpochEnded):
                self.epochs.append(asdict(event))
            if self.folder is not None and _kept(event):
                with (self.folder / "events.jsonl").open("a", encoding="utf-8") as file:
                    file.write(to_json(event) + "\n")

    def restore(self, state: TrainingState) -> None:
        """Bring a fresh state to the last checkpoint, where this run resumes one."""
        if self.folder is None:
            return
        facts = checkpoint.restore(self.folder, state, self._id()) if self.resuming else None
        if facts is not None:
            self._rewind(facts["events"])
            self.tell(Resumed(step=state.step, notes=self._thread_notes(facts)))
        elif self.asked_to_resume:
            what = "damaged checkpoints" if checkpoint.clear(self.folder) else "no checkpoint"
            self._rewind(0)
            self.tell(Resumed(step=0, notes=(f"{what}: training starts anew",)))

    def watch(self, events: Iterable[Event], state: TrainingState, *, keep: bool = True) -> None:
        """Follow the loop to its end: tell events, write checkpoints, stop where asked.

        Parameters
        ----------
        keep : bool
            Whether checkpoints are written; not for what a resumed run quickly does again.

        Raises
        ------
        Interrupted
            After `stop`, with a checkpoint written.
        """
        last = time.monotonic()
        pause = self.checkpoint_seconds
        self.training = True
        try:
            for event in events:
                self.tell(event)
                if self.stopping:
                    if keep:
                        self._checkpoint(state)
                    raise self.interrupted()
                if keep and self.folder is not None and time.monotonic() - last >= pause:
                    began = time.monotonic()
                    self._checkpoint(state)
                    last = time.monotonic()
                    pause = max(self.checkpoint_seconds, DUTY * (last - began))
            if keep:
                self._checkpoint(state)
        finally:
            self.training = False

    def stop(self) -> None:
        """Ask a run under way to stop after its current step."""
        self.stopping = True

    def interrupted(self) -> Interrupted:
        """Make the error that says how a stopped run goes on."""
        kept = self.folder is not None and any(self.folder.glob(checkpoint.PATTERN))
        begun = "steps" in self._config.get("decided", {})
        remedy = "give the same command again"
        if kept:
            remedy = "go on from its checkpoint with `resume`"
        elif begun:
            remedy = "start again with `fresh`: there was no checkpoint yet"
        came = f"a request to stop, in epoch {len(self.epochs) + 1}"
        return Interrupted("training", needed="to run to its end", came=came, remedy=remedy)

    def finish(self, facts: dict[str, Any]) -> None:
        """Mark the run complete and remove its checkpoints; the model must be saved by now."""
        if self.folder is None:
            return
        files.write_whole(self.folder / "done.json", json.dumps(facts).encode())
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
        self.close()

    def _checkpoint(self, state: TrainingState) -> None:
        if self.folder is None:
            return
        events = self.folder / "events.jsonl"
        size = events.stat().st_size if events.exists() else 0
        facts = {
            "run": self._id(),
            "events": size,
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
        }
        checkpoint.save(self.folder, state, facts)

    def _id(self) -> str:
        """Tell this run's checkpoints from those another run left in the folder."""
        return self.decide("run", lambda: secrets.token_hex(8))

    def _rewind(self, size: int) -> None:
        """Cut events.jsonl back to the checkpoint: what came after will come again."""
        assert self.folder is not None
        with (self.folder / "events.jsonl").open("ab") as file:
            file.truncate(min(size, file.tell()))
        text = (self.folder / "events.jsonl").read_text(encoding="utf-8", errors="replace")
        lines = text.splitlines()
        told = [_read_line(line) for line in lines]
        self.epochs = [one for one in told if one.pop("kind", "") == EpochEnded.kind]

    def _thread_notes(self, facts: dict[str, Any]) -> tuple[str, ...]:
        notes: list[str] = []
        threads = torch.get_num_threads()
        if facts["threads"] != threads:
            notes.append(
                f"begun with {facts['threads']} threads, resumed with {threads}: "
                "the weights may differ in the last digits from an uninterrupted run"
            )
        if facts["torch"] != torch.__version__:
            notes.append(f"begun with torch {facts['torch']}, resumed with {torch.__version__}")
        return tuple(notes)

    def _write_config(self) -> None:
        if self.folder is not None:
            text = json.dumps(self._config, indent=1, sort_keys=True)
            files.write_whole(self.folder / "config.json", text.encode())

    def _clear(self) -> None:
        assert self.folder is not None
        names = ("config.json", "events.jsonl", "ledger.csv", "done.json")
        # The mark of completeness goes last: a half-cleared folder must not look unfinished.
        for path in [*self.folder.glob(checkpoint.PATTERN), *(self.folder / one for one in names)]:
            path.unlink(missing_ok=True)


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


def _kept(event: Event) -> bool:
    if event.kind in ("decoding", "extracting"):
        return False
    if isinstance(event, StepEnded):
        return event.step % max(1, event.steps // MOST_STEP_EVENTS) == 0
    return True


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _decided(folder: Path) -> dict[str, Any]:
    """Read what a run decided; a run that did not come to its steps has nothing to lose."""
    found = _read_json(folder / "config.json").get("decided")
    return found if isinstance(found, dict) else {}


def _read_line(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}  # the record of what happened is damaged; the state is not
    return found if isinstance(found, dict) else {}


def _differences(before: Any, now: Any) -> tuple[str, str]:
    """Name what differs, key by key where both are dictionaries."""
    if not isinstance(before, dict) or not isinstance(now, dict):
        return str(before), str(now)
    keys = [key for key in sorted({*before, *now}) if before.get(key) != now.get(key)]
    return tuple(  # type: ignore[return-value]
        ", ".join(f"{key}={values.get(key)!r}" for key in keys) for values in (before, now)
    )
