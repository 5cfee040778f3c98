"""The certificate of a file: how far its answers are from those of the model it was made of."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from foveal.arrays import Array, Doubles
from foveal.errors import DataError
from foveal.evaluation.intervals import Estimate, wilson
from foveal.exporting.format import Run
from foveal.exporting.golden import Batch
from foveal.exporting.program import Half, Port
from foveal.model.fitted import FittedModel
from foveal.targets.labelled import Labelled
from foveal.vocabulary import Task
from foveal.wording import counted

TOLERANCE = 1e-4
"""Largest difference of a file that takes pictures at the model's size: rounding made 2e-6 of
probabilities at most (benchmarks/export.py), another resize 1e-2."""
RAW_TOLERANCE = 5e-3
"""Mean difference of a file with its resizing: bytes that are rounded otherwise made 1.5e-3 at
most, at 8x8 pixels; rounding once instead of twice 9e-3 (docs/tried.md)."""
INT8_TOLERANCE = 0.05
"""Mean difference of a file of 8 bits."""
ENDING = ".parity.json"
_CPUINFO = Path("/proc/cpuinfo")


class Written(BaseModel):
    """A file that was written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    bytes: int
    sha256: str


class Difference(BaseModel):
    """How far answers of a file are from those of its model, over some pictures."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pictures: int
    sha256: str
    """Of all that went into the file."""
    largest: float
    """Largest difference of any number in any answer."""
    mean: float
    """Mean over the pictures of the largest difference in each answer."""
    scale: float
    """What differences are divided by: the largest number of all answers, at least 1."""
    agreement: Estimate | None
    """Share of pictures whose answer in words is the same; None where answers are numbers."""


class Judged(BaseModel):
    """How a file does on labelled pictures that did not teach the model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    accuracy: Estimate | None
    """Share of pictures answered right; None where nothing is right or wrong."""
    loss: float
    """Mean loss."""


class Speed(BaseModel):
    """How long one picture takes alone, in milliseconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    median: float
    low: float
    """A quarter of the runs is faster than this."""
    high: float
    """A quarter of the runs is slower than this."""
    runs: int


class Quantized(BaseModel):
    """What 8 bits cost and gain, beside the same file in single precision."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    judged: int
    """Labelled pictures, new to the model, behind the accuracies."""
    int8: Judged | None
    """None where no such picture was given."""
    fp32: Judged | None
    int8_ms: Speed
    fp32_ms: Speed
    int8_bytes: int
    fp32_bytes: int
    threads: int


class Certificate(BaseModel):
    """What is proved of a file, and by what: FILE.parity.json."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    files: tuple[Written, ...]
    format: str
    """Such as "ONNX"."""
    model_sha256: str
    """Content of the model, as `foveal show` says it."""
    task: Task
    half: Half | None
    raw: bool
    """Whether pictures of any size are resized within the file."""
    input: Port
    output: Port
    golden: Literal["made", "given"]
    """Where the pictures came from."""
    difference: Difference
    tolerance: Annotated[float, Field(ge=0)]
    """Of `difference.largest`; of `difference.mean` with resizing and in 8 bits."""
    calibrated_on: int | None
    """Pictures that the ranges of eight bits were found on."""
    quantized: Quantized | None
    versions: dict[str, str]
    """Of the packages that wrote and ran it."""
    machine: str
    notes: tuple[str, ...]
    """What the file does not hold."""

    @property
    def on_average(self) -> bool:
        """Whether the tolerance is of the mean, since some numbers are rounded otherwise."""
        return self.raw or self.quantized is not None

    @property
    def off(self) -> float:
        """The difference that the tolerance is of."""
        return self.difference.mean if self.on_average else self.difference.largest

    @property
    def holds(self) -> bool:
        """Whether the file is within its tolerance."""
        return self.off <= self.tolerance


def compare(model: FittedModel, run: Run, batches: Iterable[Batch]) -> Difference:
    """Run golden pictures through a file, and hold the answers against the model's."""
    total = Total(model)
    for batch in batches:
        total.add(batch, run(batch.inputs))
    return total.found()


class Total:
    """Differences of the batches so far."""

    def __init__(self, model: FittedModel) -> None:
        self.target = model.target
        self.largest_n: list[float] = []
        self.scale, self.agreed, self.words = 1.0, 0, isinstance(model.target, Labelled)
        self.hashed = hashlib.sha256()

    def add(self, batch: Batch, answers: Array) -> None:
        """Take in the answers to a batch."""
        if answers.shape != batch.wanted.shape:
            raise ArithmeticError(f"answers of {answers.shape}, not {batch.wanted.shape}")
        ours, wanted = answers.astype(np.float64), batch.wanted
        apart = np.where(np.isnan(ours) & np.isnan(wanted), 0.0, np.abs(ours - wanted))
        apart = np.nan_to_num(apart, nan=np.inf).reshape(len(answers), -1)
        self.largest_n.extend(apart.max(axis=1).tolist())
        self.scale = max(self.scale, float(np.nan_to_num(np.abs(wanted)).max(initial=0.0)))
        self.agreed += self._agreeing(ours, wanted)
        self.hashed.update(np.ascontiguousarray(batch.inputs).data)

    def _agreeing(self, answers: Doubles, wanted: Doubles) -> int:
        if not isinstance(self.target, Labelled):
            return 0
        left, right = self.target.labels(answers), self.target.labels(wanted)
        self.words = left.dtype.kind != "f"
        return sum(bool(np.array_equal(one, other)) for one, other in zip(left, right, strict=True))

    def found(self) -> Difference:
        """Sum up.

        Raises
        ------
        DataError
            Where no picture could be read.
        """
        count = len(self.largest_n)
        if not count:
            raise DataError(
                "golden pictures",
                needed="at least one that can be read",
                came="none",
                remedy="name others, or leave `pictures` out: some are made then",
            )
        return Difference(
            pictures=count,
            sha256=self.hashed.hexdigest(),
            largest=max(self.largest_n) / self.scale,
            mean=float(np.mean(self.largest_n)) / self.scale,
            scale=self.scale,
            agreement=wilson(self.agreed, count) if self.words else None,
        )


def machine() -> str:
    """Describe this machine: processor, cores and system."""
    lines = _CPUINFO.read_text().splitlines() if _CPUINFO.is_file() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    processor = next(named, "") or platform.processor() or platform.machine()
    return f"{processor}, {counted(os.cpu_count() or 1, 'core')}, {platform.system()}"
