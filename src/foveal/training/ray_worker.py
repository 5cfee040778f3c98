"""A worker of Ray Train: it runs one process of a training, as torchrun runs one.

The process is the command that was typed, and what a launcher says stands in its environment. The
worker passes on what it says, and what is asked of it; the process ends where its worker does.
Never imports torch: the process does.
"""

from __future__ import annotations

import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from subprocess import DEVNULL, PIPE
from typing import IO, Any

from foveal.cluster import enter
from foveal.errors import FovealError, Interrupted
from foveal.launched import LAUNCH, LOCAL, NEEDED, OTHERS, RANK, RESTARTS, SIZE, end_with

PROGRAM = "from foveal.training.ray_worker import main; main()"
LOOK = 0.2
"""Seconds after which it is looked again what a process said, and whether it is asked to end."""
GRACE = 5.0
"""Seconds in which a process may end by itself where another one was refused."""
TAIL = 8_192
"""Bytes of what a process said that are kept to tell why it ended."""
ERRORS = (b"error: ", b'{"version"', b"Traceback ")
"""How a line begins that tells why a process ends."""
STOP, END = "stop", "end"
"""What is asked of processes: to keep what they have, as Ctrl-C does; to end, since all do."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended by itself."""

    rank: int
    code: int
    said: bytes
    """The end of what it wrote on its standard error."""
    refused: FovealError | None = None
    """What kept the worker from starting it."""

    @property
    def why(self) -> tuple[bool, int]:
        """Sorts processes: one that says why it ended goes before those that lost it."""
        return OTHERS.encode() in self.said, self.rank


class Board:
    """Where workers say how they are, and read what is asked of them.

    An actor on the machine of the command. Of what processes say, that of the first counts.
    """

    def __init__(self) -> None:
        self.starts = 0
        self.order = ""
        self.err = self.out = b""
        self.ended: dict[int, Ended] = {}

    def begins(self) -> int:
        """Note that all processes begin; returns how often they did before.

        Why those before ended, and what they had answered, counts no more.
        """
        self.starts += 1
        self.err, self.out = self._whole(), b""
        self.ended.clear()
        return self.starts - 1

    def told(self, rank: int, err: bytes, out: bytes) -> str:
        """Take what a process said; returns what is asked of it."""
        if rank == 0:
            self.err, self.out = self.err + err, self.out + out
        refused = any(one.code for one in self.ended.values())
        return self.order or (END if refused else "")

    def ends(self, ended: Ended) -> None:
        """Note how a process ended."""
        self.ended[ended.rank] = ended

    def stop(self) -> None:
        """Ask all of them to keep what they have and end."""
        self.order = STOP

    def news(self) -> tuple[bytes, int]:
        """Return what was said since, in whole lines, and how often processes began.

        Why a process ends waits until it is known that it is not begun anew.
        """
        whole = self._whole()
        self.err = self.err[len(whole) :]
        return whole, self.starts

    def answer(self) -> tuple[Ended | None, bytes, bytes]:
        """Return why processes were refused, if they were, what waits, and the answer."""
        refused = [one for one in self.ended.values() if one.code]
        return min(refused, key=lambda one: one.why, default=None), self.err, self.out

    def _whole(self) -> bytes:
        whole = self.err[: self.err.rfind(b"\n") + 1]
        lines = whole.splitlines(keepends=True)
        at = next((at for at, line in enumerate(lines) if line.startswith(ERRORS)), len(lines))
        return b"".join(lines[:at])


def work(asked: Mapping[str, Any]) -> None:
    """Run one process of a training, as a worker of Ray Train.

    Parameters
    ----------
    asked : mapping
        The `words` of the command, the `place` in which it was typed, the `board`, the `launch`'s
        name, the `threads` of each, and whether each has a graphics processor (`graphics`).

    Raises
    ------
    RuntimeError
        Where the process was ended by a signal.
    """
    import ray
    from ray.train import get_context

    context, board = get_context(), asked["board"]
    rank, local = context.get_world_rank(), context.get_local_rank()
    environment = _meeting(ray, board, rank) | {
        SIZE: str(context.get_world_size()),
        RANK: str(rank),
        LOCAL: "0" if asked["graphics"] else str(local),  # it sees no other
        LAUNCH: asked["launch"],
        "OMP_NUM_THREADS": str(asked["threads"]),
    }
    try:
        enter(asked["place"])
    except FovealError as error:
        ray.get(board.ends.remote(Ended(rank, error.exit_code, b"", error)))
        return
    with Process(asked["words"], environment, keeps_out=rank == 0) as process:
        while process.alive():
            process.obey(ray.get(board.told.remote(rank, *process.said())))
            time.sleep(LOOK)
        ray.get(board.told.remote(rank, *process.said()))
    if found := ended(rank, process):
        ray.get(board.ends.remote(found))


def ended(rank: int, process: Process) -> Ended | None:
    """Say how a process ended; nothing where it was this worker that ended it.

    Raises
    ------
    RuntimeError
        Where it was lost: Ray Train lets all of them begin anew.
    """
    code = Interrupted.exit_code if STOP in process.asked and process.code < 0 else process.code
    if code >= 0:
        return Ended(rank, code, process.tail)
    if process.asked:
        return None
    name = signal.Signals(-process.code).name
    raise RuntimeError(f"process {rank}, on {socket.gethostname()}, ended by {name}")


def _meeting(ray: Any, board: Any, rank: int) -> dict[str, str]:
    """Agree where processes meet, and how often they did before: the first worker says."""
    from ray.train.collective import broadcast_from_rank_zero

    said = None
    if rank == 0:
        with socket.socket() as free:
            free.bind(("", 0))
            port = free.getsockname()[1]
        place = dict(zip(NEEDED[1:], (ray.util.get_node_ip_address(), str(port)), strict=True))
        said = {**place, RESTARTS: str(ray.get(board.begins.remote()))}
    found: dict[str, str] = broadcast_from_rank_zero(said)
    return found


class Process:
    """One process of a training, and what it says."""

    def __init__(
        self, words: Sequence[str], environment: Mapping[str, str], *, keeps_out: bool
    ) -> None:
        self.tail = b""
        """The end of what it wrote on its standard error."""
        self.asked: dict[str, float] = {}
        """What was asked of it, and when."""
        self._heard: dict[str, bytes] = {"err": b"", "out": b""}
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *words],
            stdin=PIPE,  # it ends once this closes, however the worker ends
            stdout=PIPE if keeps_out else DEVNULL,
            stderr=PIPE,
            env=os.environ | environment,
            start_new_session=True,  # Ctrl-C is passed on once, by the command
        )
        pipes = {"err": self._process.stderr, "out": self._process.stdout}
        self._readers = [
            threading.Thread(target=self._read, args=(name, pipe), daemon=True)
            for name, pipe in pipes.items()
            if pipe is not None
        ]

    def __enter__(self) -> Process:
        for one in self._readers:
            one.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        for one in self._readers:
            one.join(GRACE)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()

    @property
    def code(self) -> int:
        """What it ended with."""
        return self._process.returncode

    def alive(self) -> bool:
        """Whether it goes on; all that it said is heard once it does not."""
        if self._process.poll() is None:
            return True
        for one in self._readers:
            one.join(GRACE)
        return False

    def said(self) -> tuple[bytes, bytes]:
        """Return what it said since, on its standard error and output."""
        with self._lock:
            found = self._heard["err"], self._heard["out"]
            self._heard = {"err": b"", "out": b""}
        self.tail = (self.tail + found[0])[-TAIL:]
        return found

    def obey(self, order: str) -> None:
        """Pass on what is asked of it, once."""
        if order and order not in self.asked:
            self.asked[order] = time.monotonic()
            if order == STOP:
                self._process.terminate()
        elif order == END and time.monotonic() - self.asked[END] > GRACE:
            self._process.kill()

    def _read(self, name: str, pipe: IO[bytes]) -> None:
        while data := os.read(pipe.fileno(), 1 << 16):
            with self._lock:
                self._heard[name] += data


def main() -> None:
    """Run the command, as a process that a worker started; it ends once its worker is gone."""
    end_with(sys.stdin.fileno())
    runpy.run_module("foveal", run_name="__main__", alter_sys=True)
