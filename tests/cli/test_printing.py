"""What is printed arrives whole, or the command says that it did not."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(("most", "code"), [(20, 5), (1_000_000, 0)])
def test_an_answer_that_a_disk_takes_but_a_part_of_is_an_error(
    unbuffered: str, most: int, code: int, tmp_path: Path
) -> None:
    # Python keeps a module that it compiled though the disk took but a part of it.
    more = {"PYTHONUNBUFFERED": unbuffered, "PYTHONDONTWRITEBYTECODE": "1"}
    with (tmp_path / "schema.json").open("w") as file:
        ran = subprocess.run(
            [sys.executable, "-m", "foveal", "schema", "error"],
            stdout=file,
            stderr=subprocess.PIPE,
            check=False,
            text=True,
            env={**os.environ, **more},
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
        )
    assert ran.returncode == code, ran.stderr
    assert ("File too large" in ran.stderr) == (code == 5)
    written = (tmp_path / "schema.json").read_text()
    assert len(written) == 20 if code else written.endswith("}\n")
