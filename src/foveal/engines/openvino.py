"""OpenVINO as an engine: converted from torch, in single precision."""

from __future__ import annotations

import functools
import importlib
import os
import sys
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from foveal.device import ThreadLock
from foveal.engines.conversion_cache import Parts, through
from foveal.engines.engine import Engine, Frozen, Lane, Scaled, kept_in_forks
from foveal.engines.translate import Untold, translated

NAME = "openvino"


def engine(frozen: Frozen, *, threads: int, kept: Path | None = None) -> Engine:
    """Make OpenVINO run a network.

    Parameters
    ----------
    frozen : Frozen
        The network.
    threads : int
        Threads it may use; it splits them into lanes itself.
    kept : pathlib.Path, optional
        File that holds the converted network between processes.
    """
    named = f"openvino {version('openvino')}"

    def load(parts: Parts) -> Engine:
        compiled = _compiled(parts, threads)

        def start() -> Lane:
            request = compiled.create_infer_request()

            def answer(images_nhwc: np.ndarray) -> np.ndarray:
                answers: np.ndarray = request.infer([images_nhwc], share_inputs=True)[0]
                return answers

            return answer

        return Engine(
            name=NAME,
            version=named,
            batch=frozen.batch,
            frozen=frozen,
            lanes=compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"),
            start=start,
        )

    return through(kept, frozen, named, convert=lambda it: convert(it, frozen), load=load)


def convert(scaled: Scaled, frozen: Frozen) -> Parts:
    """Convert a network to OpenVINO's own form, for batches of one size."""
    openvino = runtime()
    try:
        model = _translated(scaled, frozen)
    except Untold:
        model = _traced(scaled, frozen)
    with tempfile.TemporaryDirectory() as folder:
        xml, weights = Path(folder) / "model.xml", Path(folder) / "model.bin"
        openvino.serialize(model, xml, weights)
        return {"xml": xml.read_bytes(), "bin": weights.read_bytes()}


def _translated(scaled: Scaled, frozen: Frozen) -> Any:
    """Write the network down, module by module; a hundred times as fast as tracing it."""
    openvino = runtime()
    opset = importlib.import_module("openvino.opset15")
    return translated(scaled.network, frozen, opset, openvino.Model)


def _traced(scaled: Scaled, frozen: Frozen) -> Any:
    example_nhwc = torch.from_numpy(frozen.example(frozen.batch))
    with warnings.catch_warnings(), torch.inference_mode(False), torch.no_grad():
        warnings.simplefilter("ignore")  # the converter's own; nothing a user could act on
        program = torch.export.export(scaled, (example_nhwc,))
        # Without its shape the input would become dynamic, which runs 20 % slower.
        return runtime().convert_model(program, input=[tuple(example_nhwc.shape)])


def _compiled(parts: Parts, threads: int) -> Any:
    options = {
        "PERFORMANCE_HINT": "THROUGHPUT",
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": threads,
        "ENABLE_CPU_PINNING": False,  # two processes would pin to the same cores
    }
    model = core().read_model(parts["xml"], parts["bin"])
    return kept_in_forks(core().compile_model(model, "CPU", options))


def core() -> Any:
    """Return this process's way to OpenVINO's devices: one, until it ends.

    Each that loads the plugin for processors gives the thread that it is made in another stack for
    signals, and its end gives the one of before back. Where that one ended first, its memory is
    gone, and the next signal ends the process (SIGSEGV). A forked process makes its own: of the
    threads of the first it has none.
    """
    with _making:
        return _core(os.getpid())


@functools.cache
def _core(process: int) -> Any:
    return kept_in_forks(runtime().Core())


_making = ThreadLock()


def runtime() -> Any:
    """Import OpenVINO without the part of it that reports usage over the network."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino  # type: ignore[import-untyped]

    return openvino
