"""Memory that the C library keeps although it is free. Never imports torch.

GNU's allocator asks the system for more where no hole among those that freed tensors and lists left
is large enough, and keeps the holes. They stay resident: what a listing of many pictures or a
training took is then added to what the next phase takes. So does Arrow's own, of what was read.
"""

from __future__ import annotations

import ctypes
import functools
import sys
from collections.abc import Callable


def give_back() -> bool:
    """Give free memory back to the system, at the end of a phase that took much.

    It takes some milliseconds, and what is needed again must be asked for again: not for what ends
    many times a second.

    Returns
    -------
    bool
        Whether some of the C library's was given back; never where it has no way to
        (`malloc_trim`).
    """
    pool_of = getattr(sys.modules.get("pyarrow"), "default_memory_pool", None)
    if pool_of is not None:
        pool_of().release_unused()
    trim = _trim()
    return trim is not None and trim(0) == 1


@functools.cache
def _trim() -> Callable[[int], int] | None:
    """Find the function of the C library; None where it has none, as elsewhere than with glibc."""
    if not sys.platform.startswith("linux"):
        return None
    found = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if found is not None:
        found.argtypes, found.restype = [ctypes.c_size_t], ctypes.c_int
    return found
