"""The library names parameters; only the command line spells options."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import foveal

HERE = Path(foveal.__file__).parent
OPTION = re.compile(r"(?<![\w-])--[a-z]")
OTHERS = re.compile(r"\b(ray start|torchrun) [^;']*")
"""Lines of other programs, whose options are theirs."""


def spelled(source: str) -> Iterator[str]:
    """Give each text of a module, besides docstrings, that spells an option."""
    tree = ast.parse(source)
    passed: set[int] = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            passed.update(id(one.value) for one in body if isinstance(one, ast.Expr))
    for node in ast.walk(tree):
        text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if text and id(node) not in passed and OPTION.search(OTHERS.sub("", node.value)):
            yield node.value


def test_the_library_spells_no_option() -> None:
    modules = [path for path in HERE.rglob("*.py") if "cli" not in path.relative_to(HERE).parts]
    assert len(modules) > 100
    found = {
        str(path.relative_to(HERE)): texts
        for path in modules
        if (texts := list(spelled(path.read_text(encoding="utf-8"))))
    }
    assert not found, "name the parameter between backquotes: the command makes it an option"


def test_a_spelled_option_is_found() -> None:
    assert list(spelled('def f():\n    """Says --usual."""\n    return "--usual"')) == ["--usual"]
    planted = 'f"--to {path}"; x = "a (--float16)", f"{n} at this --beta", "a -- b", "---a", "a--b"'
    assert list(spelled(f"y = {planted.split(';')[0]}")) == ["--to "]
    assert not list(spelled('x = "join it with: ray start --address=HOST; torchrun --nnodes 2"'))
    assert len(list(spelled('x = "with: ray start --head; then --to parts/"'))) == 1
    assert list(spelled(planted.split("; ")[1])) == ["a (--float16)", " at this --beta"]
