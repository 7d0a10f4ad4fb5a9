"""When does somebody enter who is let in by a read that a shard carries out late?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from parcours.shard.messages import Reading

if TYPE_CHECKING:
    from tests.shard.conftest import Lines, World

TIMEOUT_MS = 20_000
"""Of the journey's first step."""


@pytest.mark.parametrize(
    "late_ms, entered_ms",
    [
        (1, 0),  # a read is never on time to the millisecond
        (10_000, 0),
        (10_001, 10_001),  # nobody was there at the instant: people enter when somebody is
        (86_400_000, 86_400_000),
    ],
)
def test_people_enter_at_the_instant_of_a_read_that_is_a_moment_late(
    world: World, lines: Lines, late_ms: int, entered_ms: int
) -> None:
    world.take(lines.identify("anna"))
    at = world.now_ms + 500
    world.now_ms = at + late_ms

    world.shard.read(Reading("remind", 1, at, [("anna", at)]), world.now_ms)
    world.pass_ms(1)

    profile = world.shard.profile("anna")
    assert profile is not None
    assert [run.entered_at - at for run in profile.runs] == [entered_ms]
    assert [timer.due - at for timer in profile.timers] == [entered_ms + TIMEOUT_MS]


def test_the_nth_enters_later_by_the_rate_though_the_read_is_late(world: World, lines: Lines) -> None:
    world.take(lines.identify("anna"))
    at = world.now_ms
    world.now_ms = at + 5

    world.shard.read(Reading("remind", 1, at, [("anna", at + 3_000)]), world.now_ms)
    world.pass_ms(3_000)

    profile = world.shard.profile("anna")
    assert profile is not None
    assert [run.entered_at - at for run in profile.runs] == [3_000]
