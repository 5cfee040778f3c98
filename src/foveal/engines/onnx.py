"""ONNX Runtime as an engine (extra `onnx`): exported by torch, in single precision."""

from __future__ import annotations

import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from foveal.engines.conversion_cache import Parts, through
from foveal.engines.engine import Engine, Frozen, Lane, Scaled

NAME = "onnxruntime"


def engine(frozen: Frozen, *, threads: int, kept: Path | None = None) -> Engine:
    """Make ONNX Runtime run a network.

    Each of `threads` lanes computes batches of its own in one thread: 12 and 20 % more
    pictures a second than all threads on one batch (EfficientNet-Lite0, ResNet-18, two threads).

    Parameters
    ----------
    frozen : Frozen
        The network.
    threads : int
        Threads it may use.
    kept : pathlib.Path, optional
        File that holds the exported network between processes.
    """
    import onnxruntime  # type: ignore[import-untyped]

    named = f"onnxruntime {version('onnxruntime')}"

    def load(parts: Parts) -> Engine:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3  # errors; it warns about its own rewriting of graphs
        session = onnxruntime.InferenceSession(
            parts["onnx"], options, providers=["CPUExecutionProvider"]
        )
        feed = session.get_inputs()[0].name

        def answer(images_nhwc: np.ndarray) -> np.ndarray:
            answers: np.ndarray = session.run(None, {feed: images_nhwc})[0]
            return answers

        def start() -> Lane:
            return answer  # a session may be run by several threads at a time

        return Engine(
            name=NAME,
            version=named,
            batch=frozen.batch,
            frozen=frozen,
            lanes=threads,
            start=start,
        )

    return through(kept, frozen, named, convert=lambda it: convert(it, frozen), load=load)


def convert(scaled: Scaled, frozen: Frozen) -> Parts:
    """Export a network to ONNX, for batches of one size."""
    example_nhwc = torch.from_numpy(frozen.example(frozen.batch))
    with warnings.catch_warnings(), torch.inference_mode(False), torch.no_grad():
        warnings.simplefilter("ignore")  # the exporter's own; nothing a user could act on
        program = torch.onnx.export(scaled, (example_nhwc,), dynamo=True, verbose=False)
    if program is None:
        raise RuntimeError("torch.onnx.export gave nothing")
    return {"onnx": program.model_proto.SerializeToString()}
