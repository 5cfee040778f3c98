"""Why a request is not answered: a status, and the four beats of an error."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from foveal.errors import DataError, FovealError, ResourceError
from foveal.wording import unmarked

STATUSES: tuple[tuple[type[FovealError], int], ...] = (
    (DataError, 422),
    (ResourceError, 503),
    (FovealError, 400),
)
"""The status of an error of the library; the first that it is an instance of counts."""
RETRY = "retry-after"


class Refused(Exception):
    """A request that is not answered.

    Parameters
    ----------
    status : int
        Of HTTP.
    what, needed, came, remedy : str
        The beats of an error, see `foveal.errors`; parameters are told by their bare names.
    headers : mapping, optional
        Further headers of the answer.
    """

    def __init__(
        self,
        status: int,
        what: str,
        *,
        needed: str,
        came: str,
        remedy: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {what}: needed {needed}, got {came}")
        self.status, self.headers = status, dict(headers or {})
        beats = {"what": what, "needed": needed, "came": came, "remedy": remedy}
        self.beats = {name: unmarked(text) for name, text in beats.items()}


def refused_by(error: FovealError) -> Refused:
    """Return the refusal that an error of the library is."""
    status = next(status for kind, status in STATUSES if isinstance(error, kind))
    beats = {name: str(text) for name, text in error.beats.items()}
    return Refused(status, headers={RETRY: "5"} if status == 503 else {}, **beats)


def busy(came: str, seconds: float) -> Refused:
    """Return the refusal of a server that has enough to do for so many seconds."""
    wait = seconds_of(seconds)
    return Refused(
        503,
        "the server",
        needed="room in its queue",
        came=came,
        remedy=f"send it again in {wait} s",
        headers={RETRY: str(wait)},
    )


def seconds_of(seconds: float) -> int:
    """Return the seconds that whoever is refused is told to wait: 1 to 60."""
    return max(1, min(60, round(seconds)))


def shown(refusal: Refused) -> dict[str, Any]:
    """Return the answer to a request that is refused: a text, and its beats one by one."""
    beats = refusal.beats
    text = f"{beats['what']}: needed {beats['needed']}, got {beats['came']}; {beats['remedy']}"
    return {"error": text, **beats}


Told = tuple[int, Sequence[tuple[bytes, bytes]], bytes]
"""Status, headers and body of an answer."""


def told(refusal: Refused) -> Told:
    """Return status, headers and body of the answer to a request that is refused."""
    body = json.dumps(shown(refusal)).encode()
    headers = {"content-type": "application/json", "content-length": str(len(body))}
    named = {**headers, **refusal.headers}
    pairs = [(name.encode(), value.encode()) for name, value in named.items()]
    return refusal.status, pairs, body


@lru_cache(maxsize=128)
def told_busy(came: str, seconds: int) -> Told:
    """Return the answer of a server that has enough to do, as `busy`: written once, sent often."""
    return told(busy(came, seconds))
