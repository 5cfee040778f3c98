"""What a launcher such as torchrun says of the processes of one program, in their environment."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from foveal.errors import UsageError

SIZE, RANK, LOCAL = "WORLD_SIZE", "RANK", "LOCAL_RANK"
NEEDED = (RANK, "MASTER_ADDR", "MASTER_PORT")
"""What processes find one another by, beside how many they are."""
LAUNCH, RESTARTS = "TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT"
"""What one start of a launcher is called, and how often it began its processes anew."""
OTHERS = "the other processes of this training"
"""What the error of a process is about that lost another one."""
UNNAMED = ("", "none")
"""What torchrun calls starts to which it gives no name of their own."""


@dataclass(frozen=True, slots=True)
class Launch:
    """A start of a launcher, which begins all of its processes anew where one of them ends."""

    name: str = ""
    """Its own; empty without a launcher."""
    again: bool = False
    """Whether it began its processes before."""

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Launch:
        """Read what the environment says of it."""
        name = environment.get(LAUNCH, "")
        restarts = environment.get(RESTARTS, "")
        if name in UNNAMED:
            return cls()
        return cls(name, restarts.isdecimal() and int(restarts) > 0)

    def left(self, name: object) -> bool:
        """Say whether processes that this launcher began before left what bears a name."""
        return self.again and name == self.name


BY_HAND = Launch()
"""No launcher at all."""


def processes(environment: Mapping[str, str]) -> int:
    """Count the processes that a launcher started, this one included; 1 without a launcher.

    Raises
    ------
    UsageError
        Where that is no whole number.
    """
    said = environment.get(SIZE, "").strip() or "1"
    if not said.isdecimal() or int(said) < 1:
        raise UsageError(
            SIZE,
            needed="how many processes a launcher started, as a whole number",
            came=repr(said),
            remedy=f"start them by torchrun, or take {SIZE} out of the environment",
        )
    return int(said)


def check_met(environment: Mapping[str, str], *, graphics: bool = False) -> None:
    """Check that processes of a launcher can find one another.

    Parameters
    ----------
    environment : mapping
        Of this process.
    graphics : bool
        Whether each takes a graphics processor of its machine, by its number there.

    Raises
    ------
    UsageError
        Where the launcher left something out, as those of clusters do.
    """
    missing = [one for one in (*NEEDED, *[LOCAL] * graphics) if not environment.get(one)]
    if missing:
        raise UsageError(
            f"{SIZE} {processes(environment)}",
            needed=f"{', '.join(missing)} beside it, by which processes find one another",
            came="none of them" if len(missing) > 1 else f"no {missing[0]}",
            remedy="start one torchrun on each machine, as in: srun torchrun --nnodes 2 "
            "--nproc-per-node 1 --rdzv-backend c10d --rdzv-endpoint HOST:29500 -m foveal train "
            f"...; to train alone take {SIZE} out of the environment",
        )


def check_alone(environment: Mapping[str, str], what: str) -> None:
    """Check that a launcher started no other process beside this one.

    Raises
    ------
    UsageError
        Where it did: they would all do the same, and write over one another.
    """
    size = processes(environment)
    if size > 1:
        raise UsageError(
            what,
            needed="one process",
            came=f"{SIZE} {size} in the environment, as a launcher sets it",
            remedy=f"start it without a launcher, or take {SIZE} out; `foveal train` alone shares "
            "its work among such processes",
        )


def end_with(pipe: int) -> None:
    """End this process once nobody holds the other end of a pipe: whoever started it is gone."""

    def watch() -> None:
        while os.read(pipe, 1):
            pass
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
