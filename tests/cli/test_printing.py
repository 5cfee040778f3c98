"""What is printed arrives whole, or the command says that it did not."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
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


PROGRAM = "from foveal.cli.main import main; main()"


def ran(*words: str, out: int, err: int, **more: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        stdout=out,
        stderr=err,
        check=False,
        env={**os.environ, **more},
    )


@pytest.fixture
def unread() -> Iterator[int]:
    """A pipe whose reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


@pytest.mark.parametrize("words", [["schema"], ["--help"], ["predict", "--help"], ["--version"]])
def test_a_reader_that_has_seen_enough_makes_no_error(words: list[str], unread: int) -> None:
    done = ran(*words, out=unread, err=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (0, b"")


def test_what_nobody_is_told_changes_no_end(unread: int) -> None:
    with Path("/dev/full").open("w") as full:
        for err in (unread, full.fileno()):
            assert ran("show", "gone.safetensors", out=subprocess.PIPE, err=err).returncode == 4


def test_a_broken_pipe_within_is_a_fault() -> None:
    broken = PROGRAM.replace("main()", "foveal.cli.main.app = fails; main()")
    program = "import foveal.cli.main\ndef fails(**_):\n    try:\n        raise BrokenPipeError\n"
    program += f"    except OSError:\n        raise SystemExit(1)\n{broken}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.returncode == 1 and b"BrokenPipeError" in done.stderr


@pytest.mark.parametrize(("encoding", "more"), [("latin-1", []), ("cp1252", ["--json"])])
def test_letters_that_a_terminal_lacks_are_written_as_escapes(
    encoding: str, more: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "t.csv"
    path.write_text("path,label\n\u043a\u043e\u0442.png,a\n", encoding="utf-8")
    done = ran(
        *("check", str(path), *more),
        out=subprocess.PIPE,
        err=subprocess.PIPE,
        PYTHONIOENCODING=encoding,
        PYTHONUTF8="0",
    )
    assert done.returncode == 3 and b"Traceback" not in done.stderr, done.stderr
    said = done.stdout.decode(encoding)
    assert json.loads(said)["total"] == 1 if more else "\\u043a" in said
