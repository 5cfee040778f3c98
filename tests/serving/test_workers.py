"""Several processes at one port."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time

import httpx
import pytest

from foveal.serving import workers
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


def test_a_signal_that_comes_while_a_process_begins_reaches_it(crew, monkeypatch) -> None:
    crew = crew(stay, soon=0.0)
    begin = crew.context.Process.start

    def stopped(self) -> None:
        begin(self)
        crew.stop(signal.SIGTERM, None)

    crew.start(1)
    monkeypatch.setattr(crew.context.Process, "start", stopped)
    _, kept = crew._one()
    watching = threading.Thread(target=crew.watch, daemon=True)
    watching.start()
    watching.join(20)
    assert not watching.is_alive() and not crew.began and not kept.closed


def test_a_process_that_took_anothers_place_serves_though_nobody_waits_for_it(monkeypatch) -> None:
    """Whoever was waited for at the start has answered; what comes later tells a closed pipe."""
    served: list[bool] = []

    def serve(settings, bound, told, *, alone) -> None:
        told(["abc"])
        served.append(alone)

    monkeypatch.setattr("foveal.serving.server.serve", serve)
    ours, theirs = multiprocessing.Pipe(duplex=False)
    ours.close()
    with listening("127.0.0.1", 0) as bound:
        workers._work(Settings(wanted=()), bound, theirs)
    assert served == [False]


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
