"""A server as a person starts it: a process with a socket and signals."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import uvicorn

from foveal.errors import UsageError
from foveal.serving import guard
from foveal.serving.connection import MOST_AHEAD, MOST_HEAD, Connection
from foveal.serving.server import STOPS, Signals, fastest_loop
from foveal.serving.settings import Settings, listening, read_token
from foveal.serving.wanted import wanted_of
from support.models import small_model
from support.sites import JPEG, png

pytestmark = pytest.mark.enable_socket
PREDICT = "/v1/models/abc/predict"


def test_an_event_loop_that_hears_of_no_signals_stops_by_one_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server: Any = SimpleNamespace(servers=[], should_exit=False)
    behind: Any = SimpleNamespace(draining=False)

    class AsOnWindows(asyncio.SelectorEventLoop):
        def add_signal_handler(self, *_: object) -> None:  # type: ignore[override]
            raise NotImplementedError

    async def stopped() -> None:
        watch = Signals(server, None, behind, 0.0, None)  # type: ignore[arg-type]
        watch.begin()
        signal.raise_signal(signal.SIGTERM)
        until = time.monotonic() + 10
        while not server.should_exit and time.monotonic() < until:
            await asyncio.sleep(0.01)

    monkeypatch.delattr(signal, "SIGHUP")
    before = [(one, signal.getsignal(one)) for one in STOPS]
    try:
        with asyncio.Runner(loop_factory=AsOnWindows) as runner:
            runner.run(stopped())
    finally:
        for one, handler in before:
            signal.signal(one, handler)
    assert behind.draining and server.should_exit


def test_a_server_loads_what_changed_and_finishes_what_is_under_way(
    start, files: Path, tmp_path: Path
) -> None:
    file = tmp_path / "abc.safetensors"
    file.write_bytes((files / "abc.safetensors").read_bytes())
    server = start(file)
    with httpx.Client(base_url=server.address, timeout=60) as client:
        before = client.post(PREDICT, content=png(), headers=JPEG).json()
        small_model("globalpool | dense", channels=3, side=16).save(file)
        server.signal(signal.SIGHUP)
        until = time.monotonic() + 60
        while (after := client.post(PREDICT, content=png(), headers=JPEG).json()) == before:
            assert time.monotonic() < until
            time.sleep(0.05)
        assert after["digest"] != before["digest"]
        file.write_bytes(b"no model")
        server.signal(signal.SIGHUP)
        while not (notes := client.get("/v2/health/ready").json()["notes"]):
            assert time.monotonic() < until
            time.sleep(0.05)
        assert "cannot be loaded" in notes[0]
        assert client.post(PREDICT, content=png(), headers=JPEG).json() == after

    body, answers = png(1, (40, 40, 3)), []
    with socket.create_connection(("127.0.0.1", server.port)) as slow:
        head = f"POST {PREDICT} HTTP/1.1\r\nhost: localhost\r\ncontent-type: image/png\r\n"
        slow.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body[:100])
        time.sleep(0.2)
        server.signal(signal.SIGTERM)
        time.sleep(0.1)
        server.signal(signal.SIGINT)  # a terminal and a supervisor may both have sent theirs
        time.sleep(0.1)
        ready = httpx.get(f"{server.address}/v2/health/ready")  # it still takes requests, and says
        assert ready.status_code == 503 and ready.headers["connection"] == "close"
        time.sleep(1.5)  # now it listens no longer
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{server.address}/v2/health/live")
        slow.sendall(body[100:])
        answers.append(slow.recv(10_000))
    assert answers[0].startswith(b"HTTP/1.1 200")
    code, err = server.end()
    assert code == 0 and "Traceback" not in err
    assert "cannot" not in err and err.count('"status": 200') >= 4


@contextlib.contextmanager
def listened(made, stop_seconds: float = 10, **options: Any) -> Iterator[tuple[str, int]]:
    """Let a site answer at a socket."""
    config = uvicorn.Config(
        made.guard,
        http=partial(Connection, guard=made.guard),
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=stop_seconds,  # as `foveal serve` has one
        **options,
    )
    server = uvicorn.Server(config)
    with listening("127.0.0.1", 0) as bound:
        running = threading.Thread(target=server.run, args=([bound],))
        running.start()
        try:
            yield bound.getsockname()
        finally:
            server.should_exit = True
            running.join(60)
            assert not running.is_alive()


def test_whoever_sends_no_whole_head_is_cut_off_and_others_are_not(site, monkeypatch) -> None:
    monkeypatch.setattr(Connection, "every", 0.3)
    with listened(site()) as address, socket.create_connection(address) as slow:
        slow.settimeout(10)
        began = time.monotonic()
        slow.sendall(b"GET / HTTP/1.1\r\nx: ")
        with httpx.Client(base_url=f"http://127.0.0.1:{address[1]}", timeout=60) as other:
            for _ in range(4):
                assert other.get("/v2").status_code == 200
                time.sleep(0.25)
                with contextlib.suppress(OSError):
                    slow.sendall(b"y")
            assert read(slow).startswith(b"HTTP/1.1 408")
            assert other.get("/v2").status_code == 200
        assert 0.2 < time.monotonic() - began < 5


def test_what_is_read_no_longer_is_cut_off(site, monkeypatch) -> None:
    made: list[Connection] = []
    begin = Connection.connection_made

    def noted(self, transport) -> None:
        begin(self, transport)
        made.append(self)

    monkeypatch.setattr(Connection, "every", 0.3)
    monkeypatch.setattr(Connection, "connection_made", noted)
    with listened(site()) as address, socket.create_connection(address) as client:
        client.settimeout(20)
        client.sendall(b"GET /v2/health/live HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert read(client).startswith(b"HTTP/1.1 200")
        made[0].loop.call_soon_threadsafe(made[0].transport.pause_reading)
        time.sleep(0.2)
        client.sendall(b"GET /v2 HTTP/1.1\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(10) == b""


@pytest.mark.parametrize("said", [True, False])
def test_whoever_sends_too_much_reads_why_it_is_refused(site, said: bool) -> None:
    """A socket that is closed on what nobody read resets the connection, and the answer is gone."""
    size = 8_000_000
    length = f"content-length: {size}" if said else "transfer-encoding: chunked"
    head = f"POST {PREDICT} HTTP/1.1\r\nhost: localhost\r\ncontent-type: image/png\r\n{length}"
    piece = b"x" * 64_000
    for _ in range(3):
        with (
            listened(site(body=1_000_000)) as address,
            socket.create_connection(address) as client,
        ):
            client.settimeout(10)
            client.sendall(f"{head}\r\n\r\n".encode())
            for _ in range(size // len(piece)):
                client.sendall(piece if said else b"fa00\r\n" + piece + b"\r\n")
            assert client.recv(10_000).startswith(b"HTTP/1.1 413")


def test_whoever_goes_on_sending_is_cut_off(site, monkeypatch) -> None:
    monkeypatch.setattr(guard, "LINGER", 0.3)
    with listened(site(body=1_000)) as address, socket.create_connection(address) as client:
        client.settimeout(10)
        began = time.monotonic()
        head = f"POST {PREDICT} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 900000000\r\n"
        client.sendall(f"{head}content-type: image/png\r\n\r\n".encode())
        with pytest.raises(OSError):
            while time.monotonic() - began < 10:
                client.sendall(b"x" * 1_000)
                time.sleep(0.01)
        assert time.monotonic() - began < 8


def read(client: socket.socket) -> bytes:
    """Read one answer: its head, and the body that it announces."""
    found = b""
    while b"\r\n\r\n" not in found:
        found += client.recv(1) or pytest.fail(f"closed after {found!r}")
    length = re.search(rb"content-length: (\d+)", found)
    assert length is not None
    while len(found) < found.index(b"\r\n\r\n") + 4 + int(length[1]):
        found += client.recv(1) or pytest.fail(f"closed after {found!r}")
    return found


@pytest.mark.parametrize("chunked", [False, True])
def test_whoever_is_refused_for_want_of_room_reads_why_and_asks_again(
    site, chunked: bool, monkeypatch
) -> None:
    monkeypatch.setattr(Connection, "every", 60.0)  # however busy the machine is
    made, size = site(queue=1), 5_000_000
    lengths = ("content-length: {}", "transfer-encoding: chunked")
    head = f"POST {PREDICT} HTTP/1.1\r\nhost: localhost\r\ncontent-type: image/png\r\n"
    with listened(made) as address, socket.create_connection(address) as client:
        client.settimeout(20)
        for _ in range(3):
            made.resources.room.pictures = 1
            client.sendall(f"{head}{lengths[chunked].format(size)}\r\n\r\n".encode())
            body = b"%x\r\n" % size + b"x" * size + b"\r\n0\r\n\r\n" if chunked else b"x" * size
            client.sendall(body)
            answer = read(client)
            assert answer.startswith(b"HTTP/1.1 503") and b"retry-after: " in answer
            assert b"connection: close" not in answer and answer.endswith(b"}")
            made.resources.room.pictures = 0
            client.sendall(f"{head}content-length: {len(png())}\r\n\r\n".encode() + png())
            assert read(client).startswith(b"HTTP/1.1 200")


def test_a_connection_waits_for_another_request_after_a_body_that_nobody_read(
    site, monkeypatch
) -> None:
    """Else it would be cut off, as one that sends no whole head, and with it what comes next."""
    monkeypatch.setattr(Connection, "every", 0.2)
    made = site(queue=1)
    head = f"POST {PREDICT} HTTP/1.1\r\nhost: localhost\r\ncontent-type: image/png\r\n"
    with listened(made) as address, socket.create_connection(address) as client:
        client.settimeout(20)
        made.resources.room.pictures = 1
        client.sendall(f"{head}content-length: 20\r\n\r\n".encode())
        assert read(client).startswith(b"HTTP/1.1 503")
        client.sendall(b"x" * 20)
        time.sleep(1)
        made.resources.room.pictures = 0
        client.sendall(f"{head}content-length: {len(png())}\r\n\r\n".encode() + png())
        assert read(client).startswith(b"HTTP/1.1 200")


def test_whoever_waits_to_be_asked_for_a_body_is_refused_without(site) -> None:
    made = site(queue=1)
    head = f"POST {PREDICT} HTTP/1.1\r\nhost: localhost\r\ncontent-type: image/png\r\n"
    asked = f"{head}expect: 100-continue\r\ncontent-length: {len(png())}\r\n\r\n".encode()
    with listened(made) as address:
        with socket.create_connection(address) as client:
            client.settimeout(20)
            client.sendall(asked)
            assert client.recv(1_000) == b"HTTP/1.1 100 Continue\r\n\r\n"
            client.sendall(png())
            assert read(client).startswith(b"HTTP/1.1 200")
        made.resources.room.pictures = 1
        with socket.create_connection(address) as client:
            client.settimeout(20)
            client.sendall(asked)
            answer = read(client)
            assert answer.startswith(b"HTTP/1.1 503") and b"connection: close" in answer


@pytest.mark.parametrize(
    ("after", "status"),
    [(b"x: ", b"HTTP/1.1 431"), (b"transfer-encoding: chunked\r\n\r\n0\r\nx: ", b"")],
)
def test_a_head_without_end_is_cut_off_before_it_fills_the_memory(
    site, after: bytes, status: bytes
) -> None:
    with listened(site()) as address, socket.create_connection(address) as client:
        client.settimeout(20)
        client.sendall(f"POST {PREDICT} HTTP/1.1\r\nhost: localhost\r\n".encode() + after)
        sent, answer = 0, b""
        with contextlib.suppress(OSError):
            while sent < 50 * MOST_HEAD and not answer.startswith(status or b"HTTP"):
                client.sendall(b"x" * 1_000)
                sent += 1_000
                client.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    answer += client.recv(1_000)
                client.settimeout(20)
        assert sent < 50 * MOST_HEAD and answer.startswith(status)


CHUNK = b"transfer-encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
LIVE = b"GET /v2/health/live HTTP/1.1\r\nhost: localhost\r\n"
TYPED = f"POST {PREDICT} HTTP/1.1\r\nhost: localhost\r\ncontent-type: image/png\r\n".encode()


@pytest.mark.parametrize("length", [b"content-length: %d\r\n\r\n%s", CHUNK])
@pytest.mark.parametrize("apart", [False, True])
def test_a_body_behind_a_wish_for_another_protocol_is_a_body(site, length, apart: bool) -> None:
    """As Java's client sends it. Read as requests, a body could ask for what a proxy forbids."""
    head = TYPED + b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\n"
    body = length % (len(png()), png())
    end = len(body) - len(png()) // 2
    with listened(site()) as address, socket.create_connection(address) as client:
        client.settimeout(20)
        for _ in range(2):
            client.sendall(head + body[:end])
            if apart:
                time.sleep(0.1)
            client.sendall(body[end:])
            assert read(client).startswith(b"HTTP/1.1 200")
        client.sendall((LIVE + b"connection: upgrade\r\nupgrade: websocket\r\n\r\n") * 3)
        for _ in range(3):
            assert read(client).endswith(b'{"live":true}')


def test_what_follows_a_body_is_no_head(site) -> None:
    bare = TYPED.replace(b"host: localhost\r\n", b"")
    sent = bare + CHUNK.removesuffix(b"\r\n") % (len(png()), png()) + b"host: localhost\r\n\r\n"
    with listened(site()) as address, socket.create_connection(address) as client:
        client.settimeout(20)
        client.sendall(sent)
        assert read(client).startswith(b"HTTP/1.1 421")


def test_a_request_that_is_whole_is_answered_before_what_is_none_behind_it(site) -> None:
    whole = TYPED + b"content-length: %d\r\n\r\n" % len(png()) + png()
    with listened(site()) as address, socket.create_connection(address) as client:
        client.settimeout(20)
        client.sendall(whole * 2 + b"\x00 nothing\r\n\r\n")
        for _ in range(2):
            assert read(client).startswith(b"HTTP/1.1 200")
        assert client.recv(10) == b""


def test_who_has_said_all_and_closed_that_direction_gets_every_answer(site) -> None:
    """As `nc -N` does, and what ends its request by the end of its stream."""
    made, release = site(), threading.Event()
    made.resources.decoders.submit(release.wait, 20)
    whole = TYPED + b"content-length: %d\r\n\r\n" % len(png()) + png()
    part = TYPED + b"content-length: 100\r\n\r\nx"
    with listened(made) as address, socket.create_connection(address) as client:
        client.settimeout(20)
        client.sendall(whole + LIVE + b"\r\n" + whole + part)
        client.shutdown(socket.SHUT_WR)
        while not made.resources.room.pictures:
            time.sleep(0.01)
        time.sleep(0.1)
        release.set()
        assert b'"probability"' in read(client)
        assert read(client).endswith(b'{"live":true}')
        assert b'"probability"' in read(client)
        assert client.recv(10) == b""
        with socket.create_connection(address) as other:
            other.settimeout(20)
            other.sendall(part)
            other.shutdown(socket.SHUT_WR)
            assert other.recv(10) == b""
    assert [one["status"] for one in made.log] == [200, 200, 200, 499]


SENT = {
    400: b"\x16\x03\x01\x02\x00\x01",  # as a client begins that was told https://
    408: b"GET / HTTP/1.1\r\nx: ",
    431: b"GET / HTTP/1.1\r\nx: " + b"x" * (MOST_HEAD + 1),
}


@pytest.mark.parametrize("status", SENT)
def test_what_is_refused_without_a_route_is_counted_logged_and_told_as_the_rest(
    site, status: int, monkeypatch
) -> None:
    monkeypatch.setattr(Connection, "every", 0.3)
    made = site()
    with listened(made) as address, socket.create_connection(address) as client:
        client.settimeout(20)
        client.sendall(SENT[status])
        answer = read(client)
        if status != 408:
            client.sendall(b"x" * 100)  # nobody takes it for anything
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"\r\nconnection: close" in head and b"nosniff" in head and b"no-store" in head
    assert set(json.loads(body)) == {"error", "what", "needed", "came", "remedy"}
    (line,) = made.log
    assert (line["status"], line["bytes"]) == (status, len(body))
    assert (line["method"], line["route"]) == ("none", "none") and 0 <= line["seconds"] < 20
    assert counted_answers(made) == {("none", str(status)): 1.0}


def counted_answers(made) -> dict[tuple[str, str], float]:
    """Return how many answers a site has counted, by route and status."""
    found = re.findall(
        r'foveal_requests_total\{route="(.*?)",status="(.*?)"\} (\S+)',
        made.resources.counters.text().decode(),
    )
    return {(route, status): float(count) for route, status, count in found}


def test_a_body_that_holds_no_chunks_is_refused_and_counted_once(site) -> None:
    made = site()
    with listened(made) as address, socket.create_connection(address) as client:
        client.settimeout(20)
        client.sendall(TYPED + b"transfer-encoding: chunked\r\n\r\nno chunk\r\n")
        assert read(client).startswith(b"HTTP/1.1 400")
    (line,) = made.log
    assert (line["method"], line["status"]) == ("POST", 400) and line["bytes"] > 50
    assert counted_answers(made) == {("/v1/models/{name}/predict", "400"): 1.0}


def test_whoever_comes_by_too_many_connections_is_told_so_and_counted(site) -> None:
    made = site()
    with (
        listened(made, limit_concurrency=2) as address,
        socket.create_connection(address) as first,
        socket.create_connection(address) as client,
    ):
        client.settimeout(20)
        client.sendall(LIVE + b"\r\n")
        answer = read(client)
        assert answer.startswith(b"HTTP/1.1 503") and b"retry-after: " in answer
        assert client.recv(10) == b""
        first.settimeout(20)
        first.sendall(LIVE + b"\r\n")
        assert read(first).startswith(b"HTTP/1.1 200")
    assert [one["status"] for one in made.log] == [503, 200]
    assert counted_answers(made)["none", "503"] == 1.0


def test_who_is_answered_no_longer_when_a_server_ends_is_told_to_come_again(site) -> None:
    made, release = site(), threading.Event()
    made.resources.decoders.submit(release.wait, 20)
    whole = TYPED + b"content-length: %d\r\n\r\n" % len(png()) + png()
    with socket.socket() as client:
        client.settimeout(20)
        try:
            with listened(made, stop_seconds=0.1) as address:
                client.connect(address)
                client.sendall(whole)
                while not made.resources.room.pictures:
                    time.sleep(0.01)
        finally:
            release.set()
        answer = read(client)
    assert answer.startswith(b"HTTP/1.1 503") and b"retry-after: " in answer
    assert [one["status"] for one in made.log] == [503]


def test_who_sends_requests_far_ahead_of_their_answers_is_cut_off_and_others_are_answered(
    site,
) -> None:
    """Else they are all read before one is answered, and nobody else is meanwhile."""
    made = site()
    with listened(made) as address, socket.create_connection(address) as client:
        client.settimeout(20)
        client.sendall((LIVE + b"\r\n") * MOST_AHEAD)
        for _ in range(MOST_AHEAD):
            assert read(client).startswith(b"HTTP/1.1 200")
        with contextlib.suppress(OSError):
            for _ in range(100):
                client.sendall((LIVE + b"\r\n") * 1_000)
        assert httpx.get(f"http://127.0.0.1:{address[1]}/v2").status_code == 200
    assert MOST_AHEAD < len(made.lines) < 2_000


def test_whoever_hangs_up_with_another_request_behind_is_no_fault(site, caplog) -> None:
    made, release = site(), threading.Event()
    made.resources.decoders.submit(release.wait, 20)
    whole = TYPED + b"content-length: %d\r\n\r\n" % len(png()) + png()
    with listened(made) as address:
        with socket.create_connection(address) as client:
            client.sendall(whole + LIVE + b"\r\n")
            while not made.resources.room.pictures:
                time.sleep(0.01)
            time.sleep(0.1)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        time.sleep(0.2)
        release.set()
        end = time.monotonic() + 10
        while not made.lines and time.monotonic() < end:
            time.sleep(0.01)
    assert "fault" not in caplog.text and "Traceback" not in caplog.text
    assert len(made.log) == 1  # the one behind is not begun
    assert made.resources.room.pictures == made.resources.room.held == 0


def test_whoever_hangs_up_within_a_body_is_no_fault(site, caplog) -> None:
    made = site()
    head = f"POST {PREDICT} HTTP/1.1\r\nhost: localhost\r\ncontent-type: image/png\r\n"
    with listened(made) as address:
        for query in ("", "?top=2"):  # by the short way, and by FastAPI
            asked = head.replace(PREDICT, PREDICT + query) + "content-length: 100\r\n\r\nx"
            with socket.create_connection(address) as client:
                client.sendall(asked.encode())
                time.sleep(0.2)
        until = time.monotonic() + 20
        while len(made.log) < 2 and time.monotonic() < until:
            time.sleep(0.02)
    assert [one["status"] for one in made.log] == [499, 499]
    assert made.resources.room.pictures == 0 and not caplog.records


def test_the_loop_is_the_fastest_there_is(monkeypatch) -> None:
    made = fastest_loop()
    assert made is not None and made.__module__.startswith("uvloop")
    monkeypatch.setitem(sys.modules, "uvloop", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert fastest_loop() is None


@pytest.mark.parametrize(
    "content", [b"", b"short", b"with a space in it ok", b"\xff" * 20, b"x" * 1_025, b"a\nb" * 9]
)
def test_what_is_no_token_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(UsageError):
        read_token(tmp_path / "token")
    with pytest.raises(UsageError):
        read_token(tmp_path / "gone")


def test_other_machines_may_ask_only_with_a_token(tmp_path: Path, files: Path) -> None:
    (tmp_path / "token").write_bytes(b"0123456789abcdef\n")
    token = read_token(tmp_path / "token")
    wanted = tuple(wanted_of([str(files / "abc.safetensors")]))
    for host in ("0.0.0.0", "::", "192.168.0.2", "vision.example"):
        with pytest.raises(UsageError) as error:
            Settings(wanted=wanted, host=host)
        assert "token" in str(error.value)
        assert not Settings(wanted=wanted, host=host, token=token).loopback
    for host in ("127.0.0.1", "127.8.8.8", "::1", "localhost"):
        assert Settings(wanted=wanted, host=host).loopback
    assert token not in repr(Settings(wanted=wanted, token=token))


def test_a_port_that_is_taken_is_said() -> None:
    with listening("127.0.0.1", 0) as bound, pytest.raises(UsageError) as error:
        listening("127.0.0.1", bound.getsockname()[1])
    assert "another port" in str(error.value)
    with pytest.raises(UsageError):
        listening("no.such.host.invalid", 0)
