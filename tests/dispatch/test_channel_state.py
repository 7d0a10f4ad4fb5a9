"""Where does a channel stand that has several dispatchers?"""

from __future__ import annotations

import pytest

from parcours.dispatch.channel_state import BreakerState, ChannelState, joint_state, joint_troubles

AWAY = "the channel 'email' waits: no connection"


def state(
    breaker: BreakerState | None = "closed", next_try_s: float | None = None, trouble: str | None = None
) -> ChannelState:
    return ChannelState(channel="email", breaker=breaker, next_try_s=next_try_s, trouble=trouble, rate="10/s")


@pytest.mark.parametrize(
    "states, joint",
    [
        # one is as ever
        ([state("open", 3.0, AWAY)], state("open", 3.0, AWAY)),
        ([state(None)], state(None)),
        # nothing is wrong with any
        ([state(), state()], state()),
        # what is wrong with all is told once, with the first probe of them
        ([state("open", 3.0, AWAY), state("open", 2.0, AWAY)], state("open", 2.0, AWAY)),
        ([state("open", None, AWAY), state("open", 4.0, AWAY)], state("open", 4.0, AWAY)),
        # what is wrong with some names them
        ([state(), state("open", 3.0, AWAY)], state("open", 3.0, f"dispatcher email.1: {AWAY}")),
        (
            [state("silent", None, "silence"), state("open", 3.0, AWAY), state()],
            state("silent", None, f"dispatcher email.0: silence; dispatcher email.1: {AWAY}"),
        ),
        # also where deliveries could leave
        ([state(trouble="no start"), state()], state(trouble="dispatcher email.0: no start")),
    ],
)
def test_it_stands_as_the_dispatcher_that_stands_worst(states: list[ChannelState], joint: ChannelState) -> None:
    assert joint_state({f"email.{number}": each for number, each in enumerate(states)}) == joint


def test_troubles_are_told_once_where_all_have_the_same_and_by_name_where_not() -> None:
    assert joint_troubles({}) == []
    assert joint_troubles({"email.0": AWAY, "email.1": AWAY}) == [AWAY]
    assert joint_troubles({"email.0": None, "email.1": AWAY}) == [f"dispatcher email.1: {AWAY}"]
