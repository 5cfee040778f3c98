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
from foveal.training import checkpoint
from foveal.training.events import EpochEnded, Event, Listener, Resumed, StepEnded, to_json
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
    ) -> None:
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
        self.was_finished = (folder / "done.json").exists()
        unfinished = (folder / "config.json").exists() and not self.was_finished
        if unfinished and not (resume or fresh):
            self.close()
            raise UsageError(
                f"{folder}",
                needed="to know what to do with the unfinished run in it",
                came="neither --resume nor --fresh",
                remedy="--resume goes on where it stopped, --fresh begins anew",
            )
        if resume and unfinished:
            self._config = _read_json(folder / "config.json")
            self.resuming = bool(self._config)
        if not (resume and (unfinished or self.was_finished)):
            self._clear()

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
        """Hold something against what the first run had; it must be the same.

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
                f"--resume: {name}", needed=f"{before}, as the run began", came=now, remedy=remedy
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

    def tell(self, event: Event) -> None:
        """Tell listeners of an event, and write it down."""
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
        facts = checkpoint.restore(self.folder, state) if self.resuming else None
        if facts is not None:
            self._rewind(facts["events"])
            self.tell(Resumed(step=state.step, notes=self._thread_notes(facts)))
        elif self.asked_to_resume:
            self.tell(Resumed(step=0, notes=("no checkpoint: training starts anew",)))

    def watch(self, events: Iterable[Event], state: TrainingState) -> None:
        """Follow the loop to its end: tell events, write checkpoints, stop where asked.

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
                    self._checkpoint(state)
                    raise self.interrupted(state.step)
                if self.folder is not None and time.monotonic() - last >= pause:
                    began = time.monotonic()
                    self._checkpoint(state)
                    last = time.monotonic()
                    pause = max(self.checkpoint_seconds, DUTY * (last - began))
            self._checkpoint(state)
        finally:
            self.training = False

    def stop(self) -> None:
        """Ask a run under way to stop after its current step."""
        self.stopping = True

    def interrupted(self, step: int = 0) -> Interrupted:
        """Make the error that says how a stopped run goes on."""
        kept = self.folder is not None and step > 0
        return Interrupted(
            "training",
            needed="to run to its end",
            came=f"a request to stop at step {step}",
            remedy="go on with --resume" if kept else "nothing was kept; start again",
        )

    def finish(self, facts: dict[str, Any]) -> None:
        """Mark the run complete and remove its checkpoints; the model must be saved by now."""
        if self.folder is None:
            return
        files.write_whole(self.folder / "done.json", json.dumps(facts).encode())
        for path in self.folder.glob(checkpoint.PATTERN):
            path.unlink(missing_ok=True)

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
        facts = {"events": size, "threads": torch.get_num_threads(), "torch": torch.__version__}
        checkpoint.save(self.folder, state, facts)

    def _rewind(self, size: int) -> None:
        """Cut events.jsonl back to the checkpoint: what came after will come again."""
        assert self.folder is not None
        with (self.folder / "events.jsonl").open("ab") as file:
            file.truncate(min(size, file.tell()))
        lines = (self.folder / "events.jsonl").read_text(encoding="utf-8").splitlines()
        told = [json.loads(line) for line in lines]
        self.epochs = [one for one in told if one.pop("kind") == EpochEnded.kind]

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
    except filelock.Timeout:
        raise UsageError(
            str(folder),
            needed="a run of its own for each process",
            came="another process at work on it",
            remedy="wait for it, stop it, or give the model another name",
        ) from None
    return lock


def _kept(event: Event) -> bool:
    if event.kind == "decoding":
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


def _differences(before: Any, now: Any) -> tuple[str, str]:
    """Name what differs, key by key where both are dictionaries."""
    if not isinstance(before, dict) or not isinstance(now, dict):
        return str(before), str(now)
    keys = [key for key in sorted({*before, *now}) if before.get(key) != now.get(key)]
    return tuple(  # type: ignore[return-value]
        ", ".join(f"{key}={values.get(key)!r}" for key in keys) for values in (before, now)
    )
