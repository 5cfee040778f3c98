"""Devices: torch gets its threads for as long as work lasts, and not longer."""

from __future__ import annotations

import os
import threading

import pytest
import torch

from foveal.device import Device, choose

ONE, TWO, THREE = (Device(name="cpu", threads=count) for count in (1, 2, 3))


def test_the_callers_threads_come_back() -> None:
    before = torch.get_num_threads()
    with THREE.at_work():
        assert torch.get_num_threads() == 3
        with ONE.at_work():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 3
    assert torch.get_num_threads() == before


def test_they_come_back_when_threads_overlap() -> None:
    with TWO.at_work():
        pass
    before = torch.get_num_threads()
    entered, leave = threading.Event(), threading.Event()

    def first() -> None:
        with ONE.at_work():
            entered.set()
            leave.wait(10)

    def second() -> None:
        with ONE.at_work():
            leave.set()
            other.join(10)

    other, last = threading.Thread(target=first), threading.Thread(target=second)
    other.start()
    assert entered.wait(10)
    last.start()
    last.join(10)
    seen: list[int] = []
    fresh = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
    fresh.start()
    fresh.join()
    assert torch.get_num_threads() == before and seen == [before]


def test_a_users_own_number_of_threads_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    for said, threads in (("3", 3), ("5,2", 5), (" 1 ", 1)):
        monkeypatch.setenv("OMP_NUM_THREADS", said)
        assert choose("cpu").threads == threads
        assert choose("cpu", threads=2).threads == 2
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2, 3}, raising=False)
    for nothing in ("", "0", "many", "-1"):
        monkeypatch.setenv("OMP_NUM_THREADS", nothing)
        assert choose("cpu").threads == 4
