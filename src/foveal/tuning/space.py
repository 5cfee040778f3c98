"""What is tried: the hyperparameters of a convolutional network and of its training.

A trial is a set of answers by name, as optuna keeps them; here they are asked for, and become the
parameters of `CNNClassifier`. Optuna is imported here only to name its types.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from foveal.errors import NetworkError
from foveal.nets.plan import Plan, plan
from foveal.shapes import Shape
from foveal.training import config as configs

if TYPE_CHECKING:
    from optuna.trial import BaseTrial

    from foveal.training.config import Optimizer, Schedule

DESIGNED = "designed"
"""A network whose layers are searched too, instead of a stock net."""
SCHEDULES: tuple[Schedule, ...] = ("one-cycle", "cosine")
NETS = (DESIGNED, "fast", "tinyvgg", "resnet")
DERIVED = "derived"
"""What training derives by itself."""
ACTIVATIONS = ("relu", "gelu", "silu", "tanh")
MOST_BLOCKS = 4
SMALLEST = 4
"""Shorter side of maps down to which a block may halve them."""
DEFAULTS: Mapping[str, Any] = {
    "net": "fast",
    "optimizer": "sgd",
    "learning_rate": 1.0,
    "weight_decay": 1.0,
    "batch_size": DERIVED,
    "augmentation": DERIVED,
    "label_smoothing": 0.05,
    "epochs": 1.0,
    "schedule": "one-cycle",
    "ema": 0.0,
}
"""The first trial: what training does where nothing is asked for. Learning rate, weight decay and
epochs count here and where they are asked for in those that training derives."""
PLAIN: Mapping[str, Any] = {
    "net": DESIGNED,
    "blocks": 3,
    "convolutions": 2,
    "kernels": 32,
    "growth": 2,
    "kernel_size": 3,
    "padding": "same",
    "pooling": "maxpool",
    "batchnorm": True,
    "activation": "relu",
    "globalpool": True,
    "nodes": 0,
    "dropout": 0.2,
}
"""A network as Simonyan and Zisserman draw it (arXiv:1409.1556), small."""
LONG, VARIED = {"epochs": 2.0}, {"augmentation": "strong"}
BEGINNINGS: tuple[Mapping[str, Any], ...] = (
    {**LONG, **VARIED},
    {"net": "resnet", **LONG},
    {**PLAIN, **LONG},
    {"net": "resnet", "optimizer": "adamw", "ema": 0.99, **LONG, **VARIED},
)
"""What differs from the defaults in the trials that come next: what suits many pictures, as those
who know begin with it; what is led then has something to go by."""
LENGTHS = (0.5, 3.0)
"""Epochs of a trial, in those that training derives."""


def beginnings(shape: Shape) -> list[dict[str, Any]]:
    """Return the trials that come after that of all defaults, for pictures of a shape."""
    fine, blocks = fitting(shape), most_blocks(shape)
    found = [{**DEFAULTS, **one} for one in BEGINNINGS]
    for one in found:
        if "blocks" in one:
            one["blocks"] = min(one["blocks"], blocks)
    return [one for one in found if one["net"] in fine]


def asked(
    trial: BaseTrial, shape: Shape, pictures: int, epochs: float | None = None
) -> dict[str, Any]:
    """Ask a trial for its hyperparameters.

    Parameters
    ----------
    trial : optuna trial
        What answers.
    shape : (channels, height, width)
        Of the pictures.
    pictures : int
        How many teach, about: the batch that is derived, and with it the rate, depends on it.
    epochs : float, optional
        Of every trial; open where left out.

    Returns
    -------
    dict
        Parameters of `CNNClassifier`.
    """
    net = trial.suggest_categorical("net", fitting(shape))
    named = trial.suggest_categorical("optimizer", configs.OPTIMIZERS)
    optimizer: Optimizer = "sgd" if named == "sgd" else "adamw"
    batch_size: Any = trial.suggest_categorical("batch_size", (DERIVED, 32, 64, 128, 256))
    augmentation = trial.suggest_categorical("augmentation", (DERIVED, "none", "light", "strong"))
    rate = trial.suggest_float("learning_rate", 0.1, 4.0, log=True)
    decay = trial.suggest_float("weight_decay", 0.1, 10.0, log=True)
    described = designed(trial, shape) if net == DESIGNED else net
    normalised = "batchnorm" in described or net in ("fast", "resnet")
    found: dict[str, Any] = {
        "net": described,
        "optimizer": optimizer,
        "weight_decay": float(f"{decay * configs.WEIGHT_DECAYS[optimizer]:.3g}"),
        "label_smoothing": trial.suggest_float("label_smoothing", 0.0, 0.1, step=0.05),
        "schedule": trial.suggest_categorical("schedule", SCHEDULES),
        "ema": trial.suggest_categorical("ema", (0.0, 0.95, 0.99)),
    }
    size = configs.batch_size_for(pictures) if batch_size == DERIVED else int(batch_size)
    length = 1.0 if epochs is not None else trial.suggest_float("epochs", *LENGTHS, log=True)
    if length != 1.0:
        found["epochs"] = max(1, round(length * configs.epochs_for(pictures, size)))
    if batch_size != DERIVED:
        found["batch_size"] = batch_size
    if augmentation != DERIVED:
        found["augmentation"] = augmentation
    if rate != 1.0:
        derived = configs.learning_rate_for(optimizer, size, normalised=normalised)
        found["learning_rate"] = float(f"{rate * derived:.3g}")
    return found


def fitting(shape: Shape) -> tuple[str, ...]:
    """Return the nets that pictures of a shape can go through."""
    found = [DESIGNED]
    for name in NETS[1:]:
        try:
            planned(name, shape, 2)
        except NetworkError:
            continue
        found.append(name)
    return tuple(found)


def most_blocks(shape: Shape) -> int:
    """Return how many blocks may halve pictures of a shape."""
    return max(1, min(MOST_BLOCKS, (min(shape[1:]) // SMALLEST).bit_length() - 1))


def designed(trial: BaseTrial, shape: Shape) -> str:
    """Ask a trial for the layers of a network, in the notation.

    Blocks of convolutions, each of which ends in maps of half the size, then a dense predictor:
    kernels, sizes, padding, strides, pooling, nodes, activations and dropout are open.
    """
    blocks = trial.suggest_int("blocks", 1, most_blocks(shape))
    each = trial.suggest_int("convolutions", 1, 2)
    kernels = trial.suggest_categorical("kernels", (8, 16, 32, 64))
    growth = trial.suggest_categorical("growth", (1, 2))
    size = trial.suggest_categorical("kernel_size", (3, 5, 7))
    padding = trial.suggest_categorical("padding", ("same", "valid"))
    pooling = trial.suggest_categorical("pooling", ("maxpool", "avgpool", "stride"))
    normalised = trial.suggest_categorical("batchnorm", (True, False))
    activation = trial.suggest_categorical("activation", ACTIVATIONS)
    same = " same" if padding == "same" else ""
    layers = []
    for block in range(blocks):
        for place in range(each):
            strided = pooling == "stride" and place == each - 1
            stride = " stride 2" if strided else ""
            layers.append(f"conv {kernels * growth**block} {size}x{size}{stride}{same}")
            if pooling != "stride" and place == each - 1:
                layers.append(f"{pooling} 2")
            layers += ["batchnorm"] * normalised + [activation]
    layers += _predictor(trial, activation)
    return " | ".join(layers)


def _predictor(trial: BaseTrial, activation: str) -> list[str]:
    pooled = trial.suggest_categorical("globalpool", (True, False))
    nodes = trial.suggest_categorical("nodes", (0, 64, 128, 256))
    dropout = trial.suggest_float("dropout", 0.0, 0.5, step=0.1)
    layers = ["globalpool" if pooled else "flatten"]
    layers += [f"dense {nodes} {activation}"] * bool(nodes)
    layers += [f"dropout {dropout:.1f}"] * bool(dropout)
    return [*layers, "dense"]


def planned(net: str, shape: Shape, classes: int) -> Plan:
    """Plan the network of a trial.

    Raises
    ------
    NetworkError
        Where it cannot work, such as a kernel larger than the maps.
    """
    return plan(net, input=shape, classes=classes)


def worded(name: str) -> str:
    """Write the name of a hyperparameter as a person reads it, in lines, tables and figures."""
    return name.replace("_", " ")


def told(options: Mapping[str, Any]) -> str:
    """Write the options of a trial in a line."""
    rest = ", ".join(
        f"{worded(name)} {'as usual' if value is None else value}"
        for name, value in options.items()
        if name != "net"
    )
    return f"{options['net']}; {rest}" if "net" in options else rest
