"""What all models of a server share: threads, room and counters."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from foveal.serving.counters import Counters
from foveal.serving.limits import Limits
from foveal.serving.room import Room


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Resources:
    """Threads that decode, the one that asks networks, and what may be taken on."""

    limits: Limits
    room: Room
    threads: int
    """Threads that decode, as many as there are cores for it."""
    decoders: ThreadPoolExecutor
    """Those threads."""
    engine: ThreadPoolExecutor
    """One thread: networks compete for the same cores, and what queues meanwhile is a batch."""
    counters: Counters = field(default_factory=Counters)

    @classmethod
    def of(cls, limits: Limits, threads: int) -> Resources:
        """Make them for so many threads."""
        return cls(
            limits=limits,
            room=Room(limits),
            threads=threads,
            decoders=ThreadPoolExecutor(threads, thread_name_prefix="foveal-decoder"),
            engine=ThreadPoolExecutor(1, thread_name_prefix="foveal-engine"),
        )

    def paced(self, pictures: int, seconds: float) -> None:
        """Note what a batch took."""
        self.room.paced(pictures, seconds)
        self.counters.batch(pictures, seconds)

    def close(self) -> None:
        """End the threads once they are done."""
        for pool in (self.decoders, self.engine):
            pool.shutdown(wait=False, cancel_futures=True)
