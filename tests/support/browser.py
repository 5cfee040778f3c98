"""A real browser for the tests of the pages: Debian's Chromium, driven through pipes.

Playwright brings no browser here, and none is ever fetched. Pages are opened as files; whatever
they ask for over any other way is refused, and counted.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--mute-audio")

HOSTILE = (
    "</script><script>alert(1)</script>",
    '<img src=x onerror="alert(2)">',
    "\"' onmouseover='alert(3)",
    "line\nline\u2028line\u2029",
    "\x1b[31mred\x1b[0m\x00",
    "photo\u202egpj.exe",
    "قط.png",
    "{{ 7 * 7 }}",
    "\udc80.png",
)
"""Names that would do something, if they could."""
BOUNDS = """
all => all.flatMap(svg => {
  const frame = svg.getBoundingClientRect();
  return [...svg.querySelectorAll("text")].filter(text => {
    const box = text.getBoundingClientRect();
    return box.left < frame.left - 1 || box.right > frame.right + 1;
  }).map(text => text.textContent);
})
"""
"""What is written in charts beyond their frames."""


def browser_path() -> str:
    """Find a browser of the system's; `FOVEAL_BROWSER` names another."""
    named = os.environ.get("FOVEAL_BROWSER")
    paths = [named] if named else [path for name in NAMES if (path := shutil.which(name))]
    if not paths:
        raise RuntimeError(
            "The tests of the pages need a Chromium and there is none: 'apt-get install chromium' "
            "(scripts/test does so where it may), or set FOVEAL_BROWSER to the path of one."
        )
    return paths[0]


@dataclass
class Opened:
    """A page in the browser, and all that it said."""

    page: Any
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@contextmanager
def started() -> Iterator[Any]:
    """Start the browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: Any, path: Path, *, width: int = 1600, dark: bool = False) -> Iterator[Opened]:
    """Open a page at a width, light or dark; keep its errors and what it asked for."""
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if dark else "light",
        has_touch=width < 600,
        reduced_motion="reduce",
    )
    try:
        found = Opened(context.new_page())
        address = path.resolve().as_uri()

        def asked(route: Any) -> None:
            if route.request.url == address:
                route.continue_()
                return
            found.requests.append(route.request.url)
            route.abort()

        context.route("**/*", asked)
        found.page.on("pageerror", lambda error: found.errors.append(str(error)))
        found.page.on(
            "console",
            lambda said: found.errors.append(said.text) if said.type == "error" else None,
        )
        found.page.on("dialog", lambda said: (found.errors.append(said.message), said.dismiss()))
        found.page.goto(address)
        yield found
    finally:
        context.close()


def until(page: Any, told: str) -> None:
    """Wait until an expression is true; Playwright's own way asks for what the policy forbids."""
    for _ in range(200):
        if page.evaluate(told):
            return
        page.wait_for_timeout(25)
    raise AssertionError(f"never true: {told}")
