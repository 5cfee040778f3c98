"""Checkpoints: the whole training state in one file, under a new name each time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from foveal import tensor_files
from foveal.errors import ModelFileError
from foveal.training.group import Group
from foveal.training.loop import Tally, TrainingState
from foveal.training.steps import Scores

PATTERN = "checkpoint-*.safetensors"
KEPT = 2
"""Checkpoints kept: the newest, and one before it in case that one is damaged."""


def save(folder: Path, state: TrainingState, facts: dict[str, Any]) -> Path:
    """Write a checkpoint and remove all but the newest `KEPT`.

    Parameters
    ----------
    folder : Path
        Folder of the run.
    state : TrainingState
        Between two steps.
    facts : dict
        What else belongs to it, as JSON: the place in events.jsonl, for one.
    """
    path = folder / f"checkpoint-{state.step:09d}.safetensors"
    tensor_files.write_tensors(path, dict(_tensors(state)), {"state": _numbers(state), **facts})
    upto = [one for one in sorted(folder.glob(PATTERN)) if one.name <= path.name]
    for old in set(folder.glob(PATTERN)) - set(upto[-KEPT:]):
        with contextlib.suppress(OSError):
            old.unlink()
    return path


def share(state: TrainingState, group: Group) -> None:
    """Bring the state of all processes to that of the first."""
    if group.size == 1:
        return
    data = b""
    if group.first:
        data, _ = tensor_files.packed(dict(_tensors(state)), {"state": _numbers(state)})
    data = group.sent(data)
    if not group.first:
        tensors, facts = tensor_files.unpacked(data, Path("the first process"))
        _put(state, tensors, facts["state"])


def _numbers(state: TrainingState) -> dict[str, Any]:
    return {
        "step": state.step,
        "judged_at": state.judged_at,
        "best": asdict(state.best) if state.best else None,
        "best_epoch": state.best_epoch,
        "stale": state.stale,
        "tally": asdict(state.tally),
        "snapshot_steps": state.snapshot_steps,
        "seconds": state.seconds,
        "judging": state.judging,
        "turns": state.turns,
    }


def clear(folder: Path) -> int:
    """Remove all checkpoints; answers how many there were."""
    found = list(folder.glob(PATTERN))
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)


def restore(folder: Path, state: TrainingState, run: str = "") -> dict[str, Any] | None:
    """Bring a fresh state to the newest checkpoint that is whole and of the same run.

    Returns
    -------
    dict or None
        The facts saved with it; None where there is no checkpoint.
    """
    for path in sorted(folder.glob(PATTERN), reverse=True):
        try:
            tensors, facts = tensor_files.read_tensors(path)
        except ModelFileError:
            continue  # damaged on disk: the one before it is tried
        if facts.get("run", "") != run:
            continue  # left by another run in the same folder
        _put(state, tensors, facts["state"])
        return facts
    return None


def _tensors(state: TrainingState) -> Iterator[tuple[str, torch.Tensor]]:
    for name, value in state.network.state_dict().items():
        yield f"network/{name}", value
    if state.averaged is not None:
        for name, value in state.averaged.state_dict().items():
            yield f"averaged/{name}", value
    for name, value in state.best_weights.items():
        yield f"best/{name}", value
    for name, value in state.optimizer.state().items():
        yield f"optimizer/{name}", value
    for index, kernels in enumerate(state.snapshots):
        yield f"snapshots/{index}", kernels


def _put(state: TrainingState, tensors: dict[str, torch.Tensor], facts: dict[str, Any]) -> None:
    """Copy values into the tensors that are there: their layout in memory stays as it is."""
    state.network.load_state_dict(_under(tensors, "network/"))
    if state.averaged is not None:
        state.averaged.load_state_dict(_under(tensors, "averaged/"))
    best = _under(tensors, "best/")
    state.best_weights = {
        name: torch.empty_like(value).copy_(best[name])
        for name, value in state.network.state_dict().items()
        if best
    }
    for name, value in state.optimizer.state().items():
        value.copy_(tensors[f"optimizer/{name}"])
    state.step = facts["step"]
    state.judged_at = facts["judged_at"]
    state.best = Scores(**facts["best"]) if facts["best"] else None
    state.best_epoch, state.stale = facts["best_epoch"], facts["stale"]
    state.tally = Tally(**facts["tally"])
    state.snapshot_steps = list(facts["snapshot_steps"])
    state.seconds, state.judging = facts["seconds"], facts["judging"]
    state.turns = [(step, steps) for step, steps in facts["turns"]]
    state.snapshots = [tensors[f"snapshots/{index}"] for index in range(len(state.snapshot_steps))]


def _under(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
