"""Commands and groups of them: their order in the help, and what is said of a wrong line."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from copy import copy
from pathlib import Path
from typing import Any

from typer.core import TyperCommand, TyperGroup

from foveal.addresses import Address, checked, is_remote
from foveal.cli.outputs import MODEL, READ, check_outputs, words_of, written_by
from foveal.cli.sources import STDIN
from foveal.errors import UsageError
from foveal.files import existing, existing_model
from foveal.launched import check_alone
from foveal.parameters import did_you_mean
from foveal.remote_copies import local_model

ALMOST = ".safetensor"
"""How endings begin that were meant to be that of a model."""
NAME = "imagenet"
"""Stands for a model that came with Foveal."""
SHARED = "foveal train"
"""What the commands begin with that several processes of a launcher share."""


class Command(TyperCommand):
    """A command that notices when its arguments come in another order."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        paragraphs = (self.help or "").split("\n\n")  # each as wide as the terminal is
        self.help = "\n\n".join(" ".join(one.split()) for one in paragraphs)

    def invoke(self, ctx: Any) -> Any:
        """Run the command.

        Raises
        ------
        UsageError
            Where pictures stand in the place of the model and a model in that of the pictures,
            where nothing can be written under a name that is given, and where a launcher started
            what is no training.
        ModelFileError, DataError
            Where a file or folder that is named is not there: before anything heavy is imported.
        """
        if not ctx.command_path.startswith(SHARED):
            check_alone(os.environ, ctx.command_path)
        self._check_order(ctx)
        self._check_names(ctx)
        check_outputs(self.callback, ctx.params)
        return super().invoke(ctx)

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options; those that take no value are shown without the type of one."""
        return _without_types(super().get_params(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help, in which the names of options have the room to be read."""
        shown = copy(self)
        shown.params = [_told_in_words(one) for one in self.params]
        super(Command, shown).format_help(ctx, formatter)

    def _check_order(self, ctx: Any) -> None:
        given = [
            (str(one.name), words_of(ctx.params[str(one.name)]))
            for one in self.params
            if one.param_type_name == "argument"
        ]
        words = [word for _, texts in given for word in texts]
        names = [name for name, _ in given]
        if len(names) < 2 or not any(texts for name, texts in given if name == "model"):
            return
        (model,) = given[names.index("model")][1]
        models = [word for word in words if word.endswith(MODEL)]
        if model.endswith(MODEL) or len(models) != 1 or Path(model).is_file():
            return
        others = [word for word in words if word != models[0]]
        order = [*models, *others] if names[0] == "model" else [*others, *models]
        line = shlex.join([*ctx.command_path.split(), *order])
        raise UsageError(
            f"MODEL {model}",
            needed=" then ".join(str(one.metavar) for one in _arguments(self)),
            came="them in another order",
            remedy=f"write {line}",
        )

    def _check_names(self, ctx: Any) -> None:
        """Check that what is to be read is there."""
        written = written_by(self.callback)
        for one in self.params:
            if one.name in written or one.name not in ("model", *READ):
                continue
            words = words_of(ctx.params[str(one.name)])
            if one.name == "model":
                for word in words:
                    ctx.params["model"] = self._found_model(word, ctx.params["model"])
            else:
                for word in words:
                    if is_remote(word):
                        checked(word)
                    elif word and word != STDIN and not {"{", "#"} & set(word):  # shards, pages
                        existing(Path(word))

    def _found_model(self, word: str, given: Any) -> Any:
        """Return a model as it was given; of one at an address the copy that is read."""
        if not is_remote(word):
            self._check_model(word)
            return given
        if isinstance(given, Address):
            return local_model(word)
        is_model = word.lower().endswith(MODEL)  # else it may name pictures
        return str(local_model(word)) if is_model else given

    def _check_model(self, word: str) -> None:
        """Check that a model is there, where a word can be nothing but the path of one."""
        path = Path(word)
        alone = all(one.required for one in _arguments(self) if one.name == "model")
        is_path = alone and self.name != "look"  # elsewhere it may be a folder, or a network
        if path.suffix.lower().startswith(ALMOST) or (is_path and word != NAME):
            existing_model(path)


class Commands(TyperGroup):
    """Commands in the order in which they were named in the help's panels."""

    order: Sequence[str] = ()
    """Names of the commands."""
    instead: str = ""
    """What to write where a word is no command and like none; {word} stands for it."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options, as those of a command."""
        return _without_types(super().get_params(ctx))

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names in order."""
        names = super().list_commands(ctx)
        return sorted(names, key=lambda name: self.order.index(name) if self.order else 0)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that the first word names.

        Raises
        ------
        UsageError
            Where it names none.
        """
        word = args[0]
        if word.startswith("-") or self.get_command(ctx, word) is not None:
            return super().resolve_command(ctx, args)
        known = self.list_commands(ctx)
        raise UsageError(
            f"{ctx.command_path} {word}",
            needed=f"a command: {', '.join(known)}",
            came=repr(word),
            remedy=did_you_mean(word, known) or self.instead.format(word=shlex.quote(word)),
        )


def _told_in_words(option: Any) -> Any:
    """Return an option that says in its text, not in a column of its own, how it is refused."""
    refusals = getattr(option, "secondary_opts", [])
    if not refusals:
        return option
    told = copy(option)
    told.help, told.secondary_opts = f"{option.help} Or {', '.join(refusals)}.", []
    told.show_default = option.opts[0] if option.default else False
    return told


def _without_types(options: list[Any]) -> list[Any]:
    for one in options:
        if getattr(one, "is_flag", False):
            one.metavar = ""
    return options


def _arguments(command: TyperCommand) -> list[Any]:
    return [one for one in command.params if one.param_type_name == "argument"]
