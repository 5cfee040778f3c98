"""What a figure was measured on, and commands run to measure it."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from foveal.version import __version__


def describe() -> str:
    """Say processor, cores, Python and versions in two lines."""
    model = platform.processor() or platform.machine()
    flags = ""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text().splitlines()
        model = next((line.split(":")[1].strip() for line in lines if "model name" in line), model)
        flags = next((line for line in lines if line.startswith("flags")), "")
    simd = "AVX-512" if "avx512f" in flags else "AVX2" if "avx2" in flags else "no AVX2"
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "numpy"))
    return (
        f"{model}, {os.cpu_count()} cores, {simd}, Python {platform.python_version()}, "
        f"foveal {__version__}, {packages}\n"
        f"command: python {' '.join(sys.argv)}"
    )


def timed(arguments: list[str], **options: object) -> tuple[float, str]:
    """Run a command; gives the wall seconds of the whole process and what it printed."""
    began = time.perf_counter()
    found = subprocess.run(arguments, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
    seconds = time.perf_counter() - began
    if found.returncode != 0:
        raise SystemExit(f"{' '.join(arguments)} ended with {found.returncode}:\n{found.stderr}")
    return seconds, found.stdout


def foveal(*arguments: object) -> list[str]:
    """Make the command line of a foveal command in this interpreter."""
    return [sys.executable, "-m", "foveal", *map(str, arguments)]


def peer_python(folder: Path, packages: Sequence[str]) -> str:
    """Make a peer's environment where it is not there yet; gives its interpreter."""
    python, made = folder / "bin" / "python", folder / "made-of.txt"
    wanted = "\n".join(packages)
    if not made.exists() or made.read_text() != wanted:
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *packages], check=True)
        made.write_text(wanted)
    return str(python)
