"""Where Ray is, on this machine or on a cluster, and how a command joins it.

What actors do there is handed out by `foveal.actors`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foveal.errors import ResourceError, UsageError, without_extra

STORE = 200 << 20
"""Bytes of the store of a Ray that is started here: what goes through it is small."""
SECONDS = 10.0
"""Time in which the address of a cluster must answer."""
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is sent to anybody
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_COLOR_PREFIX": "0",
    "RAY_worker_niceness": "0",  # actors are what the command does
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_TRAIN_METRICS_ENABLED": "0",
    "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0",  # a worker that is lost is lost
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.5",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_ENABLE_AUTO_CONNECT": "0",  # what asks a Ray that was left starts no other one
}
"""Environment of Ray, unless it says otherwise."""
GREETING = b"Set ray log level from environment variable"


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where Ray is: an address, or none for the one of this machine, else one started here."""

    address: str | None = None

    @classmethod
    def read(cls, text: str) -> Cluster:
        """Read what is typed: "ray", or "ray://" and the address that `ray start --head` tells.

        Raises
        ------
        UsageError
            For any other text.
        """
        if cls.named(text):
            return cls(text.partition("://")[2] or None)
        raise UsageError(
            "engine",
            needed="ray, or ray://HOST:PORT",
            came=repr(text[:80]),
            remedy="name the address that 'ray start --head' told, as ray://10.0.0.1:6379",
        )

    @classmethod
    def named(cls, text: object) -> bool:
        """Whether a text names one."""
        engine, _, address = str(text).partition("://")
        host, _, port = address.rpartition(":")
        return engine == "ray" and (not address or bool(host and port.isdecimal()))

    @contextlib.contextmanager
    def joined(self) -> Iterator[Any]:
        """Connect to it meanwhile, unless this process is connected already; gives ray.

        Raises
        ------
        UsageError
            Where Ray is not installed.
        ResourceError
            Where nothing answers at the address.
        """
        os.environ.update({name: value for name, value in QUIET.items() if name not in os.environ})
        ray = imported()
        if ray.is_initialized():
            yield ray
            return
        address = self.address or _running()
        if address is not None:
            _check_answers(address)
        # Ray tells on standard output of workers that ended: there the answer goes.
        with contextlib.redirect_stdout(sys.stderr):
            with _own_ending(), ungreeted():
                self._join(ray, address)
            try:
                yield ray
            finally:
                ray.shutdown()

    def _join(self, ray: Any, address: str | None) -> None:
        quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
        if address is None:
            cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
            here = {"include_dashboard": False, "object_store_memory": STORE, "num_cpus": cores}
            try:
                ray.init(address="local", **here, **quiet)
            except Exception as error:  # Ray has no kind of its own for what keeps it from starting
                raise _not_started(error) from error
            return
        try:
            ray.init(address=self.address, **quiet)
        except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            raise _unreachable(address, str(error)) from error


@dataclass(frozen=True, slots=True)
class OnCluster:
    """The rule of what names a cluster; see `foveal.parameters.Rule`."""

    def accepts(self, value: object) -> bool:
        """Whether the value names one."""
        return Cluster.named(value)

    def sentence(self) -> str:
        """Say the rule."""
        return "ray, or ray://HOST:PORT"

    def example(self) -> str:
        """Say the shortest."""
        return "'ray'"

    def known(self) -> tuple[str, ...]:
        """Return the one word."""
        return ("ray",)


@contextlib.contextmanager
def _own_ending() -> Iterator[None]:
    """Give SIGTERM back what it did before: Ray lets it end a process where it stands."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if before is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def ungreeted() -> Iterator[None]:
    """Leave out of standard error what Ray says of its level of logging, whatever that is.

    It is written past Python. All else is passed on once ``with`` is over.
    """
    try:
        before = os.dup(2) if sys.stderr is not None else None
    except OSError:
        before = None
    if before is None:  # there is none; another file may have its number
        yield
        return
    with tempfile.TemporaryFile() as held:
        sys.stderr.flush()
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(before, 2)
            os.close(before)
            held.seek(0)
            with open(2, "wb", closefd=False) as stderr:
                stderr.writelines(line for line in held if GREETING not in line)


def imported() -> Any:
    """Import Ray.

    Raises
    ------
    UsageError
        Where it is not installed.
    """
    try:
        import ray.data
    except ImportError:
        raise without_extra("engine ray", "Ray", "scale") from None
    return ray


def on_this_machine(ray: Any) -> Any:
    """Say that something runs on this machine: it lives as long as this process does."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    own = ray.get_runtime_context().get_node_id()
    return NodeAffinitySchedulingStrategy(own, soft=False)


def cores_of(ray: Any, graphics: int = 0) -> list[int]:
    """Count the cores of each machine that has any, and so many graphics processors."""
    there = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    cores = [int(one.get("CPU", 0)) for one in there if one.get("GPU", 0) >= graphics]
    return [one for one in cores if one]


def enter(place: str) -> None:
    """Go, on a machine of the cluster, where the command was typed: paths mean the same there.

    Raises
    ------
    ResourceError
        Where that machine does not see the folder.
    """
    try:
        os.chdir(place)
    except OSError as error:
        raise ResourceError(
            f"{place} on {socket.gethostname()}",
            needed="the folder in which the command was typed, on every machine of the cluster",
            came=error.strerror or str(error),
            remedy="work in a folder that all of them share",
        ) from error


def _running() -> str | None:
    """Return the address of the cluster that this machine is part of; None for none."""
    asked = os.environ.get("RAY_ADDRESS", "")
    if asked not in ("", "auto"):
        return None if asked == "local" else asked.rpartition("//")[2]
    place = Path(os.environ.get("RAY_TMPDIR", tempfile.gettempdir()))
    try:  # `ray start` leaves it there, `ray stop` takes it away
        return (place / "ray" / "ray_current_cluster").read_text().strip() or None
    except OSError:
        return None


def _check_answers(address: str) -> None:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=SECONDS).close()
    except (OSError, OverflowError, ValueError) as error:  # the last where it has no port
        raise _unreachable(address, str(error)) from error


def _not_started(error: Exception) -> ResourceError:
    said = str(error).strip().splitlines()
    return ResourceError(
        "Ray, on this machine",
        needed="that its processes start",
        came=said[0][:200] if said else type(error).__name__,
        remedy="try again where less runs beside it, or with more room in memory and in the folder "
        "of temporary files; or do without `engine`",
    )


def _unreachable(address: str, came: str) -> ResourceError:
    return ResourceError(
        f"engine ray://{address}",
        needed="a cluster of Ray that this machine is part of",
        came=came.strip().splitlines()[0][:200] if came.strip() else "no answer",
        remedy="start it with: ray start --head; join it on each machine, this one too, with: ray "
        "start --address=HOST:PORT; where it has a token, with RAY_AUTH_MODE=token on all of them; "
        "what is left of one that ended goes with: ray stop",
    )
