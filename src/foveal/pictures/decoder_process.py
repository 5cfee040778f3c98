"""A process that decodes pictures for another one: it may crash or hang, and costs a picture then.

Questions and answers are lines of JSON, each followed by the bytes that it announces. A question
names several pictures, and has an answer for each, in order.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
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
"""Bytes of answers that wait to be read, at most."""
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
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever asks decides when this ends
    with contextlib.suppress(OSError):  # where memory is short, this is to end, not who asks
        Path("/proc/self/oom_score_adj").write_text("800")
    with os.fdopen(os.dup(1), "wb", PIPE) as answers:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # whatever a codec prints is no answer
        answers.write(READY)
        answers.flush()
        serve(sys.stdin.buffer, answers)


def serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """Answer questions until they end."""
    while line := questions.readline():
        asked = json.loads(line)
        os.environ[LIMIT] = asked["most"]
        recipe = PictureRecipe(**asked["recipe"]) if asked["recipe"] else None
        pictures = [_picture(one, questions) for one in asked["pictures"]]
        allow(asked["seconds"])
        for picture in pictures:
            try:
                answer = done(asked["job"], picture, recipe)
            except MemoryError:
                answer = NO_ROOM
            _write(answers, answer)
        answers.flush()


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


def _write(answers: BinaryIO, answer: Answer | str) -> None:
    pixels = None if isinstance(answer, str) else answer.pixels
    facts = {"reason": answer} if isinstance(answer, str) else answer.facts
    shape = None if pixels is None else pixels.shape
    answers.write(json.dumps({**facts, "shape": shape}).encode() + b"\n")
    if pixels is not None:
        answers.write(np.ascontiguousarray(pixels).data)
