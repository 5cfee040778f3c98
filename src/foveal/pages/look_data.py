"""What look.html carries of a network and pictures: numbers for its scripts, facts for its text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from foveal.arrays import Floats
from foveal.drawing.scales import SIGNED, VIRIDIS
from foveal.looking.kernels import kernel_history
from foveal.looking.planes import channel_names
from foveal.looking.subject import NothingToSee, Seen, Subject
from foveal.looking.units import UnitParts, unit_parts
from foveal.looking.walk import Node, walk
from foveal.nets.notation import write_layer
from foveal.nets.receptive import receptive_spans
from foveal.nets.spec import Dense, Timm
from foveal.nets.table import half_of, is_fixed
from foveal.nets.tracing import layer_modules
from foveal.pages.carried import choose
from foveal.pages.making import Making
from foveal.pages.packing import Packed, averaged
from foveal.visible import visible

MAPS, WEIGHTS, EVIDENCE, SNAPSHOTS = 8_000_000, 1_200_000, 300_000, 250_000
"""Bytes, before they are deflated and written as text: of maps, of weights, of those of the
classes, and of kernels over the epochs."""
LIKELIEST = 10
"""Classes of each picture that are shown."""
LONGEST_NAME = 60
MOST_UNITS = 100
"""Units of timm whose parts are listed."""
MOST_KERNELS = 64
"""Kernels that are shown over the epochs."""


class LookData:
    """What a page carries of a network and of pictures that went through it.

    Parameters
    ----------
    subject : Subject
        The network.
    seen : Seen
        The pictures.
    nodes : sequence of Node
        Its nodes.
    sizes : sequence of array
        How active the channels of each are.
    share : float
        Of the room that a page has.
    """

    def __init__(
        self,
        subject: Subject,
        seen: Seen,
        nodes: Sequence[Node],
        sizes: Sequence[Floats],
        share: float,
    ) -> None:
        self.subject, self.seen, self.nodes, self.share = subject, seen, nodes, share
        levels = seen.images * 255
        self.in_bytes = bool(np.abs(levels - np.rint(levels)).max() < 1e-3)
        self.carried = choose(
            nodes, sizes, len(seen.names), int(MAPS * share), in_bytes=self.in_bytes
        )
        self.modules = layer_modules(subject.network, subject.plan)
        self.making = Making(nodes, self.carried, self.modules, int(WEIGHTS * share))
        self.packed = [Packed() for _ in seen.names]
        self.places: list[dict[str, int]] = [{} for _ in nodes]
        self.outputs = np.zeros((len(seen.names), math.prod(nodes[-1].shape)), np.float32)
        walk(subject, seen, nodes, self._pack)

        self.head = self._head()
        """The last dense layer, whose numbers stand for classes; None where there is none."""
        known = {self.head["node"]: self._work(self.head["node"])} if self.head else {}
        self.facts = [self._node(place, known.get(place)) for place in range(len(nodes))]
        """Facts of each node."""

    def to_dict(self) -> dict[str, Any]:
        """Return all that the scripts read; ``unpack.js`` says what each is."""
        recipe = self.subject.recipe
        spans, packed = self._spans()
        told = [{**node, "spans": one} for node, one in zip(self.facts, spans, strict=True)]
        return {
            "nodes": told,
            "pictures": [visible(_file(name), LONGEST_NAME) for name in self.seen.names],
            "planes": channel_names(self.nodes[0].shape[0]),
            "unit": list(zip(recipe.std, recipe.mean, strict=True)),
            "head": self.head,
            "snapshots": self._snapshots(),
            "scales": {"viridis": VIRIDIS, "signed": SIGNED},
            "maps": [one.text() for one in self.packed],
            "weights": self.making.weights.text(),
            "spans": packed.text(),
        }

    def units(self) -> dict[int, UnitParts]:
        """List what units of timm are made of, by their nodes: the first ones."""
        layers = {at: one.layer for at, one in enumerate(self.nodes) if one.layer is not None}
        places = [at for at, layer in layers.items() if isinstance(layer.layer, Timm)]
        modules = {at: self.modules[layers[at].number] for at in places[:MOST_UNITS]}
        return {at: unit_parts(one[0].get_submodule("unit")) for at, one in modules.items()}

    def _pack(self, picture: int, place: int, values: Floats) -> None:
        """Pack what comes out of a node for a picture."""
        carried, packed = self.carried[place], self.packed[picture]
        if place == len(self.nodes) - 1:
            self.outputs[picture] = values.ravel()
        if not carried.bits:
            return
        if place == 0 and self.in_bytes and carried.reduced == 1:
            self.places[place] = self._pack_bytes(picture)
        elif values.ndim == 1:
            self.places[place] = {"f": packed.add_floats(values)}
        else:
            maps = averaged(values[carried.channels], carried.reduced)
            floats, first = packed.add_maps(maps, carried.bits)
            self.places[place] = {"f": floats, "u": first}

    def _pack_bytes(self, picture: int) -> dict[str, int]:
        """Pack a picture whose pixels are bytes, without any loss."""
        channels = self.carried[0].channels
        levels = np.rint(self.seen.images[picture] * 255).astype(np.uint8).transpose(2, 0, 1)
        limits = [(shift, scale / 255) for scale, shift in self._input()]
        packed = self.packed[picture]
        floats = packed.add_floats(np.array(limits)[channels])
        return {"f": floats, "u": packed.add_bytes(levels[channels].tobytes())}

    def _input(self) -> list[tuple[float, float]]:
        """Return factor and summand of each channel: from black = 0, white = 1 to the input."""
        recipe = self.subject.recipe
        return [(1 / std, -mean / std) for mean, std in zip(recipe.mean, recipe.std, strict=True)]

    def _work(self, place: int) -> dict[str, Any]:
        """Tell how the numbers of a node are made; of the head for the classes that are shown."""
        of_head = self.head and self.head["node"] == place
        rows = [one["place"] for one in self.head["classes"]] if self.head and of_head else None
        return self.making.told(place, rows)

    def _node(self, place: int, work: dict[str, Any] | None) -> dict[str, Any]:
        """Tell of one node."""
        node, carried, layer = self.nodes[place], self.carried[place], self.nodes[place].layer
        facts: dict[str, Any] = {
            "number": node.number,
            "text": "the picture" if layer is None else _text(node),
            "shape": node.shape,
            "source": node.source,
            "bits": carried.bits,
            "reduced": carried.reduced,
            "channels": self._kept(place),
            **self.places[place],
        }
        if carried.alias:
            facts["alias"] = True
        if layer is None:
            facts["colour"] = node.shape[0] == 3
            return facts
        if self.subject.plan.encoder_layers:
            facts["half"] = half_of(self.subject.plan, layer)
            last = place == len(self.nodes) - 1 and node.shape == self.subject.plan.input
            facts["colour"] = last and node.shape[0] == 3
        if node.shortcut >= 0:
            facts["shortcut"] = node.shortcut
        facts["parameters"] = layer.parameters
        facts["fixed"] = is_fixed(self.subject.plan, layer)
        facts["unknown"] = layer.unknown
        facts["work"] = work or self._work(place)
        return facts

    def _kept(self, place: int) -> list[int] | None:
        """List which maps of a node are carried; None for all."""
        one, node = self.carried[place], self.nodes[place]
        whole = len(one.channels) == node.shape[0] or one.alias or not one.bits
        return None if whole else one.channels.tolist()

    def _spans(self) -> tuple[list[list[int]], Packed]:
        """Pack what each row and column sees: for each node where those begin, differences."""
        found = receptive_spans(self.subject.plan)
        packed, known = Packed(), dict[bytes, int]()

        def place(lines: Any) -> int:
            steps = np.diff(lines, axis=0, prepend=0).astype("<i4").T
            content = np.ascontiguousarray(steps).tobytes()
            if content not in known:
                known[content] = packed.add_bytes(content)
            return known[content]

        places: list[list[int]] = [[]]
        for node in self.nodes[1:]:
            one = found[node.number]
            places.append([place(one.rows), place(one.columns)])
        return places, packed

    def _head(self) -> dict[str, Any] | None:
        """Tell of the last dense layer, whose numbers stand for classes, where there is one."""
        last, plan = self.nodes[-1], self.subject.plan
        if last.layer is None or not isinstance(last.layer.layer, Dense) or plan.encoder_layers:
            return None
        if last.layer.layer.activation or not self.carried[-1].bits or not self.subject.exclusive:
            return None
        return {
            "node": len(self.nodes) - 1,
            "temperature": self.subject.temperature,
            "count": last.shape[0],
            "classes": [
                {"place": place, "name": self._class(place)} for place in self._likeliest(last)
            ],
        }

    def _likeliest(self, last: Node) -> list[int]:
        """Choose the likeliest classes of each picture, as many as there is room for."""
        assert last.layer is not None
        each = 4 * last.layer.in_shape[0] * len(self.outputs)
        count = max(1, min(LIKELIEST, int(EVIDENCE * self.share) // max(each, 1)))
        best = np.argsort(-self.outputs, axis=1, kind="stable")[:, :count]
        return sorted({int(place) for place in best.ravel()})

    def _class(self, place: int) -> str:
        names = self.subject.classes
        return visible(names[place], LONGEST_NAME) if names else f"output {place}"

    def _snapshots(self) -> dict[str, Any] | None:
        """Pack first-layer kernels over the epochs; None where there are none."""
        try:
            history = kernel_history(self.subject)
        except NothingToSee:
            return None
        times, count, channels, height, width = history.kernels.shape
        shown = 3 if channels == 3 else 1
        room = int(SNAPSHOTS * self.share)
        kept = min(count, MOST_KERNELS, room // (times * shown * height * width))
        if not kept:
            return None
        values = np.nan_to_num(history.kernels[:, :kept, :shown]) / (history.limit or 1.0)
        packed = Packed()
        packed.add_bytes(np.rint(127 + 127 * values.clip(-1, 1)).astype(np.uint8).tobytes())
        return {
            "shape": (times, kept, shown, height, width),
            "of": count,
            "channels": channels,
            "most": history.limit,
            "titles": [history.title(time) for time in range(times)],
            "kept": history.kept,
            "values": packed.text(),
        }


def _file(name: str) -> str:
    """Return the last part of the name of a picture."""
    return name.replace("\\", "/").rstrip("/").rpartition("/")[2] or name


def _text(node: Node) -> str:
    assert node.layer is not None
    inner = node.layer.inner
    if inner:
        return f"residual: layers {inner[0].number} to {inner[-1].number}, and what went into them"
    return visible(write_layer(node.layer.layer), 80)
