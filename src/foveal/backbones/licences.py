"""Under which licence the weights of a backbone came, as far as whoever gave them says."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, files, metadata
from typing import Literal

from foveal.backbones.weights import PACKAGES

UNKNOWN = ("", "UNKNOWN")


def licence_of(name: str, source: Literal["package", "file", "hub", "model"]) -> str:
    """Say the licence of the weights that a model starts from.

    Parameters
    ----------
    name : str
        The backbone, as a model's provenance names it.
    source : {"package", "file", "hub", "model"}
        Where its weights came from.
    """
    if source == "package":
        return _of_package(name)
    if source == "model":
        return "that of the model they came from; see its own card"
    found = _of_timm(name)
    if source == "file":
        theirs = f"; timm states {found} for its own" if found else ""
        return f"that of the file they came from{theirs}"
    return f"{found}, as timm states" if found else "not stated by timm"


def _of_package(name: str) -> str:
    """Return what a package says in its metadata, or in the first line of its licence."""
    package = PACKAGES[name].distribution if name in PACKAGES else name
    try:
        stated = str(metadata(package).json.get("license", ""))
        texts = [one for one in files(package) or () if one.name.upper().startswith("LICEN")]
    except PackageNotFoundError:
        return f"not known: {package} is not installed here"
    if stated in UNKNOWN and texts:
        lines = texts[0].read_text().split("\n")
        stated = next((line.strip()[:100] for line in lines if line.strip()), "")
    return f"{stated}, as the package {package} states" if stated else f"not stated by {package}"


def _of_timm(name: str) -> str:
    """Return what timm says of an architecture's weights; nothing where it says nothing."""
    import timm

    try:
        config = timm.get_pretrained_cfg(name)
    except RuntimeError:
        return ""
    return str(getattr(config, "license", None) or "")
