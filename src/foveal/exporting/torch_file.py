"""An exported program of torch: graph and weights without a line of Python, and without pickle."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from foveal.arrays import Array
from foveal.engines import eager
from foveal.exporting.endings import TORCH
from foveal.exporting.format import Facts, Format, Run
from foveal.exporting.program import Program

MEMBER = "foveal.json"
"""Under which the file keeps what it tells of itself."""


def write(program: Program, facts: Facts, path: Path) -> None:
    """Write one file."""
    traced = program.traced
    traced.example_inputs = None  # they would be the one part that is pickled
    torch.export.save(traced, path, extra_files={MEMBER: json.dumps(dict(facts))})


def open_file(path: Path, threads: int) -> Run:
    """Open a file in torch, on the processor; torch's threads are those of the process."""
    network = torch.export.load(path).module()

    def run(batch: Array) -> Array:
        with torch.inference_mode():
            answers: Array = network(torch.tensor(batch)).numpy()
        return answers

    return run


def facts_of(path: Path) -> dict[str, str]:
    """Read what a file tells of itself."""
    members = {MEMBER: ""}
    torch.export.load(path, extra_files=members)
    found: dict[str, str] = json.loads(members[MEMBER])
    return found


FORMAT = Format(
    name="PyTorch",
    suffix=TORCH,
    engine=eager.NAME,
    write=write,
    open=open_file,
    facts=facts_of,
)
