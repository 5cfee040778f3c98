"""Checks by actors of Ray in the test of it; a script of its own.

Arguments: a folder of pictures. Prints what was found here and by actors, one of which is killed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import foveal
from foveal.checking import measures_on_ray
from foveal.checking.measures_on_ray import Measuring, Piece, Said


@dataclass(frozen=True, slots=True)
class Deadly(Measuring):
    """Measures; the first process that does ends at once."""

    def open(self, threads: int) -> Callable[[Piece], Said]:
        said = Measuring.open(self, threads)

        def told(piece: Piece) -> Said:
            found = said(piece)
            with Path("processes").open("a") as file:
                file.write(f"{os.getpid()}\n")
            if not Path("ended").exists():
                Path("ended").touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return found

        return told


def main() -> None:
    """Check a folder here, and by actors in an empty cache."""
    folder = sys.argv[1]
    plain = foveal.check(folder, quick=True, threads=1).to_dict()
    os.environ["FOVEAL_CACHE"] = str(Path("cache").absolute())
    measures_on_ray.Measuring = Deadly  # type: ignore[misc]
    measures_on_ray.PIECE = 30
    by_ray = foveal.check(folder, quick=True, engine="ray", threads=1).to_dict()
    json.dump({"plain": plain, "ray": by_ray, "process": os.getpid()}, sys.stdout)


if __name__ == "__main__":
    # Actors find the classes by the module's name, not by that of a script.
    from support import ray_check

    ray_check.main()
