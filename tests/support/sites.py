"""Servers without a socket and as processes, and pictures to send them."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import httpx
import numpy as np
from PIL import Image

from foveal.serving.guard import Guard
from foveal.serving.resources import Resources
from foveal.serving.shelf import Shelf

JPEG = {"content-type": "image/jpeg"}
HERE = "http://localhost:8000"
T = TypeVar("T")


def in_a_loop(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a thread of its own: another test may have left a loop in this one."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, work).result()


def png(seed: int = 0, shape: tuple[int, ...] = (20, 30, 3)) -> bytes:
    """Encode a picture that is a function of its seed."""
    pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "png")
    return data.getvalue()


class Site:
    """A server without a socket."""

    def __init__(self, guard: Guard, shelf: Shelf, resources: Resources, log: list[str]) -> None:
        self.guard, self.shelf, self.resources, self.lines = guard, shelf, resources, log

    def close(self) -> None:
        """Take the engines down where they run: they have threads that nothing else would end."""
        for served in self.shelf:
            self.resources.engine.submit(served.close).result()
        self.resources.close()

    @property
    def log(self) -> list[dict[str, Any]]:
        """Lines of the log so far."""
        return [json.loads(line) for line in self.lines]

    def run(self, work: Callable[[httpx.AsyncClient], Awaitable[Any]]) -> Any:
        """Let a client work, in an event loop."""

        async def all_of_it() -> Any:
            through = httpx.ASGITransport(app=self.guard)
            async with httpx.AsyncClient(transport=through, base_url=HERE) as client:
                return await asyncio.wait_for(work(client), 60)

        return in_a_loop(all_of_it())

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send one request."""
        return self.run(lambda client: client.request(method, path, **options))

    def ask_all(self, asked: Iterable[tuple[str, str, dict[str, str]]]) -> list[httpx.Response]:
        """Send requests one by one: method, path and headers of each."""

        async def work(client: httpx.AsyncClient) -> list[httpx.Response]:
            return [
                await client.request(method, path, headers=headers)
                for method, path, headers in asked
            ]

        found: list[httpx.Response] = self.run(work)
        return found


class Process:
    """`foveal serve`, and where it listens."""

    def __init__(self, *words: object) -> None:
        line = [sys.executable, "-m", "foveal", "serve", *map(str, words), "--port", "0"]
        self.process = subprocess.Popen(
            [*line, "--threads", "1"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        found = re.search(r"at (http://\S+):(\d+),", said)
        assert found, said + self.end()[1]
        self.address, self.port = f"{found[1]}:{found[2]}", int(found[2])

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def end(self) -> tuple[int, str]:
        """Wait for its end; exit code and what it wrote to stderr."""
        _, err = self.process.communicate(timeout=40)
        return self.process.returncode, err
