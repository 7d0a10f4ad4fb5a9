"""Are calls made when they are due, and is processor time told of the processes that it belongs to?"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

from measuring.open_loop import at_once, at_rate, quantile
from measuring.processes import DRIVER, OTHERS, Meter, family, name_of
from measuring.stores import fresh_store, stored_bytes


def test_a_call_leaves_when_it_is_due_though_others_have_not_been_answered() -> None:
    count = 5

    async def called() -> tuple[list[float], list[float]]:
        last = asyncio.Event()

        async def ask(number: int) -> None:
            if number == count - 1:
                last.set()
            await last.wait()  # so nobody is answered before the last call has left

        async with asyncio.timeout(30):
            return await at_rate(ask, per_second=100, count=count)

    due_s, waited_ms = asyncio.run(called())

    assert [round(after - before, 6) for before, after in pairwise(due_s)] == [0.01] * (count - 1)
    assert waited_ms[0] > waited_ms[-1], "the first was due first, and all were answered together"


def test_so_many_callers_have_a_call_under_way_each_and_no_more() -> None:
    under_way, most, asked = 0, 0, list[int]()

    async def ask(number: int) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        asked.append(number)
        await asyncio.sleep(0)
        under_way -= 1

    _, waited_ms = asyncio.run(at_once(ask, count=10, callers=3))

    assert (most, sorted(asked), len(waited_ms)) == (3, list(range(10)), 10)


def test_a_quantile_is_a_value_that_so_many_in_a_hundred_are_at_most() -> None:
    assert [quantile([3.0, 1.0, 2.0, 4.0], percent) for percent in (0, 50, 99)] == [1.0, 3.0, 4.0]


def test_a_child_that_is_no_part_of_the_engine_is_not_counted() -> None:
    meter = Meter()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert child.pid in family(os.getpid())
        assert name_of(child.pid) == OTHERS

        seconds = meter.seconds()

        child.communicate(b"\n")
    assert OTHERS not in seconds
    assert seconds[DRIVER] > 0


def test_a_store_on_disk_goes_when_its_round_is_over(tmp_path: Path) -> None:
    with fresh_store(f"sqlite:///{tmp_path}") as first, fresh_store(f"sqlite:///{tmp_path}") as second:
        assert first != second
        assert first.startswith(f"sqlite:///{tmp_path}/")
        assert stored_bytes(first) == 0

    assert list(tmp_path.iterdir()) == []
    assert stored_bytes("memory:") is None
