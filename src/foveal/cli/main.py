"""The command `foveal`: parses, calls, prints. Each subcommand stands in its own file."""

from __future__ import annotations

import functools
import json
import signal
import sys
import textwrap
import warnings
from collections.abc import Mapping
from types import FrameType
from typing import Any, TextIO

import typer

from foveal.cli import (
    anomalies,
    backbones,
    cache,
    decode,
    demo,
    encode,
    env,
    evaluate,
    interpolate,
    plan,
    predict,
    reconstruct,
    similar,
    train,
)
from foveal.cli.map import draw_map
from foveal.cli.words import in_options, lists_options, told_in_options
from foveal.errors import FovealError, PictureWarning, ResourceError

WIDTH = 80
"""Columns an error message takes at most."""

app = typer.Typer(
    name="foveal",
    help="From a folder of pictures to a trained, understood, usable network.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo")(demo.demo)
app.command("plan")(plan.plan)
app.add_typer(train.app, name="train")
app.command("backbones")(backbones.backbones)
app.command("evaluate")(evaluate.evaluate)
app.command("predict")(predict.predict)
app.command("encode")(encode.encode)
app.command("decode")(decode.decode)
app.command("similar")(similar.similar)
app.command("reconstruct")(reconstruct.reconstruct)
app.command("map")(draw_map)
app.command("anomalies")(anomalies.anomalies)
app.command("interpolate")(interpolate.interpolate)
app.command("env")(env.env)
app.command("cache")(cache.cache)


def main() -> None:
    """Run the command; errors print themselves and choose the exit code."""
    signal.signal(signal.SIGTERM, _stop)
    warnings.showwarning = note
    try:
        app()
    except FovealError as error:
        fail(error)
    except MemoryError:
        fail(_out_of_memory())
    except RuntimeError as error:
        if "can't allocate memory" not in str(error) and "out of memory" not in str(error):
            raise
        fail(_out_of_memory())
    except BrokenPipeError:
        sys.exit(0)
    except OSError as error:
        fail(
            ResourceError(
                str(error.filename or "the disk"),
                needed="files that can be read and written",
                came=error.strerror or str(error),
                remedy="free some space, or check the permissions",
            )
        )
    except KeyboardInterrupt:
        sys.exit(130)


def note(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print what a reader should know of pictures as a note; other warnings as Python does."""
    if issubclass(category, PictureWarning):
        print(f"note: {in_options(str(message))}", file=sys.stderr)
    else:
        sys.stderr.write(warnings.formatwarning(message, category, filename, lineno, line))


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _out_of_memory() -> ResourceError:
    return ResourceError(
        "memory",
        needed="room for the pictures and the network",
        came="none left",
        remedy="choose a smaller size, batch or network",
    )


def fail(error: FovealError) -> None:
    """Print an error to stderr, as JSON where --json was asked for, and exit."""
    if "--json" in sys.argv:
        beats = told_in_options(error, options())
        print(json.dumps({"error": beats, "exit_code": error.exit_code}), file=sys.stderr)
    else:
        print(shown(error), file=sys.stderr)
    sys.exit(error.exit_code)


def shown(error: FovealError) -> str:
    """Lay the four beats of an error out within 80 columns."""
    told = told_in_options(error, options())
    names = {"error:": "what", "needed:": "needed", "got:": "came", "do:": "remedy"}
    return "\n".join(
        textwrap.fill(
            text,
            WIDTH,
            initial_indent=f"{name:<8}",
            subsequent_indent=" " * 8,
            break_on_hyphens=False,
        )
        for name, text in ((name, told[beat]) for name, beat in names.items())
    )


@lists_options
@functools.cache
def options() -> Mapping[str, str]:
    """List the options of all commands by the parameters that they are."""
    found: dict[str, str] = {"random_state": "--seed"}
    groups: list[Any] = [typer.main.get_command(app)]
    for group in groups:
        for command in group.commands.values():
            groups.extend([command] * hasattr(command, "commands"))
            for one in command.params:
                flag = next((flag for flag in one.opts if flag.startswith("--")), None)
                if one.name and flag:
                    found.setdefault(one.name, flag)
    return found


if __name__ == "__main__":
    main()
