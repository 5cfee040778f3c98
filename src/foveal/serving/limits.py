"""What a request may take: bytes, pictures, seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one request, and all together, may take."""

    body: int = 20_000_000
    """Bytes of one body, at most."""
    held: int = 400_000_000
    """Bytes of all bodies that are held at a time."""
    queue: int = 64
    """Pictures that wait or are being answered, of all requests together."""
    pictures: int = 64
    """Pictures of one multipart body."""
    rows: int = 256
    """Pictures of one tensor: the network may be far larger than they are."""
    numbers: int = 1_000_000
    """Numbers that a network gives for one tensor: of many classes fewer pictures are taken."""
    body_seconds: float = 20.0
    """Until the body is there."""
    request_seconds: float = 25.0
    """Until a request is answered, its body included."""
    drain_seconds: float = 1.0
    """Between the signal to stop and the end of listening: requests that are sent meanwhile are
    answered, and their connections closed."""
    stop_seconds: float = 27.0
    """After which what still runs is cut off."""
