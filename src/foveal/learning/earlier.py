"""Going on from an earlier model: its weights as a start, or its features under a new head.

What judged it stays held out; what taught weights that are gone on with is never held out. Its
layers as the backbone of another task are `foveal.model.as_backbone`.

Axes: n picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from foveal.arrays import Array, Hashes
from foveal.backbones.catalog import Backbone, Stage, of_model
from foveal.errors import UsageError
from foveal.learning.option_groups import sides_of
from foveal.learning.options import NetOptions, Pixels
from foveal.learning.transfer_options import BACKBONE, BackboneOptions, Views
from foveal.model.fitted import FittedModel
from foveal.model.loading import load
from foveal.nets.build import part
from foveal.nets.plan import Plan, plan, plan_network
from foveal.nets.spec import Dense, Network
from foveal.pictures.collection import Pictures
from foveal.pictures.splits import Before, Split
from foveal.recipe import PictureRecipe
from foveal.targets.labelled import Labelled
from foveal.vocabulary import normal_name
from foveal.wording import counted

SAID = "the earlier model says it"
NAMED = 5
"""Classes that a note names, at most."""


@dataclass(frozen=True, eq=False, slots=True)
class Earlier:
    """A model that a training goes on from."""

    name: str
    model: FittedModel
    weights: bool
    """Whether its weights are gone on with, so that what taught them cannot judge."""

    @classmethod
    def opened(
        cls, given: str | Path | FittedModel | None, target: Labelled, *, weights: bool
    ) -> Earlier | None:
        """Open a model, or the file of one; None where none is gone on from.

        Raises
        ------
        UsageError
            For an autoencoder, and a model of another task.
        ModelFileError
            Where the file cannot be read.
        """
        if given is None:
            return None
        if isinstance(given, FittedModel):
            name, model = "a fitted model", given
        else:
            name, model = Path(given).name, load(Path(given), device="cpu")
        if model.task != target.task:
            raise UsageError(
                "earlier",
                needed=f"a model for {target.task}, as is asked for now",
                came=f"{name}, a model for {model.task}",
                remedy="name another, or reuse its layers as the `backbone` of a transfer",
            )
        return cls(name, model, weights)

    # Its pictures ----------------------------------------------------------------------------

    @property
    def held(self) -> Hashes:
        """Content hashes of the pictures that it had held out."""
        kept = self.model.held_out
        validated = kept is not None and self.model.provenance.judged_by == "validation"
        judged = kept.hashes if kept is not None and validated else self.model.chosen_on
        return np.union1d(judged, self.model.chosen_on)

    def before(self, hashes_n: Hashes) -> Before:
        """Say what each picture was to it, (n,)."""
        held = np.isin(hashes_n, self.held)
        taught = np.isin(hashes_n, self.model.trained_on) & ~held
        return Before(taught=taught, held=held, partial=self.weights)

    def notes(self, hashes_n: Hashes, split: Split, classes: Array) -> Iterator[str]:
        """Say which pictures are held out again, which are new, and which classes."""
        known = np.union1d(self.model.trained_on, self.held)
        used = np.concatenate([split.train, split.validation])
        again = int(np.isin(hashes_n[split.validation], self.held).sum())
        new = int((~np.isin(hashes_n[used], known)).sum())
        fresh = int((~np.isin(hashes_n[split.validation], known)).sum())
        told = f"going on from {self.name}: {counted(new, 'picture')} new to it"
        told += f", {fresh:,} of them held out" * bool(len(split.validation))
        yield told + f"; held out again, as it had them: {again:,}" * bool(len(self.held))
        names = [str(one) for one in classes]
        before = [str(one) for one in self.model.classes]
        for word, others, these in (
            ("further classes", names, before),
            ("classes it knew that are no longer there", before, names),
        ):
            found = [one for one in others if one not in these]
            more = f" and {len(found) - NAMED:,} more" if len(found) > NAMED else ""
            if found:
                yield f"{word}: {', '.join(found[:NAMED])}{more}"

    # Its weights, for a network that goes on learning -----------------------------------------

    def recipe(self, pictures: Pictures, asked: Pixels) -> PictureRecipe:
        """Return how its pictures were prepared, as these are to be.

        Raises
        ------
        UsageError
            Where another way is asked for.
        """
        known = self.model.recipe
        size = sides_of(asked.size)
        if size not in (None, (known.height, known.width)):
            raise self._other("size", size, (known.height, known.width))
        if asked.channels not in (None, known.channels):
            raise self._other("channels", asked.channels, known.channels)
        if asked.resize not in (Pixels().resize, known.resize):
            raise self._other("resize", asked.resize, known.resize)
        return pictures.content.suited(known)

    def planned(self, net: str | Network, target: Labelled) -> Plan:
        """Plan its network again, with as many outputs as there are to be.

        Raises
        ------
        UsageError
            Where another network is asked for, or it does not end with a dense layer.
        """
        known = self.model.plan
        layers = tuple(one.layer for one in known.layers)
        last = layers[-1]
        if not isinstance(last, Dense):
            raise UsageError(
                "earlier",
                needed="a model that ends with a dense layer, of which rows can be kept",
                came=f"{self.name}: {known.text}",
                remedy="train anew",
            )
        opened = Network((*layers[:-1], replace(last, nodes=None)), known.input)
        found = plan(opened, classes=target.outputs)
        if net == NetOptions().net:
            return found
        wanted = plan(net, input=self.model.recipe.shape, classes=target.outputs)
        flat = plan_network(Network(tuple(one.layer for one in wanted.layers), wanted.input))
        if flat.text != found.text:
            raise self._other("net", wanted.text, known.text)
        return found

    def begun(self, network: nn.Sequential, target: Labelled) -> nn.Sequential:
        """Give a network with drawn weights those of the model, and the rows of classes it knew."""
        old, count = self.model, len(self.model.plan.layers) - 1
        kept = part(old.network, old.plan, 0, count).state_dict()
        state = {**network.state_dict(), **{name: kept[name].cpu() for name in kept}}
        network.load_state_dict(state)
        last, before = network[-1], part(old.network, old.plan, count)[-1]
        assert isinstance(last, nn.Linear) and isinstance(before, nn.Linear)
        rows = _rows_of(old.target.names, target.names)
        if not len(target.names) and last.weight.shape == before.weight.shape:
            rows = [(row, row) for row in range(len(last.weight))]
        with torch.no_grad():
            for now, then in rows:
                last.weight[now] = before.weight[then].cpu()
                if last.bias is not None and before.bias is not None:
                    last.bias[now] = before.bias[then].cpu()
            if not len(target.names) and target.outputs == 1:  # in the units of these numbers
                ends = target.restated(np.array([[0.0], [1.0]]), old.answering())[:, 0].tolist()
                last.weight.mul_(ends[1] - ends[0])
                if last.bias is not None:
                    last.bias.mul_(ends[1] - ends[0]).add_(ends[0])
        return network

    # Its features, for a new head -------------------------------------------------------------

    def backbone(self, start: BackboneOptions, views: Views) -> Backbone:
        """Return its fixed layers, as the backbone that they are of.

        Raises
        ------
        UsageError
            Where it has no head of its own kind on fixed layers, and for options that it says.
        """
        usual = BackboneOptions(), Views()
        for group, before, names in (
            (start, usual[0], ("cut", "head", "weights", "download", "fine_tune_epochs")),
            (views, usual[1], ("size", "resize")),
        ):
            for name in names:
                if getattr(group, name) != getattr(before, name):
                    raise self._other(name, getattr(group, name), SAID)
        if start.backbone != BACKBONE:
            raise self._other("backbone", start.backbone, SAID)
        model = self.model
        origin, fixed = model.provenance.backbone, model.plan.fixed
        at_once = model.provenance.fit is not None
        if origin is None or not at_once or fixed != len(model.plan.layers) - 1:
            raise UsageError(
                "earlier",
                needed="a transfer whose head was fitted at once on fixed layers",
                came=f"{self.name}, of which more was trained",
                remedy="reuse its layers as the `backbone`, or go on with its weights by 'foveal "
                "train cnn'",
            )
        layers = tuple(one.layer for one in model.plan.layers[:fixed])
        front = part(model.network, model.plan, 0, fixed)
        planned = plan_network(Network(layers, model.plan.input))
        found = of_model(origin.name, planned, front, model.recipe, sha256=origin.sha256, end=fixed)
        return replace(found, source=origin.source, stages=(Stage(origin.stage, fixed),))

    def _other(self, name: str, came: object, known: object) -> UsageError:
        return UsageError(
            name,
            needed=f"what {self.name} has, as its training goes on: {known}",
            came=str(came),
            remedy="leave it out, or train anew without `earlier`",
        )


def _rows_of(before: Any, now: Any) -> list[tuple[int, int]]:
    """Return the numbers of the classes that are known already: now, and before."""
    numbers = {normal_name(str(one)): row for row, one in enumerate(before)}
    return [
        (row, numbers[normal_name(str(one))])
        for row, one in enumerate(now)
        if normal_name(str(one)) in numbers
    ]
