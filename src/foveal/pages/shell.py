"""What all pages share: templates that escape, a policy that forbids to load anything, the style.

A page is one file. Its templates lie in `templates/`, its JavaScript in `scripts/`, and the one
style of all pages in `style.css`, beside which a page may have its own.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from foveal.drawing.svg import Svg
from foveal.files import checked_output, write_whole
from foveal.results import plain
from foveal.visible import visible

ENDINGS = (".html",)
LONGEST_TEXT = 20_000
"""Letters of one text on a page."""
ENDS = "\n\t"
"""What may stand in text of ours, beside what can be seen."""
STEERING = str.maketrans({letter: f"\\u{ord(letter):04x}" for letter in "<>&"})
"""What could end a script, each as JSON may write it too; other letters are ASCII by then."""


def rendered(
    template: str,
    *,
    title: str,
    scripts: Sequence[str] = (),
    styles: Sequence[str] = (),
    data: Mapping[str, Any] | None = None,
    **values: Any,
) -> str:
    """Write a page.

    Parameters
    ----------
    template : str
        Name of a file in `templates/`, which extends ``shell.html``. All that it prints is
        escaped, and control characters become visible; ``{{ x | name }}`` sets a name of others
        apart, so that text from right to left stays within.
    title : str
        What the window is called.
    scripts : sequence of str
        Names of files in `scripts/`, in the order in which they run.
    styles : sequence of str
        Names of further styles of this page alone, beside `style.css`.
    data : mapping, optional
        By the id of a script element, what it holds as JSON; read by
        ``JSON.parse(document.getElementById(id).textContent)``.
    **values
        What the template prints.

    Returns
    -------
    str
        The file. Its policy lets nothing be loaded and nothing run but `scripts`.
    """
    texts = [script(one) for one in scripts]
    page = _environment().get_template(template)
    return page.render(
        title=title,
        policy=policy(texts),
        style=Markup("\n".join([style(), *map(_text, styles)])),
        scripts=[Markup(one) for one in texts],
        data={name: Markup(for_script(value)) for name, value in (data or {}).items()},
        **values,
    )


def write_page(path: Path, html: str, option: str = "`to`") -> Path:
    """Write a page, whole or not at all.

    Raises
    ------
    UsageError
        For another ending than .html, or a folder that is not there.
    ResourceError
        Where the disk is full.
    """
    write_whole(checked_output(path, ENDINGS, option), html.encode("utf-8"))
    return path


def policy(scripts: Sequence[str]) -> str:
    """Return the content security policy of a page that runs these scripts and nothing else."""
    hashes = [base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in scripts]
    allowed = " ".join(f"'sha256-{one}'" for one in hashes) or "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def for_script(value: Any) -> str:
    r"""Write a value as JSON that no browser takes for the end of the script that holds it.

    >>> for_script({"name": "</script>"})
    '{"name":"\\u003c/script\\u003e"}'
    """
    text = json.dumps(plain(value), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.translate(STEERING)


def data_uri(content: bytes, kind: str) -> Markup:
    """Return a file as an address that holds it, such as ``data:image/png;base64,...``."""
    return Markup(f"data:{escape(kind)};base64,{base64.b64encode(content).decode('ascii')}")


def named(text: object, most: int = 200) -> Markup:
    """Set a name of others apart, whichever way it is written; a path may break after a slash.

    What is longer than `most` letters is cut.
    """
    shown = escape(visible(text, most)).replace("/", Markup("/<wbr>"))
    return Markup("<bdi>") + shown + Markup("</bdi>")


def drawing(chart: Svg) -> Markup:
    """Set a chart, which escaped what is in it as it was drawn."""
    if not isinstance(chart, Svg):
        raise TypeError(f"a chart must be Svg, not {type(chart).__name__}")
    return Markup(chart)


@cache
def style() -> str:
    """Return the style of all pages."""
    return _text("style.css")


@cache
def script(name: str) -> str:
    """Return one of the scripts."""
    return _text(f"scripts/{name}")


def _text(name: str) -> str:
    return files("foveal.pages").joinpath(name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader("foveal.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalized,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    found.filters["name"] = named
    found.filters["drawing"] = drawing
    return found


def _finalized(value: Any) -> Any:
    """Let no text of others steer a page; what is markup already was made by us."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return visible(value, LONGEST_TEXT, kept=ENDS)
    return value
