"""A server of `foveal serve`, clients that ask it, and what both take: for `serve.py`."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import foveal
from foveal.pictures.encoded import InMemory
from foveal.pictures.scaling import of_bytes
from foveal.serving.served import encoded

CLIENTS = 32


@dataclass(slots=True)
class Seen:
    """What clients saw."""

    statuses: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    """Of requests that were answered with 200."""
    wrong: int = 0

    def line(self, seconds: float) -> str:
        """Write it down."""
        times = np.array(self.seconds or [np.nan])
        return (
            f"{len(self.seconds) / seconds:7.1f} answers/s, p50 {np.quantile(times, 0.5):.3f} s, "
            f"p99 {np.quantile(times, 0.99):.3f} s, {self.wrong} wrong, {dict(self.statuses)}"
        )


class Client:
    """One connection, opened again where it was closed."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, raw: bytes) -> tuple[int, bytes]:
        """Send a request, and read status and body of its answer."""
        if self.streams is None:
            self.streams = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self.streams
        try:
            writer.write(raw)
            await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head, re.I)
            body = await reader.readexactly(int(length[1])) if length else b""
        except BaseException:
            self.close()
            raise
        if b"connection: close" in head.lower():
            self.close()
        return int(head[9:12]), body

    def close(self) -> None:
        """Close it."""
        if self.streams is not None:
            self.streams[1].close()
        self.streams = None


def post(path: str, body: bytes, kind: str = "image/jpeg", more: str = "") -> bytes:
    """Write a request."""
    head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {kind}\r\n{more}"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


@asynccontextmanager
async def server(*words: object) -> AsyncIterator[tuple[subprocess.Popen[str], int]]:
    """Start `foveal serve`, and end it."""
    run = [sys.executable, "-X", "faulthandler", "-m", "foveal", "serve"]
    line = [*run, *map(str, words), "--port", "0"]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=log, text=True)
        assert process.stdout is not None
        said = await asyncio.to_thread(process.stdout.readline)
        found = re.search(r"127\.0\.0\.1:(\d+)", said)
        assert found, said
        try:
            yield process, int(found[1])
        finally:
            if process.poll() is None:
                process.terminate()
            await asyncio.to_thread(process.wait, 40)
            log.seek(0)
            text = log.read()
            faults = text.count("Traceback") + text.count("Fatal Python error")
            if faults or process.returncode:
                print(
                    f"  exit code {process.returncode}, {faults} faults in the log: {text[-3000:]}"
                )


def family(pid: int) -> list[int]:
    """Return a process and its children, and theirs."""
    pids = [pid]
    for one in pids:
        children = Path(f"/proc/{one}/task/{one}/children")
        threads = Path(f"/proc/{one}/task")
        found = threads.glob("*/children") if threads.exists() else [children]
        pids += [int(child) for each in found for child in each.read_text().split()]
    return pids


def processor(pid: int) -> float:
    """Return the seconds of the processor that a process and its children have had."""
    found = 0.0
    for one in family(pid):
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        found += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return found


def memory(pid: int) -> float:
    """Return the megabytes that a process and its children hold."""
    found = 0.0
    for one in family(pid):
        anonymous = re.search(r"RssAnon:\s+(\d+)", Path(f"/proc/{one}/status").read_text())
        found += int(anonymous[1]) / 1000 if anonymous else 0.0
    return found


class Case:
    """Pictures, the model, and what it says of them."""

    kind = "image/jpeg"
    """What its bodies are."""

    def __init__(self, pictures: Path, model: Path, most: int) -> None:
        self.file = model
        self.model = foveal.load(model)
        self.files = sorted(one for one in pictures.rglob("*") if one.suffix in (".jpg", ".png"))
        self.files = self.files[:most]
        self.bodies = [one.read_bytes() for one in self.files]
        wanted = [self.model.predict_proba([one])[0] for one in self.files]
        self.wanted = np.array(wanted)
        self.path = f"/v1/models/{model.stem}/predict"

    def row(self, body: bytes) -> Any:
        """Read the probabilities of an answer."""
        facts = json.loads(body)
        if "probabilities" in facts:
            return np.array(facts["probabilities"])
        (row,) = facts["pictures"]
        return np.array([value for name, value in row.items() if name.startswith("p:")])


async def ask(
    case: Case, port: int, seconds: float, clients: int, rate: float | None = None
) -> tuple[Seen, float]:
    """Let clients ask for a while: each as soon as it has its answer, or all at a rate."""
    seen, end, order = Seen(), time.perf_counter() + seconds, itertools.count()
    began = time.perf_counter()

    async def client(number: int) -> None:
        own = Client(port)
        while time.perf_counter() < end:
            turn = next(order)
            if rate is not None:
                due = began + turn / rate
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
            row = turn % len(case.bodies)
            at = time.perf_counter()
            status, body = await own.send(post(case.path, case.bodies[row], case.kind))
            seen.statuses[str(status)] += 1
            if status == 200:
                seen.seconds.append(time.perf_counter() - at)
                seen.wrong += bool(np.abs(case.row(body) - case.wanted[row]).max() > 1e-5)
        own.close()

    await asyncio.gather(*(client(number) for number in range(clients)))
    return seen, time.perf_counter() - began


def alone(case: Case, seconds: float) -> list[tuple[float, float]]:
    """Measure the network on prepared pictures, and `predicting` bytes.

    Pictures a second, and milliseconds of the processor a picture.
    """
    model, by = case.model, of_bytes(case.model.recipe)
    pictures = encoded(
        [InMemory(str(one), body) for one, body in zip(case.files, case.bodies, strict=True)]
    )
    prepared = [pictures.content.picture(row, model.recipe) for row in range(len(case.files))]
    images = np.stack([one for one in prepared if not isinstance(one, str)])
    session = model.answering_session()
    session.open_fastest(by)

    def rate(work: Callable[[], object], count: int) -> tuple[float, float]:
        work()
        done, began, spent = 0, time.perf_counter(), processor(os.getpid())
        while time.perf_counter() - began < seconds:
            work()
            done += count
        spent = processor(os.getpid()) - spent
        return done / (time.perf_counter() - began), 1e3 * spent / done

    return [
        rate(lambda: model.answers(images, by), len(images)),
        rate(lambda: list(model.predicting(pictures)), len(images)),
    ]


async def sent(client: Client, raw: bytes) -> tuple[int, bytes]:
    """Send a request; 0 where the connection was closed without an answer."""
    try:
        return await client.send(raw)
    except (OSError, EOFError, asyncio.IncompleteReadError):
        return 0, b""


def bare(method: str, path: str, more: str = "host: localhost") -> bytes:
    """Write a request without a body."""
    return f"{method.upper()} {path} HTTP/1.1\r\n{more}\r\ncontent-length: 0\r\n\r\n".encode(
        "latin-1"
    )
