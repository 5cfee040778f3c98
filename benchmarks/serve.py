"""What `foveal serve` bears: equality with `predict`, load, signals; beside LitServe.

    python benchmarks/serve.py PICTURES MODEL                      # JPEG files, a classifier
    python benchmarks/serve.py PICTURES MODEL --only stop --workers 2
    python benchmarks/serve.py PICTURES MODEL --only peer --peer FOLDER    # where LitServe is

Clients are asyncio's streams in this process, on the same cores as the server. A wrong answer is
one whose probabilities differ from `foveal predict` of the file by more than 1e-5. On a machine
that others use too, milliseconds of the processor say more than answers a second.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import describe
from served import (
    CLIENTS,
    Case,
    Client,
    alone,
    ask,
    bare,
    memory,
    post,
    processor,
    sent,
    server,
)

import foveal

FEW = 4
"""Pictures that are asked for while models change."""


async def equal(case: Case, arguments: argparse.Namespace) -> None:
    """Hold answers against those of the model on files."""
    async with server(case.file, "--no-log") as (_, port):
        client, own, same = Client(port), Client(port), 0
        for row, body in enumerate(case.bodies):
            _, answer = await client.send(post(case.path, body))
            same += np.array_equal(case.row(answer), case.wanted[row])
        print(f"alone: {same} of {len(case.bodies)} equal to the bit")
        largest = 0.0
        clients = [Client(port) for _ in range(CLIENTS)]
        for start in range(0, len(case.bodies), CLIENTS):
            rows = range(start, min(start + CLIENTS, len(case.bodies)))
            asked = (
                one.send(post(case.path, case.bodies[row]))
                for one, row in zip(clients, rows, strict=False)
            )
            for row, (_, answer) in zip(rows, await asyncio.gather(*asked), strict=True):
                largest = max(largest, float(np.abs(case.row(answer) - case.wanted[row]).max()))
        print(f"{CLIENTS} at once: largest difference of a probability {largest:.2g}")
        own.close()


async def load(case: Case, arguments: argparse.Namespace) -> None:
    """Load a server with as much as it bears, and twice that."""
    (network, spent), (predicting, each) = alone(case, arguments.seconds / 6)
    print(f"network alone:      {network:.1f} /s, {spent:.1f} ms of the processor a picture")
    print(f"decoded, predicted: {predicting:.1f} /s, {each:.1f} ms of the processor a picture")
    async with server(case.file, "--no-log", "--queue", CLIENTS) as (process, port):
        await ask(case, port, 3, CLIENTS)
        before = memory(process.pid)
        spent = processor(process.pid)
        seen, took = await ask(case, port, arguments.seconds / 3, CLIENTS)
        spent = 1e3 * (processor(process.pid) - spent) / len(seen.seconds)
        rate = len(seen.seconds) / took
        print(
            f"served: {spent:.1f} ms of the processor a picture; predicting takes "
            f"{each / spent:.0%} of it"
        )
        print(
            f"{CLIENTS} clients:    {seen.line(took)}, {rate / predicting:.0%} of predicted alone"
        )
        middle = memory(process.pid)
        single, span = await ask(case, port, 5, 1)
        print(f"1 client:      {single.line(span)}")
    async with server(case.file, "--no-log", "--queue", CLIENTS // 2) as (process, port):
        await ask(case, port, 3, CLIENTS)
        half = memory(process.pid)
        seen, took = await ask(case, port, arguments.seconds, 2 * CLIENTS, rate=2 * rate)
        after = memory(process.pid)
        print(f"twice as much: {seen.line(took)}, offered {2 * rate:.0f} /s")
        print(f"memory, MB: {before:.0f}, {middle:.0f}; at twice {half:.0f}, {after:.0f}")


async def stop(case: Case, arguments: argparse.Namespace) -> None:
    """End a server under load, again and again: what it began to answer, it answers."""
    lost, refused, answered, codes, longest = 0, 0, 0, Counter[int](), 0.0
    for _ in range(arguments.times):
        words = (case.file, "--no-log", "--queue", 256, "--workers", arguments.workers)
        async with server(*words) as (process, port):
            ended = asyncio.Event()

            async def client(port: int = port, ended: asyncio.Event = ended) -> None:
                nonlocal lost, refused, answered
                own = Client(port)
                for row in itertools.count():
                    if ended.is_set():
                        break
                    try:
                        status, _ = await own.send(
                            post(case.path, case.bodies[row % len(case.bodies)])
                        )
                    except ConnectionRefusedError:
                        refused += 1
                        break
                    except (OSError, asyncio.IncompleteReadError):
                        lost += 1
                        break
                    answered += status == 200
                own.close()

            asking = [asyncio.create_task(client()) for _ in range(16)]
            await asyncio.sleep(1.5)
            began = time.perf_counter()
            process.send_signal(signal.SIGTERM)
            codes[await asyncio.to_thread(process.wait, 40)] += 1
            longest = max(longest, time.perf_counter() - began)
            ended.set()
            await asyncio.gather(*asking)
    print(
        f"{arguments.times} SIGTERMs, {arguments.workers} processes, 16 clients: "
        f"{answered} answered, {lost} lost, {refused} not connected any more, "
        f"exit codes {dict(codes)}, at most {longest:.1f} s"
    )


async def reload(case: Case, arguments: argparse.Namespace) -> None:
    """Change the model of a server under load, each time for another one; then for one cut short.

    Each answer says by its digest which model gave it, and is held against that model's.
    """
    with tempfile.TemporaryDirectory() as folder:
        others = [varied(case, turn, Path(folder)) for turn in range(arguments.times)]
        known = {one.digest: one.wanted for one in others}
        known[case.model.digest()] = case.wanted[:FEW]
        file = Path(folder) / case.file.name
        shutil.copy(case.file, file)
        async with server(file, "--no-log") as (process, port):
            going, statuses, wrong, seen = True, Counter[str](), 0, set[str]()

            async def client() -> None:
                nonlocal wrong
                own = Client(port)
                for turn in itertools.count():
                    if not going:
                        break
                    row = turn % FEW
                    status, body = await sent(own, post(case.path, case.bodies[row]))
                    statuses[str(status)] += 1
                    if status == 200:
                        digest = json.loads(body)["digest"]
                        seen.add(digest)
                        wrong += bool(np.abs(case.row(body) - known[digest][row]).max() > 1e-5)
                own.close()

            asking = [asyncio.create_task(client()) for _ in range(8)]
            for other in others:
                other.file.replace(file)
                process.send_signal(signal.SIGHUP)
                await _served(port, case.file.stem, other.digest)
                if process.poll() is not None:
                    break
            file.write_bytes(file.read_bytes()[:-9])
            process.send_signal(signal.SIGHUP)
            await asyncio.sleep(1.5)
            text = (await Client(port).send(bare("GET", "/metrics")))[1]
            going = False
            await asyncio.gather(*asking)
            found = re.findall(rb"foveal_reloads_total\S+ \S+", text)
            print(
                f"{len(others)} models one after the other under 8 clients: {dict(statuses)}, "
                f"{wrong} wrong, {len(seen)} models answered,",
                *found,
            )


@dataclass(frozen=True)
class Other:
    """A model that answers otherwise."""

    file: Path
    digest: str
    wanted: Any
    """What it says of the first `FEW` pictures."""


def varied(case: Case, turn: int, folder: Path) -> Other:
    """Make a model of other weights."""
    model = foveal.load(case.file)
    with torch.no_grad():
        next(model.network.parameters()).mul_(1 + (turn + 1) / 1_000)
    path = folder / f"{turn}.safetensors"
    model.save(path)
    again = foveal.load(path)
    return Other(path, again.digest(), again.predict_proba(case.files[:FEW]))


async def _served(port: int, name: str, digest: str) -> None:
    """Wait until a model is the one that answers, 30 seconds at most."""
    client = Client(port)
    for _ in range(300):
        status, body = await sent(client, bare("GET", f"/v2/models/{name}"))
        if status == 200 and json.loads(body)["parameters"]["digest"] == digest:
            break
        await asyncio.sleep(0.1)
    client.close()


async def peer(case: Case, arguments: argparse.Namespace) -> None:
    """Ask this server and LitServe in turns, with the same network on 32 connections.

    LitServe runs the network as its guide has it (torch), and by the engine that runs here.
    """
    found: dict[str, list[tuple[float, float]]] = {}
    for turn in range(arguments.rounds):
        for name, asked in _PEERS.items():
            async with asked(case, arguments) as (at, process, port):
                await ask(at, port, 3, CLIENTS)
                spent = processor(process.pid)
                seen, took = await ask(at, port, arguments.seconds / 3, CLIENTS)
                spent = 1e3 * (processor(process.pid) - spent) / max(len(seen.seconds), 1)
            found.setdefault(name, []).append((len(seen.seconds) / took, spent))
            print(f"{turn + 1}. {name:<36} {seen.line(took)}, {spent:.1f} ms of the processor")
            sys.stdout.flush()
    ours = np.array(found.pop("foveal serve"))
    for name, each in found.items():
        (rate, spent) = (ours / np.array(each)).T
        print(
            f"foveal serve beside {name}: {np.median(rate):.2f} times the answers "
            f"({rate.min():.2f} to {rate.max():.2f}), {np.median(spent):.2f} times the processor"
        )


@asynccontextmanager
async def _own(case: Case, arguments: argparse.Namespace) -> AsyncIterator[_Asked]:
    async with server(case.file, "--no-log", "--queue", CLIENTS) as (process, port):
        yield case, process, port


def _litserve(engine: str, batch: int) -> Callable[..., AbstractAsyncContextManager[_Asked]]:
    """Return what starts LitServe, and ends it."""

    @asynccontextmanager
    async def opened(case: Case, arguments: argparse.Namespace) -> AsyncIterator[_Asked]:
        script = Path(__file__).parent / "peers" / "litserve_classifier.py"
        port = 8700 + batch + (engine == "torch")
        words = [script, arguments.peer, case.file.absolute(), engine, batch, port]
        with tempfile.TemporaryFile("w+") as log:
            process = subprocess.Popen(
                [sys.executable, *map(str, words)],
                stdout=log,
                stderr=log,
                start_new_session=True,
                text=True,
            )
            try:
                theirs = _PeerCase(case)
                if not await _answers(theirs, port):
                    log.seek(0)
                    raise SystemExit(f"LitServe, {engine}: does not answer: {log.read()[-800:]}")
                yield theirs, process, port
            finally:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    return opened


_Asked = tuple[Case, "subprocess.Popen[str]", int]
_PEERS: dict[str, Callable[..., AbstractAsyncContextManager[_Asked]]] = {
    "foveal serve": _own,
    "LitServe, torch, batches of 1": _litserve("torch", 1),
    "LitServe, torch, batches of 16": _litserve("torch", 16),
    "LitServe, same engine, batches of 16": _litserve("same", 16),
}


class _PeerCase(Case):
    """The same pictures in the form that LitServe takes."""

    kind = "multipart/form-data; boundary=b"

    def __init__(self, case: Case) -> None:
        self.file, self.model, self.files = case.file, case.model, case.files
        self.wanted, self.path = case.wanted, "/predict"
        head = b'--b\r\nContent-Disposition: form-data; name="pictures"; filename="a"\r\n\r\n'
        self.bodies = [head + body + b"\r\n--b--\r\n" for body in case.bodies]


async def _answers(case: Case, port: int) -> bool:
    """Wait a minute for an answer."""
    for _ in range(120):
        await asyncio.sleep(0.5)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            status, _ = await Client(port).send(post(case.path, case.bodies[0], case.kind))
            if status == 200:
                return True
    return False


PARTS: dict[str, Callable[[Case, argparse.Namespace], Coroutine[Any, Any, None]]] = {
    "equal": equal,
    "load": load,
    "stop": stop,
    "reload": reload,
    "peer": peer,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="what foveal serve bears")
    parser.add_argument("pictures", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=[*PARTS][:-1])
    parser.add_argument("--most", type=int, default=200, help="pictures that are used")
    parser.add_argument("--seconds", type=float, default=60.0, help="of load at twice capacity")
    parser.add_argument("--times", type=int, default=20, help="signals sent")
    parser.add_argument("--workers", type=int, default=1, help="processes of a server that ends")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each server, beside peers")
    parser.add_argument("--peer", default="", help="folder that holds LitServe")
    arguments = parser.parse_args()
    print(describe())
    case = Case(arguments.pictures, arguments.model, arguments.most)
    for name in arguments.only:
        print(f"-- {name}")
        asyncio.run(PARTS[name](case, arguments))


if __name__ == "__main__":
    main()
