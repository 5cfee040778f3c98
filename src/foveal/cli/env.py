"""`foveal env`: what this machine and this installation are, for reports of trouble."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import typer

from foveal.cli.options import Json, print_json

PACKAGES = ("foveal", "torch", "numpy", "pillow", "scikit-learn", "safetensors", "pyarrow", "typer")


def env(json: Json = False) -> None:
    """Show versions, device, threads and the folder of the cache."""
    from foveal import device
    from foveal.cache import cache_folder
    from foveal.pictures.opening import formats

    chosen = device.choose()
    facts: dict[str, Any] = {
        "python": platform.python_version(),
        "system": platform.platform(),
        "devices": device.available(),
        "device": chosen.name,
        "threads": chosen.threads,
        "cache": str(cache_folder()),
        "formats": list(formats()),
        **{package: _version(package) for package in PACKAGES},
    }
    if json:
        print_json(facts)
        return
    for name, value in facts.items():
        typer.echo(f"{name:<13} {', '.join(value) if isinstance(value, list) else value}")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
