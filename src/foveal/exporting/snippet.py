"""A few lines of Python that show a file pictures, without Foveal and without torch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from foveal.errors import UsageError
from foveal.exporting import onnx_file, openvino_file
from foveal.exporting.format import Format
from foveal.exporting.formats import format_of
from foveal.exporting.program import HALVES, Program, program_of
from foveal.model.fitted import FittedModel, fitted_of
from foveal.parameters import one_of
from foveal.pictures.ground import GREY
from foveal.recipe import PictureRecipe
from foveal.wording import counted

RUNTIMES = {
    onnx_file.FORMAT.suffix: (
        "import onnxruntime",
        'session = onnxruntime.InferenceSession({name}, providers=["CPUExecutionProvider"])',
        'names = json.loads(session.get_modelmeta().custom_metadata_map["names"])',
        "(found,) = session.run(None, {{{feed}: {value}}})",
    ),
    openvino_file.FORMAT.suffix: (
        "import openvino",
        "model = openvino.Core().read_model({name})",
        'names = json.loads(model.get_rt_info(["foveal", "names"]).value)',
        "found = network([{value}])[0]",
    ),
}
"""Of each format: what is imported, how a file is opened, its names are read, and it is asked."""
COMPILED = 'network = openvino.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})'


def snippet(
    model: FittedModel, path: str | Path, *, half: str | None = None, raw: bool = False
) -> str:
    """Write the lines of Python that show pictures to a file, with NumPy and Pillow.

    They print what `foveal predict` says of JPEG and PNG of 8 bits: the probability of each class.
    Not in them is what few pictures need: transparency over a ground, colour profiles, 16 bits.

    Parameters
    ----------
    model : FittedModel, or a fitted learner
        The model that the file is made of.
    path : path
        The file, .onnx or .xml.
    half, raw
        As the file was written.

    Raises
    ------
    UsageError
        For another format, and for what takes no pictures of files.
    """
    fitted, place = fitted_of(model), Path(path)
    found = format_of(place)
    part = None if half is None else one_of("half", half, HALVES)
    came = ""
    if found.suffix not in RUNTIMES:
        came = f"a file {found.suffix}"
    elif part == "decoder":
        came = "the decoder, which takes codes"
    elif fitted.recipe.channels not in (1, 3):
        came = f"a network of {counted(fitted.recipe.channels, 'channel')}"
    if came:
        raise UsageError(
            "the snippet",
            needed="a file .onnx or .xml that takes pictures",
            came=came,
            remedy="write one of these; docs/shipping.md shows the others",
        )
    program = program_of(fitted, part, raw=raw)
    return "\n".join(_lines(fitted, program, found, place, raw=raw)) + "\n"


def _lines(
    model: FittedModel, program: Program, found: Format, place: Path, *, raw: bool
) -> Iterator[str]:
    imported, opened, names, asked = RUNTIMES[found.suffix]
    labelled = not model.autoencodes
    yield "import json, sys" if labelled else "import sys"
    yield "import numpy as np"
    yield imported
    yield "from PIL import Image, ImageOps"
    yield opened.format(name=json.dumps(place.name))
    if labelled:
        yield names
    if found is openvino_file.FORMAT:
        yield COMPILED
    yield "for path in sys.argv[1:]:"
    yield "    picture = Image.open(path)"
    for line in prepared(model.recipe, raw=raw):
        yield f"    {line}"
    value = "np.asarray(picture)[None]"
    if not raw and model.recipe.channels == 1:
        value = "np.asarray(picture)[None, :, :, None]"
    if program.input.dtype == "float32":
        low, high = model.recipe.low, model.recipe.high
        value = f"{value} / 255 * {high - low!r}" + f" + {low!r}" * (low != 0)
        value = f"({value}).astype(np.float32)"
    yield "    " + asked.format(feed=json.dumps(program.input.name), value=value)
    if labelled:
        yield '    print(path, *(f"{name}={one:.7f}" for name, one in zip(names, found[0])))'
    else:
        yield '    np.save(path + ".npy", found[0])'


def prepared(recipe: PictureRecipe, *, raw: bool) -> Iterator[str]:
    """Write how an opened picture becomes what the network was taught by."""
    size = (recipe.width, recipe.height)
    filtered = f"Image.Resampling.{recipe.interpolation.upper()}"
    sides = (2 * recipe.width, 2 * recipe.height)
    reduced = f"{sides}"
    if recipe.width != recipe.height:
        reduced = f"{sides[::-1]} if picture.getexif().get(274, 1) > 4 else {sides}"
    yield f"picture.draft(None, {reduced})  # reduces a large JPEG"
    yield 'picture = ImageOps.exif_transpose(picture).convert("RGB")'
    if raw:
        return
    if recipe.resize == "crop":
        bleed = (1 - recipe.kept) / 2
        yield f"picture = ImageOps.fit(picture, {size}, {filtered}, bleed={bleed!r})"
    elif recipe.resize == "letterbox":
        yield f"picture = ImageOps.pad(picture, {size}, {filtered}, color={(GREY,) * 3})"
    else:
        yield f"picture = picture.resize({size}, {filtered})"
    if recipe.channels == 1:
        yield 'picture = picture.convert("L")'
