"""The journal of a run: what is written down of it, beside its checkpoints.

    config.json      what was asked for and what was decided, once
    events.jsonl     what happened
    done.json        written last: the run is complete
    earlier/         the complete run that this one is to replace, until it is complete itself

A journal without a folder writes nothing; what it decides holds as long as it does.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from foveal import files
from foveal.errors import UsageError
from foveal.progress.events import EpochEnded, Event, StepEnded, to_json

T = TypeVar("T")
CONFIG, EVENTS, LEDGER, DONE = "config.json", "events.jsonl", "ledger.csv", "done.json"
FOLDS, TABLE_OF_FOLDS = "folds", "folds.csv"
"""Where trainings on folds keep themselves, and what they said of each picture."""
REPORT, REPLACED_REPORT = "report.html", "replaced.html"
"""What is written of a run once its model is; and that of the run before, which another keeps."""
EARLIER = "earlier"
OF_RUN = (FOLDS, CONFIG, EVENTS, LEDGER, TABLE_OF_FOLDS, REPORT, DONE)
"""What a run leaves but checkpoints; the mark of completeness last, in which order it is moved."""
MOST_STEP_EVENTS = 1_000
"""Steps of which events.jsonl keeps a line, at most."""


class Journal:
    """What a run decided and what happened in it.

    Parameters
    ----------
    folder : Path, optional
        Folder of the run; None writes nothing.

    Attributes
    ----------
    epochs : list of dict
        The epochs so far.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self.epochs: list[dict[str, Any]] = []
        self._config: dict[str, Any] = {}

    # What there is -------------------------------------------------------------------------

    @property
    def done(self) -> bool:
        """Whether the folder says that its run is complete."""
        return self.folder is not None and (self.folder / DONE).exists()

    @property
    def begun(self) -> bool:
        """Whether the folder's run came to its steps: before them there is nothing to lose.

        A training on folds that came before is as much.
        """
        return self.stepped or self.folded

    @property
    def stepped(self) -> bool:
        """Whether the folder's run came to its own steps."""
        decided = self.written().get("decided")
        return isinstance(decided, dict) and "steps" in decided

    @property
    def folded(self) -> bool:
        """Whether trainings on folds began in the folder."""
        return self.folder is not None and (self.folder / FOLDS).is_dir()

    @property
    def launch(self) -> object:
        """Name of the start of a launcher that began the folder's run; None without one."""
        return self.written().get("launch")

    def written(self) -> dict[str, Any]:
        """Return what config.json holds; nothing where it cannot be read."""
        return {} if self.folder is None else read_json(self.folder / CONFIG)

    def take_up(self, config: dict[str, Any], *, write: bool = False) -> None:
        """Go on with what an earlier run asked for and decided."""
        self._config = config
        if write and config:
            self._write_config()

    def begin(self, launch: str) -> None:
        """Note which start of a launcher began this run, where it had not begun before."""
        if launch and not self._config:
            self._config["launch"] = launch
            self._write_config()

    # Decisions -----------------------------------------------------------------------------

    def decide(self, name: str, compute: Callable[[], T]) -> T:
        """Decide something once: a resumed run takes what the first one decided."""
        decided = self._config.setdefault("decided", {})
        if name not in decided:
            decided[name] = compute()
            self._write_config()
        answer: T = decided[name]
        return answer

    def decided(self, name: str) -> bool:
        """Whether something is decided."""
        return name in self._config.get("decided", {})

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
        """The options the run was begun with."""
        options: dict[str, Any] = self._config.get("agreed", {}).get("options", {})
        return options

    # Events --------------------------------------------------------------------------------

    def write(self, event: Event) -> None:
        """Write an event down, if it is worth a line."""
        if isinstance(event, EpochEnded):
            self.epochs.append(asdict(event))
        if self.folder is not None and _kept(event):
            events = self.folder / EVENTS
            with files.told(str(events)), events.open("a", encoding="utf-8") as file:
                file.write(to_json(event) + "\n")

    @property
    def size(self) -> int:
        """Bytes of events so far: a checkpoint keeps it, for `rewind`."""
        events = None if self.folder is None else self.folder / EVENTS
        return events.stat().st_size if events is not None and events.exists() else 0

    def rewind(self, size: int) -> None:
        """Cut the events back to a checkpoint: what came after will come again."""
        assert self.folder is not None
        events = self.folder / EVENTS
        with files.told(str(events)), events.open("ab") as file:
            file.truncate(min(size, file.tell()))
        lines = events.read_text(encoding="utf-8", errors="replace").splitlines()
        told = [read_line(line) for line in lines]
        self.epochs = [facts for facts in told if facts.pop("kind", "") == EpochEnded.kind]

    # The end -------------------------------------------------------------------------------

    def complete(self, model: Path | None) -> None:
        """Write done.json: the name of the model's file, and its hash as `sha256sum` tells it.

        Of the run that was there before only the report is kept: its model is kept too.
        """
        if self.folder is None:
            return
        facts = {} if model is None else {"model": model.name, "sha256": files.digest_of(model)}
        files.write_whole(self.folder / DONE, json.dumps(facts).encode())
        earlier, kept = self.folder / EARLIER, self.folder / REPLACED_REPORT
        if (earlier / REPORT).is_file():
            (earlier / REPORT).replace(kept)
        elif earlier.is_dir():
            kept.unlink(missing_ok=True)
        shutil.rmtree(earlier, ignore_errors=True)

    def clear(self) -> None:
        """Make room for another run: a complete one is put aside, another removed.

        A half-cleared folder must not look unfinished.
        """
        if self.folder is None:
            return
        if self.done:
            _move(self.folder, self.folder / EARLIER)
            return
        if (self.folder / REPORT).is_file():
            (self.folder / REPORT).replace(self.folder / REPLACED_REPORT)
        _remove(self.folder)

    def put_back(self) -> None:
        """Bring the run back that was put aside: the one that was to replace it came to nothing."""
        if self.folder is None or not (self.folder / EARLIER / DONE).exists():
            return
        _remove(self.folder)
        _move(self.folder / EARLIER, self.folder)
        shutil.rmtree(self.folder / EARLIER, ignore_errors=True)

    def _write_config(self) -> None:
        if self.folder is not None:
            text = json.dumps(self._config, indent=1, sort_keys=True)
            files.write_whole(self.folder / CONFIG, text.encode())


def _move(folder: Path, to: Path) -> None:
    """Move what a run left, over what another one left there."""
    to.mkdir(exist_ok=True)
    if (to / DONE).exists():  # else it was killed while it moved these
        _remove(to)
    for name in OF_RUN:
        if _is_of_run(folder / name):
            (folder / name).replace(to / name)


def _remove(folder: Path) -> None:
    for path in (folder / name for name in OF_RUN):
        if path.name == FOLDS:
            shutil.rmtree(path, ignore_errors=True)
        elif _is_of_run(path):
            path.unlink()


def _is_of_run(path: Path) -> bool:
    """Whether a run left something; a folder in place of a file is of somebody else."""
    return path.is_dir() if path.name == FOLDS else path.is_file()


def _kept(event: Event) -> bool:
    if event.kind in ("decoding", "extracting"):
        return False
    if isinstance(event, StepEnded):
        return event.step % max(1, event.steps // MOST_STEP_EVENTS) == 0
    return True


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; nothing where it cannot be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def read_line(line: str) -> dict[str, Any]:
    """Read an object from a line; nothing where it cannot be read."""
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
