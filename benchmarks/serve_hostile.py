"""Requests that nobody should send, to `foveal serve`: none is answered with a fault or a file.

    python benchmarks/serve_hostile.py PICTURES MODEL

500 spellings of ways out of a folder; hosts and origins of others on every route; thousands of
requests drawn by what /openapi.json says, most of them wrong in method, name, head or body.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from machine import describe
from served import Case, Client, bare, post, sent, server

HOSTS = (
    "evil.example",
    "localhost.evil.example",
    "10.0.0.1",
    "127.0.0.1.nip.io",
    "",
    "a@localhost",
)
ORIGINS = ("http://evil.example", "null", "https://localhost.evil.example", "http://localhost:1")


def spelled(draw: random.Random) -> str:
    """Spell a way out of a folder."""
    dots = [
        "..",
        "%2e%2e",
        "%2E.",
        ".%2e",
        "%252e%252e",
        "..%00",
        "%c0%ae%c0%ae",
        "....",
        "..;",
        "%u002e",
    ]
    slashes = ["/", "%2f", "%5c", "\\", "//", "%252f", "%c0%af", "/./", "%2F%2F"]
    ends = [
        "etc/passwd",
        "etc%2fpasswd",
        "proc/self/environ",
        "models",
        "v2",
        "windows%5cwin.ini",
        "",
        "~root/.ssh",
    ]
    steps = "".join(draw.choice(dots) + draw.choice(slashes) for _ in range(draw.randint(1, 8)))
    first = draw.choice(
        [
            "/v2/models/",
            "/v1/models/",
            "/",
            "/docs/",
            "/v2/models/M/",
            "/v1/models/M/predict/",
            "/metrics/",
        ]
    )
    return first + draw.choice(["", "/", "file:///", "C:\\", "%00"]) + steps + draw.choice(ends)


async def hostile(case: Case) -> None:
    """Try 500 spellings of traversal, and hosts and origins of others on every route."""
    draw, statuses, leaked = random.Random(0), Counter[str](), 0
    name = case.file.stem
    async with server(case.file, "--no-log") as (_, port):
        client = Client(port)
        for _ in range(500):
            path = spelled(draw).replace("/M/", f"/{name}/")
            status, body = await sent(client, bare(draw.choice(["GET", "POST"]), path))
            statuses[str(status)] += 1
            leaked += b"root:" in body or status == 200
        print(f"500 traversals: {dict(statuses)}, {leaked} answered with 200 or a file")
        hosts, origins = Counter[str](), Counter[str]()
        for path, methods in (await _document(client))["paths"].items():
            for method in methods:
                where = path.replace("{name}", name)
                for host in HOSTS:
                    status, _ = await sent(client, bare(method, where, f"host: {host}"))
                    hosts[str(status)] += 1
                for origin in ORIGINS:
                    head = f"host: localhost\r\norigin: {origin}"
                    origins[str((await sent(client, bare(method, where, head)))[0])] += 1
        print(f"on every route: hosts {dict(hosts)}, origins {dict(origins)}")


async def _document(client: Client) -> Any:
    return json.loads((await client.send(bare("GET", "/openapi.json")))[1])


def drawn(draw: random.Random, document: Mapping[str, Any], case: Case) -> bytes:
    """Draw a request of the routes that a document describes, more or less as it says."""
    path, methods = draw.choice(list(document["paths"].items()))
    known = list(methods) * 40
    method = draw.choice([*known, "get", "post", "put", "delete", "patch", "head", "options"])
    names = [case.file.stem] * 20 + ["", "x", "%00", "a" * 300, "..", "\xff", "{name}", "%2f"]
    queries = ["", "?k=3", "?k=-1", "?k=x", "?false_alarms=2", "?false_alarms=nan", "?k=1&k=2"]
    kinds = ["image/jpeg", "image/png", "application/json", "multipart/form-data; boundary=b"]
    kind = draw.choice([*kinds * 3, "text/plain", "", "\xff", "application/octet-stream"])
    body = _body(draw, kind, case)
    where = path.replace("{name}", draw.choice(names)) + draw.choice(
        [*queries, "?%00", "?" + "q" * 500]
    )
    lines = [f"{method.upper()} {where} HTTP/1.1", "host: localhost"]
    lines += [f"content-length: {len(body)}"]
    lines += [f"content-type: {kind}"] * (draw.random() < 0.9)
    odd = ["inference-header-content-length: 10", "inference-header-content-length: -1"]
    odd += ["content-encoding: gzip", "range: bytes=0-5", "accept: text/html", "x" * 200 + ": y"]
    lines += [draw.choice(odd)] * (draw.random() < 0.2)
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def _body(draw: random.Random, kind: str, case: Case) -> bytes:
    picture = draw.choice(case.bodies[:8])
    mangled = bytearray(picture)
    for _ in range(draw.randint(1, 20)):
        mangled[draw.randrange(len(mangled))] = draw.randrange(256)
    pictures = [
        picture,
        bytes(mangled),
        picture[: draw.randrange(len(picture))],
        b"",
        os.urandom(200),
    ]
    if "json" in kind:
        return json.dumps(_value(draw, 0)).encode()[: draw.choice([None, None, 20])]
    if "multipart" in kind:
        head = b'--b\r\nContent-Disposition: form-data; name="pictures"; filename="a"\r\n\r\n'
        whole = b"".join(head + draw.choice(pictures) + b"\r\n" for _ in range(draw.randint(0, 4)))
        return whole + draw.choice([b"--b--\r\n", b"--b--", b"", b"--c--"])
    return draw.choice(pictures)


def _value(draw: random.Random, depth: int) -> Any:
    """Draw JSON that looks like what the routes take."""
    plain = [None, True, 0, -1, 3, 2**70, 0.5, 1e308, "", "pictures", "UINT8", "BYTES", "FP32"]
    if depth > 3 or draw.random() < 0.4:
        return draw.choice(plain)
    if draw.random() < 0.4:
        return [_value(draw, depth + 1) for _ in range(draw.randint(0, 4))]
    names = [
        "inputs",
        "outputs",
        "name",
        "shape",
        "datatype",
        "data",
        "parameters",
        "code",
        "id",
        "binary_data_size",
        "binary_data_output",
    ]
    return {draw.choice(names): _value(draw, depth + 1) for _ in range(draw.randint(0, 6))}


async def fuzz(case: Case, cases: int) -> None:
    """Send thousands of requests, most of them wrong: none may be answered with a fault."""
    draw, statuses = random.Random(0), Counter[str]()
    async with server(case.file, "--no-log") as (process, port):
        client = Client(port)
        document = await _document(client)
        for _ in range(cases):
            raw = drawn(draw, document, case)
            own = client if draw.random() < 0.5 else Client(port)
            head = raw.startswith(b"HEAD")
            status = await _only_status(port, raw) if head else (await sent(own, raw))[0]
            statuses[str(status)] += 1
            if own is not client:
                own.close()
        faults = sum(
            count for status, count in statuses.items() if status[0] == "5" and status != "503"
        )
        seen = await client.send(post(case.path, case.bodies[0]))
        print(f"{cases} requests: {faults} faults, {dict(sorted(statuses.items()))}")
        print(f"it still answers: {seen[0]}, runs: {process.poll() is None}")


async def _only_status(port: int, raw: bytes) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(raw)
    try:
        return int((await reader.readuntil(b"\r\n"))[9:12])
    except asyncio.IncompleteReadError:
        return 0
    finally:
        writer.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="requests that nobody should send")
    parser.add_argument("pictures", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--cases", type=int, default=6_000, help="requests that are drawn")
    arguments = parser.parse_args()
    print(describe())
    case = Case(arguments.pictures, arguments.model, 8)
    asyncio.run(hostile(case))
    asyncio.run(fuzz(case, arguments.cases))


if __name__ == "__main__":
    main()
