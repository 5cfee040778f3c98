"""The formats of files: how each is written, and run by its own runtime.

A further format is one module that makes a `Format`, named in `FORMATS`.
"""

from __future__ import annotations

from pathlib import Path

from foveal.engines.choose import INSTALL, missing
from foveal.errors import UsageError
from foveal.exporting import onnx_file, openvino_file, torch_file
from foveal.exporting.format import Format
from foveal.files import checked_output

FORMATS: dict[str, Format] = {
    one.suffix: one for one in (onnx_file.FORMAT, openvino_file.FORMAT, torch_file.FORMAT)
}
"""By the ending of a file's name."""
REFUSED = {
    ".tflite": "write .onnx or .xml: its converter cannot be installed beside Foveal",
    ".pt": "write .pt2, which holds no pickle",
    ".pth": "write .pt2, which holds no pickle",
    ".torchscript": "write .pt2, which torch has instead by now",
    ".mlpackage": "write .pt2, of which coremltools makes one on a Mac",
    ".engine": "write .onnx, of which TensorRT builds one for each device",
}
"""What other endings are to be instead."""


def format_of(path: Path) -> Format:
    """Find the format that a file is to have, and check that it can be written here.

    Raises
    ------
    UsageError
        For another ending, a name that cannot be written, and where the runtime is missing.
    """
    suffix = path.suffix.lower()
    if suffix in REFUSED:
        raise UsageError(
            f"the file {path}",
            needed=f"a name ending in {', '.join(FORMATS)}",
            came=suffix,
            remedy=REFUSED[suffix],
        )
    checked_output(path, tuple(FORMATS), "the file", exact=True)
    found = FORMATS[path.suffix]
    check_installed(found)
    return found


def check_installed(found: Format) -> None:
    """Refuse a format whose packages are not there: a file is proved by its own runtime.

    Raises
    ------
    UsageError
        Where one is missing; names what installs it.
    """
    absent = missing(found.engine)
    if absent:
        raise UsageError(
            f"a file {found.suffix}",
            needed=f"{' and '.join(absent)}, to write it and to prove it",
            came="a Python without",
            remedy=f"install it with: pip install {INSTALL[found.engine]}",
        )
