"""A server that speaks S3, in a process of its own: it can be killed, and forgets all then."""

from __future__ import annotations

import socket
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

BUCKET = "bucket"
PROGRAM = """
import sys, threading
from moto.server import ThreadedMotoServer
ThreadedMotoServer(ip_address="127.0.0.1", port=int(sys.argv[1]), verbose=False).start()
print("ready", flush=True)
threading.Event().wait()
"""


def free_port() -> int:
    """Return a port at which nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


class S3:
    """A server on this machine, with one empty bucket.

    Parameters
    ----------
    port : int, optional
        Where it listens; any that is free where left out.
    """

    def __init__(self, port: int | None = None) -> None:
        self.port = port or free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(self.port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self.process.stdout is not None
        while b"ready" not in (line := self.process.stdout.readline()):
            assert line, "the server ended before it was ready"
        self.put("", b"")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    @property
    def environment(self) -> dict[str, str]:
        """What a client needs in its environment."""
        return {
            "AWS_ENDPOINT_URL": self.address,
            "AWS_ACCESS_KEY_ID": "someone",
            "AWS_SECRET_ACCESS_KEY": "for-nobodys-eyes",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def put(self, key: str, data: bytes) -> None:
        """Write an object, without any client; the bucket itself where there is no key."""
        self._ask("PUT", f"/{BUCKET}/{urllib.parse.quote(key)}" if key else f"/{BUCKET}", data)

    def put_folder(self, folder: Path, prefix: str) -> None:
        """Write all files of a folder."""
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                self.put(f"{prefix}/{file.relative_to(folder).as_posix()}", file.read_bytes())

    def delete(self, key: str) -> None:
        """Remove an object."""
        self._ask("DELETE", f"/{BUCKET}/{urllib.parse.quote(key)}", None)

    def empty(self) -> None:
        """Forget all but the bucket, and let anybody in."""
        self._ask("POST", "/moto-api/reset", b"")
        self.let_in(anybody=True)
        self.put("", b"")

    def let_in(self, *, anybody: bool) -> None:
        """Let anybody in, or only whose keys the server knows, and it knows none."""
        self._ask("POST", "/moto-api/reset-auth", b"99999999" if anybody else b"0")

    def kill(self) -> None:
        """Kill the server."""
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _ask(self, method: str, path: str, data: bytes | None) -> None:
        keys = "AWS4-HMAC-SHA256 Credential=someone/20260101/us-east-1/s3/aws4_request"
        headers = {
            "Authorization": f"{keys}, SignedHeaders=host, Signature=0",
            "Content-Type": "application/octet-stream",
        }
        asked = urllib.request.Request(
            f"{self.address}{path}", data=data, method=method, headers=headers
        )
        with urllib.request.urlopen(asked, timeout=20) as answer:
            answer.read()
