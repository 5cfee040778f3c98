"""`foveal env`: what this machine and this installation are, for reports of trouble."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from foveal.cli.options import Json
from foveal.cli.output import print_answer
from foveal.results import Result, plain

PACKAGES = ("foveal", "torch", "numpy", "pillow", "scikit-learn", "safetensors", "pyarrow", "typer")


@dataclass(frozen=True, slots=True)
class Environment(Result):
    """What a report of trouble should say."""

    facts: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return the facts by name."""
        return {name: plain(value) for name, value in self.facts.items()}


def env(json: Json = False) -> None:
    """Show versions, device, threads and the folder of the cache."""
    print_answer(_environment(), _lines, as_json=json)


def _environment() -> Environment:
    from foveal import device
    from foveal.cache import cache_folder
    from foveal.pictures.opening import formats

    chosen = device.choose()
    return Environment(
        {
            "python": platform.python_version(),
            "system": platform.platform(),
            "devices": device.available(),
            "device": chosen.name,
            "threads": chosen.threads,
            "cache": cache_folder(),
            "formats": list(formats()),
            **{package: _version(package) for package in PACKAGES},
        }
    )


def _lines(found: Environment) -> Iterator[str]:
    for name, value in found.to_dict().items():
        yield f"{name:<13} {', '.join(value) if isinstance(value, list) else value}"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
