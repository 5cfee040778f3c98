"""OpenVINO's own format: two files, converted from torch, run by OpenVINO."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch

from foveal.arrays import Array
from foveal.engines import openvino as engine
from foveal.engines.engine import kept_in_forks
from foveal.exporting.endings import OPENVINO
from foveal.exporting.format import Facts, Format, Run
from foveal.exporting.program import Program

SECTION = "foveal"
"""Under which the file keeps what it tells of itself."""


def write(program: Program, facts: Facts, path: Path) -> None:
    """Write a graph, and its weights beside it."""
    with warnings.catch_warnings(), torch.inference_mode(False), torch.no_grad():
        warnings.simplefilter("ignore")  # the converter's own; nothing a user could act on
        model = engine.runtime().convert_model(program.traced)
    save(model, program, facts, path)


def save(model: Any, program: Program, facts: Facts, path: Path) -> None:
    """Write a converted graph in single precision, its ends named, with facts."""
    model.inputs[0].set_names({program.input.name})
    model.outputs[0].set_names({program.output.name})
    for name, text in facts.items():
        model.set_rt_info(text, [SECTION, name])
    engine.runtime().save_model(model, path, compress_to_fp16=False)


def open_file(path: Path, threads: int) -> Run:
    """Open a file in OpenVINO, on the processor, in single precision."""
    options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads}
    compiled = kept_in_forks(engine.core().compile_model(path, "CPU", options))

    def run(batch: Array) -> Array:
        answers: Array = compiled([batch])[0].copy()
        return answers

    return run


def facts_of(path: Path) -> dict[str, str]:
    """Read what a file tells of itself."""
    model = engine.core().read_model(path)
    told = model.get_rt_info([SECTION]).value
    return {name: str(one) for name, one in told.items()}


FORMAT = Format(
    name="OpenVINO",
    suffix=OPENVINO,
    engine=engine.NAME,
    beside=(".bin",),
    write=write,
    open=open_file,
    facts=facts_of,
)
