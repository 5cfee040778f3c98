"""Pictures decoded in processes of their own: a file that crashes or hangs a decoder costs itself.

Decoders are written in C, and read what anybody may have made. Each thread that asks for pictures
has a process that decodes them; whoever asks for many at once pays little for it. Where no process
can be started, pictures are decoded in this one, and a warning says so.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from foveal.pictures.decoder_process import DIGITS, PIPE, READY, Answer, done, send
from foveal.pictures.encoded import Encoded, InMemory, Page, Unreadable
from foveal.pictures.opening import LIMIT, MOST_PIXELS, most_pixels
from foveal.pictures.remarks import warn
from foveal.pictures.remote_objects import fetched
from foveal.pictures.watchdog import Watchdog
from foveal.recipe import PictureRecipe
from foveal.wording import counted

PROGRAM: str | None = "from foveal.pictures.decoder_process import main; main()"
"""What a decoder runs; None for none: pictures are decoded in this process."""
SECONDS = 30.0
"""Seconds of the processor that a picture of `MOST_PIXELS` may take, or a smaller one."""
TOGETHER = 10.0
"""Seconds that several may take together; each that is left then is asked for by itself."""
PATIENCE = 300.0
"""Seconds by the clock after which a decoder that does not answer is ended."""
AT_ONCE = 16
"""Pictures in a question, at most."""
MOST_SENT = 8 << 20
"""Bytes of pictures in a question, at most, but for a single picture that has more."""
TRIES = 2
"""Decoders that a picture may cost: the first may have ended for reasons of its own."""
ALONE = {name: "1" for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}
"""Environment of a decoder: it needs no threads of its own."""
KEPT = {"MALLOC_MMAP_THRESHOLD_": str(16 << 20), "MALLOC_TRIM_THRESHOLD_": str(32 << 20)}
"""Further: memory of one picture is used for the next, not given back and asked for (glibc)."""
MANY = 5_000
"""Pictures after which decoders are not kept for others: each holds 23 MB, and to start another
takes 0.2 s of the processor."""
UNGUARDED = (
    "pictures are decoded in this process, since no other can be started: a file that crashes a "
    "decoder ends it"
)

_idle: list[Decoder] = []
_watchdog = Watchdog()
_start_failed = threading.Event()


class Ended(Exception):
    """A decoder ended before it answered; its text says of what."""


class TooSlow(Ended):
    """A decoder was ended since it took too long."""


class Sent(NamedTuple):
    """A picture as a decoder gets it."""

    whole: Path | InMemory
    page: int = 0
    """The number of the page that is meant; 0 for a picture as it is."""

    @classmethod
    def of(cls, picture: Encoded) -> Sent:
        """Read what a decoder cannot read itself.

        Raises
        ------
        Unreadable
            With the reason.
        """
        whole, page = (picture.file, picture.number) if isinstance(picture, Page) else (picture, 0)
        return cls(whole if isinstance(whole, Path) else InMemory(whole.name, whole.read()), page)

    @property
    def data(self) -> bytes:
        """The bytes that are sent; none of a file."""
        return b"" if isinstance(self.whole, Path) else self.whole.data

    @property
    def facts(self) -> dict[str, Any]:
        """What a question says of it."""
        if isinstance(self.whole, Path):
            path = self.whole if self.whole.is_absolute() else Path.cwd() / self.whole
            return {"path": str(path), "page": self.page}
        return {"name": self.whole.name, "bytes": len(self.data), "page": self.page}

    @property
    def encoded(self) -> Encoded:
        """The same, for this process."""
        return Page(self.whole, self.page) if self.page else self.whole


class Asked(NamedTuple):
    """A question but for its pictures."""

    job: str
    """One of `decoder_process.JOBS`."""
    recipe: PictureRecipe | None
    """How pictures are to be prepared."""

    def line(self, pictures: Sequence[Sent]) -> bytes:
        """Write the question about these pictures."""
        most = most_pixels()
        asked = {
            "job": self.job,
            "recipe": self.recipe and self.recipe.decoding,
            "most": os.environ.get(LIMIT, ""),
            "seconds": (TOGETHER if len(pictures) > 1 else SECONDS) * max(1.0, most / MOST_PIXELS),
            "pictures": [one.facts for one in pictures],
        }
        return json.dumps(asked).encode() + b"\n"


def ask(
    job: str, pictures: Sequence[Encoded], recipe: PictureRecipe | None = None
) -> list[Answer | str]:
    """Ask one thing about several pictures.

    Parameters
    ----------
    job : str
        What is asked, one of `decoder_process.JOBS`.
    pictures : sequence of Encoded
        The pictures.
    recipe : PictureRecipe, optional
        How they are to be prepared.

    Returns
    -------
    list of Answer or str
        One a picture, in order; a text says why there is none.

    Raises
    ------
    MemoryError
        Where the memory does not suffice to hold what a decoder sends.
    """
    asked, found = Asked(job, recipe), dict[int, Answer | str]()
    most_pixels()  # refuses what the environment says before any process starts
    for group in _groups(pictures, found):
        found.update(zip(group, _answers(asked, list(group.values())), strict=True))
    return [found[row] for row in range(len(pictures))]


def _groups(
    pictures: Sequence[Encoded], found: dict[int, Answer | str]
) -> Iterator[dict[int, Sent]]:
    """Yield what goes into one question, by row; why a member cannot be read goes into `found`."""
    group, size = dict[int, Sent](), 0
    for row, picture in enumerate(fetched(pictures)):
        try:
            one = Sent.of(picture)
        except Unreadable as reason:
            found[row] = str(reason)
            continue
        if group and (len(group) == AT_ONCE or size + len(one.data) > MOST_SENT):
            yield group
            group, size = {}, 0
        group[row] = one
        size += len(one.data)
    if group:
        yield group


def _answers(asked: Asked, pictures: list[Sent]) -> list[Answer | str]:
    """Ask a decoder about all; where it ends, ask others about each that is left."""
    answers: list[Answer | str] = []
    together, tries = True, 0
    while len(answers) < len(pictures):
        left = pictures[len(answers) :]
        some = left if together else left[:1]
        decoder = _decoder()
        if decoder is None:
            return answers + [done(asked.job, one.encoded, asked.recipe) for one in left]
        try:
            for answer in decoder.answers(asked, some):
                answers.append(answer)
        except Ended as death:
            together, tries = False, tries + (len(some) == 1)
            if tries == TRIES or (tries and isinstance(death, TooSlow)):
                answers.append(str(death))
                tries = 0
        else:
            _idle.append(decoder)
            tries = 0
    return answers


class Decoder:
    """A process that decodes.

    Parameters
    ----------
    program : str
        What it runs.

    Raises
    ------
    OSError
        Where it cannot be started.
    """

    def __init__(self, program: str) -> None:
        code = f"import sys; sys.path[:] = {sys.path!r}; {program}"
        self.process = subprocess.Popen(
            [sys.executable, "-I", *["-B"] * sys.dont_write_bytecode, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # libtiff prints there what Pillow does not pass on
            env=os.environ | ALONE | KEPT,
            bufsize=0,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.questions, self.sent = self.process.stdin, self.process.stdout
        _widen(self.sent.fileno())
        if self.sent.read(len(READY)) != READY:
            self.end()
            raise OSError("a decoder ended before it was ready")

    def answers(self, asked: Asked, pictures: Sequence[Sent]) -> Iterator[Answer | str]:
        """Ask about pictures, and yield the answers as they come.

        Raises
        ------
        Ended
            Where it ended instead, of the picture whose answer is due.
        """
        self.late = False
        try:
            with _watchdog.within(PATIENCE, self._too_late):
                data = [one.data for one in pictures]
                send(self.questions.fileno(), [asked.line(pictures), *data])
                left = len(pictures)
                while left > 0:
                    portion = _portion(self.sent)
                    left -= len(portion)
                    yield from portion
        except (BrokenPipeError, EOFError):
            raise self._ended() from None
        except BaseException:
            self.end()
            raise

    def end(self) -> int:
        """End it, if it runs; its exit code."""
        self.process.kill()
        for pipe in (self.questions, self.sent):
            with contextlib.suppress(OSError):
                pipe.close()
        return self.process.wait()

    def _too_late(self) -> None:
        self.late = True
        self.process.kill()

    def _ended(self) -> Ended:
        """Say of what it ended."""
        code = self.process.wait()
        self.end()
        if self.late:
            return TooSlow(f"took longer than {counted(round(PATIENCE), 'second')} to decode")
        name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        if name == "SIGXCPU":
            limit = counted(round(SECONDS), "second")
            return TooSlow(f"took longer than {limit} of the processor to decode")
        short = ", as where memory is short" * (name == "SIGKILL")
        return Ended(f"ends the process that decodes it ({name}{short})")


def _widen(pipe: int) -> None:
    """Let a pipe hold the pixels of several pictures: a full one costs turns of both processes."""
    if sys.platform != "linux":
        return
    import fcntl

    with contextlib.suppress(OSError):  # as many bytes are allowed to others than root, by custom
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE)


def _portion(sent: IO[bytes]) -> list[Answer | str]:
    """Read some answers.

    Raises
    ------
    EOFError
        Where they are not all there.
    """
    length = int(_read(sent, DIGITS), 16)
    return [_answer(sent, facts) for facts in json.loads(_read(sent, length))]


def _answer(sent: IO[bytes], facts: dict[str, Any]) -> Answer | str:
    """Read the pixels of an answer, if it has some."""
    if "reason" in facts:
        return str(facts["reason"])
    shape = facts.pop("shape", None)
    if shape is None:
        return Answer(facts)
    pixels = np.empty(shape, dtype=np.uint8)
    _fill(sent, pixels.data.cast("B"))
    return Answer(facts, pixels)


def _read(sent: IO[bytes], count: int) -> bytearray:
    """Read so many bytes, neither more nor less."""
    found = bytearray(count)
    _fill(sent, memoryview(found))
    return found


def _fill(sent: IO[bytes], room: memoryview) -> None:
    """Read as many bytes as there is room for, from the pipe to where they stay."""
    while len(room):
        came = sent.readinto(room)  # type: ignore[attr-defined]
        if not came:
            raise EOFError
        room = room[came:]


def _decoder() -> Decoder | None:
    """Return a decoder that is idle, or a new one; None where none can be started."""
    if PROGRAM is None or _start_failed.is_set():
        return None
    with contextlib.suppress(IndexError):
        return _idle.pop()
    try:
        return Decoder(PROGRAM)
    except OSError:
        _start_failed.set()
        warn([UNGUARDED])
    return None


def running() -> tuple[int, ...]:
    """Return the numbers of the processes that decode, while nothing is asked."""
    return tuple(one.process.pid for one in _idle)


@atexit.register
def end_all() -> None:
    """End all decoders that are idle."""
    while _idle:
        _idle.pop().end()


def end_after(pictures: int) -> None:
    """End all decoders that are idle, where these were many pictures and all are decoded."""
    if pictures >= MANY:
        end_all()


def _forget() -> None:
    """Leave the decoders to the process that started them, after a fork."""
    global _watchdog
    _watchdog = Watchdog()  # its thread stayed there, and its lock may have been held
    for decoder in _idle:
        decoder.process.returncode = 0  # not a child of this process
        for pipe in (decoder.questions, decoder.sent):
            with contextlib.suppress(OSError):
                pipe.close()
    _idle.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
