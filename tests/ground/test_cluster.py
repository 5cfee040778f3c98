"""Where Ray is, and what is said where it is not."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from foveal.cluster import GREETING, Cluster, enter, imported, ungreeted
from foveal.errors import ResourceError, UsageError


@pytest.mark.parametrize(
    ("text", "address"),
    [("ray", None), ("ray://", None), ("ray://10.0.0.1:6379", "10.0.0.1:6379")],
)
def test_where_ray_is(text: str, address: str | None) -> None:
    assert Cluster.read(text) == Cluster(address)


@pytest.mark.parametrize("text", ["", "dask", "ray://somewhere", "ray://:6379", "ray://a:b"])
def test_any_other_engine_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="ray://HOST:PORT"):
        Cluster.read(text)


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.allow_hosts(["127.0.0.1"])
def test_an_address_at_which_nothing_answers_is_told(
    named: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray")
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray" / "ray_current_cluster").write_text("127.0.0.1:9")  # of one that was killed
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    monkeypatch.setenv("RAY_ADDRESS", "")
    with pytest.raises(ResourceError, match=r"ray://127.0.0.1:9.*ray start --head"):
        with Cluster("127.0.0.1:9" if named else None).joined():
            pass


@pytest.mark.parametrize("asked", ["auto", "somewhere"])
@pytest.mark.allow_hosts(["127.0.0.1"])
def test_an_environment_that_names_no_port_is_no_traceback(
    asked: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray")
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray" / "ray_current_cluster").write_text("127.0.0.1:9")
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    monkeypatch.setenv("RAY_ADDRESS", asked)
    where = {"auto": "127.0.0.1:9"}.get(asked, asked)
    with pytest.raises(ResourceError, match=f"engine ray://{where}: needed a cluster of Ray"):
        with Cluster().joined():
            pass


def test_a_ray_that_does_not_start_here_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray")

    def init(**_: object) -> None:
        raise Exception("The current node timed out during startup.")

    monkeypatch.setenv("RAY_ADDRESS", "local")
    monkeypatch.setattr(ray, "init", init)
    with pytest.raises(ResourceError, match="got The current node timed out during startup"):
        with Cluster().joined():
            pass


def test_what_ray_greets_with_is_left_out_and_nothing_else(capfd: pytest.CaptureFixture) -> None:
    with ungreeted():
        print("before", file=sys.stderr)
        os.write(2, b"[1 I] " + GREETING + b" RAY_BACKEND_LOG_LEVEL to 3\nafter\n")
    os.write(2, b"later\n")
    assert capfd.readouterr().err == "before\nafter\nlater\n"


def test_without_standard_error_nothing_is_held_back(
    capfd: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", None)  # closed at the start: another file may be number 2
    with ungreeted():
        os.write(2, GREETING + b" of a file\n")
    assert capfd.readouterr().err == GREETING.decode() + " of a file\n"


def test_ray_leaves_to_the_command_how_it_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray")

    def init(**_: object) -> None:
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(number))  # as Ray does
        assert os.environ["RAY_ENABLE_AUTO_CONNECT"] == "0"  # a thread that is left starts no other

    monkeypatch.delenv("RAY_ENABLE_AUTO_CONNECT", raising=False)
    monkeypatch.setenv("RAY_ADDRESS", "local")
    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    before = signal.getsignal(signal.SIGTERM)
    try:
        with Cluster().joined():
            assert signal.getsignal(signal.SIGTERM) is before
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_python_without_ray_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setitem(sys.modules, "ray.data", None)
    with pytest.raises(UsageError, match=r"pip install 'foveal\[scale\]'"):
        imported()


def test_a_machine_without_the_folder_of_the_command_is_told(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match=r"on every machine.*No such file"):
        enter(str(tmp_path / "elsewhere"))
