"""Commands run while no file may grow beyond a limit, as where a disk is full.

The limit is that of the process (RLIMIT_FSIZE), which needs no rights: a write beyond it fails as
one does on a full disk, with another word ("File too large"). Python passes over the signal.

    python -m support.full_disk FILE

FILE holds trials as JSON lines; answers are printed as JSON lines.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import shutil
import sys
from pathlib import Path
from typing import Any

from foveal.cli import main as command
from foveal.files import digest_of

OLD = b"what was there"
"""Stands in each file that a command is to replace."""


def main() -> None:
    """Run the trials of a file, one after another."""
    for line in Path(sys.argv[1]).read_text().splitlines():
        print(json.dumps(trial(**json.loads(line))), flush=True)


def trial(place: str, words: list[str], limit: int | None, old: list[str]) -> dict[str, Any]:
    """Run one command in an empty folder.

    Parameters
    ----------
    place : str
        The folder, which is made anew unless nothing is limited; the cache is in it.
    words : list of str
        What is typed.
    limit : int or None
        Bytes that a file may have.
    old : list of str
        Files that are there already.

    Returns
    -------
    dict
        Exit code, what was said, and the files that are left with the hash of each.
    """
    root = Path(place)
    if limit is not None:
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir()
    for name in old:
        (root / name).write_bytes(OLD)
    os.environ |= {"FOVEAL_CACHE": str(root / "cache"), "FOVEAL_CACHE_LIMIT": ""}
    code, said = _limited(words, limit)
    left = {str(one.relative_to(root)): digest_of(one) for one in root.rglob("*") if one.is_file()}
    return {"code": code, "said": said, "left": left}


def _limited(words: list[str], limit: int | None) -> tuple[int, str]:
    said = io.StringIO()
    sys.argv = ["foveal", *words]
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    if limit is not None:
        sys.dont_write_bytecode = True  # Python would keep a part of a module that it compiled
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            command.main()
    except SystemExit as ended:
        return int(ended.code or 0), said.getvalue()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    return 0, said.getvalue()


if __name__ == "__main__":
    main()
