"""Who is at a trial: processes on one machine tell by locks, others by what the database says.

A process holds a lock in the study's folder as long as it lives, which the system lets go of
however it ends. Elsewhere it says again and again that it is alive.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import filelock

from foveal.tuning.storage import BEAT

OF_STUDY = "lock"
"""Held while the study is opened, and while a model is kept."""


class Presence:
    """A process at a study, this one; used by ``with``."""

    def __init__(self, folder: Path, storage: Any) -> None:
        self.folder, self.storage = folder, storage
        self.token = secrets.token_hex(8)
        self._lock = filelock.FileLock(_lock_of(folder, self.token))

    def __enter__(self) -> Presence:
        self._lock.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lock.release()
        if kind is None:  # else it may have been at a trial, as the next process should know
            _lock_of(self.folder, self.token).unlink(missing_ok=True)

    @contextmanager
    def at(self, trial: int) -> Iterator[None]:
        """Say that this process is at a trial, by its number in the database, within."""
        over = threading.Event()
        self.storage.record_heartbeat(trial)
        beating = threading.Thread(target=self._beat, args=(trial, over), daemon=True)
        beating.start()
        try:
            yield
        finally:
            over.set()
            beating.join()

    def _beat(self, trial: int, over: threading.Event) -> None:
        while not over.wait(BEAT):
            try:
                self.storage.record_heartbeat(trial)
            except Exception:
                continue  # the training finds out itself, when it next asks


def is_gone(folder: Path, token: str) -> bool:
    """Whether a process that was on this machine has ended; not known of others."""
    file = _lock_of(folder, token)
    if not file.exists():
        return False
    lock = filelock.FileLock(file)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        return False
    lock.release()
    return True


def forget(folder: Path, token: str) -> None:
    """Remove the lock of a process that has ended."""
    _lock_of(folder, token).unlink(missing_ok=True)


def study_lock(folder: Path) -> filelock.BaseFileLock:
    """Return what is held by one process of a folder at a time."""
    return filelock.FileLock(folder / OF_STUDY)


def _lock_of(folder: Path, token: str) -> Path:
    return folder / f"process-{token}.lock"
