"""Commands that train, derived from the options of the learners: each option is written once."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import typer

from foveal.cli.options import (
    GROUPS_HELP,
    LABEL_FROM_HELP,
    LABEL_HELP,
    Json,
    Strict,
    cache_limit,
)
from foveal.cli.outputs import model_file, writes
from foveal.learning.option_groups import PICTURES, RUN, TRAINING, fields_of
from foveal.vocabulary import TARGETS

PANELS = ("Network", "Training", "Pictures", "Run")
"""Headings of the help, in order."""


def _in(panel: str, help: str, *flags: str, **more: Any) -> Any:
    return typer.Option(*flags, help=help, rich_help_panel=panel, **more)


Target = Annotated[
    Path, typer.Argument(metavar="MODEL", help="Where the model goes: a .safetensors file.")
]
CALLED = {"earlier": "--from"}
"""Options that are not called as parameters are, since Python has the word for itself."""
FOLDS_HELP = (
    "Judge the model by so many whole trainings, each on all pictures but one fold; then train it "
    "on all of them. Each training has the epochs, or the seconds, that are asked for."
)
DEFAULT = next(iter(TARGETS))
OF_LABELS: dict[str, tuple[Any, Any]] = {
    "target_kind": (  # not target, which is the class that `foveal look` asks about
        Annotated[
            str,
            _in(
                PICTURES,
                f"What labels say: {' or '.join(TARGETS)}, such as an age or a dose.",
                "--target",
                metavar="|".join(TARGETS),
            ),
        ],
        DEFAULT,
    ),
    "label": (Annotated[str | None, _in(PICTURES, LABEL_HELP, metavar="COLUMN")], None),
    "label_from": (Annotated[str | None, _in(PICTURES, LABEL_FROM_HELP, metavar="REGEX")], None),
    "folds": (Annotated[int | None, _in(TRAINING, FOLDS_HELP, min=2)], None),
}
"""The options of those that learn what labels say."""
SHARED_ON_RAY = (
    "ray, or ray://HOST:PORT: several processes share each step, as workers of Ray Train. Its "
    "machines see PICTURES and MODEL under the same paths."
)
WORKERS = "Processes that share each step, with --engine ray; if left out {}."
_ENGINE = _in(RUN, SHARED_ON_RAY, "--engine", metavar="ray|ray://HOST:PORT", show_default=False)


def _workers(left_out: str) -> tuple[Any, Any]:
    help = WORKERS.format(left_out)
    return (Annotated[int | None, _in(RUN, help, min=1, show_default=False)], None)


ON_RAY: dict[str, tuple[Any, Any]] = {
    "launcher": (Annotated[str | None, _ENGINE], None),  # not engine, which is what computes
    "workers": _workers("one for each graphics processor, or else for each machine"),
}
"""The options of those that train by gradient descent alone."""
TRANSFER_ON_RAY = {"workers": _workers("actors compute features, and the rest is done here")}
"""The further option of those that have an engine."""
GROUPS = (Annotated[str | None, _in(PICTURES, GROUPS_HELP)], None)
KEEPING: dict[str, tuple[Any, Any]] = {
    "seed": (Annotated[int, _in(RUN, "Seed of all that is random.")], 0),
    "resume": (Annotated[bool, _in(RUN, "Go on with an unfinished run.", "--resume")], False),
    "fresh": (Annotated[bool, _in(RUN, "Throw an unfinished run away.", "--fresh")], False),
    "tensorboard": (
        Annotated[
            Path | None,
            _in(RUN, "Also write curves for TensorBoard here (extra: track).", metavar="DIR"),
        ],
        None,
    ),
    "checkpoint_seconds": (
        Annotated[float, _in(RUN, "Seconds between checkpoints.", min=0)],
        5.0,
    ),
    "report": (
        Annotated[
            bool,
            _in(RUN, "Write report.html into the folder of the run.", "--report/--no-report"),
        ],
        True,
    ),
    "cache_limit": (Annotated[str | None, cache_limit(rich_help_panel=RUN)], None),
    "strict": (Strict, False),
    "json": (Json, False),
}
"""Options that say how a run is kept, with their defaults; the seed is what all share."""


def command(
    groups: tuple[type, ...],
    pictures: Any,
    run: Callable[[typer.Context], None],
    more: Mapping[str, tuple[Any, Any]] = MappingProxyType({}),
) -> Callable[..., None]:
    """Make the command of a learner.

    Parameters
    ----------
    groups : tuple of type
        Its options; see `foveal.learning.options`.
    pictures : annotation
        Of its first argument.
    run : callable
        Called with the context, which holds the options by name; its docstring is the help.
    more : mapping
        Further options by name, with their defaults.
    """
    parameters = {"context": (typer.Context, None), "pictures": (pictures, None)}
    parameters["model"] = (Target, None)
    options = {name: (hint, default) for name, hint, default in _options(groups)}
    options |= {**more, "groups": GROUPS} | KEEPING

    def trains(context: typer.Context, **_: Any) -> None:
        run(context)

    keyword = inspect.Parameter.KEYWORD_ONLY
    trains.__doc__ = run.__doc__
    trains.__annotations__ = {name: hint for name, (hint, _) in (parameters | options).items()}
    trains.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            *(
                inspect.Parameter(name, keyword, annotation=hint)
                for name, (hint, _) in parameters.items()
            ),
            *(
                inspect.Parameter(name, keyword, annotation=hint, default=default)
                for name, (hint, default) in options.items()
            ),
        ]
    )
    return writes(model=model_file)(trains)


def _options(groups: tuple[type, ...]) -> Iterator[tuple[str, Any, Any]]:
    """Yield name, annotation and default of each option, panel by panel."""
    found = [(one, hint) for group in groups for one, hint in _typed(group)]
    for panel in PANELS:
        for one, hint in found:
            if one.metadata["panel"] == panel:
                written = _in(panel, one.metadata["help"], *_flags(one, hint))
                yield one.name, Annotated[hint, written], one.default


def _typed(group: type) -> Iterator[tuple[Field[Any], Any]]:
    hints = get_type_hints(group)
    for one in fields_of(group):
        yield one, _plain(hints[one.name], one.default)


def _plain(hint: Any, default: Any) -> Any:
    """Return what a terminal gives of a type: a number, a path, a flag, or else a text."""
    kinds = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    known = [kind for kind in kinds if kind is not type(None)]
    kind = known[0] if len(known) == 1 and known[0] in (int, float, bool, Path) else str
    return kind | None if default is None else kind


def _flags(one: Field[Any], hint: Any) -> tuple[str, ...]:
    if one.name in CALLED:
        return (CALLED[one.name],)
    name = one.name.replace("_", "-")
    if hint is bool:
        return (f"--{name}",)
    return (f"--{name}/--no-{name}",) if hint == (bool | None) else ()
