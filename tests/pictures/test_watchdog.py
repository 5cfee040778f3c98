"""One thread that acts where work takes too long."""

from __future__ import annotations

import threading
import time

from foveal.pictures.watchdog import Watchdog


def test_what_takes_too_long_is_told_once_while_it_lasts() -> None:
    told = threading.Event()
    with Watchdog().within(0.05, told.set):
        assert told.wait(5)


def test_what_ends_in_time_is_left_alone() -> None:
    called: list[str] = []
    dog = Watchdog()
    with dog.within(0.05, lambda: called.append("short")):
        pass
    with dog.within(0.2, lambda: called.append("long")):
        time.sleep(0.1)
    time.sleep(0.2)
    assert called == []


def test_a_shorter_deadline_is_kept_beside_longer_ones() -> None:
    dog, told, later = Watchdog(), threading.Event(), threading.Event()
    with dog.within(60, later.set):
        with dog.within(0.05, told.set):
            assert told.wait(5)
        assert not later.is_set()


def test_a_deadline_after_an_idle_time_is_kept() -> None:
    dog, told = Watchdog(), threading.Event()
    with dog.within(60, told.set):
        pass
    time.sleep(0.05)  # the thread sleeps by now
    with dog.within(0.05, told.set):
        assert told.wait(5)


def test_many_that_wait_share_a_thread() -> None:
    dog, before = Watchdog(), threading.active_count()
    for _ in range(100):
        with dog.within(60, lambda: None), dog.within(60, lambda: None):
            pass
    assert threading.active_count() == before + 1
