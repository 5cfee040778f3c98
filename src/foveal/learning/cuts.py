"""Where to cut a backbone: asked for, by default, or tried on held-out pictures."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from foveal.backbones.catalog import Backbone, Stage
from foveal.backbones.cutting import tapped
from foveal.errors import UsageError
from foveal.inference.extracting import Extraction
from foveal.inference.session import Session
from foveal.learning.context import FitContext
from foveal.learning.held import Held
from foveal.learning.opening import AsFeatures
from foveal.learning.options import AUTO
from foveal.learning.preparing import prepare
from foveal.learning.transfer_config import TransferConfig
from foveal.pictures.collection import Pictures
from foveal.progress.events import CutTried, Event, Extracting
from foveal.recipe import PictureRecipe
from foveal.targets.labelled import Labelled
from foveal.training.run import Run

UPWARD = 2 / 3
"""Share of the multiply-adds below the cut from which fine-tuning begins by default."""
SECONDS = 60.0
"""Time that the heads of an automatic choice may take; the highest stages are tried first."""

SuitsAt = Callable[[Stage], Callable[[Labelled, PictureRecipe], None]]
"""Gives, for a stage, what refuses a head that does not suit there."""


def choose_cut(
    config: TransferConfig,
    backbone: Backbone,
    recipe: PictureRecipe,
    pictures: Pictures,
    context: FitContext,
    suits_at: SuitsAt,
) -> tuple[Stage, dict[str, float]]:
    """Choose the stage after which a backbone is cut.

    Returns
    -------
    tuple
        The stage, and the held-out log loss of each that was tried.

    Raises
    ------
    UsageError
        For a head that suits no stage, before the long work; as `prepare`.
    """
    if config.start.cut != AUTO:
        return _asked(config, backbone), {}
    stage, tried = context.run.decide(
        "cut", lambda: _tried(config, backbone, recipe, pictures, context, suits_at)
    )
    return backbone.stage(stage), tried


def _tried(
    config: TransferConfig,
    backbone: Backbone,
    recipe: PictureRecipe,
    pictures: Pictures,
    context: FitContext,
    suits_at: SuitsAt,
) -> tuple[str, dict[str, float]]:
    """Fit a logistic head at each stage that the asked one suits, from the highest down.

    All from one pass.
    """
    network, places = tapped(backbone)
    run, start = context.run, config.start
    session = Session(network, recipe, context.device, engine=start.here)
    extraction = Extraction(session=session, float16=start.float16, cluster=start.cluster)
    listening = Run(listeners=[lambda event: _pass_on(event, run)])
    quiet = replace(context, run=listening)  # preparation is told of when the cut is chosen
    opening = AsFeatures(extraction, quiet)
    fitting: list[str] = []

    def suits(target: Labelled, recipe: PictureRecipe) -> None:
        misfits = []
        for name in reversed(places):
            try:
                suits_at(backbone.stage(name))(target, recipe)
            except UsageError as error:
                misfits.append(error)
            else:
                fitting.append(name)
        if not fitting:
            raise misfits[-1]  # where there is most room

    data = prepare(pictures, opening, config.target, config.held_out, quiet, suits=suits)
    began = time.perf_counter()
    rows = data.split.train
    features = data.store.views[0][rows]
    tried: dict[str, float] = {}
    for name in fitting:
        examples = data.examples(rows, features[None, :, places[name]], context)
        head = data.target.fit_head(examples, data.taught, start.C)
        if not head.folds:
            break  # too few pictures to judge by: the end of the backbone
        held = Held(data, head.held_out_outputs_nk, rows[head.held_out], "cross-validation")
        tried[name] = held.loss or 0.0
        over = time.perf_counter() - began > SECONDS and len(tried) < len(fitting)
        run.tell(
            CutTried(
                stage=name,
                features=features[:, places[name]].shape[1],
                log_loss=tried[name],
                accuracy=held.share_right,
                notes=("the time is over: lower stages were not tried",) if over else (),
            )
        )
        if over:
            break
    best = min(tried, key=lambda name: tried[name], default=fitting[0])
    return best, tried


def _pass_on(event: Event, run: Run) -> None:
    """Tell of the pass; preparation is told of once, when the cut is chosen."""
    if isinstance(event, Extracting):
        run.tell(event)


def _asked(config: TransferConfig, backbone: Backbone) -> Stage:
    start = config.start
    if start.cut is not None or not start.fine_tune_epochs:
        stage = backbone.stage(start.cut)
        if start.fine_tune_epochs and stage == backbone.stages[-1]:
            raise UsageError(
                "`cut` and `fine_tune_epochs`",
                needed="a cut with layers of the backbone above it, to be fine-tuned",
                came=f"its end, {stage.name}",
                remedy="name a lower stage, or leave `cut` out",
            )
        return stage
    return _two_thirds(backbone)


def _two_thirds(backbone: Backbone) -> Stage:
    """Find the last stage with at most `UPWARD` of the multiply-adds below it."""
    costs = np.cumsum([one.multiply_adds for one in backbone.plan.layers])
    ends = [stage for stage in backbone.stages[:-1] if len(backbone.shape(stage)) == 3]
    total = costs[backbone.stages[-1].end - 1]
    below = [stage for stage in ends if costs[stage.end - 1] <= UPWARD * total]
    if not ends:
        raise UsageError(
            "fine_tune_epochs",
            needed="a backbone with several stages",
            came=f"{backbone.name}, which is one piece",
            remedy="choose another backbone, or leave `fine_tune_epochs` out",
        )
    return below[-1] if below else ends[0]
