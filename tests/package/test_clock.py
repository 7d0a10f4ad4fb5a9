"""Does the engine's time follow the machine's clock as far as that can be believed, and never go back?"""

from __future__ import annotations

import logging
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcours.clock import JUMP_READINGS, MS_NS, AnchoredTime, SystemClock

JUMP_MAX_MS = 10_000
START_MS = 1_800_000_000_000
SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000


class Machine:
    """A machine whose two clocks the test moves, and the engine's time on it."""

    def __init__(self, wall_ms: int = START_MS) -> None:
        self.true_ms = 0
        self.wall_off_ms = wall_ms
        self.clock = self.new_clock()

    def new_clock(self) -> SystemClock:
        return SystemClock(
            JUMP_MAX_MS,
            wall_ns=lambda: (self.true_ms + self.wall_off_ms) * MS_NS,
            steady_ns=lambda: (self.true_ms + 77) * MS_NS,  # it counts from some other moment
        )

    def after(self, ms: int, wall_ahead_ms: int = 0) -> int:
        """How far the engine's time is from the right one, so much later."""
        self.true_ms += ms
        self.wall_off_ms = START_MS + wall_ahead_ms
        return self.clock.now_ms() - self.true_ms - START_MS


ROWS = [
    # what happens: (ms later, how far the wall clock is ahead, how far the engine's time is then), ...
    ("nothing", [(0, 0, 0), (5, 0, 0), (DAY, 0, 0)]),
    ("a small step ahead is followed", [(SECOND, 9_000, 9_000)]),
    ("as far as clock_jump_max_ms", [(SECOND, JUMP_MAX_MS, JUMP_MAX_MS)]),
    ("further is not", [(SECOND, JUMP_MAX_MS + 1, 0)]),
    ("a day ahead for one event", [(SECOND, DAY, 0), (SECOND, 0, 0), (SECOND, 0, 0)]),
    ("a day ahead, again and again", [(9_000, DAY, 0), (9_000, 0, 0), (9_000, DAY, 0), (9_000, 0, 0)]),
    ("a day ahead to stay", [(0, DAY, 0), (5_000, DAY, 0), (4_999, DAY, 0), (1, DAY, DAY), (SECOND, DAY, DAY)]),
    ("two readings are not several", [(0, DAY, 0), (HOUR, DAY, 0), (0, DAY, DAY)]),
    ("a clock that cannot make up its mind", [(0, DAY, 0), (9_000, 2 * DAY, 0), (9_000, 3 * DAY, 0), (9_000, DAY, 0)]),
    ("a suspended machine: both have gone on", [(SECOND, 0, 0), (DAY, 0, 0)]),
    ("a second behind: slow until they agree", [(0, -SECOND, 0), (50_000, -SECOND, -500), (60_000, -SECOND, -SECOND)]),
    ("an hour behind", [(0, -HOUR, 0), (100 * SECOND, -HOUR, -SECOND), (101 * HOUR, -HOUR, -HOUR)]),
    ("behind for a moment: nearly nothing", [(0, -DAY, 0), (SECOND, -DAY, -10), (0, 0, 0)]),
    ("followed, wrongly after all", [(0, DAY, 0), (5_000, DAY, 0), (5_000, DAY, DAY), (100_000, 0, DAY - SECOND)]),
]  # fmt: skip


@pytest.mark.parametrize("readings", [row[1] for row in ROWS], ids=[row[0] for row in ROWS])
def test_the_table_of_readings(readings: list[tuple[int, int, int]]) -> None:
    machine = Machine()

    found = [machine.after(ms, ahead_ms) for ms, ahead_ms, _ in readings]

    assert found == [expected for _, _, expected in readings]


def test_a_jump_is_a_trouble_until_it_is_followed() -> None:
    machine = Machine()

    machine.after(0, DAY)
    said = machine.clock.trouble()
    machine.after(5_000, DAY)
    machine.after(5_000, DAY)

    assert said is not None and "jumped ahead by 86,400 s" in said and "clock_jump_max_ms=10000" in said
    assert machine.clock.trouble() is None


def test_a_clock_that_is_behind_is_a_trouble_until_they_agree(caplog: pytest.LogCaptureFixture) -> None:
    machine = Machine()
    with caplog.at_level(logging.WARNING, "parcours"):
        machine.after(0, -MINUTE)
        said = machine.clock.trouble()
        machine.after(3_000 * SECOND, -MINUTE)
        half = machine.clock.trouble()

    assert said is not None and "60 s behind" in said
    assert half is not None and "30 s behind" in half
    assert [each.message for each in caplog.records] == [said]  # once
    machine.after(3_100 * SECOND, -MINUTE)
    assert machine.clock.trouble() is None


@pytest.mark.parametrize("off_ms", [-1_000, -3, 0, 3, 9_999])
def test_what_time_servers_put_right_is_no_trouble(off_ms: int) -> None:
    machine = Machine()

    machine.after(SECOND, off_ms)

    assert machine.clock.trouble() is None


def test_a_new_clock_believes_the_machine_unless_something_is_later_already() -> None:
    machine = Machine()
    machine.clock.begin_at(START_MS - DAY)
    assert machine.after(0) == 0
    assert machine.clock.trouble() is None

    machine.clock.begin_at(START_MS + HOUR)
    said = machine.clock.trouble()

    assert machine.after(0) == HOUR
    assert said is not None and "3,600 s behind" in said
    assert machine.after(100 * SECOND) == HOUR - SECOND  # it goes on, slowly
    assert machine.after(101 * HOUR) == 0


def test_the_clock_of_this_machine_is_its_time() -> None:
    before_ms = time.time_ns() // MS_NS
    clock = SystemClock(JUMP_MAX_MS)

    assert before_ms - 1 <= clock.now_ms() <= time.time_ns() // MS_NS + 1
    assert clock.trouble() is None


READINGS = st.lists(st.tuples(st.integers(0, 30_000), st.sampled_from([0, 0, 0, 3, -3, 9_000, -9_000, DAY, -DAY])))


@given(READINGS)
def test_time_never_goes_back_and_never_runs_ahead_of_both_clocks(readings: list[tuple[int, int]]) -> None:
    told = AnchoredTime(START_MS, 0, JUMP_MAX_MS)
    steady, latest_wall = 0, START_MS
    for elapsed, ahead in readings:
        before, steady = told.now_ns, steady + elapsed
        wall = START_MS + steady + ahead

        now = told.read(wall, steady)

        latest_wall = max(latest_wall, wall)
        assert now >= before
        assert now >= before + elapsed * 99 // 100  # nobody waits for ever
        assert now <= max(before + elapsed, latest_wall)


# A glitch is over before it would be believed: (time before it, how far it is off, readings within it).
GLITCHES = st.tuples(
    st.integers(0, 100_000), st.integers(JUMP_MAX_MS + 1, 10**12), st.lists(st.integers(0, 3_000), max_size=3)
)


@given(st.lists(GLITCHES))
def test_no_glitch_is_ever_felt(glitches: list[tuple[int, int, list[int]]]) -> None:
    machine = Machine()
    for pause, off_ms, within in glitches:
        assert machine.after(pause) == 0
        for elapsed in within:
            assert machine.after(elapsed, off_ms) == 0
    assert machine.after(1) == 0


@given(st.integers(-DAY, DAY), st.integers(1, 5_000))
def test_whatever_the_wall_clock_says_in_the_end_is_the_time(off_ms: int, pause_ms: int) -> None:
    machine = Machine()

    for _ in range(JUMP_READINGS):
        machine.after(JUMP_MAX_MS, off_ms)
    machine.after(101 * DAY, off_ms)

    assert machine.after(pause_ms, off_ms) == off_ms
