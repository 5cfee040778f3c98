"""Prints the lowest version that pyproject.toml allows of each package, as pip's constraints.

Packages that are named on the command line are left out.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

REQUIREMENT = re.compile(r"([\w.-]+)(?:\[[\w,]+\])?>=([\w.]+)(?:,<[\w.]+)?(?:\s*;.*)?")
"""How a package is asked for: by its lower bound, with an upper one and a system now and then."""


def lower_bounds(project: Path) -> dict[str, str]:
    """Read the lowest version of each package, whoever asks for it."""
    facts = tomllib.loads(project.read_text())["project"]
    found: dict[str, str] = {}
    for asked in (facts["dependencies"], *facts["optional-dependencies"].values()):
        for one in asked:
            known = REQUIREMENT.fullmatch(one)
            if known is None:
                raise ValueError(f"{one}: no lower bound")
            name, version = known.groups()
            if found.setdefault(name, version) != version:
                raise ValueError(f"{name}: {found[name]} in one place, {version} in another")
    return found


if __name__ == "__main__":
    for package, lowest in lower_bounds(Path(__file__).parents[1] / "pyproject.toml").items():
        if package not in sys.argv[1:]:
            print(f"{package}=={lowest}")
