"""A server that gives a folder out as a dataset of the Hugging Face hub, on this machine."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

DATASET = "datasets/someone/photos"


@dataclass(slots=True)
class Hub:
    """A folder, and how what is asked of it is answered."""

    folder: Path
    refusals: dict[str, int] = field(default_factory=dict)
    """Statuses, by what a path ends in."""
    asked: list[str] = field(default_factory=list)
    """Paths, and the names that who asked gave."""

    def answer(self, path: str) -> tuple[int, bytes]:
        """Answer a path."""
        refused = [code for end, code in self.refusals.items() if path.endswith(end)]
        if refused:
            return refused[0], b"{}"
        if path == f"/api/{DATASET}":
            return 200, json.dumps({"id": "someone/photos", "sha": "0" * 40}).encode()
        tree, resolve = f"/api/{DATASET}/tree/main", f"/{DATASET}/resolve/main/"
        if path.startswith(tree):
            beneath = self.folder / path[len(tree) :].lstrip("/")
            found = map(self._listed, sorted(beneath.iterdir())) if beneath.is_dir() else ()
            return (200 if beneath.is_dir() else 404), json.dumps(list(found)).encode()
        file = self.folder / path.removeprefix(resolve)
        if path.startswith(resolve) and file.is_file():
            return 200, file.read_bytes()
        return 404, b"{}"

    def _listed(self, path: Path) -> dict[str, object]:
        name = path.relative_to(self.folder).as_posix()
        if path.is_dir():
            return {"type": "directory", "oid": "0", "size": 0, "path": name}
        data = path.read_bytes()
        tag = hashlib.sha1(data).hexdigest()
        return {"type": "file", "oid": tag, "size": len(data), "path": name}


@contextmanager
def hub_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Serve a folder, and let addresses of hf:// be those of this server."""
    from huggingface_hub import constants

    from foveal import remote

    hub = Hub(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            hub.asked.append(f"{path} {self.headers['User-Agent']}")
            code, body = hub.answer(path)
            self.send_response(code, HTTPStatus(code).phrase)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    usual = constants.ENDPOINT
    for name in ("ENDPOINT", "HUGGINGFACE_CO_URL_TEMPLATE"):
        monkeypatch.setattr(constants, name, getattr(constants, name).replace(usual, address))
    remote._system.cache_clear()
    try:
        yield hub
    finally:
        remote._system.cache_clear()
        server.shutdown()
        server.server_close()
