"""Batches out of single requests."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from foveal.serving.batching import Batcher
from support.sites import in_a_loop


def run(work):
    with ThreadPoolExecutor(1) as engine:
        return in_a_loop(asyncio.wait_for(work(engine), 20))


def test_an_idle_engine_takes_one_at_once_and_what_gathers_meanwhile_together() -> None:
    sizes: list[int] = []
    free = threading.Event()

    def answer(items):
        sizes.append(len(items))
        if len(sizes) == 1:
            free.wait(10)
        return [10 * item for item in items]

    async def work(engine):
        batcher = Batcher(answer, engine, 4)
        first = asyncio.create_task(batcher.ask(0))
        while not sizes:
            await asyncio.sleep(0.001)
        others = [asyncio.create_task(batcher.ask(item)) for item in range(1, 7)]
        await asyncio.sleep(0.01)
        free.set()
        return [await one for one in [first, *others]]

    assert run(work) == [10 * item for item in range(7)]
    assert sizes == [1, 4, 2]


def test_an_error_is_told_to_those_of_its_batch_alone() -> None:
    def answer(items):
        if 13 in items:
            raise ValueError("thirteen")
        return items

    async def work(engine):
        batcher = Batcher(answer, engine, 1)
        return await asyncio.gather(*map(batcher.ask, (1, 13, 2)), return_exceptions=True)

    one, error, two = run(work)
    assert (one, two) == (1, 2) and isinstance(error, ValueError)


def test_whoever_is_gone_costs_nothing() -> None:
    seen: list[int] = []
    free = threading.Event()

    def answer(items):
        seen.extend(items)
        free.wait(10)
        return items

    async def work(engine):
        batcher = Batcher(answer, engine, 8)
        first = asyncio.create_task(batcher.ask(0))
        while not seen:
            await asyncio.sleep(0.001)
        gone, there = asyncio.create_task(batcher.ask(1)), asyncio.create_task(batcher.ask(2))
        await asyncio.sleep(0.01)
        gone.cancel()
        await asyncio.sleep(0.01)
        free.set()
        with pytest.raises(asyncio.CancelledError):
            await gone
        return await first, await there

    assert run(work) == (0, 2)
    assert seen == [0, 2]


def test_batches_are_told_with_their_seconds() -> None:
    told: list[tuple[int, float]] = []

    async def work(engine):
        batcher = Batcher(lambda items: items, engine, 8, lambda *facts: told.append(facts))
        await asyncio.gather(*map(batcher.ask, range(5)))

    run(work)
    assert sum(count for count, _ in told) == 5 and all(seconds >= 0 for _, seconds in told)


def test_several_threads_share_what_waits_and_none_is_left_behind() -> None:
    seen: list[int] = []
    both = threading.Barrier(2, timeout=10)

    def answer(items):
        seen.append(len(items))
        if len(seen) < 3:
            both.wait()  # two batches are under way at once
        return [-item for item in items]

    async def work(engine):
        batcher = Batcher(answer, engine, 3, at_once=2)
        return [await asyncio.gather(*map(batcher.ask, range(n))) for n in (2, 9, 1, 50)]

    with ThreadPoolExecutor(2) as engine:
        found = in_a_loop(asyncio.wait_for(work(engine), 20))
    assert found == [[-item for item in range(n)] for n in (2, 9, 1, 50)]
    assert seen[:2] == [1, 1] and max(seen) == 3


def test_two_that_ask_one_after_the_other_are_both_answered() -> None:
    async def work(engine):
        batcher = Batcher(lambda items: items, engine, 8, at_once=2)
        return [await batcher.ask(item) for item in range(200)]

    assert run(work) == list(range(200))


def test_items_that_take_long_go_in_small_batches_and_short_ones_in_large(monkeypatch) -> None:
    clock, sizes = [0.0], list[int]()
    monkeypatch.setattr("foveal.serving.batching.time.perf_counter", lambda: clock[0])

    def answer(items):
        sizes.append(len(items))
        clock[0] += sum(items)
        return items

    async def work(engine):
        batcher = Batcher(answer, engine, 16, within=1.0)
        for seconds in (0.4, 0.001):
            for _ in range(40):
                await asyncio.gather(*(batcher.ask(seconds) for _ in range(16)))
            sizes.append(0)
        batcher = Batcher(answer, engine, 16, within=1.0)
        for _ in range(40):
            await batcher.ask(9.0)
        return batcher.pace

    assert run(work) == pytest.approx(9.0, rel=0.01)
    slow, fast = sizes.index(0), len(sizes) - 1 - sizes[::-1].index(0)
    assert set(sizes[slow - 16 : slow]) == {2} and set(sizes[fast - 20 : fast]) == {16}
