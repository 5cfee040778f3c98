"""The command as a whole: its errors, their exit codes, its help."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["plan", "1x8x8 | conv 4 3x3 | maxpool 2 | conv 8 5x5 | flatten | dense 3"], 2, "padding"),
        (["plan", "1x8x8 | cnov 4 3x3"], 2, "'conv'"),
        (["plan", "conv 4 3x3"], 2, "shape"),
        (["train", "cnn", "nowhere", "m.safetensors"], 3, "nothing there"),
        (["train", "cnn", ".", "m.pt"], 2, ".safetensors"),
        (["predict", "nowhere.safetensors", "."], 4, "nothing there"),
        (["evaluate", "pyproject.toml", "."], 4, "Foveal"),
        (["train", "cnn"], 2, "Missing argument"),
        (["plan"], 2, "Missing argument"),
    ],
)
def test_errors_say_what_to_do_and_have_their_exit_codes(
    run, arguments: list[str], code: int, word: str, tmp_path: Path, monkeypatch
) -> None:
    root = Path.cwd()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_bytes((root / "pyproject.toml").read_bytes())
    found, _, err = run(*arguments)
    assert found == code
    assert word in err
    assert all(len(line) <= 80 for line in err.splitlines())


def test_errors_are_json_where_asked(run) -> None:
    code, _, err = run("plan", "1x8x8 | dense 3", "--json")
    found = json.loads(err)
    assert found["exit_code"] == code == 2
    assert set(found["error"]) == {"what", "needed", "came", "remedy"}


def test_help_starts_without_torch_numpy_or_pillow() -> None:
    program = (
        "import sys; sys.argv = ['foveal', '--help']\n"
        "from foveal.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'PIL', 'sklearn', 'pyarrow'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)\n"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    for name in ("demo", "plan", "train", "evaluate", "predict", "env", "cache"):
        assert name in found.stdout
