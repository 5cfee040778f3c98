"""What Pillow warns of while a file is read, kept for the ledger of that file.

Python keeps one list of filters for all threads, so that threads which decode cannot each catch
warnings by it. Pillow's own modules get an object in place of the module `warnings` instead: it
keeps what is said in a thread that listens, and passes on all else unchanged.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any

_here = threading.local()


class _Listener:
    """Stands for the module `warnings` within Pillow."""

    def __getattr__(self, name: str) -> Any:
        return getattr(warnings, name)

    def warn(
        self,
        message: Warning | str,
        category: type[Warning] | None = None,
        stacklevel: int = 1,
        source: Any = None,
    ) -> None:
        """Keep a warning where the thread listens, else give it."""
        kept: list[str] | None = getattr(_here, "kept", None)
        if kept is None:
            warnings.warn(message, category, stacklevel + 1, source)
        else:
            kept.append(" ".join(str(message).split()))


_LISTENER = _Listener()


@contextlib.contextmanager
def listening() -> Iterator[list[str]]:
    """Collect what Pillow warns of in this thread, each text once it is said."""
    _listen()
    before, kept = getattr(_here, "kept", None), list[str]()
    _here.kept = kept
    try:
        yield kept
    finally:
        _here.kept = before


def _listen() -> None:
    """Put the listener into Pillow's modules; there are more of them when more are imported."""
    if _here.__dict__.get("modules") == len(sys.modules):
        return
    _here.modules = len(sys.modules)
    for name, module in list(sys.modules.items()):
        if name.startswith("PIL.") and getattr(module, "warnings", None) is warnings:
            module.warnings = _LISTENER  # type: ignore[attr-defined]
