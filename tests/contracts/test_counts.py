"""Where a count stands before a noun, the noun follows it: "1 picture", "2 pictures"."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import foveal

SOURCE = Path(foveal.__file__).parent
NOUNS = (
    *("picture", "classe", "group", "channel", "layer", "file", "row", "epoch", "step", "number"),
    *("label", "source", "parameter", "thread", "feature", "byte", "folder", "column", "vector"),
)
SEVERAL = re.compile(rf"^ (?:[a-z-]+ )?(?:{'|'.join(NOUNS)})s\b(?! a )")
"""A noun of many, perhaps after one adjective; "3 numbers a code" speaks of each code."""
NO_COUNTS = {
    *("judged", "found.judged_by", "planned.text.split(' | ')[0]", "steps", "_size(path)"),
    *("channels or 'no number of'", "short(plan.parameters)", "short(kept)", "short(weights)"),
    "table.short(self.parameters)",
}
"""Values that are words, sizes or rounded."""
LISTED = {"several", "width", "each", "event.test", "event.before", "event.epochs"}
"""Counts that are many, or of which one stands after others."""
NO_ADJECTIVES = {"of", "in", "and", "from", "among", "where", "with", "by"}


def unchecked(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Find f-strings in which a value stands before a noun of many, whatever the value is."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.JoinedStr):
            continue
        for value, text in zip(node.values, node.values[1:], strict=False):
            if not isinstance(value, ast.FormattedValue) or not isinstance(text, ast.Constant):
                continue
            said = str(text.value)
            found = SEVERAL.match(said)
            if found is None or said.split()[0] in NO_ADJECTIVES:
                continue
            written = ast.unparse(value.value)
            sized = written.startswith("written(") or written in NO_COUNTS | LISTED
            if not (written.isupper() or sized):
                yield node.lineno, f"{{{written}}}{found[0]}"


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ('f"{n} pictures"', 1),
        ('f"{n:,} usual pictures left"', 1),
        ('f"{MOST} pictures"', 0),
        ("f\"{counted(n, 'picture')} left\"", 0),
        ('f"{n} of the pictures"', 0),
    ],
)
def test_counts_before_nouns_are_seen(code: str, count: int) -> None:
    assert len(list(unchecked(ast.parse(code)))) == count


def test_nouns_follow_their_counts() -> None:
    found = {
        f"{path.relative_to(SOURCE)}:{line} {text}"
        for path in sorted(SOURCE.rglob("*.py"))
        for line, text in unchecked(ast.parse(path.read_text()))
    }
    assert not found
