"""Several processes at one port."""

from __future__ import annotations

import os
import signal
import threading
import time

import httpx
import pytest

from foveal.serving.settings import Settings, listening
from foveal.serving.workers import Crew
from support.crews import fail, stay
from support.sites import JPEG, png

pytestmark = pytest.mark.enable_socket


@pytest.fixture
def crew():
    with listening("127.0.0.1", 0) as bound:
        yield lambda work, **more: Crew(Settings(wanted=()), bound, work, **more)


def test_a_process_that_dies_is_started_again(crew) -> None:
    crew = crew(stay, soon=0.0)
    crew.start(2)
    before = {one.pid for one in crew.began}
    watching = threading.Thread(target=crew.watch)
    watching.start()
    gone = min(before)
    os.kill(gone, signal.SIGKILL)
    until = time.monotonic() + 20
    while {one.pid for one in list(crew.began)} == before or len(crew.began) < 2:
        assert time.monotonic() < until
        time.sleep(0.02)
    after = {one.pid for one in crew.began}
    assert gone not in after and len(after & before) == 1
    crew.stop(signal.SIGTERM, None)
    watching.join(20)
    assert not crew.began and crew.code == 0


def test_processes_that_cannot_begin_end_all_with_their_code(crew) -> None:
    crew = crew(fail)
    crew.start(2)
    assert crew.watch() == 4


def test_they_answer_at_one_port_and_end_together(start, files) -> None:
    server = start(files / "abc.safetensors", "--workers", 2)
    address = f"{server.address}/v1/models/abc/predict"
    answers = {httpx.post(address, content=png(), headers=JPEG, timeout=60).text for _ in range(6)}
    assert len(answers) == 1
    server.signal(signal.SIGTERM)
    code, err = server.end()
    assert code == 0 and "Traceback" not in err and err.count('"status": 200') == 6
