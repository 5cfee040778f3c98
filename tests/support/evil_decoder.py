"""A decoder that does what the name of a file says: only tests start it.

It stands in for decoders that crash or hang over what a file holds.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from foveal.pictures import decode, decoder_process
from foveal.pictures.encoded import Encoded, whole_name

PROGRAM = "from support.evil_decoder import main; main()"
"""What `decoders.PROGRAM` is set to."""


def main() -> None:
    """Decode like any other, but for some names."""
    for name in ("decode", "look", "lost", "deep_range"):
        setattr(decode, name, _obeying(getattr(decode, name)))
    decoder_process.main()


def _obeying(work: Callable[..., Any]) -> Callable[..., Any]:
    def obeying(picture: Encoded, *more: Any) -> Any:
        word = Path(whole_name(picture)).stem
        if word == "spin":
            while True:
                pass
        elif word == "sleep":
            time.sleep(600)
        elif word == "large":
            raise MemoryError
        elif word == "vanish":
            Path(whole_name(picture)).unlink(missing_ok=True)
        elif word == "quit":
            os._exit(3)
        elif word == "once":
            mark = Path(whole_name(picture)).with_suffix(".died")
            if not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
        elif word in ("abort", "segv", "kill"):
            number = {"abort": signal.SIGABRT, "segv": signal.SIGSEGV, "kill": signal.SIGKILL}[word]
            os.kill(os.getpid(), number)
        return work(picture, *more)

    return obeying
