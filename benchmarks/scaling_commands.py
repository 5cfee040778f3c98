"""The commands of docs/scaling.md as they stand there, on a cluster of two machines in one.

    python benchmarks/scaling_commands.py
    python benchmarks/scaling_commands.py --fresh      # in an environment that is made for it

`ray start --head` and one `ray start --address` begin a cluster, of one core each and with a token
of its own. Then every line that begins with foveal of the sections "By Ray", "Training on several
processes" and "Tuning" is run with pictures, a model, the address and fewer minutes in the place of
those that stand there. Each line is printed with its seconds and the last line that it said. At the
end the processes of the cluster are ended, by their numbers.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from large import written
from machine import describe

ROOT = Path(__file__).resolve().parents[1]
PORT = 6_391
RAW = argparse.RawDescriptionHelpFormatter


def lines_of(text: str) -> Iterator[str]:
    """Yield the lines that are run, without what is said of them."""
    for section in ("By Ray", "Training on several processes", "Tuning"):
        lines = text[text.index(f"## {section}\n") :].partition("\n## ")[0]
        for line in lines.splitlines():
            if line.startswith("    foveal "):
                yield line.partition(" # ")[0].strip()


def fresh(work: Path) -> Path:
    """Make an environment with the extras; gives its folder of commands."""
    subprocess.run([sys.executable, "-m", "venv", str(work / "venv")], check=True)
    pip = [str(work / "venv" / "bin" / "pip"), "install", "-q", "-c", str(ROOT / "constraints.txt")]
    subprocess.run([*pip, f"{ROOT}[scale,tune]"], check=True)
    return work / "venv" / "bin"


def said_by(line: str, work: Path) -> str:
    """Run a line; gives the last line that it said."""
    began = time.perf_counter()
    done = subprocess.run(shlex.split(line), cwd=work, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{line} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    last = (done.stdout.strip().splitlines() or [""])[-1]
    print(f"{time.perf_counter() - began:>7.1f} s  {line}\n           {last}", flush=True)
    return done.stdout + done.stderr


def processes_of(work: Path) -> list[int]:
    """List the processes that were started with this folder for their files."""
    found: list[int] = []
    wanted = f"RAY_TMPDIR={work}".encode()
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (place / "environ").read_bytes().split(b"\0"):
                found.append(int(place.name))
        except OSError:
            continue
    return [one for one in found if one != os.getpid()]


def main() -> None:
    """Run all of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=RAW)
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--pictures", type=int, default=400)
    asked = parser.parse_args()
    print(describe())
    with tempfile.TemporaryDirectory(prefix="r", dir="/tmp") as name:
        work = Path(name)
        tools = fresh(work) if asked.fresh else Path(sys.executable).parent
        os.environ |= {
            "PATH": f"{tools}:{os.environ['PATH']}",
            "FOVEAL_CACHE": str(work / "cache"),
            "RAY_TMPDIR": str(work),
            "RAY_AUTH_MODE": "token",
            "RAY_worker_niceness": "0",
            "RAY_AUTH_TOKEN": secrets.token_hex(32),
        }
        pictures = written("folder", asked.pictures, work)
        said_by(f"foveal train cnn {pictures} model.safetensors --epochs 1 --no-report", work)
        here = f"--port {PORT} --node-ip-address 127.0.0.1 --include-dashboard=false"
        try:
            said_by(f"ray start --head --disable-usage-stats --num-cpus 1 {here}", work)
            said_by(f"ray start --address=127.0.0.1:{PORT} --num-cpus 1", work)
            for number, line in enumerate(lines_of((ROOT / "docs" / "scaling.md").read_text())):
                made = str(number) if " train " in line or " tune " in line else "model"
                line = line.replace("MODEL.safetensors", f"{made}.safetensors")
                line = line.replace("PICTURES", str(pictures)).replace("parts/", f"parts{number}/")
                line = re.sub(r"ray://\S+", f"ray://127.0.0.1:{PORT}", line)
                said_by(re.sub(r"--minutes \d+", "--minutes 1", line), work)
        finally:
            for process in processes_of(work):
                os.kill(process, signal.SIGKILL)


if __name__ == "__main__":
    main()
