"""Pictures and parts at addresses: equal rows, seconds, and what a killed server costs.

    python benchmarks/remote.py --pictures 10000

needs the extra `remote` and moto[s3], flask, flask-cors (extra `dev`). Colour pictures of 64x64 are
made and put into a bucket of moto's server on this machine. Then `predict` runs four times: from
the folder into parts of this machine; from the bucket into parts in it; the same while its address
is killed (SIGKILL) once a third of the parts are there, which has to end the command with exit 5;
and the same line again once it is back. The address is that of a process that passes everything on
to the server: the server itself keeps all in memory, and a store of objects loses nothing when what
answers for it dies. Rows are compared with those of this machine but for their paths.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from large import Ran, ran
from machine import describe, foveal, timed
from sources import make

BUCKET = "bucket"
SERVER = """
import sys, threading
from moto.server import ThreadedMotoServer
ThreadedMotoServer(ip_address="127.0.0.1", port=int(sys.argv[1]), verbose=False).start()
threading.Event().wait()
"""
FRONT = """
import asyncio, sys
async def pump(reader, writer):
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()
async def passed_on(reader, writer):
    there, back = await asyncio.open_connection("127.0.0.1", int(sys.argv[2]))
    await asyncio.gather(pump(reader, back), pump(there, writer))
async def main():
    server = await asyncio.start_server(passed_on, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()
asyncio.run(main())
"""


def started(program: str, port: int, *more: object) -> subprocess.Popen[bytes]:
    """Start a program that listens at a port, and wait until it does."""
    arguments = [sys.executable, "-c", program, str(port), *map(str, more)]
    process = subprocess.Popen(arguments, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return process
    raise SystemExit("a server did not start")


def free_port() -> int:
    """Return a port at which nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def client(port: int) -> Any:
    """Open the bucket by the server itself."""
    import fsspec

    return fsspec.filesystem("s3", endpoint_url=f"http://127.0.0.1:{port}")


def put(system: Any, folder: Path) -> float:
    """Put a folder into the bucket; gives its seconds."""
    system.mkdir(BUCKET)
    files = [file for file in folder.rglob("*") if file.is_file()]
    began = time.perf_counter()

    def one(file: Path) -> None:
        system.pipe_file(f"{BUCKET}/photos/{file.relative_to(folder)}", file.read_bytes())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, files))
    return time.perf_counter() - began


def rows(opened: Any, parts: list[str], above: str) -> pa.Table:
    """Read all parts as one table, paths from what lies above them on."""
    tables = []
    for part in sorted(parts):
        with opened(part, "rb") as file:
            tables.append(pq.read_table(file))
    table = pa.concat_tables(tables)
    paths = [path.removeprefix(above) for path in table["path"].to_pylist()]
    return table.set_column(0, "path", pa.array(paths))


def parts_in(system: Any, folder: str) -> list[str]:
    """List the parts that are there."""
    system.invalidate_cache()
    try:
        return [one for one in system.ls(folder, detail=False) if one.endswith(".parquet")]
    except FileNotFoundError:
        return []


def killed(line: list[str], front: subprocess.Popen[bytes], system: Any, parts: int) -> None:
    """Run a line, kill what it talks to once a third of the parts are there, and tell what came."""
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while len(there := parts_in(system, f"{BUCKET}/resumed")) < max(1, parts // 3):
        if process.poll() is not None:
            raise SystemExit("the command ended before its server was killed")
        time.sleep(0.2)
    front.kill()
    front.wait()
    began = time.perf_counter()
    _, said = process.communicate()
    seconds, kept = time.perf_counter() - began, len(parts_in(system, f"{BUCKET}/resumed"))
    print(f"killed once {len(there)} of {parts} parts were there: exit {process.returncode} after")
    print(f"    {seconds:.1f} s, {kept} parts are there; it said")
    beats = [one for one in said.splitlines() if one.startswith(("error", "needed", "got", "do"))]
    print("    " + "\n    ".join(beats))


def told(name: str, found: Ran, pictures: int) -> None:
    """Print a line of the table."""
    rate = pictures / found.seconds
    print(
        f"{name:<28}{found.seconds:9.1f}{found.processor:11.1f}{found.megabytes:8.0f}{rate:11.1f}",
        flush=True,
    )


def compare(system: Any, parts: str, local: pa.Table, pictures: int) -> None:
    """Say whether parts in the bucket hold the rows of this machine, each once."""
    found = rows(system.open, parts_in(system, parts), f"s3://{BUCKET}/photos/")
    once = len(set(found["path"].to_pylist())) == pictures
    print(f"    rows {len(found):,}, each once: {once}, equal to local: {found.equals(local)}")


def main() -> None:
    """Run what is asked for."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--part-size", type=int, default=512)
    asked = parser.parse_args()
    print(describe())
    server_port, port = free_port(), free_port()
    keys = {
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    os.environ.update(keys, AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}")
    server = started(SERVER, server_port)
    front = started(FRONT, port, server_port)
    try:
        with tempfile.TemporaryDirectory() as name:
            os.environ["FOVEAL_CACHE"] = f"{name}/cache"
            folder, model = make(Path(name) / "photos", asked.pictures), f"{name}/m.safetensors"
            few = make(Path(name) / "few", 200)
            timed(foveal("train", "cnn", few, model, "--epochs", 1))
            system = client(server_port)
            print(f"put into the bucket in {put(system, folder):.1f} s")
            size, here = ("--part-size", asked.part_size), f"{name}/parts/"
            parts = -(-asked.pictures // asked.part_size)
            print(f"{'':<28}{'seconds':>9}{'processor':>11}{'MB':>8}{'pictures/s':>11}")
            found = ran(foveal("predict", model, folder, "--to", here, *size))
            told("folder, parts here", found, asked.pictures)
            files = [str(file) for file in Path(here).glob("part-*")]
            local = rows(open, files, f"{folder}/")
            line = ("predict", model, f"s3://{BUCKET}/photos", *size, "--to")
            found = ran(foveal(*line, f"s3://{BUCKET}/whole/"))
            told("bucket, parts in the bucket", found, asked.pictures)
            compare(system, f"{BUCKET}/whole", local, asked.pictures)
            killed(foveal(*line, f"s3://{BUCKET}/resumed/"), front, system, parts)
            kept = len(parts_in(system, f"{BUCKET}/resumed"))
            front = started(FRONT, port, server_port)
            found = ran(foveal(*line, f"s3://{BUCKET}/resumed/"))
            told(f"resumed, {kept} parts kept", found, asked.pictures)
            compare(system, f"{BUCKET}/resumed", local, asked.pictures)
    finally:
        front.kill()
        server.kill()


if __name__ == "__main__":
    main()
