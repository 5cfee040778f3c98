"""A model as a file for another runtime, with a proof that it answers the same."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foveal import files
from foveal.errors import FovealError, ModelFileError, UsageError
from foveal.exporting import quantizing
from foveal.exporting.blame import blamed
from foveal.exporting.certificate import (
    ENDING,
    Certificate,
    Difference,
    Quantized,
    Written,
    compare,
    machine,
)
from foveal.exporting.model_card import model_card
from foveal.exporting.order import Order, notes_of, order_of
from foveal.exporting.quantizing import said, slower, worse
from foveal.model.fitted import fitted_of
from foveal.results import Result
from foveal.wording import counted

CARD = ".md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Export(Result):
    """A file that was written and proved."""

    written: tuple[Path, ...]
    """The file, what belongs to it, its certificate, and its card where one was asked for."""
    certificate: Certificate

    @property
    def notes(self) -> tuple[str, ...]:
        """What the file does not hold."""
        return self.certificate.notes


def export(
    model: Any,
    path: str | Path,
    *,
    half: str | None = None,
    raw: bool = False,
    pictures: Any = None,
    int8: bool = False,
    calibrate: Any = None,
    tolerance: float | None = None,
    card: bool = False,
    force: bool = False,
) -> Export:
    """Write a model as a file for another runtime, and prove that it answers the same.

    The file holds the scaling of pictures, the network, and what follows it: temperature and
    softmax of classes. It takes any number of pictures. Before it gets its name, golden pictures go
    through it in its own runtime; where an answer is further from the model's than is tolerated, no
    file is left. Beside it lies the certificate, FILE.parity.json.

    Parameters
    ----------
    model : FittedModel, or a fitted learner
        The model, loaded whole.
    path : path
        Ends in .onnx (ONNX Runtime, extra `onnx`), .xml (OpenVINO; its weights lie beside in
        .bin) or .pt2 (torch).
    half : {"encoder", "decoder"}, optional
        Of an autoencoder: pictures to codes, or codes to pictures. Where left out, pictures to
        their reconstructions.
    raw : bool
        Whether the file takes pictures of any size, (n, h, w, 3) bytes as a decoder gives them,
        and resizes them itself, as Pillow does but for the rounding of some bytes.
    pictures : path, sequence of paths, or array, optional
        Golden pictures, such as a user of the file will show it, of which 1,000 are taken at most.
        Some are made where left out.
    int8 : bool
        Whether to compute in eight bits (.onnx and .xml): refused where that is slower and worse.
    calibrate : path, sequence of paths, or array, optional
        Pictures that the ranges of eight bits are found on, needed with `int8`. Every other one is
        held back to judge by, where no golden pictures are given. Labels say the accuracy.
    tolerance : float, optional
        Largest difference that is tolerated, of probabilities, or as a share of the largest answer:
        1e-4; of the mean difference 0.005 with `raw`, and 0.05 with `int8`.
    card : bool
        Whether to write a model card beside, FILE.md (Mitchell et al., "Model Cards for Model
        Reporting", 2019).
    force : bool
        Whether a file of eight bits is kept that is slower and worse.

    Returns
    -------
    Export
        The files, and the certificate.

    Raises
    ------
    UsageError
        For another ending, half of a classifier, eight bits without pictures, a runtime that is not
        installed, and a network that the format cannot express, whose layer is named.
    ModelFileError
        Where the answers of the file differ; no file is left.
    DataError, ResourceError
        For pictures that cannot be used, and where the disk does not suffice.
    """
    order = order_of(fitted_of(model), Path(path), half, raw, pictures, int8, calibrate, tolerance)
    with files.whole_folder(order.path.absolute(), _put) as folder:
        place = folder / order.path.name
        found = _proved(order, place)
        _check_worth(found, force=force)
        _check_parity(order, found)
        _beside(place, ENDING).write_text(found.model_dump_json(indent=1) + "\n", "utf-8")
        if card:
            _beside(place, CARD).write_text(model_card(order.model, found), "utf-8")
        names = [one.name for one in sorted(folder.iterdir())]
    others = [order.path.with_name(name) for name in names]
    return Export(written=tuple(dict.fromkeys([order.path, *others])), certificate=found)


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _proved(order: Order, place: Path) -> Certificate:
    """Write the file, and hold it against the model in its own runtime."""
    model, found = order.model, order.format
    quantized = None
    with model.device.at_work():
        if order.calibrate is None:
            _write(order, place)
            difference = compare(model, found.open(place, model.device.threads), order.asked())
        else:
            quantized, difference = _in_eight_bits(order, place)
    return Certificate(
        files=tuple(_facts(one) for one in found.files(place)),
        format=found.name,
        model_sha256=model.digest(),
        task=model.task,
        half=order.half,
        raw=order.raw,
        input=order.program.input,
        output=order.program.output,
        golden="made" if order.golden.made else "given",
        difference=difference,
        tolerance=order.tolerance,
        calibrated_on=None if order.calibrate is None else len(order.calibrate),
        quantized=quantized,
        versions=found.versions(),
        machine=machine(),
        notes=tuple(notes_of(order, difference)),
    )


def _in_eight_bits(order: Order, place: Path) -> tuple[Quantized, Difference]:
    """Write the file in eight bits, beside one in single precision to hold it against."""
    with tempfile.TemporaryDirectory() as folder:
        plain, found = Path(folder) / place.name, order.format
        _write(order, plain)
        quantizing.write(found, order.program, order.facts, order.calibrated(), plain, place)
        shown = order.golden.pictures
        return quantizing.measured(order.model, order.asked(), shown, found, place, plain)


def _write(order: Order, place: Path) -> None:
    """Write the file in single precision; what cannot be converted is named by its layer."""
    try:
        order.format.write(order.program, order.facts, place)
    except (FovealError, OSError, MemoryError):
        raise
    except Exception as error:  # tracers and converters raise what they like
        raise blamed(order.model, order.format, error) from error


def _facts(path: Path) -> Written:
    return Written(name=path.name, bytes=path.stat().st_size, sha256=files.digest_of(path))


def _check_parity(order: Order, found: Certificate) -> None:
    """Refuse a file that answers otherwise than its model.

    Raises
    ------
    ModelFileError
        Where the difference is not tolerated.
    """
    if found.holds:
        return
    kind = "a mean difference" if found.on_average else "differences"
    agreed = found.difference.agreement
    same = "" if agreed is None else f", {agreed.percent()} answered the same"
    raise ModelFileError(
        str(order.path),
        needed=f"{kind} of at most {found.tolerance:.2g} from the model's own answers",
        came=f"{found.off:.2g} over {counted(found.difference.pictures, 'picture')}{same}",
        remedy="no file is left; write another format, or allow more by `tolerance`",
    )


def _check_worth(found: Certificate, *, force: bool) -> None:
    """Refuse eight bits where they cost without gaining.

    Raises
    ------
    UsageError
        Where they are slower and answer worse, unless forced.
    """
    quantized = found.quantized
    if quantized is None or force:
        return
    if not (slower(quantized) and worse(quantized, found.difference)):
        return
    raise UsageError(
        "int8",
        needed="eight bits that are faster here, or answer no worse",
        came=f"{quantized.int8_ms.median:.2f} ms a picture and {said(quantized.int8)}, beside "
        f"{quantized.fp32_ms.median:.2f} ms and {said(quantized.fp32)} in single precision",
        remedy="leave `int8` out, or keep it all the same by `force`",
    )


def _put(folder: Path, path: Path) -> None:
    """Bring all files to their place, each whole, the one that is opened after what it needs."""
    for file in sorted(folder.iterdir(), key=lambda one: one.name == path.name):
        files.flush(file)
        file.replace(path.with_name(file.name))
    folder.rmdir()
