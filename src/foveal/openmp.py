"""How torch's threads wait for each other on a processor that others use too. Never imports torch.

Torch brings GNU's OpenMP on Linux. A thread that is done before the others spins for milliseconds
before it sleeps; where another program holds the core of the last one, that is time lost to both.
The library reads its settings as it is loaded, so they stand before torch is imported or not at
all: the command makes them, `import foveal` does nothing.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping

SPINS = "1000"
"""Rounds a thread spins before it sleeps (benchmarks/contention.py); 300,000 is GNU's default."""
SETTINGS = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
"""A user's own say about waiting, which is left as it is."""


def spin_briefly(environment: MutableMapping[str, str] | None = None) -> bool:
    """Let OpenMP's threads sleep soon while they wait, unless the environment says otherwise.

    Weights do not change by it. `OMP_DYNAMIC` would, since it changes the number of threads.

    Parameters
    ----------
    environment : mapping, optional
        That of the process, where left out.

    Returns
    -------
    bool
        Whether the setting was made.
    """
    environment = os.environ if environment is None else environment
    if any(name in environment for name in SETTINGS):
        return False
    environment["GOMP_SPINCOUNT"] = SPINS
    return True
