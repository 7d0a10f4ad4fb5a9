"""Journey control: a journey is closed, stopped, paused and resumed with a person in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from parcours.channel import NotSent
from parcours.config import DAY_MS, HOUR_MS, MINUTE_MS
from parcours.core.fact import DeliveryReached, LimitReached
from parcours.journey.project import Project

if TYPE_CHECKING:
    from tests.core.conftest import Begin, Control

Shop = Callable[..., Project]

TRIP = """
journey: trip
entry: {event: Start}
correlation: event.cart
exit: [{event: Left}]
goal: {event: Bought}
steps:
  - id: listen
    wait_for: [{event: Bought, next: thank}]
    timeout: 1h
  - {id: write, send: mail, channels: [email]}
  - {id: rest, wait: 1h, next: done}
  - {id: thank, send: receipt}
  - {id: done, end: true}
"""

OTHER = """
journey: other
entry: {event: Start}
exit: [{event: Left}]
steps: [{id: listen, wait_for: [{event: Bought, next: done}], timeout: 1h}, {id: done, end: true}]
"""

BOTH = f"{TRIP}---{OTHER}"


def moves(control: Control, *what: str, journey: str = "trip") -> list[tuple[int, str, str | None]]:
    """(time, what, why) of the journey's moves of these kinds, one kind after the other."""
    return [(at, kind, why) for kind in what for at, name, _, why in control.story.told(kind) if name == journey]


@pytest.mark.parametrize(
    ("verbs", "refusal"),
    [
        (("close",), []),  # nobody is told: there is nothing to enter
        (("stop",), []),
        (("pause",), [(10, "trip", None, "paused")]),
        (("pause", "resume"), []),
        (("close", "pause"), []),  # closed as well: not even refused
    ],
)
def test_nobody_enters_a_journey_that_is_not_open(
    shop: Shop, begin: Begin, verbs: tuple[str, ...], refusal: object
) -> None:
    control = begin(shop(BOTH))
    for at, verb in enumerate(verbs):
        control.change(at, verb)  # type: ignore[arg-type]  # the verbs of the table

    control.story.event(10, "Start", cart="a")

    assert control.story.told("not_entered") == refusal
    entered = {journey for _, journey, _, _ in control.story.told("entered")}
    assert entered == ({"trip", "other"} if verbs[-1] == "resume" else {"other"})


def test_a_pause_is_the_first_thing_that_is_looked_at(shop: Shop, begin: Begin) -> None:
    never = TRIP.replace("entry: {event: Start}", "entry: {event: Start, when: event.total > 5}\nends: 1970-01-01")
    control = begin(shop(never))
    control.change(0, "pause")

    control.story.event(DAY_MS * 3, "Start", cart="a")

    assert control.story.moves("not_entered") == [("not_entered", None, "paused")]
    assert control.story.others() == [], "the condition was not even asked"


def test_who_is_in_a_closed_journey_goes_on(shop: Shop, begin: Begin) -> None:
    control = begin(shop(TRIP))
    control.story.event(0, "Start", cart="a")
    control.change(1, "close")

    control.story.event(2, "Bought")

    assert control.story.told("ended") == [(2, "trip", 1, "end step")]


def test_a_stopped_journey_ends_all_runs_and_sends_nothing_more(shop: Shop, begin: Begin) -> None:
    control = begin(shop(BOTH))
    control.story.event(0, "Start", cart="a").wait(HOUR_MS + 1)
    control.story.event(HOUR_MS + 1, "Start", cart="b")
    assert control.story.ready, "the reminder of the first run waits to leave"

    control.change(HOUR_MS + 2, "stop")

    assert control.story.told("ended")[-2:] == [
        (HOUR_MS + 2, "trip", 1, "stopped"),
        (HOUR_MS + 2, "trip", 2, "stopped"),
    ]
    assert control.story.outcomes()[-1] == (HOUR_MS + 2, "write", "cancelled")
    assert [run.journey for run in control.story.profile.runs] == ["other"], "another journey goes on"
    assert control.story.send(HOUR_MS + 3) == []
    assert all(timer.journey == "other" for timer in control.story.profile.timers)


def test_a_stopped_journey_is_entered_again_once_it_is_published_again(shop: Shop, begin: Begin) -> None:
    control = begin(shop(TRIP))
    control.change(0, "stop")
    control.story.event(1, "Start", cart="a")

    control.publish(2, shop(TRIP))
    control.story.event(3, "Start", cart="a")

    assert control.story.told("entered") == [(3, "trip", 1, "Start")]
    assert control.story.program.journeys[0].version == 1, "its content is the same"


@pytest.mark.parametrize(
    ("paused_at", "bought_at", "resumed_at", "ended_at", "how"),
    [
        (100, 200, 300, 200, "matched"),  # kept, and applied at its own time
        (100, 100, 300, 100, "matched"),  # the pause goes before the event of its instant, as every change does
        (100, HOUR_MS, 2 * HOUR_MS, HOUR_MS, "matched"),  # an event goes before a timer of the same instant
        (100, HOUR_MS + 1, 2 * HOUR_MS, HOUR_MS, "timed_out"),  # a millisecond later it is too late, pause or not
        (100, HOUR_MS - 1, HOUR_MS, HOUR_MS - 1, "matched"),
        (HOUR_MS, HOUR_MS + 1, HOUR_MS + 2, HOUR_MS, "timed_out"),  # due at the instant of the pause: kept
        (HOUR_MS + 1, HOUR_MS + 2, HOUR_MS + 3, HOUR_MS, "timed_out"),  # due before the pause: it fired then
        (100, 200, HOUR_MS, 200, "matched"),  # resumed at the very instant of the timer
    ],
)
def test_what_happens_in_a_pause_happens_at_its_own_time(
    shop: Shop, begin: Begin, paused_at: int, bought_at: int, resumed_at: int, ended_at: int, how: str
) -> None:
    control = begin(shop(TRIP))
    control.story.event(0, "Start", cart="a")
    control.change(paused_at, "pause")

    control.story.event(bought_at, "Bought")
    assert moves(control, "matched") == [], "nobody moves"
    control.change(resumed_at, "resume")

    found = [(at, what) for at, what, _ in [*moves(control, "matched"), *moves(control, "timed_out")]]
    assert found == [(ended_at, how)]
    assert control.story.profile.kept == []


def test_many_inputs_are_made_up_for_in_order(shop: Shop, begin: Begin) -> None:
    steps = "\n".join(f"  - {{id: s{n}, wait_for: [{{event: Seen, when: 'event.page == \"{n}\"'}}]}}" for n in range(4))
    control = begin(shop(f"journey: trip\nentry: {{event: Start}}\nsteps:\n{steps}\n"))
    control.story.event(0, "Start")
    control.change(1, "pause")

    for at, page in enumerate(["0", "2", "1", "2", "3"], start=10):
        control.story.event(at, "Seen", page=page)
    control.change(100, "resume")

    assert [at for at, _, _ in moves(control, "matched")] == [10, 12, 13, 14]


def test_an_exit_and_a_goal_in_a_pause_count_at_their_times(shop: Shop, begin: Begin) -> None:
    control = begin(shop(TRIP))
    control.story.event(0, "Start", cart="a")
    control.change(1, "pause")
    control.story.event(10, "Bought").event(20, "Left")

    control.change(30, "resume")

    assert moves(control, "goal", "matched", "exited") == [(10, "goal", None), (10, "matched", "Bought")]
    assert control.story.told("ended") == [(10, "trip", 1, "end step")], "what left afterwards was gone already"


def test_the_person_goes_on_and_so_do_her_other_journeys(shop: Shop, begin: Begin) -> None:
    control = begin(shop(BOTH, audiences='buyers: count("Bought", "30d") > 0'))
    control.story.event(0, "Start", cart="a")
    control.change(1, "pause")

    control.story.identify(2, city="Paris").event(3, "Bought")

    profile = control.story.profile
    assert (profile.traits["city"], profile.audiences) == ("Paris", {"buyers": True})
    assert moves(control, "ended", journey="other") == [(3, "ended", "end step")]
    assert [run.journey for run in profile.runs] == ["trip"]
    assert [(each.at, each.kind, each.names) for each in profile.kept] == [(3, "occasion", ("Bought",))]


def test_what_cannot_move_anybody_is_not_kept(shop: Shop, begin: Begin) -> None:
    control = begin(shop(TRIP))
    control.story.event(0, "Start", cart="a")
    control.change(1, "pause")

    control.story.event(2, "Start", cart="b").event(3, "Seen", page="p").event(4, "Bought", cart="b")

    assert control.story.profile.kept == []


def test_a_message_waits_for_the_end_of_the_pause(shop: Shop, begin: Begin) -> None:
    control = begin(shop(TRIP))
    control.story.event(0, "Start", cart="a").wait(HOUR_MS + 1)
    control.change(HOUR_MS + 2, "pause")

    assert control.story.send(HOUR_MS + 3) == []
    control.story.ready = []  # the dispatcher comes for it a second time, as after a crash
    assert len(control.story.profile.kept) == 1

    control.change(HOUR_MS + 4, "resume")
    assert len(control.story.send(HOUR_MS + 5)) == 1


def test_another_attempt_that_was_due_in_a_pause_is_made_after_it(shop: Shop, begin: Begin) -> None:
    control = begin(shop(TRIP))
    control.story.event(0, "Start", cart="a").wait(HOUR_MS + 1)
    (key,) = control.story.claim(HOUR_MS + 1)
    control.change(HOUR_MS + 2, "pause")
    control.story.answer(HOUR_MS + 3, NotSent(key, "busy"))  # what became of it is noted at once

    assert control.story.wait(HOUR_MS + 2 * MINUTE_MS).send(HOUR_MS + 2 * MINUTE_MS) == []
    control.change(HOUR_MS + 3 * MINUTE_MS, "resume")

    assert control.story.send(HOUR_MS + 3 * MINUTE_MS) == [key]


REACTING = """
journey: trip
entry: {event: Start}
steps:
  - {id: write, send: mail, channels: [email]}
  - {id: rest, wait_for: [{event: Bought}]}
  - {id: opened, wait_for: [{reaction: opened, of: write, next: done}], timeout: 1h}
  - {id: late, wait: 1d}
  - {id: done, end: true}
"""


def test_a_reaction_in_a_pause_counts_from_its_own_time(shop: Shop, begin: Begin) -> None:
    # given a run that gets to the listener in the pause, before its person reacts
    control = begin(shop(REACTING))
    control.story.event(0, "Start").send(0)
    control.change(1, "pause")
    control.story.event(10, "Bought").react(20, "opened", "write")
    assert control.story.outcomes()[-1] == (20, "write", "opened"), "what became of the message is known at once"

    control.change(30, "resume")

    assert moves(control, "matched") == [(10, "matched", "Bought"), (20, "matched", "opened")]


GATED = "{consent: {default: opt_out}, quiet_hours: [{channels: [email], from: '22:00', until: '08:00', then: hold}]}"


def test_gates_go_by_the_time_at_which_the_journey_goes_on(shop: Shop, begin: Begin) -> None:
    # given a message whose step was due at night, Paris being an hour ahead
    control = begin(shop(TRIP, policies=GATED))
    night = 22 * HOUR_MS
    control.story.event(night, "Start", cart="a")
    control.change(night + 1, "pause")

    # when the journey goes on at ten in the morning
    morning = DAY_MS + 9 * HOUR_MS
    control.story.wait(morning)
    control.change(morning, "resume")

    # then the run was there at its own time, and the message leaves now
    assert (night + HOUR_MS, "write") in control.story.steps()
    assert control.story.gates() == [(morning, "email", "queued", None)]
    assert control.story.told("ended") == [(night + 2 * HOUR_MS, "trip", 1, "end step")]


def test_a_message_that_expired_in_the_pause_is_refused_then(shop: Shop, begin: Begin) -> None:
    control = begin(shop(TRIP, messages="[{message: mail, expires: 30m, email: {text: hi}}]"))
    control.story.event(0, "Start", cart="a")
    control.change(1, "pause")
    control.story.wait(2 * HOUR_MS)
    control.change(2 * HOUR_MS, "resume")

    (refused,) = [f for f in control.story.facts if isinstance(f, DeliveryReached)]
    assert (refused.at, refused.outcome, refused.gate) == (2 * HOUR_MS, "refused", "expiry")


def test_more_than_can_be_kept_is_left_out_and_said(shop: Shop, begin: Begin) -> None:
    control = begin(shop(TRIP), kept_inputs_max=2)
    control.story.event(0, "Start", cart="a")
    control.change(1, "pause")

    for at in (10, 11, 12):
        control.story.event(at, "Bought", cart="a")
    control.story.event(13, "Bought", cart="a").event(14, "Left", cart="a").event(15, "Left", cart="a")

    assert [each.at for each in control.story.profile.kept if each.kind == "occasion"] == [10, 11]
    limits = [f for f in control.story.facts if isinstance(f, LimitReached)]
    assert [(each.at, each.setting, each.journey) for each in limits] == [
        (12, "kept_inputs_max", "trip"), (14, "kept_inputs_max", "trip"),
    ]  # fmt: skip
    assert limits[0].why == "'trip' is paused and keeps 2 inputs of a person: from now on it misses Bought"
    assert limits[1].why.endswith("misses Left"), "each thing that gets lost is told of once"


def test_stopping_a_paused_journey_forgets_what_was_missed(shop: Shop, begin: Begin) -> None:
    control = begin(shop(TRIP))
    control.story.event(0, "Start", cart="a")
    control.change(1, "pause")
    control.story.event(2, "Bought").wait(2 * HOUR_MS)

    control.change(2 * HOUR_MS, "stop")

    assert control.story.told("ended") == [(2 * HOUR_MS, "trip", 1, "stopped")]
    assert (control.story.profile.kept, control.story.profile.timers) == ([], [])


def test_publishing_a_paused_journey_leaves_it_paused(shop: Shop, begin: Begin) -> None:
    control = begin(shop(TRIP))
    control.story.event(0, "Start", cart="a")
    control.change(1, "pause")
    control.publish(2, shop(TRIP.replace("timeout: 1h", "timeout: 2h")))

    control.story.event(3, "Start", cart="b").event(4, "Bought")
    control.change(5, "resume")

    assert control.story.told("not_entered") == [(3, "trip", None, "paused")]
    assert moves(control, "matched") == [(4, "matched", "Bought")], "the run of version 1 makes up for it"
