"""The command `foveal`: parses, calls, prints. Each subcommand stands in its own file."""

from __future__ import annotations

import functools
import json
import sys
import textwrap
import warnings
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TextIO

import typer

from foveal.cli import (
    anomalies,
    backbones,
    cache,
    check,
    decode,
    demo,
    encode,
    env,
    evaluate,
    export,
    interpolate,
    look,
    plan,
    predict,
    reconstruct,
    report,
    schema,
    serve,
    show,
    similar,
    train,
    tune,
)
from foveal.cli.commands import Command, Commands
from foveal.cli.map import draw_map
from foveal.cli.output import SCHEMA
from foveal.cli.pages import with_pages
from foveal.cli.printing import (
    drop_the_unprinted,
    forget_the_unprinted,
    is_unread,
    print_whole,
    printed_to,
    tell_who_listens,
)
from foveal.cli.stopping import INTERRUPTED, Stopping
from foveal.cli.words import in_options, lists_options, told_in_options
from foveal.errors import FovealError, PictureWarning, ResourceError
from foveal.openmp import spin_briefly
from foveal.version import __version__
from foveal.visible import visible_lines

WIDTH = 80
"""Columns an error message takes at most."""

PANELS: Mapping[str, Mapping[str, Callable[..., None] | typer.Typer]] = {
    "Networks that name what is on a picture": {
        "train": train.app,
        "evaluate": evaluate.evaluate,
        "predict": predict.predict,
        "show": show.show,
        "report": report.report,
        "look": look.look,
        "export": export.export,
        "serve": serve.serve,
    },
    "Pictures without labels": {
        "anomalies": anomalies.anomalies,
        "similar": similar.similar,
        "map": draw_map,
    },
    "Pictures as codes of a few numbers": {
        "encode": encode.encode,
        "decode": decode.decode,
        "reconstruct": reconstruct.reconstruct,
        "interpolate": interpolate.interpolate,
    },
    "Before a training": {
        "check": check.check,
        "tune": tune.tune,
        "demo": demo.demo,
        "plan": plan.plan,
        "backbones": backbones.backbones,
    },
    "This machine": {"env": env.env, "cache": cache.cache, "schema": schema.schema},
}
"""All commands, as a person meets them."""


class AllCommands(Commands):
    """The commands in the order of `PANELS`."""

    order = tuple(name for panel in PANELS.values() for name in panel)
    instead = "see 'foveal --help' for what each does"


app = typer.Typer(
    name="foveal",
    cls=AllCommands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    epilog="Ends with 0 when done, 2 for a wrong line, 3 for pictures that cannot be used, 4 for "
    "a model file that cannot, 5 where disk or memory is short, 130 when interrupted.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"foveal {__version__}")
        raise typer.Exit


@app.callback()
def foveal(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_tell_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """From a folder of pictures to a trained, understood, usable network."""


for panel, members in PANELS.items():
    for name, member in members.items():
        if isinstance(member, typer.Typer):
            app.add_typer(member, name=name, rich_help_panel=panel)
        else:
            app.command(name, cls=Command, rich_help_panel=panel)(with_pages(member))


def main() -> None:
    """Run the command; errors print themselves and choose the exit code."""
    out = printed_to()
    print_whole()
    tell_who_listens()
    spin_briefly()  # before torch is imported, by the command that needs it
    stopping = Stopping()
    stopping.begin()
    warnings.showwarning = note
    _told_once.cache_clear()
    try:
        app(prog_name="foveal")
    except FovealError as error:
        fail(error)
    except MemoryError:
        fail(_out_of_memory())
    except RuntimeError as error:
        if "can't allocate memory" not in str(error) and "out of memory" not in str(error):
            raise
        fail(_out_of_memory())
    except SystemExit as end:  # of a broken pipe typer makes an end with 1
        broken = end.__context__
        if not isinstance(broken, BrokenPipeError):
            raise
        if not is_unread(out):
            raise broken from None
        drop_the_unprinted()
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
        sys.exit(INTERRUPTED)
    finally:
        stopping.is_over()


def note(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print what a reader should know of pictures, once; other warnings as Python does."""
    if issubclass(category, PictureWarning):
        _told_once(f"note: {in_options(str(message))}")
    else:
        sys.stderr.write(warnings.formatwarning(message, category, filename, lineno, line))


@functools.lru_cache(maxsize=256)
def _told_once(text: str) -> None:
    """Print a line that several passes over the same pictures would say again."""
    print(visible_lines(text), file=sys.stderr)


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
        facts = {"version": SCHEMA, "error": beats, "exit_code": error.exit_code}
        print(json.dumps(facts), file=sys.stderr)
    else:
        print(visible_lines(shown(error)), file=sys.stderr)
    forget_the_unprinted()
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
