"""What the tests of commands share: a command, run as a person types it."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from foveal.cli import main as command


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run the command in this process; answers exit code, stdout and stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["foveal", *map(str, arguments)])
        code = 0
        try:
            command.main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run
