"""Who is at a trial: processes on one machine tell by locks, others by what the database says.

A process holds a lock in the study's folder as long as it lives, which the system lets go of
however it ends. Elsewhere it says again and again that it is alive.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import filelock

from foveal.tuning.storage import BEAT

OF_STUDY = "lock"
"""Held while the study is opened, and while a model is kept."""
PREFIX = "process-"


class Presence:
    """A process at a study, this one."""

    def __init__(self, folder: Path, storage: Any) -> None:
        self.folder, self.storage = folder, storage
        self.token = secrets.token_hex(8)
        self._lock = filelock.FileLock(_lock_of(folder, self.token))

    def enter(self) -> None:
        """Let others on this machine see that this process is there, until it ends."""
        with study_lock(self.folder):  # whoever looks for those that ended does not meet it half
            self._lock.acquire()

    def leave(self, *, unfinished: bool) -> None:
        """Let go; where a trial was left unfinished the next process shall find out whose."""
        self._lock.release()
        if not unfinished:
            forget(self.folder, self.token)

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


def gone(folder: Path) -> set[str]:
    """Return those that were on this machine and ended without leaving."""
    files = folder.glob(_lock_of(folder, "*").name)
    found = {file.stem.removeprefix(PREFIX): filelock.FileLock(file) for file in files}
    return {token for token, lock in found.items() if _is_free(lock)}


def _is_free(lock: filelock.BaseFileLock) -> bool:
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        return False
    lock.release()
    return True


def forget(folder: Path, token: str) -> None:
    """Remove the lock of a process that has ended."""
    with suppress(PermissionError):  # Windows keeps what another process looks at: the next does it
        _lock_of(folder, token).unlink(missing_ok=True)


def study_lock(folder: Path) -> filelock.BaseFileLock:
    """Return what is held by one process of a folder at a time."""
    return filelock.FileLock(folder / OF_STUDY)


def _lock_of(folder: Path, token: str) -> Path:
    return folder / f"{PREFIX}{token}.lock"
