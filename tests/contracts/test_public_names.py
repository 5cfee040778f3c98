"""The exact public names, and that each can be had."""

from __future__ import annotations

import subprocess
import sys

import foveal


def test_the_public_names_are_these() -> None:
    assert foveal.__all__ == [
        "CNNClassifier",
        "DataError",
        "DivergedError",
        "FittedModel",
        "FovealError",
        "Interrupted",
        "ModelFileError",
        "NetworkError",
        "PictureRecipe",
        "Plan",
        "ResourceError",
        "Run",
        "UsageError",
        "__version__",
        "build",
        "load",
        "plan",
    ]
    assert all(getattr(foveal, name) is not None for name in foveal.__all__)
    assert set(foveal.__all__) <= set(dir(foveal))


def test_importing_imports_nothing_heavy() -> None:
    program = "import sys, foveal; sys.exit(bool({'torch', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
