"""`foveal tune`: networks and trainings are tried within a time, and the best model is kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from foveal.cli.options import (
    GROUPS_HELP,
    Device,
    Json,
    Label,
    LabelFrom,
    Pictures,
    Threads,
    groups_of,
)
from foveal.cli.output import print_answer, wrote
from foveal.cli.outputs import model_file, writes
from foveal.cli.sources import given
from foveal.cli.words import in_options, quoted
from foveal.errors import Interrupted
from foveal.results import plain
from foveal.vocabulary import TARGETS
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.tuning.study import Tried
    from foveal.tuning.tuned import Tuning

TABLE, PAGE = "trials.csv", "tune.html"
COLUMNS = (
    *("number", "state", "measure", "value", "low", "high", "loss", "epochs", "seconds"),
    *("multiply_adds", "parameters", "options", "why", "repeat_of", "round"),
)
"""Of the table, in the words of `Tried`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """What was found, and what was written of it."""

    found: Tuning
    source: str
    written: Sequence[Path]

    def to_dict(self) -> dict[str, Any]:
        """Return trials, figures and files."""
        return {**self.found.to_dict(), "written": plain(self.written)}


@writes(model=model_file)
def tune(
    pictures: Pictures,
    model: Annotated[
        Path,
        typer.Argument(metavar="MODEL", help="Where the best model goes: a .safetensors file."),
    ],
    minutes: Annotated[
        float,
        typer.Option(
            min=0, help="Of trying, once pictures are prepared: then what is under way ends."
        ),
    ] = 10.0,
    trials: Annotated[int | None, typer.Option(min=1, help="Trials now, at most.")] = None,
    learner: Annotated[
        Literal["cnn", "transfer"],
        typer.Option(help="Networks from scratch, or kernels of a pretrained one that are kept."),
    ] = "cnn",
    backbone: Annotated[
        str | None,
        typer.Option(
            help="Of a transfer: a name that 'foveal backbones' lists, or a model file.",
            show_default="efficientnet_lite0",
        ),
    ] = None,
    target_kind: Annotated[
        str, typer.Option("--target", metavar="|".join(TARGETS), help="What labels say.")
    ] = "classes",
    repeats: Annotated[
        int,
        typer.Option(
            min=0,
            help="Rounds in which the best few are trained again beside all defaults, on other "
            "splits, before one is chosen.",
        ),
    ] = 5,
    sampler: Annotated[
        Literal["tpe", "random"],
        typer.Option(help="How trials are chosen: by what came of those before, or at random."),
    ] = "tpe",
    storage: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Database of the study, such as postgresql://...; a file of SQLite if left out.",
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes that try side by side, each with its threads.")
    ] = 1,
    engine: Annotated[
        str | None,
        typer.Option(
            metavar="ray[://HOST:PORT]",
            help="Let actors of Ray try, each by its own --threads, on this machine or a cluster. "
            "All of its machines must see PICTURES and the folder of MODEL.",
            show_default="this process",
        ),
    ] = None,
    epochs: Annotated[
        float | None, typer.Option(min=0, help="Of each trial; derived if left out.")
    ] = None,
    test_share: Annotated[
        float,
        typer.Option(min=0, max=0.9, help="Share that no trial sees, and that judges the best."),
    ] = 0.2,
    validation_share: Annotated[
        float, typer.Option(min=0, max=0.9, help="Share by which trials are chosen.")
    ] = 0.2,
    groups: Annotated[str | None, typer.Option(help=GROUPS_HELP)] = None,
    label_from: LabelFrom = None,
    label: Label = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the choice of trials, and of each.")] = 0,
    device: Device = "auto",
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Try networks and trainings on pictures, and keep the best model.

    Kernels and their sizes, padding, strides, pooling, nodes, activations, optimizer, epochs and
    rates are open; the first trial is that of all defaults, whose model is kept unless another
    proves better. Beside MODEL.safetensors it leaves MODEL.tune/
    with the study, trials.csv and tune.html; the same command goes on with it.
    """
    from foveal.cli.progress import shown_progress
    from foveal.learning.job import labelled
    from foveal.tuning.tune import tune as tuned

    told = _Telling(model)
    with told.interruptible(), shown_progress() as show:
        found = tuned(
            labelled(given(pictures), label_from, label),
            to=model,
            minutes=minutes,
            trials=trials,
            learner=learner,
            backbone=backbone,
            repeats=repeats,
            target_kind=target_kind,
            sampler=sampler,
            storage=storage,
            workers=workers,
            engine=engine,
            groups=groups_of(groups),
            test_share=test_share,
            validation_share=validation_share,
            epochs=epochs,
            device=device,
            threads=threads,
            seed=seed,
            tell=told,
            listeners=[show],
        )
    written = list(_written(found, pictures))
    answer = Tuned(found=found, source=pictures, written=written)
    print_answer(answer, _lines, as_json=json)


@dataclass(slots=True)
class _Telling:
    """Tells of trials as they end, and, where it is stopped, how to go on."""

    model: Path
    ended: int = 0

    def __call__(self, one: Tried, best: bool) -> None:
        """Tell of a trial."""
        self.ended += 1
        _tell(one, best)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Say of Ctrl-C and SIGTERM what is kept; a trial that was under way is tried again."""
        try:
            yield
        except KeyboardInterrupt:
            best = f"; {self.model} is the best so far" if self.model.exists() else ""
            raise Interrupted(
                "tuning",
                needed="to run to its end",
                came=f"a request to stop, after {counted(self.ended, 'trial')}",
                remedy=f"give the same command again: it goes on with what is kept{best}",
            ) from None


def _tell(one: Tried, best: bool) -> None:
    """Tell of a trial as it ends."""
    from foveal.tuning.space import told

    came = one.told if one.complete else one.why
    mark = " (best)" if best else ""
    if one.repeat_of is not None:
        typer.echo(
            f"trial {one.repeat_of} again, {one.round}: {came}, {one.seconds:.1f} s", err=True
        )
        return
    what = told(one.options) if one.options else ""
    typer.echo(f"trial {one.number}: {came}{mark}, {one.seconds:.1f} s: {what}", err=True)


def _written(found: Tuning, source: str) -> Iterator[Path]:
    from foveal.pages.tuning import tuning_page
    from foveal.tables import write_table

    folder = found.path.with_suffix(".tune")
    rows = [[_cell(plain(one)[name]) for name in COLUMNS] for one in found.trials]
    write_table(folder / TABLE, ["trial", *COLUMNS[1:]], [rows])
    yield folder / TABLE
    yield tuning_page(found, source, said=in_options).save(folder / PAGE)


def _cell(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return "; ".join(f"{name}={one}" for name, one in value.items())


def _lines(answer: Tuned) -> Iterator[str]:
    yield from map(in_options, answer.found.lines())
    yield f"model  {answer.found.path}"
    yield wrote(answer.written)
    yield f"next: foveal evaluate {quoted(answer.found.path)} {quoted(answer.source)}"
