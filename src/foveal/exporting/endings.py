"""Endings of the files for other runtimes, known without any of these; never imports torch."""

from __future__ import annotations

from pathlib import Path

from foveal.errors import UsageError
from foveal.files import checked_output

ONNX, OPENVINO, TORCH = ".onnx", ".xml", ".pt2"
ENDINGS = (ONNX, OPENVINO, TORCH)
REFUSED = {
    ".tflite": "write .onnx or .xml: its converter cannot be installed beside Foveal",
    ".pt": "write .pt2, which holds no pickle",
    ".pth": "write .pt2, which holds no pickle",
    ".torchscript": "write .pt2, which torch has instead by now",
    ".mlpackage": "write .pt2, of which coremltools makes one on a Mac",
    ".engine": "write .onnx, of which TensorRT builds one for each device",
}
"""What other endings are to be instead."""


def checked_name(path: Path) -> Path:
    """Check the name under which a file for another runtime is to be written.

    Raises
    ------
    UsageError
        For another ending, a name too long, or a folder that is not there.
    """
    suffix = path.suffix.lower()
    if suffix in REFUSED:
        raise UsageError(
            f"the file {path}",
            needed=f"a name ending in {', '.join(ENDINGS)}",
            came=suffix,
            remedy=REFUSED[suffix],
        )
    return checked_output(path, ENDINGS, "the file", exact=True)
