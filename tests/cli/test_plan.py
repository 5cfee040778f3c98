"""`foveal plan`: what it prints, measures and leaves alone."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest


def test_plan_prints_shapes_and_costs(run) -> None:
    code, out, _ = run("plan", "3x32x32 | conv 6 5x5 | maxpool 2 | flatten | dense 10")
    assert code == 0
    for word in ("6x3x5x5", "6x28x28", "456", "12.2 k parameters"):
        assert word in out
    code, out, _ = run("plan", "tinyvgg", "--classes", "3", "--input", "3x40x40", "--json")
    assert json.loads(out)["output"] == [3]


def test_plan_as_torch_runs(run) -> None:
    _, out, _ = run("plan", "lenet5", "--as", "torch")
    scope: dict[str, object] = {}
    exec(out, scope)
    assert sum(one.numel() for one in scope["network"].parameters()) == 61_706


def test_plan_measures_real_steps(run) -> None:
    net = "1x8x8 | flatten | dense 4"
    _, out, _ = run("plan", net, "--measure", "--pictures", 500, "--json", "--threads", 1)
    measured = json.loads(out)["measured"]
    assert measured["seconds_an_epoch"] == pytest.approx(
        measured["seconds_a_step"] * 500 / json.loads(out)["batch_size"]
    )


def test_plan_starts_without_torch() -> None:
    program = (
        "import sys; sys.argv = ['foveal', 'plan', 'fast', '--as', 'torch']\n"
        "from foveal.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "sys.exit('torch' in sys.modules)\n"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    assert "nn.Sequential" in found.stdout
