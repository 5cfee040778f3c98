"""What pyproject.toml asks for: one lower bound a package, and versions pinned within."""

from __future__ import annotations

import importlib.util
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lower_bounds", ROOT / "scripts/lower_bounds.py")
    assert spec is not None and spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def test_each_package_has_one_lower_bound_which_its_range_holds(script: ModuleType) -> None:
    found = script.lower_bounds(ROOT / "pyproject.toml")
    assert {"numpy", "torch", "pyarrow", "typer", "optuna", "ray", "pytest"} <= set(found)
    facts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for asked in (facts["dependencies"], *facts["optional-dependencies"].values()):
        for one in map(Requirement, asked):
            assert one.specifier.contains(found[one.name]), one


def test_pinned_versions_lie_within_the_ranges() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = dict(line.split("==") for line in lines if not line.startswith("#"))
    versions = {canonicalize_name(name): version for name, version in pinned.items()}
    facts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for asked in (facts["dependencies"], *facts["optional-dependencies"].values()):
        for one in map(Requirement, asked):
            version = versions.get(canonicalize_name(one.name))
            assert version is None or one.specifier.contains(version), one


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["a>=1", "b"], "b: no lower bound"),
        (["a>=1", "a>=2"], "a: 1 in one place, 2 in another"),
    ],
)
def test_what_is_not_clear_is_refused(
    script: ModuleType, asked: list[str], said: str, tmp_path: Path
) -> None:
    project = tmp_path / "pyproject.toml"
    project.write_text(f"[project]\ndependencies = {asked!r}\n[project.optional-dependencies]\n")
    with pytest.raises(ValueError, match=said):
        script.lower_bounds(project)
