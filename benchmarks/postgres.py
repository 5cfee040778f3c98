"""A server of PostgreSQL of one's own, on this machine alone, for as long as it is needed."""

from __future__ import annotations

import getpass
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PLACES = Path("/usr/lib/postgresql")  # Debian's package postgresql
NOBODY = "postgres"
"""Who runs it where this is root, whom it refuses."""


@contextmanager
def server() -> Iterator[str]:
    """Start a server with an empty database, and end it; gives its address, password and all."""
    programs = max(PLACES.glob("*/bin"), default=None)
    if programs is None:
        raise SystemExit("install PostgreSQL first: apt-get install postgresql")
    more: dict[str, Any] = {"user": NOBODY, "group": NOBODY} if getpass.getuser() == "root" else {}
    password, port = secrets.token_hex(16), free_port()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "password").write_text(password)
        if more:
            for one in (root, root / "password"):
                shutil.chown(one, NOBODY, NOBODY)

        def run(program: str, *arguments: object) -> None:
            line = [str(programs / program), *map(str, arguments)]
            environment = {**os.environ, "PGPASSWORD": password}
            subprocess.run(
                line, check=True, stdout=subprocess.DEVNULL, cwd=root, env=environment, **more
            )

        told = ("-D", root / "data")
        run("initdb", *told, "-U", "me", "-A", "scram-sha-256", f"--pwfile={root / 'password'}")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
        run("pg_ctl", *told, "-o", options, "-l", root / "log", "-w", "start")
        try:
            run("createdb", "-h", "127.0.0.1", "-p", port, "-U", "me", "studies")
            yield f"postgresql://me:{password}@127.0.0.1:{port}/studies"
        finally:
            run("pg_ctl", *told, "-m", "fast", "-w", "stop")


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
