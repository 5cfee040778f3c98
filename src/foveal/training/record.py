"""What the folder of a run says of it afterwards: read, never written."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foveal.errors import UsageError
from foveal.progress.events import CutTried, EpochEnded, FoldsJudged
from foveal.training.journal import CONFIG, DONE, EVENTS, LEDGER, read_json, read_line

LONGEST_LINE = 2_000_000
"""Characters of an event; a longer line is damaged."""
LEFT_OUT = "what was asked, and how it learned, is left out"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """What a run was asked for, and what happened in it."""

    command: str
    """Kind of training: transfer, cnn, autoencoder; empty where it is not known."""
    line: str
    """The line that was typed; empty where there was none."""
    source: str
    """What taught it, as it was typed; empty where that is not known."""
    options: dict[str, Any]
    """Options of the learner, by name."""
    epochs: tuple[dict[str, Any], ...]
    """Each epoch, by the names of `EpochEnded`."""
    folds: dict[str, Any]
    """Figures of whole trainings on folds; empty where there were none."""
    cuts: tuple[dict[str, Any], ...]
    """Places to cut a backbone at that were tried, by the names of `CutTried`."""
    prepared: dict[str, Any]
    """What is known of the pictures, by the names of `Prepared`; empty before they were ready."""
    notes: tuple[str, ...]
    """Everything unusual that was said, in order, each once."""
    fingerprint: str
    """Hash of all pictures, in order; empty where it is not known."""
    left_out: tuple[tuple[str, str], ...]
    """Files that could not be used, each with why."""
    complete: bool
    model: str
    """Name of the file of the model; empty where it is not complete."""
    sha256: str
    """Of the model's file, as it was saved; empty where it was saved in none."""

    @classmethod
    def read(cls, folder: str | Path, model: str = "") -> RunRecord:
        """Read the folder of a run.

        Parameters
        ----------
        folder : path
            The folder, beside its model.
        model : str
            Name of the model's file, where the run is not marked complete yet.

        Raises
        ------
        UsageError
            Where it holds no run.
        """
        place = Path(folder)
        config, done = read_json(place / CONFIG), read_json(place / DONE)
        if not config:
            raise UsageError(
                str(folder),
                needed="the folder of a run, which training leaves beside its model",
                came="no config.json in it that can be read",
                remedy="name such a folder, or the model's file",
            )
        agreed, decided = config.get("agreed", {}), config.get("decided", {})
        typed = decided.get("typed", {})
        events = list(_events(place / EVENTS))
        return cls(
            command=str(agreed.get("command", "")),
            line=str(typed.get("line", "")),
            source=str(typed.get("pictures", "")),
            options=dict(agreed.get("options", {})),
            epochs=tuple(one for one in events if one["kind"] == EpochEnded.kind),
            folds=next((one["facts"] for one in events if one["kind"] == FoldsJudged.kind), {}),
            cuts=tuple(one for one in events if one["kind"] == CutTried.kind),
            prepared=next((one for one in events if one["kind"] == "prepared"), {}),
            notes=tuple(dict.fromkeys(str(note) for one in events for note in _notes(one))),
            fingerprint=str(agreed.get("pictures", "")),
            left_out=tuple(_left_out(place / LEDGER)),
            complete=(place / DONE).exists(),
            model=str(done.get("model", model)),
            sha256=str(done.get("sha256", "")),
        )

    def unrelated(self, sha256: str) -> str:
        """Say why a model does not come from this run; nothing where it may.

        Parameters
        ----------
        sha256 : str
            Of the model's file; empty where it is in none.
        """
        if not self.complete:
            return f"its run is not complete, and may be that of another model: {LEFT_OUT}"
        if sha256 and self.sha256 and sha256 != self.sha256:
            return f"the run beside it made another model: {LEFT_OUT}"
        return ""


def _events(path: Path) -> Iterator[dict[str, Any]]:
    """Yield events but for steps, which are many."""
    if not path.is_file():
        return
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.startswith('{"kind": "step"') or len(line) > LONGEST_LINE:
                continue
            event = read_line(line)
            if "kind" in event:
                yield event


def _notes(event: dict[str, Any]) -> list[Any]:
    if event["kind"] == "shortened":
        return [
            f"the machine became slower: training ended at step {event.get('steps')} of "
            f"{event.get('before')}, to keep to `seconds`"
        ]
    if event["kind"] == "resumed":
        return [f"stopped, and resumed from step {event.get('step')}", *event.get("notes", [])]
    notes = event.get("notes", [])
    return notes if isinstance(notes, list) else []


def _left_out(path: Path) -> Iterator[tuple[str, str]]:
    if not path.is_file():
        return
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        try:
            for row in csv.DictReader(file):
                if row.get("reason"):
                    yield str(row["path"]), str(row["reason"])
        except (csv.Error, KeyError):
            return  # a damaged ledger says nothing
