import json
from pathlib import Path
from typing import Any

import pytest
from jinja2 import DictLoader

from foveal.errors import UsageError
from foveal.pages import shell
from support.browser import HOSTILE, opened


@pytest.fixture
def template(monkeypatch: pytest.MonkeyPatch) -> str:
    text = (
        "{% extends 'shell.html' %}{% block body %}<ul>{% for one in names %}"
        '<li title="{{ one }}">{{ one | name }}</li>{% endfor %}</ul>{% endblock %}'
    )
    environment = shell._environment()
    both = DictLoader({"trial.html": text, "shell.html": shell._text("templates/shell.html")})
    monkeypatch.setattr(environment, "loader", both)
    return "trial.html"


def test_names_are_shown_as_text_and_nothing_of_them_runs(
    template: str, tmp_path: Path, browser: Any
) -> None:
    html = shell.rendered(template, title=HOSTILE[0], names=HOSTILE, data={"d": HOSTILE})
    path = shell.write_page(tmp_path / "page.html", html)
    with opened(browser, path) as found:
        shown = found.page.eval_on_selector_all("li", "all => all.map(one => one.textContent)")
        held = found.page.evaluate("JSON.parse(document.getElementById('d').textContent)")
        scripts = found.page.eval_on_selector_all("script", "all => all.map(one => one.type)")
        title = found.page.title()
    assert (found.errors, found.requests) == ([], [])
    assert shown[:3] == list(HOSTILE[:3])
    assert shown[3] == "line\\nline\\u2028line\\u2029"
    assert shown[4] == "\\x1b[31mred\\x1b[0m\\x00"
    assert shown[5] == "photo\\u202egpj.exe"
    assert shown[6:] == ["قط.png", "{{ 7 * 7 }}", "\\udc80.png"]
    assert held == list(HOSTILE)
    assert scripts == ["application/json"]
    assert title == HOSTILE[0]


def test_a_path_may_break_after_a_slash_and_is_copied_as_it_is() -> None:
    shown = shell.named("a/<b>/c.jpg")
    assert shown == "<bdi>a/<wbr>&lt;b&gt;/<wbr>c.jpg</bdi>"


def test_the_policy_lets_only_the_scripts_of_the_page_run(
    template: str, tmp_path: Path, browser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shell, "script", lambda name: "window.ours = true;")
    html = shell.rendered(template, title="t", names=[], scripts=["ours.js"])
    other = "<script>window.other = true;</script><img src='http://localhost:9/x.png'>"
    path = tmp_path / "page.html"
    path.write_text(html.replace("<ul>", other + "<ul>"), encoding="utf-8")
    with opened(browser, path) as found:
        assert found.page.evaluate("window.ours") is True
        assert found.page.evaluate("window.other") is None
    assert any("Content Security Policy" in error for error in found.errors)
    assert found.requests == []


def test_what_is_held_for_scripts_reads_back_as_it_was() -> None:
    value = {"a": [1, 2.5, "</script><!--\u2028"], "b": None}
    text = shell.for_script(value)
    assert json.loads(text) == value
    assert not set("<>&\u2028") & set(text)


def test_pages_are_written_under_their_own_ending(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="html"):
        shell.write_page(tmp_path / "page.txt", "")
    assert shell.write_page(tmp_path / "page.html", "<p>é</p>").read_text("utf-8") == "<p>é</p>"


def contrast(one: str, other: str) -> float:
    """Contrast of two colours as WCAG 2.1 defines it."""

    def light(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_text_has_the_contrast_that_wcag_aa_asks_for(dark: bool) -> None:
    light, _, rest = shell.style().partition("@media (prefers-color-scheme: dark)")
    said = light + (rest[: rest.index("}\n}")] if dark else "")
    colours = {}
    for line in said.splitlines():
        if line.strip().startswith("--") and "#" in line:
            name, value = line.strip().rstrip(";").split(": ")
            colours[name] = value
    for paper in ("--paper", "--raised"):
        for text in ("--ink", "--faint", "--link", "--orange-text"):
            assert contrast(colours[text], colours[paper]) >= 4.5, (text, paper)
        for mark in ("--orange", "--train", "--validation", "--test", "--strong-line"):
            assert contrast(colours[mark], colours[paper]) >= 3, (mark, paper)
