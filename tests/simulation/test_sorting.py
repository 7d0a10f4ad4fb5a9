"""More rows than are held come back in order, and the files they lay in are gone afterwards."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcours.simulation.sorting import FRAME_ROWS, RUNS_MAX, Sorter, merged

Row = tuple[int, int, bytes]
DECODER = msgspec.msgpack.Decoder(list[Row])


def rows_of(times: list[int]) -> list[Row]:
    return [(time, number, b"row %d" % number) for number, time in enumerate(times)]


def back(sorter: Sorter[Row]) -> list[Row]:
    return [row for block in sorter.blocks() for row in block]


@pytest.mark.parametrize("held_bytes_max", [1, 5, 10**9])  # a file for each row, for a few, and none at all
@given(times=st.lists(st.integers(0, 5), max_size=3 * RUNS_MAX))
def test_rows_come_back_in_order(times: list[int], held_bytes_max: int) -> None:
    with Sorter(DECODER, held_bytes_max) as sorter:
        for row in rows_of(times):
            sorter.add([row], size_bytes=1)

        assert back(sorter) == sorted(rows_of(times))


@given(st.lists(st.lists(st.integers(0, 50), max_size=30), max_size=6), st.integers(1, 7))
def test_runs_are_merged_whatever_the_size_of_their_frames(times: list[list[int]], frame_rows: int) -> None:
    rows = rows_of([time for run in times for time in run])
    runs, start = [], 0
    for run in times:
        in_order = sorted(rows[start : start + len(run)])
        start += len(run)
        runs.append(iter([in_order[at : at + frame_rows] for at in range(0, len(in_order), frame_rows)]))

    assert [row for block in merged(runs) for row in block] == sorted(rows)


def test_memory_is_bounded_while_rows_are_put_aside_and_merged() -> None:
    count, most = 20_000, 1_000_000
    tracemalloc.start()
    try:
        with Sorter(DECODER, most) as sorter:
            for number in range(count):
                sorter.add([(number * 7_919 % count, number, b"%1000d" % number)], size_bytes=1_100)
            read = sum(len(block) for block in sorter.blocks())
            _, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert read == count
    assert most_bytes < most + 30 * FRAME_ROWS * 1_300  # of 20 MB


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are looked up in /proc")
def test_temporary_files_have_no_name_and_are_given_back_when_sorting_is_broken_off() -> None:
    def nameless() -> int:
        return sum(
            str(file.readlink()).endswith("(deleted)") for file in Path("/proc/self/fd").iterdir() if file.exists()
        )

    before = nameless()

    with Sorter(DECODER, held_bytes_max=1) as sorter:
        for row in rows_of([3, 1, 2]):
            sorter.add([row], size_bytes=1)
        within = nameless()
        next(sorter.blocks())  # the rest is never asked for

    assert (within, nameless()) == (before + 3, before)
