"""Decoders of their own process: what one picture may cost, and what it may not."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from foveal.errors import PictureWarning, UsageError
from foveal.pictures import decode, decoder_process, decoders
from foveal.pictures.encoded import InMemory
from foveal.pictures.encoded_content import EncodedContent
from foveal.pictures.reading import read_in_order
from foveal.recipe import PictureRecipe
from support import evil_decoder
from support.photographs import photographs

HOW = PictureRecipe(height=12, width=16, channels=3)


@pytest.fixture
def evil(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let decoders do what the names of files say."""
    decoders.end_all()
    monkeypatch.setattr(decoders, "PROGRAM", evil_decoder.PROGRAM)
    yield
    decoders.end_all()


@pytest.fixture
def good(tmp_path: Path) -> list[Path]:
    return photographs(tmp_path / "good", 6, 0)


def named(good: list[Path], name: str) -> Path:
    """Copy a good picture under a name that a decoder obeys."""
    path = good[0].with_name(f"{name}.png")
    path.write_bytes(good[0].read_bytes())
    return path


@pytest.mark.usefixtures("evil")
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("abort", "ends the process that decodes it (SIGABRT)"),
        ("segv", "ends the process that decodes it (SIGSEGV)"),
        ("kill", "ends the process that decodes it (SIGKILL, as where memory is short)"),
        ("quit", "ends the process that decodes it (exit code 3)"),
        ("large", "needs more memory than there is"),
    ],
)
def test_a_picture_that_ends_its_decoder_costs_itself_alone(
    good: list[Path], name: str, reason: str
) -> None:
    bad = named(good, name)
    asked = [*good[:3], bad, *good[3:], bad]
    content = EncodedContent(tuple(asked))
    found = list(read_in_order(content, range(8), HOW, 2, 32))
    assert [found[3], found[7]] == [reason, reason]
    for row in (0, 1, 2, 4, 5, 6):
        np.testing.assert_array_equal(found[row], decode.decode(asked[row], HOW))
    assert [head.row for head in content.heads(np.arange(8))] == [0, 1, 2, 4, 5, 6]
    assert content.picture(3, HOW) == reason


@pytest.mark.usefixtures("evil")
@pytest.mark.parametrize(
    ("name", "limits", "reason"),
    [
        ("spin", {"SECONDS": 0.0, "TOGETHER": 0.0}, "longer than 0 seconds of the processor"),
        ("sleep", {"PATIENCE": 1.0}, "longer than 1 second"),
    ],
)
def test_a_picture_that_never_ends_costs_itself_alone(
    good: list[Path],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    limits: dict[str, float],
    reason: str,
) -> None:
    for limit, value in limits.items():
        monkeypatch.setattr(decoders, limit, value)
    asked = [*good[:3], named(good, name), *good[3:]]
    began = time.monotonic()
    found = EncodedContent(tuple(asked)).prepare(range(7), HOW)
    assert time.monotonic() - began < 30
    assert f"took {reason} to decode" in str(found[3])
    assert not any(isinstance(found[row], str) for row in (0, 1, 2, 4, 5, 6))


@pytest.mark.usefixtures("evil")
def test_a_picture_is_not_blamed_for_a_decoder_that_something_else_ended(
    good: list[Path],
) -> None:
    found = EncodedContent((named(good, "once"), good[1])).prepare(range(2), HOW)
    assert not any(isinstance(one, str) for one in found)


def test_an_idle_decoder_that_was_ended_costs_nothing(good: list[Path]) -> None:
    content = EncodedContent(tuple(good))
    content.prepare(range(6), HOW)
    for one in decoders._idle:
        one.process.kill()
    assert not any(isinstance(one, str) for one in content.prepare(range(6), HOW))


def test_bytes_are_decoded_as_files_are_also_those_of_many_questions(
    good: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoders, "MOST_SENT", 3 * good[0].stat().st_size)
    members = [InMemory(str(row), good[row % 6].read_bytes()) for row in range(40)]
    members[20] = InMemory("20", b"")
    answers = decoders.ask("decoded", members, HOW)
    assert answers[20] == "empty file"
    for row, answer in enumerate(answers):
        if row != 20:
            assert isinstance(answer, decoders.Answer)
            np.testing.assert_array_equal(answer.pixels, decode.decode(good[row % 6], HOW))


def test_relative_paths_count_from_where_this_process_is_now(
    good: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in (good[0].parent.parent, good[0].parent):
        monkeypatch.chdir(folder)
        (answer,) = decoders.ask("look", [good[0].relative_to(folder)])
        assert isinstance(answer, decoders.Answer)
        assert answer.facts["look"] == [48, 64, "RGB", False, "PNG"]


def test_the_environment_of_now_says_how_large_pictures_may_be(
    good: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not isinstance(decoders.ask("look", good[:1])[0], str)
    monkeypatch.setenv("FOVEAL_MOST_PIXELS", "100")
    assert "more than 100 pixels (3,072)" in str(decoders.ask("look", good[:1])[0])
    monkeypatch.setenv("FOVEAL_MOST_PIXELS", "many")
    with pytest.raises(UsageError, match="FOVEAL_MOST_PIXELS"):
        decoders.ask("look", good[:1])


@pytest.mark.parametrize("program", ["raise SystemExit(1)", "print('no decoder')"])
def test_where_no_decoder_can_be_started_this_process_decodes_and_says_so(
    good: list[Path], monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    decoders.end_all()
    monkeypatch.setattr(decoders, "PROGRAM", program)
    monkeypatch.setattr(decoders, "_start_failed", type(decoders._start_failed)())
    with pytest.warns(PictureWarning, match="decoded in this process"):
        first = EncodedContent(tuple(good)).prepare(range(6), HOW)
    again = EncodedContent(tuple(good)).prepare(range(6), HOW)  # and says it once
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first[5], decode.decode(good[5], HOW))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system forks no processes")
def test_a_forked_process_has_decoders_of_its_own(good: list[Path]) -> None:
    decoders.ask("look", good)
    before = set(decoders.running())
    child = os.fork()
    if child == 0:
        answers = decoders.ask("look", good)
        others = set(decoders.running())
        decoders.end_all()
        os._exit(0 if others and not others & before and len(answers) == 6 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert not any(isinstance(one, str) for one in decoders.ask("look", good))


def test_decoders_end_when_they_are_told(good: list[Path]) -> None:
    decoders.ask("look", good)
    running = list(decoders._idle)
    decoders.end_all()
    assert running and not decoders._idle
    assert all(one.process.returncode is not None for one in running)


def test_answers_of_more_pixels_than_a_pipe_holds_come_whole_and_in_order(
    good: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    how = PictureRecipe(height=500, width=400, channels=3)  # two of them are more than a pipe
    bad = named(good, "bad")
    bad.write_bytes(b"no picture")
    asked = [*good[:3], bad, *good[3:]]
    answers = decoders.ask("decoded", asked, how)
    assert answers[3] == "not a picture, or of a format that is not read"
    for row in (0, 1, 2, 4, 5, 6):
        answer = answers[row]
        assert isinstance(answer, decoders.Answer)
        np.testing.assert_array_equal(answer.pixels, decode.decode(asked[row], how))


@pytest.mark.parametrize("gathers", [True, False])
def test_parts_are_sent_whole_however_little_a_pipe_takes_at_once(
    monkeypatch: pytest.MonkeyPatch, gathers: bool
) -> None:
    if not gathers:
        monkeypatch.delattr(os, "writev", raising=False)
    parts = [b"abc", b"", bytes(range(256)) * 2_000, memoryview(b"end")]
    reading, writing = os.pipe()
    got = bytearray()

    def read() -> None:
        while data := os.read(reading, 1_000):
            got.extend(data)

    reader = threading.Thread(target=read)
    reader.start()
    decoder_process.send(writing, parts)
    os.close(writing)
    reader.join()
    os.close(reading)
    assert bytes(got) == b"".join(parts)


def test_few_bytes_taken_at_once_are_gone_on_from(monkeypatch: pytest.MonkeyPatch) -> None:
    got = bytearray()

    def little(_: int, *given: object) -> int:
        (parts,) = given
        data = b"".join(parts) if isinstance(parts, list) else bytes(parts)  # type: ignore[call-overload]
        got.extend(data[:5])
        return len(data[:5])

    monkeypatch.setattr(os, "writev", little, raising=False)
    monkeypatch.setattr(os, "write", little)
    decoder_process.send(0, [b"abc", b"defghij", b"kl", b"mnopqrstuv"])
    assert bytes(got) == b"abcdefghijklmnopqrstuv"
