"""A folder of photographs, cold and warm: decoding, time to the first step, peak memory.

    python benchmarks/first_step.py PICTURES [--rounds 3]

Times are within the process, from the call of ``fit`` to the first optimizer step, so beyond
imports. ``--memory`` instead trains one epoch and prints the peak of resident memory.
"""

from __future__ import annotations

import argparse
import resource
import time

from machine import describe

from foveal import CNNClassifier, Run, cache
from foveal.progress.events import Prepared, StepEnded


class Reached(Exception):
    """The first step is done."""


def first_step(pictures: str) -> tuple[float, Prepared]:
    """Fit up to the first step; gives the seconds and what was prepared."""
    prepared: list[Prepared] = []

    def listen(event: object) -> None:
        if isinstance(event, Prepared):
            prepared.append(event)
        if isinstance(event, StepEnded):
            raise Reached

    began = time.perf_counter()
    try:
        CNNClassifier(random_state=0).fit(pictures, run=Run(listeners=[listen]))
    except Reached:
        return time.perf_counter() - began, prepared[0]
    raise AssertionError("training ended without a step")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("pictures")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", action="store_true")
    wanted = parser.parse_args()
    print(describe(), flush=True)
    if wanted.memory:
        CNNClassifier(random_state=0, epochs=1).fit(wanted.pictures)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"peak resident memory: {peak:,.0f} MiB")
        return
    for turn in range(wanted.rounds):
        cache.clear()
        for name in ("cold", "warm"):
            seconds, prepared = first_step(wanted.pictures)
            print(
                f"round {turn + 1}, {name}: first step after {seconds:.2f} s, of which "
                f"preparation {prepared.seconds:.2f} s "
                f"({prepared.pictures / prepared.seconds:,.0f} pictures a second)",
                flush=True,
            )


if __name__ == "__main__":
    main()
