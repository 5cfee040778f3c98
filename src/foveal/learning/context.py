"""What every fit begins with: a run, a seed, a device, and the clock."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from foveal import device as devices
from foveal import randomness
from foveal.device import Device
from foveal.learning.options import Machine
from foveal.progress.log import Log
from foveal.training.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class FitContext:
    """Where a fit computes, what it tells, and the seed of all that is random in it."""

    run: Run
    """Keeps decisions, events and checkpoints, and tells listeners."""
    seed: int
    """Decided once: a resumed run has that of the first."""
    device: Device
    began: float = field(default_factory=time.perf_counter)
    """When it began, in the seconds of `time.perf_counter`."""

    @classmethod
    def begin(
        cls,
        run: Run | None,
        machine: Machine,
        random_state: randomness.RandomState,
        *,
        verbose: bool = False,
    ) -> FitContext:
        """Begin a fit; without a run nothing is kept, and with `verbose` progress is printed."""
        run = run or Run(listeners=[Log()] * verbose)
        return cls(
            run=run,
            seed=run.decide("seed", lambda: randomness.seed_from(random_state)),
            device=devices.choose(machine.device, machine.threads),
        )

    def seed_of(self, name: str) -> int:
        """Return the seed that belongs to a name, such as "weights"."""
        return randomness.derive(self.seed, name)
