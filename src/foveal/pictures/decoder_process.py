"""A process that decodes pictures for another one: it may crash or hang, and costs a picture then.

A question is a line of JSON that names several pictures, followed by the bytes of those that are no
files. Their answers come in order, in portions: how long the JSON of one is, that, and the pixels
of its pictures, which are copied by the system alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from foveal.arrays import Array
from foveal.pictures import decode
from foveal.pictures.encoded import Encoded, InMemory, Page, Unreadable
from foveal.pictures.opening import LIMIT
from foveal.pictures.remarks import Remark
from foveal.recipe import PictureRecipe

READY = b"ready\n"
"""Said once, when questions are taken."""
PIPE = 1 << 20
"""Bytes of answers that wait to be read, at most; pixels from which on a portion is sent."""
DIGITS = 8
"""Hexadecimal digits that say how long the JSON of a portion is."""
NO_ROOM = "needs more memory than there is"
"""Why a picture cannot be decoded for which the memory does not suffice."""


class Answer(NamedTuple):
    """What was found out about a picture."""

    facts: Mapping[str, Any]
    """Plain values."""
    pixels: Array | None = None
    """uint8, where they were asked for."""


def decoded(picture: Encoded, recipe: PictureRecipe | None) -> Answer:
    """Decode a picture by a recipe, with the remarks on it."""
    assert recipe is not None
    remarks: list[Remark] = []
    pixels = decode.decode(picture, recipe, remarks)
    return Answer({"remarks": remarks}, pixels)


def upright(picture: Encoded, recipe: PictureRecipe | None) -> Answer:
    """Decode a picture at its own size, for others to resize."""
    assert recipe is not None
    return Answer({}, decode.upright(picture, recipe))


def look(picture: Encoded, _: PictureRecipe | None) -> Answer:
    """Read its head."""
    return Answer({"look": decode.look(picture)})


def deep_range(picture: Encoded, _: PictureRecipe | None) -> Answer:
    """Read its smallest and its largest value."""
    return Answer({"range": decode.deep_range(picture)})


def lost(picture: Encoded, _: PictureRecipe | None) -> Answer:
    """Find out whether nothing of it would be seen on white, and on black."""
    return Answer({"lost": decode.lost(picture)})


def pages(picture: Encoded, _: PictureRecipe | None) -> Answer:
    """Count its pages."""
    return Answer({"pages": decode.pages(picture)})


Job = Callable[[Encoded, PictureRecipe | None], Answer]
JOBS: Mapping[str, Job] = {
    one.__name__: one for one in (decoded, upright, look, deep_range, lost, pages)
}
"""What can be asked about a picture, by name."""


def done(job: str, picture: Encoded, recipe: PictureRecipe | None) -> Answer | str:
    """Do a job; a text says why it cannot be done."""
    try:
        return JOBS[job](picture, recipe)
    except Unreadable as reason:
        return str(reason)


def main() -> None:
    """Answer questions on standard input until it ends."""
    for name in {"SIGINT", "SIGHUP"} & vars(signal).keys():
        signal.signal(getattr(signal, name), signal.SIG_IGN)  # whoever asks decides when this ends
    with contextlib.suppress(OSError):  # where memory is short, this is to end, not who asks
        Path("/proc/self/oom_score_adj").write_text("800")
    answers = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # whatever a codec prints is no answer
    send(answers, [READY])
    serve(sys.stdin.buffer, answers)


def serve(questions: BinaryIO, answers: int) -> None:
    """Answer questions until they end."""
    while line := questions.readline():
        asked = json.loads(line)
        os.environ[LIMIT] = asked["most"]
        recipe = PictureRecipe(**asked["recipe"]) if asked["recipe"] else None
        pictures = [_picture(one, questions) for one in asked["pictures"]]
        allow(asked["seconds"])
        portion = Portion(answers)
        for picture in pictures:
            try:
                portion.add(done(asked["job"], picture, recipe))
            except MemoryError:
                portion.add(NO_ROOM)
        portion.send()


class Portion:
    """Answers that are sent together: whoever waits for them wakes up once.

    Parameters
    ----------
    answers : int
        The pipe.
    """

    def __init__(self, answers: int) -> None:
        self.answers = answers
        self.facts: list[Mapping[str, Any]] = []
        self.pixels: list[Array] = []
        self.size = 0

    def add(self, answer: Answer | str) -> None:
        """Add an answer, and send all where they are as many as the pipe holds."""
        if isinstance(answer, str):
            self.facts.append({"reason": answer})
        elif answer.pixels is None:
            self.facts.append(answer.facts)
        else:
            self.facts.append({**answer.facts, "shape": answer.pixels.shape})
            self.pixels.append(np.ascontiguousarray(answer.pixels))
            self.size += answer.pixels.nbytes
        if self.size >= PIPE:
            self.send()

    def send(self) -> None:
        """Send what there is."""
        if self.facts:
            said = json.dumps(self.facts).encode()
            pixels = [one.data.cast("B") for one in self.pixels]
            send(self.answers, [f"{len(said):0{DIGITS}x}".encode(), said, *pixels])
        self.facts, self.pixels, self.size = [], [], 0


def allow(seconds: float) -> None:
    """End this process when it takes so many seconds of the processor from now on."""
    if sys.platform == "win32":
        return
    import resource

    until, hard = int(time.process_time() + seconds) + 1, resource.getrlimit(resource.RLIMIT_CPU)[1]
    soft = until if hard == resource.RLIM_INFINITY else min(until, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def _picture(one: Mapping[str, Any], questions: BinaryIO) -> Encoded:
    """Return the file that is named, or the bytes that follow."""
    whole: Encoded
    if "path" in one:
        whole = Path(one["path"])
    else:
        whole = InMemory(one["name"], questions.read(one["bytes"]))
    return Page(whole, one["page"]) if one["page"] else whole


def send(pipe: int, parts: Sequence[bytes | memoryview]) -> None:
    """Write parts one after another, without a copy where the system takes several at once."""
    if not hasattr(os, "writev"):
        parts = [b"".join(parts)]
    left = [memoryview(one) for one in parts if len(one)]
    while left:
        sent = os.writev(pipe, left) if len(left) > 1 else os.write(pipe, left[0])
        while left and sent >= len(left[0]):
            sent -= len(left.pop(0))
        if sent:
            left[0] = left[0][sent:]
