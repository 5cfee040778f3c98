"""Tuning: networks and trainings are tried within a time, and the best model is kept.

Trials are held against one another by how probable they made what is true of held-out pictures,
which varies far less than how often they were right. These pictures flatter the best one: the best
few are trained again on other splits beside all defaults (`foveal.tuning.choosing`), and a part
that no training saw says how the chosen one fares.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from foveal.cluster import Cluster
from foveal.device import cores
from foveal.errors import UsageError
from foveal.model.contents import checked_path
from foveal.parameters import Choice, Real, Rule, Whole, check, optional
from foveal.pictures.sources import gather
from foveal.progress.events import Listener
from foveal.tuning.choosing import ROUNDS
from foveal.tuning.search import ENDING, SAMPLERS, Sampler, Search, Times, known
from foveal.tuning.spaces import SPACES, Kind
from foveal.tuning.storage import imported
from foveal.tuning.study import Tried, make_folder
from foveal.tuning.tuned import Tuning, found, set_aside
from foveal.tuning.workers import tried_side_by_side
from foveal.vocabulary import TARGETS

TEST_SHARE = 0.2
AGAIN = 1 / 3
"""Share of the time in which the best few are trained again."""


def tune(
    X: Any,
    y: Any = None,
    *,
    to: str | Path,
    minutes: float = 10.0,
    trials: int | None = None,
    learner: Kind = "cnn",
    backbone: str | Path | None = None,
    target_kind: str = "classes",
    repeats: int = ROUNDS,
    sampler: Sampler = "tpe",
    storage: str | None = None,
    workers: int = 1,
    engine: str | None = None,
    groups: Any = None,
    test_share: float = TEST_SHARE,
    validation_share: float = 0.2,
    epochs: float | None = None,
    device: str = "auto",
    threads: int | None = None,
    seed: int = 0,
    tell: Callable[[Tried, bool], None] | None = None,
    listeners: Sequence[Listener] = (),
) -> Tuning:
    """Try networks and trainings on pictures, and keep the best model.

    The first trial is that of all defaults; a few follow that suit many pictures; then each is led
    by what came of those before, and ends early where it falls behind (median rule: Golovin et al.,
    "Google Vizier", 2017) or would take a third of the time. Layers, kernels and their sizes,
    padding, strides, pooling, nodes, activations, dropout, optimizer, rate and its course, decay,
    epochs, averaging of weights, batch and variations are open. In the last third of the time the
    best few are trained again beside the defaults, with other seeds on other splits: the best of
    them is kept, or else the model of all defaults. A later call goes on with the same study, and
    so does another at the same time, here or on another machine that reaches `storage`.

    Parameters
    ----------
    X, y, groups
        As in `CNNClassifier.fit`.
    to : path
        Where the best model goes, whole after each trial that is better: a .safetensors file. The
        study lies in a folder beside it, MODEL.tune/.
    minutes : float
        After which no training is begun, and those under way end; counted from when the pictures
        are prepared.
    trials : int, optional
        Trials of this call, at most; trainings again are not counted.
    learner : {"cnn", "transfer"}
        What is trained: networks from scratch, or a backbone whose kernels are kept, of which head,
        cut, views and fine-tuning are open.
    backbone : str or path, optional
        Of a transfer; as in `TransferClassifier`.
    target_kind : {"classes", "labels", "numbers"}
        What labels say. Trials are compared by the log loss of held-out pictures once they have
        calibrated the model; by the mean loss of numbers.
    repeats : int
        Rounds in which the best few are trained again, if time allows; 0 for none: then the best by
        the held-out pictures of all trials is kept.
    sampler : {"tpe", "random"}
        How trials are chosen; at random none of them ends early.
    storage : str, optional
        Address of a database as SQLAlchemy writes it, such as "postgresql://..."; a file of SQLite
        in the study's folder where left out.
    workers : int
        Processes of this machine that try side by side, each with its threads.
    engine : str, optional
        "ray", or "ray://HOST:PORT" of a cluster: actors of Ray try instead, as many as it has
        cores for. All of its machines must see pictures and `to` under the same paths.
    test_share : float, 0 to 1
        Share that no trial sees and that judges the best; only where no folder names a test part.
    validation_share, epochs, device
        As in `CNNClassifier`; of each trial.
    threads : int, optional
        Threads of each worker; the cores divided among them where left out.
    seed : int
        Of the choice of trials, and of each training.
    tell : callable, optional
        Called after each trial with it and whether it is the best so far.
    listeners : sequence of callable
        Called with events while pictures are prepared.

    Raises
    ------
    UsageError, DataError, ResourceError
        See `foveal.errors`; where no trial could be completed, too.
    """
    rules: dict[str, Rule] = {
        "minutes": Real(0, above=True),
        "trials": optional(Whole(1)),
        "learner": Choice(tuple(SPACES)),
        "target_kind": Choice(tuple(TARGETS)),
        "repeats": Whole(0),
        "sampler": Choice(SAMPLERS),
        "workers": Whole(1),
        "test_share": Real(0, 1, below=True),
        "seed": Whole(0),
    }
    given = {"minutes": minutes, "trials": trials, "target_kind": target_kind, "sampler": sampler}
    given |= {"workers": workers, "test_share": test_share, "seed": seed}
    given |= {"learner": learner, "repeats": repeats}
    check(given, rules)
    cluster = None if engine is None else Cluster.read(engine)
    if cluster is not None and workers > 1:
        raise UsageError(
            "`workers` and `engine`",
            needed="one of them: a cluster has as many actors as cores for their `threads`",
            came="both",
            remedy="leave `workers` out",
        )
    if backbone is not None and learner != "transfer":
        raise UsageError(
            "backbone",
            needed="a transfer, which has one",
            came=f"networks from scratch, and {str(backbone)[:80]!r}",
            remedy="ask for it by `learner`, or leave `backbone` out",
        )
    imported()
    place = checked_path(to)
    make_folder(place.with_suffix(ENDING))
    if threads is None and workers > 1:
        threads = max(1, cores() // workers)
    common: dict[str, Any] = {"test_share": test_share, "validation_share": validation_share}
    common |= {} if backbone is None else {"backbone": str(backbone)}
    search = Search(
        X=gather(X) if y is None else X,
        y=y,
        groups=groups,
        kind=learner,
        target=target_kind,
        place=place,
        storage=storage,
        sampler=sampler,
        rounds=repeats,
        seed=seed,
        epochs=epochs,
        common=common,
        machine={"device": device, "threads": threads},
    )
    began = time.time()
    try:
        search = known(search, listeners)
    except BaseException:
        with suppress(OSError):  # of what is refused nothing stays; a study does
            search.folder.rmdir()
        raise
    notes = [*search.notes, *set_aside(search)]
    again = AGAIN if repeats else 0.0
    prepared = time.time()
    times = Times(prepared + 60 * minutes * (1 - again), prepared + 60 * minutes)
    notes += tried_side_by_side(search, times, trials, workers, cluster, tell)
    return found(search, time.time() - began, notes)
