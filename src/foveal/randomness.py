"""One seed, many independent streams: `random_state` becomes named generators at the door."""

from __future__ import annotations

import hashlib

import numpy as np

RandomState = int | np.random.RandomState | None
"""What scikit-learn accepts as ``random_state``."""


def seed_from(random_state: RandomState) -> int:
    """Turn scikit-learn's ``random_state`` into one integer seed.

    Parameters
    ----------
    random_state : int, numpy.random.RandomState or None
        None draws fresh entropy; the drawn seed is kept with the run, so that it can be repeated.
    """
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1, np.uint32)[0])
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(0, 2**31 - 1))
    return int(random_state)


def derive(seed: int, *names: str | int) -> int:
    """Derive a 63-bit seed from a seed and names: a pure function, alike on every platform.

    >>> derive(0, "shuffle", 3) == derive(0, "shuffle", 3)
    True
    >>> derive(0, "shuffle", 3) == derive(0, "shuffle", 4)
    False
    """
    text = "/".join([str(seed), *map(str, names)])
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """Make the NumPy generator that belongs to these names."""
    return np.random.default_rng(derive(seed, *names))
