"""The formats of files: how each is written, and run by its own runtime.

A further format is one module that makes a `Format`, named in `FORMATS`.
"""

from __future__ import annotations

from pathlib import Path

from foveal.engines.choose import INSTALL, missing
from foveal.errors import UsageError
from foveal.exporting import onnx_file, openvino_file, torch_file
from foveal.exporting.endings import checked_name
from foveal.exporting.format import Format

FORMATS: dict[str, Format] = {
    one.suffix: one for one in (onnx_file.FORMAT, openvino_file.FORMAT, torch_file.FORMAT)
}
"""By the ending of a file's name."""


def format_of(path: Path) -> Format:
    """Find the format that a file is to have, and check that it can be written here.

    Raises
    ------
    UsageError
        For another ending, a name that cannot be written, and where the runtime is missing.
    """
    found = FORMATS[checked_name(path).suffix]
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
