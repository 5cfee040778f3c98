"""Folders of part files, which Foveal wrote of pictures: known by their manifest, and refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from foveal.errors import DataError
from foveal.pictures.collection import Pictures
from foveal.vocabulary import MANIFEST

MOST_MANIFEST = 16 << 20
"""Bytes of a manifest, at most."""
OF_FEATURES = "parts of features", "name the pictures; a transfer and a search take such parts"
OF_EITHER = (
    "parts of codes or features",
    "name the pictures; a decoder or a search takes such parts",
)
"""Of features that an earlier version wrote the manifest says no more than of codes."""
OTHERS = {"predict": "parts of predictions", "anomalies": "parts of scores"}
"""What parts hold, by the work that their manifest names."""


def takes(given: Any) -> bool:
    """Whether this is a folder of parts."""
    return isinstance(given, Path) and (given / MANIFEST).is_file()


def read(given: Path) -> Pictures:
    """Refuse it.

    Raises
    ------
    DataError
        Always.
    """
    raise refusal(str(given), (given / MANIFEST).read_bytes())


def refusal(where: str, manifest: bytes) -> DataError:
    """Make the error for parts in the place of pictures.

    Parameters
    ----------
    where : str
        The folder.
    manifest : bytes
        What it says of itself.
    """
    try:
        work = dict(json.loads(manifest)["work"])
    except (ValueError, KeyError, TypeError, RecursionError):
        work = {}
    if work.get("work") == "encode":
        came, remedy = OF_FEATURES if "equal_by" in work else OF_EITHER
    else:
        came = OTHERS.get(str(work.get("work")), "parts of what was said of pictures")
        remedy = "name the pictures"
    return DataError(where, needed="pictures", came=came, remedy=remedy)
