"""ONNX: written by torch's exporter, run by ONNX Runtime (extra `onnx`)."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch

from foveal.arrays import Array
from foveal.engines import onnx as engine
from foveal.errors import UsageError
from foveal.exporting.endings import ONNX
from foveal.exporting.format import Facts, Format, Run
from foveal.exporting.program import Program
from foveal.version import __version__
from foveal.wording import counted

MOST_BYTES = 2_000_000_000
"""Bytes of weights that one file of ONNX holds: protobuf allows 2 GiB in all."""


def write(program: Program, facts: Facts, path: Path) -> None:
    """Write one file, with its weights in it.

    Raises
    ------
    UsageError
        For weights that do not fit in one file.
    """
    size = sum(one.nbytes for one in program.module.state_dict().values())
    if size > MOST_BYTES:
        raise UsageError(
            "the file",
            needed=f"weights of at most {counted(MOST_BYTES, 'byte')}",
            came=f"{size:,}",
            remedy="write .xml or .pt2, which have no such limit",
        )
    with warnings.catch_warnings(), torch.inference_mode(False), torch.no_grad():
        warnings.simplefilter("ignore")  # the exporter's own; nothing a user could act on
        found = torch.onnx.export(
            program.traced,
            dynamo=True,
            verbose=False,
            input_names=[program.input.name],
            output_names=[program.output.name],
        )
    if found is None:
        raise RuntimeError("torch.onnx.export gave nothing")
    path.write_bytes(told(found.model_proto, program, facts).SerializeToString())


def told(proto: Any, program: Program, facts: Facts) -> Any:
    """Write facts into a graph, and name its free sides."""
    for value, port in (
        (proto.graph.input[0], program.input),
        (proto.graph.output[0], program.output),
    ):
        for dim, side in zip(value.type.tensor_type.shape.dim, port.shape, strict=True):
            if isinstance(side, str):
                dim.dim_param = side
    proto.producer_name, proto.producer_version = "foveal", __version__
    del proto.metadata_props[:]
    for name, text in facts.items():
        entry = proto.metadata_props.add()
        entry.key, entry.value = name, text
    return proto


def open_file(path: Path, threads: int) -> Run:
    """Open a file in ONNX Runtime, on the processor."""
    session = _session(path, threads)
    feed = session.get_inputs()[0].name

    def run(batch: Array) -> Array:
        answers: Array = session.run(None, {feed: batch})[0]
        return answers

    return run


def facts_of(path: Path) -> dict[str, str]:
    """Read what a file tells of itself."""
    return dict(_session(path, 1).get_modelmeta().custom_metadata_map)


def _session(path: Path, threads: int) -> Any:
    import onnxruntime  # type: ignore[import-untyped]

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors; it warns about its own rewriting of graphs
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


FORMAT = Format(
    name="ONNX",
    suffix=ONNX,
    engine=engine.NAME,
    write=write,
    open=open_file,
    facts=facts_of,
)
