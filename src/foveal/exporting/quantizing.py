"""Eight bits: ranges found on pictures, the file in pairs of quantize and dequantize (QDQ).

ONNX Runtime's own static quantization; OpenVINO reads the same graph and keeps its pairs, so that
no further package is needed for it (docs/tried.md).
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
import time
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from foveal.arrays import Array, Doubles
from foveal.engines import openvino as engine
from foveal.errors import DataError, UsageError
from foveal.evaluation.intervals import wilson
from foveal.exporting import onnx_file, openvino_file
from foveal.exporting.certificate import Difference, Judged, Quantized, Speed, Total
from foveal.exporting.format import Facts, Format, Run
from foveal.exporting.formats import check_installed
from foveal.exporting.golden import Batch
from foveal.exporting.program import Program
from foveal.judging.held_out import Standing
from foveal.model.fitted import FittedModel
from foveal.pictures.collection import Pictures, evenly

CALIBRATED = 256
"""Pictures that ranges are found on, at most."""
FEWEST = 8
"""Pictures to find ranges on and to judge by, at least."""
SECONDS, RUNS = 1.5, 200
"""How long each file is timed, and how often it is run, at most."""
DENSE = ("Gemm", "MatMul")
"""Operations of dense layers."""
QUANTIZED = ("Conv", *DENSE, "GlobalAveragePool", "MaxPool", "AveragePool")
"""Operations that are done in eight bits; those between them are where both sides are.

No sums: that of a residual block has the range of both of its terms (docs/tried.md).
"""


def check(found: Format, *, raw: bool) -> None:
    """Check that a file of this format can be in eight bits.

    Raises
    ------
    UsageError
        For a format that cannot, where a package is missing, and with resizing in the file.
    """
    if found not in (onnx_file.FORMAT, openvino_file.FORMAT):
        raise UsageError(
            "int8", needed="a file .onnx or .xml", came=found.suffix, remedy="write one of these"
        )
    if raw:
        raise UsageError(
            "int8",
            needed="a file that takes pictures at the model's size",
            came="`raw`, whose resizing would be in eight bits too",
            remedy="leave `raw` out",
        )
    check_installed(onnx_file.FORMAT)


def apart(calibrate: Pictures, golden: Pictures | None) -> tuple[Pictures, Pictures]:
    """Part pictures into those that ranges are found on, and those that a file is judged by.

    Every other one, where no golden pictures are given.

    Raises
    ------
    DataError
        Where they are too few.
    """
    rows = np.arange(len(calibrate))
    chosen, others = (rows, rows[:0]) if golden is not None else (rows[::2], rows[1::2])
    judged = calibrate.take(others.tolist()) if golden is None else golden
    if min(len(chosen), len(judged)) < FEWEST:
        raise DataError(
            "calibrate",
            needed=f"at least {FEWEST} pictures to find ranges on, and {FEWEST} to judge by",
            came=f"{len(chosen)} and {len(judged)}",
            remedy="give more pictures: a hundred or more of the kind that the file will see",
        )
    picked = chosen[evenly(len(chosen), CALIBRATED)]
    return calibrate.take(picked.tolist()), judged


def write(
    found: Format,
    program: Program,
    facts: Facts,
    inputs: Iterable[Array],
    plain: Path,
    place: Path,
) -> None:
    """Write a file in eight bits.

    Parameters
    ----------
    inputs : iterable of array
        What goes into the file, by which ranges are found.
    plain : path
        The same file in single precision.
    """
    if found is onnx_file.FORMAT:
        _quantize(plain, place, program, inputs, facts)
        return
    with tempfile.TemporaryDirectory() as folder:
        source, graph = Path(folder) / "source.onnx", Path(folder) / "quantized.onnx"
        onnx_file.write(program, facts, source)
        _quantize(source, graph, program, inputs, facts)
        openvino_file.save(engine.runtime().convert_model(graph), program, facts, place)


def _quantize(
    source: Path, target: Path, program: Program, inputs: Iterable[Array], facts: Facts
) -> None:
    import onnx
    from onnxruntime import quantization  # type: ignore[import-untyped]

    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc]
        """Yields one picture after the other, and None at the end."""

        def __init__(self) -> None:
            self.feeds = ({program.input.name: one[None]} for batch in inputs for one in batch)

        def get_next(self) -> Any:
            return next(self.feeds, None)

    with _silent(), tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        quantization.shape_inference.quant_pre_process(source, prepared)
        quantization.quantize_static(
            prepared,
            target,
            Reader(),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=list(QUANTIZED),
            nodes_to_exclude=predictor(onnx.load(prepared).graph.node),
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
        )
    proto = onnx.load(target)
    target.write_bytes(onnx_file.told(proto, program, facts).SerializeToString())


def predictor(nodes: Sequence[Any]) -> list[str]:
    """Name the dense layers that follow all kernels: they stay as they are.

    They are next to nothing of the work, and take features of very different ranges. A network
    without kernels has none that follow them.

    Parameters
    ----------
    nodes : sequence of onnx.NodeProto
        Operations, in the order in which they are done.
    """
    kernels = [row for row, node in enumerate(nodes) if node.op_type == "Conv"]
    after = nodes[kernels[-1] :] if kernels else ()
    return [node.name for node in after if node.op_type in DENSE]


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keep advice of the quantizer off the screen: nothing a user could act on."""
    logger = logging.getLogger()
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)


class _Judge:
    """Judges answers of a file by the labels of pictures that are new to the model."""

    def __init__(self, model: FittedModel, pictures: Pictures) -> None:
        self.model = model
        labelled = not model.autoencodes and pictures.labels is not None
        self.truths = model.answering().answers(pictures) if labelled else None
        self.predicted: list[Doubles] = []
        self.values: list[Array] = []

    def add(self, batch: Batch, answers: Array) -> None:
        """Take in the answers to a batch."""
        if self.truths is None:
            return
        standing = Standing.of(self.model, batch.hashes)
        mine = self.truths.known[batch.rows] & ~standing.taught & ~standing.chose
        self.predicted.append(answers[mine].astype(np.float64))
        self.values.append(self.truths.values_n[batch.rows[mine]])

    @property
    def count(self) -> int:
        """Pictures that were judged."""
        return sum(map(len, self.values))

    def found(self) -> Judged | None:
        """Sum up; None where there is nothing to judge by."""
        if not self.count:
            return None
        target = self.model.answering()
        said, true = np.concatenate(self.predicted), np.concatenate(self.values)
        right = target.right(said, true)
        loss = float(target.losses(said, true).mean())
        accuracy = None if right is None else wilson(int(right.sum()), len(right))
        return Judged(accuracy=accuracy, loss=loss)


def measured(
    model: FittedModel, batches: Iterable[Batch], pictures: Pictures, found: Format, *paths: Path
) -> tuple[Quantized, Difference]:
    """Judge and time a file in eight bits beside the same in single precision, on this machine.

    Parameters
    ----------
    batches : iterable of Batch
        The golden pictures as both files take them.
    pictures : Pictures
        The same, for their labels.
    paths : path
        The file in eight bits, and the one in single precision.
    """
    threads, total = model.device.threads, Total(model)
    runs = [found.open(path, threads) for path in paths]
    judges = [_Judge(model, pictures) for _ in runs]
    first = None
    for batch in batches:
        first = batch.inputs[:1] if first is None else first
        answers = [run(batch.inputs) for run in runs]
        total.add(batch, answers[0])
        for judge, said in zip(judges, answers, strict=True):
            judge.add(batch, said)
    difference = total.found()
    assert first is not None  # or there was no picture, which `found` refuses
    fast, slow = timed(runs[0], runs[1], np.ascontiguousarray(first))
    quantized = Quantized(
        judged=judges[0].count,
        int8=judges[0].found(),
        fp32=judges[1].found(),
        int8_ms=fast,
        fp32_ms=slow,
        int8_bytes=_size(found, paths[0]),
        fp32_bytes=_size(found, paths[1]),
        threads=threads,
    )
    return quantized, difference


def _size(found: Format, path: Path) -> int:
    return sum(one.stat().st_size for one in found.files(path))


def worse(found: Quantized, difference: Difference) -> bool:
    """Whether eight bits answer worse: by accuracy, else by the loss, else at all otherwise."""
    ours, theirs = found.int8, found.fp32
    if ours is None or theirs is None:
        return difference.agreement is None or difference.agreement.value < 1
    if ours.accuracy is not None and theirs.accuracy is not None:
        return ours.accuracy.value < theirs.accuracy.value
    return ours.loss > theirs.loss


def said(judged: Judged | None) -> str:
    """Say how a file does."""
    if judged is None:
        return "unlabelled pictures"
    if judged.accuracy is None:
        return f"a loss of {judged.loss:.4g}"
    return f"an accuracy of {judged.accuracy.percent()}"


def slower(found: Quantized) -> bool:
    """Whether eight bits take longer for a picture."""
    return found.int8_ms.median > found.fp32_ms.median


def timed(first: Run, second: Run, one: Array) -> tuple[Speed, Speed]:
    """Time two files on one picture, taking turns, so that what else runs here slows both."""
    took: tuple[list[float], list[float]] = ([], [])
    for run in (first, second):
        for _ in range(3):
            run(one)
    end = time.perf_counter() + 2 * SECONDS
    while len(took[0]) < RUNS and (len(took[0]) < 10 or time.perf_counter() < end):
        for run, times in zip((first, second), took, strict=True):
            began = time.perf_counter()
            run(one)
            times.append(1000 * (time.perf_counter() - began))
    return _speed(took[0]), _speed(took[1])


def _speed(times: list[float]) -> Speed:
    low, median, high = np.quantile(times, [0.25, 0.5, 0.75]).tolist()
    return Speed(median=median, low=low, high=high, runs=len(times))
