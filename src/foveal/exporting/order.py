"""What is to be written: checked as a whole before any of it is."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foveal.arrays import Array
from foveal.errors import UsageError
from foveal.exporting import certificate as proofs
from foveal.exporting import quantizing
from foveal.exporting.certificate import Difference
from foveal.exporting.facts import facts_of
from foveal.exporting.format import Facts, Format
from foveal.exporting.formats import format_of
from foveal.exporting.golden import Batch, Golden, asked, golden
from foveal.exporting.program import HALVES, Half, Program, program_of
from foveal.model.fitted import FittedModel
from foveal.parameters import Real, check, one_of, optional
from foveal.pictures.collection import Pictures
from foveal.pictures.sources import gather
from foveal.wording import counted


@dataclass(frozen=True, eq=False, kw_only=True)
class Order:
    """What is to be written."""

    model: FittedModel
    path: Path
    format: Format
    program: Program
    half: Half | None
    raw: bool
    golden: Golden
    calibrate: Pictures | None
    """Pictures that the ranges of eight bits are found on; None for single precision."""
    tolerance: float

    @functools.cached_property
    def facts(self) -> Facts:
        """What the file tells of itself."""
        int8 = self.calibrate is not None
        return facts_of(self.model, self.program, self.half, raw=self.raw, int8=int8)

    def asked(self) -> Iterator[Batch]:
        """Ask the model of the golden pictures, batch by batch."""
        return asked(self.model, self.program, self.half, self.golden.pictures)

    def calibrated(self) -> Iterator[Array]:
        """Prepare the pictures that ranges are found on, batch by batch."""
        if self.calibrate is not None:
            for batch in asked(self.model, self.program, self.half, self.calibrate):
                yield batch.inputs


def order_of(
    model: FittedModel,
    path: Path,
    half: str | None,
    raw: bool,
    pictures: Any,
    int8: bool,
    calibrate: Any,
    tolerance: float | None,
) -> Order:
    """Check what is asked for, before anything is written; see `foveal.exporting.export.export`."""
    found = format_of(path)
    check({"tolerance": tolerance}, {"tolerance": optional(Real(0.0))})
    asked_half = None if half is None else one_of("half", half, HALVES)
    if int8 != (calibrate is not None):
        raise UsageError(
            "`int8` and `calibrate`",
            needed="both or neither: ranges are found on pictures such as the file will see",
            came="int8 alone" if int8 else "calibrate alone",
            remedy="name pictures by `calibrate`, a hundred or more" if int8 else "add `int8`",
        )
    if int8:
        quantizing.check(found, raw=raw)
    program = program_of(model, asked_half, raw=raw)
    usual = proofs.RAW_TOLERANCE if raw else proofs.TOLERANCE
    ranges, shown = None, pictures
    if int8:
        usual = proofs.INT8_TOLERANCE
        given = None if pictures is None else gather(pictures)
        ranges, shown = quantizing.apart(gather(calibrate), given)
    return Order(
        model=model,
        path=path,
        format=found,
        program=program,
        half=asked_half,
        raw=raw,
        golden=golden(model, shown),
        calibrate=ranges,
        tolerance=usual if tolerance is None else tolerance,
    )


def notes_of(order: Order, found: Difference) -> Iterator[str]:
    """Say what a file does not hold, and which golden pictures proved nothing."""
    recipe, shown = order.model.recipe, order.golden
    if shown.given > len(shown.pictures):
        given = counted(shown.given, "golden picture")
        yield f"{len(shown.pictures):,} of {given} taken, evenly spaced"
    if lost := len(shown.pictures) - found.pictures:
        yield f"{counted(lost, 'golden picture')} left out: unreadable"
    if order.half != "decoder" and not order.raw:
        yield (
            f"pictures are to be resized before: {recipe.resize} to "
            f"{recipe.height}x{recipe.width}, {recipe.interpolation}; `raw` puts that into the "
            "file, and a snippet shows it"
        )
    if order.raw:
        yield (
            "decoding, turning by EXIF, transparency and colour profiles are left to whoever opens "
            "the picture"
        )
    if order.model.familiar is not None:
        yield "which pictures are unfamiliar is not told by the file"
