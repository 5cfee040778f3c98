"""Words that stand for choices, where more than one room has to know them."""

from __future__ import annotations

import unicodedata
from typing import Literal

Task = str
"""What a model is for, by a name of `foveal.targets.kinds`: "classification", "reconstruction"."""
Level = Literal["none", "light", "strong"]
"""How much training pictures are varied."""
Loss = Literal["mse", "bce", "l1", "colour"]
"""How reconstructions are held against pictures."""
Noise = Literal["none", "gaussian", "masks"]
"""What is done to pictures that an encoder sees in training."""
Judge = Literal["validation", "cross-validation", "folds", "nothing"]
"""What judged a model at its training: a part that was held out; each fold in turn, by a head that
had not seen it; each fold in turn, by a whole training that had not seen it."""

TARGETS: dict[str, Task] = {
    "classes": "classification",
    "labels": "labels",
    "numbers": "regression",
}
"""What labels may say, in a person's words, each with the task that a model's card calls it."""
SEPARATORS = (";", "|", ",")
"""What stands between several labels in one text: the first of these that occurs in any."""
CROSSED: frozenset[str] = frozenset({"cross-validation", "folds"})
"""What judges each picture by others of the same pictures, so that answers hang together."""
LEVELS: tuple[Level, ...] = ("none", "light", "strong")
LOSSES: tuple[Loss, ...] = ("mse", "bce", "l1", "colour")
NOISES: tuple[Noise, ...] = ("none", "gaussian", "masks")
DEVICES = ("auto", "cpu", "cuda", "mps")
"""Where to compute."""
Precision = Literal["float32", "bfloat16"]
"""Number format of the products of a training step; weights, sums and losses stay float32."""
PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")
MANIFEST = "_parts.json"
"""Name of the file by which a folder is known as one of parts. It begins so that others who read
the folder as a table, as pandas does, pass over it."""
ENGINES = ("openvino", "onnxruntime", "torch")
"""What runs a frozen network, by preference."""


def normal_name(name: str) -> str:
    """Return a name in composed form (NFC), so that it is one whichever system wrote it.

    >>> normal_name("cafe\u0301") == "caf\u00e9"
    True
    """
    return unicodedata.normalize("NFC", name)
