"""look.html: a network as one page, in which a person walks from a picture to what it says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from foveal.arrays import Floats
from foveal.drawing.scales import SIGNED, VIRIDIS
from foveal.looking.subject import Seen, Subject, subject_of
from foveal.looking.walk import Stage, activity, stages_of, walk
from foveal.nets.notation import write_layer
from foveal.nets.receptive import receptive_spans
from foveal.nets.spec import Conv, Dense
from foveal.nets.table import is_fixed, short
from foveal.nets.tracing import layer_modules
from foveal.pages.carried import choose
from foveal.pages.making import Making
from foveal.pages.packing import Packed, averaged
from foveal.pages.shell import rendered, write_page
from foveal.pictures.collection import Pictures
from foveal.pictures.sources import gather
from foveal.shapes import written
from foveal.visible import visible
from foveal.wording import counted

MOST_PICTURES = 6
"""Pictures that a page switches between."""
LARGEST = 8_000_000
"""Bytes of a page."""
MAPS, WEIGHTS, EVIDENCE, SNAPSHOTS = 8_000_000, 1_200_000, 300_000, 250_000
"""Bytes, before they are deflated and written as text: of maps, of weights, of those of the
classes, and of kernels over the epochs."""
LIKELIEST = 10
"""Classes of each picture that are shown."""
LONGEST_NAME = 60
MOST_KERNELS = 64
"""Kernels that are shown over the epochs."""
SCRIPTS = ("arithmetic.js", "unpack.js", "paint.js", "numbers.js", "classes.js", "look.js")
STYLES = ("look.css",)


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
    stages = stages_of(subject.plan)
    sizes = activity(subject, seen, stages)
    share = min(1.0, largest / LARGEST)
    while True:
        page = _Page(subject, seen, stages, sizes, share).written(len(pictures) - count)
        size = len(page.html.encode())
        if size <= largest or share < 1e-4:
            return page
        share *= min(0.9, largest / size * 0.95)


class _Page:
    """A page in the making."""

    def __init__(
        self,
        subject: Subject,
        seen: Seen,
        stages: Sequence[Stage],
        sizes: Sequence[Floats],
        share: float,
    ) -> None:
        self.subject, self.seen, self.stages, self.share = subject, seen, stages, share
        levels = seen.images * 255
        self.in_bytes = bool(np.abs(levels - np.rint(levels)).max() < 1e-3)
        self.carried = choose(
            stages, sizes, len(seen.names), int(MAPS * share), in_bytes=self.in_bytes
        )
        modules = layer_modules(subject.network, subject.plan)
        self.making = Making(stages, self.carried, modules, int(WEIGHTS * share))
        self.packed = [Packed() for _ in seen.names]
        self.places: list[dict[str, int]] = [{} for _ in stages]
        self.outputs = np.zeros((len(seen.names), math.prod(stages[-1].shape)), np.float32)
        walk(subject, seen, stages, self._pack)

    def _pack(self, picture: int, place: int, values: Floats) -> None:
        """Pack what comes out of a stage for a picture."""
        carried, packed = self.carried[place], self.packed[picture]
        if place == len(self.stages) - 1:
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

    def written(self, further: int) -> LookPage:
        """Write the page; `further` pictures were left out."""
        head = self._head()
        nodes = [self._node(place, head) for place in range(len(self.stages))]
        spans, all_spans = self._spans()
        for node, one in zip(nodes, spans, strict=True):
            node["spans"] = one
        subject = self.subject
        data = {
            "nodes": nodes,
            "pictures": [visible(_file(name), LONGEST_NAME) for name in self.seen.names],
            "unit": list(zip(subject.recipe.std, subject.recipe.mean, strict=True)),
            "head": head,
            "snapshots": self._snapshots(),
            "scales": {"viridis": VIRIDIS, "signed": SIGNED},
            "maps": [one.text() for one in self.packed],
            "weights": self.making.weights.text(),
            "spans": all_spans.text(),
        }
        left_out = self._left_out(nodes, further)
        html = rendered(
            "look.html",
            title=f"{visible(subject.name, LONGEST_NAME)}: a look inside",
            scripts=SCRIPTS,
            styles=STYLES,
            data={"look": data},
            network=subject.name,
            facts=self._facts(),
            trained=subject.trained,
            layers=[_layer(place, node) for place, node in enumerate(nodes)],
            classes=bool(head),
            snapshots=data["snapshots"],
            left_out=left_out,
            desk=self._desk(),
        )
        return LookPage(html=html, pictures=len(self.seen.names), left_out=tuple(left_out))

    def _facts(self) -> str:
        plan = self.subject.plan
        trained = (
            "trained" if self.subject.trained else "untrained: its weights were drawn at random"
        )
        layers = counted(sum(1 for _ in plan.walk()), "layer")
        return (
            f"{written(plan.input)} in, {written(plan.output)} out, {layers}, "
            f"{short(plan.parameters)} parameters, {trained}"
        )

    def _node(self, place: int, head: dict[str, Any] | None) -> dict[str, Any]:
        """Tell of one stage."""
        stage, carried, layer = self.stages[place], self.carried[place], self.stages[place].layer
        facts: dict[str, Any] = {
            "number": stage.number,
            "text": "the picture" if layer is None else _text(stage),
            "shape": stage.shape,
            "source": stage.source,
            "bits": carried.bits,
            "reduced": carried.reduced,
            "channels": self._kept(place),
            **self.places[place],
        }
        if carried.alias:
            facts["alias"] = True
        if layer is None:
            return facts
        if stage.shortcut >= 0:
            facts["shortcut"] = stage.shortcut
        facts["parameters"] = layer.parameters
        facts["fixed"] = is_fixed(self.subject.plan, layer)
        facts["unknown"] = layer.unknown
        rows = [one["place"] for one in head["classes"]] if head and head["node"] == place else None
        facts["work"] = self.making.told(place, rows)
        return facts

    def _kept(self, place: int) -> list[int] | None:
        """List which maps of a stage are carried; None for all."""
        one, stage = self.carried[place], self.stages[place]
        whole = len(one.channels) == stage.shape[0] or one.alias or not one.bits
        return None if whole else one.channels.tolist()

    def _spans(self) -> tuple[list[list[int]], Packed]:
        """Pack what each row and column sees: for each stage where those begin, differences."""
        found = receptive_spans(self.subject.plan)
        packed, known = Packed(), dict[bytes, int]()

        def place(lines: Any) -> int:
            steps = np.diff(lines, axis=0, prepend=0).astype("<i4").T
            content = np.ascontiguousarray(steps).tobytes()
            if content not in known:
                known[content] = packed.add_bytes(content)
            return known[content]

        places: list[list[int]] = [[]]
        for stage in self.stages[1:]:
            one = found[stage.number]
            places.append([place(one.rows), place(one.columns)])
        return places, packed

    def _head(self) -> dict[str, Any] | None:
        """Tell of the last dense layer, whose numbers stand for classes, where there is one."""
        last, plan = self.stages[-1], self.subject.plan
        if last.layer is None or not isinstance(last.layer.layer, Dense) or plan.encoder_layers:
            return None
        if last.layer.layer.activation or not self.carried[-1].bits:
            return None
        return {
            "node": len(self.stages) - 1,
            "temperature": self.subject.temperature,
            "count": last.shape[0],
            "classes": [
                {"place": place, "name": self._class(place)} for place in self._likeliest(last)
            ],
        }

    def _likeliest(self, last: Stage) -> list[int]:
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
        kernels = self.subject.snapshots
        if kernels.ndim != 5 or len(kernels) < 2:
            return None
        times, count, channels, height, width = kernels.shape
        shown = 3 if channels == 3 else 1
        room = int(SNAPSHOTS * self.share)
        kept = max(1, min(count, MOST_KERNELS, room // max(1, times * shown * height * width)))
        values = kernels[:, :kept, :shown]
        most = float(np.abs(values).max()) or 1.0
        levels = np.rint(127 + 127 * values / most).astype(np.uint8)
        if levels.size > room:
            return None
        packed = Packed()
        packed.add_bytes(levels.tobytes())
        model = self.subject.model
        return {
            "shape": levels.shape,
            "of": count,
            "channels": channels,
            "most": most,
            "steps": list(model.provenance.snapshot_steps) if model else [],
            "values": packed.text(),
        }

    def _left_out(self, nodes: list[dict[str, Any]], further: int) -> list[str]:
        """Say what is not in the page."""
        layers = nodes[1:]
        some = sum(one["channels"] is not None for one in layers)
        silent = sum("why" in one.get("work", {}) for one in layers)
        coarse = sum(one["bits"] == 8 for one in layers)
        told = []
        if further:
            told.append(f"{counted(further, 'further picture')}: a page holds {MOST_PICTURES}.")
        if some:
            told.append(
                f"Of {counted(some, 'layer')} only the most active maps are here. Fewer pictures "
                "leave room for more."
            )
        if coarse:
            told.append(
                f"The maps of {counted(coarse, 'layer')} are kept in 256 steps each, so that "
                "numbers made of them are right to about 0.4 % of their range."
            )
        if silent:
            told.append(f"The numbers of {counted(silent, 'layer')} are not worked out here.")
        return told

    def _desk(self) -> dict[str, int]:
        """Return what the desk begins with: the first convolution."""
        for stage in self.stages:
            if stage.layer and isinstance(stage.layer.layer, Conv):
                one, pads = stage.layer.layer, stage.layer.inferred.pads
                side = min(stage.layer.in_shape[1], 64)
                return {
                    "size": side,
                    "kernel": min(one.size[0], 11),
                    "padding": min(pads[0][0], 8),
                    "stride": min(one.stride[0], 8),
                }
        return {"size": 32, "kernel": 5, "padding": 0, "stride": 1}


def _layer(place: int, node: dict[str, Any]) -> dict[str, Any]:
    """Tell what the page says of a layer before any script runs."""
    shape = node["shape"]
    return {
        **{name: node[name] for name in ("number", "text")},
        "place": place,
        "depth": node["number"].count("."),
        "shape": written(shape),
        "maps": len(shape) == 3,
        "parameters": node.get("parameters", 0),
        "fixed": node.get("fixed", False) and bool(node.get("parameters")),
        "note": _note(node),
        "carried": bool(node["bits"] or node.get("alias")),
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


def _file(name: str) -> str:
    """Return the last part of the name of a picture."""
    return name.replace("\\", "/").rstrip("/").rpartition("/")[2] or name


def _text(stage: Stage) -> str:
    assert stage.layer is not None
    inner = stage.layer.inner
    if inner:
        return f"residual: layers {inner[0].number} to {inner[-1].number}, and what went into them"
    return visible(write_layer(stage.layer.layer), 80)
