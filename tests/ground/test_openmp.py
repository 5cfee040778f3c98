from __future__ import annotations

import os
import subprocess
import sys

import pytest

from foveal.openmp import SPINS, spin_briefly


def test_the_setting_is_made_where_there_is_none() -> None:
    environment: dict[str, str] = {}
    assert spin_briefly(environment) and environment == {"GOMP_SPINCOUNT": SPINS}


@pytest.mark.parametrize("name", ["OMP_WAIT_POLICY", "GOMP_SPINCOUNT"])
def test_a_users_own_setting_wins(name: str) -> None:
    environment = {name: "own"}
    assert not spin_briefly(environment) and environment == {name: "own"}


PROGRAM = """
import os, sys

class Watch:
    seen = []

    def find_spec(self, name, *more):
        if name == "torch":
            self.seen.append(os.environ.get("GOMP_SPINCOUNT"))
        return None

sys.meta_path.insert(0, Watch())
sys.argv = ["foveal", "env"]
from foveal.cli.main import main
assert not Watch.seen
try:
    main()
finally:
    print("set:", Watch.seen[:1])
"""


@pytest.mark.parametrize(("own", "expected"), [(None, SPINS), ("77", "77")])
def test_the_command_sets_it_before_torch_is_imported(own: str | None, expected: str) -> None:
    names = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
    environment = {name: value for name, value in os.environ.items() if name not in names}
    if own is not None:
        environment["GOMP_SPINCOUNT"] = own
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    assert f"set: ['{expected}']" in done.stdout


def test_importing_the_package_sets_nothing() -> None:
    program = "import os; before = dict(os.environ); import foveal; assert before == os.environ"
    subprocess.run([sys.executable, "-c", program], check=True)
