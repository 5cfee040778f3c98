"""Devices: torch gets its threads for as long as work lasts, and not longer."""

from __future__ import annotations

import threading

import torch

from foveal.device import Device

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
