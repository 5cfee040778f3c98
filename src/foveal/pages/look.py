"""look.html: a network as one page, in which a person walks from a picture to what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foveal.looking.planes import COLOURS
from foveal.looking.subject import Subject, subject_of
from foveal.looking.units import UnitParts
from foveal.looking.walk import Node, activity, nodes_of
from foveal.nets.spec import Conv
from foveal.nets.table import short
from foveal.pages.look_data import LONGEST_NAME, LookData
from foveal.pages.shell import rendered, write_page
from foveal.pictures.collection import Pictures
from foveal.pictures.sources import gather
from foveal.shapes import output_size, written
from foveal.visible import visible
from foveal.wording import counted

MOST_PICTURES = 6
"""Pictures that a page switches between."""
LARGEST = 8_000_000
"""Bytes of a page."""
CLEAR = 20
"""Largest side that the desk begins with, so that every place of a kernel can be seen."""
SCRIPTS = ("arithmetic.js", "unpack.js", "paint.js", "numbers.js", "classes.js", "look.js")
STYLES = ("look.css",)
LONGEST_NOTATION = 300
"""Letters of a network that is written out above its layers."""
MANY, UNFOLDED = 24, 4
"""Layers of which all are unfolded at first; of more the first ones are."""


@dataclass(frozen=True, repr=False, slots=True, kw_only=True)
class LookPage:
    """A network and some pictures as one page."""

    html: str
    """The page: one file, which loads nothing."""
    pictures: int
    """How many pictures it switches between."""
    left_out: tuple[str, ...]
    """What of the network is not in it, in sentences."""

    def __repr__(self) -> str:
        return f"LookPage({counted(self.pictures, 'picture')}, {len(self.html):,} letters)"

    def save(self, path: str | Path) -> Path:
        """Write the page, whole or not at all.

        Raises
        ------
        UsageError
            For another ending than .html, or a folder that is not there.
        ResourceError
            Where the disk is full.
        """
        return write_page(Path(path), self.html)


def look_page(model: Any, X: Any, *, largest: int = LARGEST) -> LookPage:
    """Write a network as one page, with every layer's maps of some pictures.

    Parameters
    ----------
    model : FittedModel, Plan or str
        What sees them; see `foveal.looking.subject.subject_of`.
    X : path, sequence of paths, or array
        The pictures; the first six are taken.
    largest : int
        Bytes of the page. What does not fit is left out, and the page says so: the most active
        maps are kept, and the weights of the first layers.

    Returns
    -------
    LookPage
    """
    subject, pictures = subject_of(model), gather(X)
    return page_of(subject, pictures, largest=largest)


def page_of(subject: Subject, pictures: Pictures, *, largest: int = LARGEST) -> LookPage:
    """Write the page of a subject and pictures that were gathered; see `look_page`."""
    count = min(len(pictures), MOST_PICTURES)
    seen = subject.seen(pictures.take(range(count)))
    nodes = nodes_of(subject.plan)
    sizes = activity(subject, seen, nodes)
    share = min(1.0, largest / LARGEST)
    while True:
        page = _written(LookData(subject, seen, nodes, sizes, share), len(pictures) - count)
        size = len(page.html.encode())
        if size <= largest or share < 1e-4:
            return page
        share *= min(0.9, largest / size * 0.95)


def _written(data: LookData, further: int) -> LookPage:
    """Write a page; so many further pictures were left out."""
    subject, values, units = data.subject, data.to_dict(), data.units()
    name, text = subject.name, subject.plan.text
    if len(name) > LONGEST_NAME:
        name = subject.plan.name or "a network"
    left_out = _left_out(data.facts, len(data.seen.names), further)
    html = rendered(
        "look.html",
        title=f"{visible(name)}: a look inside",
        scripts=SCRIPTS,
        styles=STYLES,
        data={"look": values},
        network=name,
        notation=text if len(text) <= LONGEST_NOTATION else "",
        facts=_facts(subject),
        layers=[_layer(place, node, units.get(place)) for place, node in enumerate(data.facts)],
        unfolded=UNFOLDED if len(data.facts) > MANY else MANY,
        classes=bool(data.head),
        snapshots=values["snapshots"],
        left_out=left_out,
        desk=_desk(data.nodes),
    )
    return LookPage(html=html, pictures=len(data.seen.names), left_out=tuple(left_out))


def _facts(subject: Subject) -> str:
    plan = subject.plan
    trained = "trained" if subject.trained else "untrained: its weights were drawn at random"
    layers, every = counted(len(plan.layers), "layer"), sum(1 for _ in plan.walk())
    if every > len(plan.layers):
        layers += f" ({every:,} with those within them)"
    return (
        f"{written(plan.input)} in, {written(plan.output)} out, {layers}, "
        f"{short(plan.parameters)} parameters, {trained}"
    )


def _left_out(facts: list[dict[str, Any]], pictures: int, further: int) -> list[str]:
    """Say what is not in the page."""
    layers = facts[1:]
    some = sum(one["channels"] is not None for one in layers)
    silent = sum("why" in one.get("work", {}) for one in layers)
    coarse = sum(one["bits"] == 8 for one in layers)
    told = []
    if further:
        told.append(f"{counted(further, 'further picture')}: a page holds {MOST_PICTURES}.")
    if some:
        told.append(
            f"Of {counted(some, 'layer')} only the most active maps are here."
            + " Fewer pictures leave room for more." * (pictures > 1)
        )
    if coarse:
        told.append(
            f"So that the page stays small, the maps of {counted(coarse, 'layer')} are rounded to "
            "256 levels each, as the brightness of a photograph is. Numbers that are worked out of "
            "them here may differ from the network's own by a few percent of the layer's greatest."
        )
    if silent:
        told.append(f"The numbers of {counted(silent, 'layer')} are not worked out here.")
    return told


def _desk(nodes: Sequence[Node]) -> dict[str, int]:
    """Return what the desk begins with: the first convolution."""
    for node in nodes:
        if node.layer and isinstance(node.layer.layer, Conv):
            one = node.layer.layer
            side, kernel = min(node.layer.in_shape[1], CLEAR), min(one.size[0], 11)
            stride = min(one.stride[0], 8)
            padding = _padding(one, side, kernel, stride, node.layer.inferred.pads[0])
            return {"size": side, "kernel": kernel, "padding": padding, "stride": stride}
    return {"size": CLEAR, "kernel": 5, "padding": 0, "stride": 1}


def _padding(layer: Conv, side: int, kernel: int, stride: int, pads: tuple[int, int]) -> int:
    """Return the padding of either side that the desk begins with.

    The desk pads both sides alike. Padding 'same' need not, and depends on the size: it is what
    leaves one place in so many as the stride says, or comes nearest to it.
    """
    if layer.padding != "same":
        return min(pads[0], 8)
    wanted = -(-side // stride)
    sizes = range(min(kernel, 9))
    return min(sizes, key=lambda one: abs(output_size(side, kernel, stride, (one, one)) - wanted))


def _layer(place: int, node: dict[str, Any], holds: UnitParts | None) -> dict[str, Any]:
    """Tell what the page says of a layer before any script runs."""
    shape = node["shape"]
    return {
        **{name: node[name] for name in ("number", "text")},
        "place": place,
        "depth": node["number"].count("."),
        "shape": written(shape),
        "half": node.get("half", ""),
        "colour": node.get("colour", False) and bool(node["bits"]),
        "maps": len(shape) == 3,
        "planes": "" if place else ", ".join(COLOURS.get(shape[0], ())),
        "parameters": node.get("parameters", 0),
        "fixed": node.get("fixed", False) and bool(node.get("parameters")),
        "note": _note(node),
        "carried": bool(node["bits"] or node.get("alias")),
        "holds": holds,
    }


def _note(node: dict[str, Any]) -> str:
    """Say what of a layer is not there."""
    told = []
    if node["channels"]:
        told.append(f"the {len(node['channels'])} most active of {node['shape'][0]:,} maps")
    if node["reduced"] > 1:
        told.append(f"each number the average of {node['reduced']}x{node['reduced']}")
    if not node["bits"] and not node.get("alias"):
        told.append("its numbers do not fit into this page")
    elif node.get("work", {}).get("why"):
        told.append(f"not step by step: {node['work']['why']}")
    return "; ".join(told)
