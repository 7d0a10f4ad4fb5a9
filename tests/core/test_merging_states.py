"""Two people become one while something is held, while a journey is paused, while something lies in their inboxes."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from tests.core.conftest import Control, Story, project_of
from tests.core.test_inbox import Inbox
from tests.core.test_merging import ANONYMOUS, SENDS, Use, anonymous, merge, merged, two

from parcours.channel import Ambiguous
from parcours.config import Settings
from parcours.core.fact import DeliveryReached, Moved
from parcours.core.turn import iso
from parcours.journey.publish.publications import Publications, begun

MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE
DUSK: Final = 22 * HOUR
"""Of 1 January 1970 in UTC, where both live."""
DAWN: Final = 30 * HOUR

NIGHT: Final = """
consent: {default: opt_out}
quiet_hours: [{channels: [email], from: "22:00", until: "06:00", then: hold}]
"""


# Something is held


def held(use: Use = "used", theirs: str = "a@x.example") -> tuple[Story, Story]:
    """A mail of the anonymous person waits for the end of the night."""
    known, other = two(SENDS, use, policies=NIGHT)
    known.identify(1, timezone="UTC", email="s@x.example")
    other.call(1, userId=None, anonymousId="7f3a", type="identify", traits={"email": theirs, "timezone": "UTC"})
    anonymous(other, DUSK, "Start")
    assert other.gates()[-1][2:] == ("held", "quiet_hours")
    return known, other


def test_what_is_held_goes_on_waiting_and_leaves_for_her_own_address() -> None:
    known, other = held()
    (key,) = [delivery.key for run in other.profile.runs for delivery in run.deliveries]

    merge(known, other, DUSK + HOUR)

    assert known.wait(DAWN + 1).send(DAWN + 1) == [key], "the same delivery, whoever it is for"
    sent = [fact for fact in known.facts if isinstance(fact, DeliveryReached) and fact.outcome == "sent"]
    assert [(fact.person, fact.run, fact.to) for fact in sent] == [("sarah", 1, "s@x.example")]
    assert known.steps()[-1] == (DAWN, "rest")


def test_its_release_asks_the_gates_as_her() -> None:
    known, other = held()
    known.consent(2, "email", granted=False)

    merge(known, other, DUSK + HOUR)
    known.wait(DAWN + 1)

    assert known.gates()[-1] == (DAWN, "email", "refused", "consent")


def test_a_zone_that_she_gets_by_the_merge_has_everything_held_judged_anew() -> None:
    known, other = two(SENDS, policies=NIGHT)
    known.identify(1, email="s@x.example")
    place = {"email": "a@x.example", "timezone": "America/New_York"}
    other.call(1, userId=None, anonymousId="7f3a", type="identify", traits=place)
    known.event(DUSK, "Start")
    assert known.gates()[-1][2] == "held"

    merge(known, other, DUSK + HOUR)  # 18:00 in New York

    assert known.gates()[-1] == (DUSK + HOUR, "email", "queued", None)


def test_what_is_held_for_a_run_that_cannot_go_on_is_cancelled_under_the_other_name() -> None:
    known, other = held()
    known.event(DUSK, "Start")

    effects = merge(known, other, DUSK + HOUR)

    assert [run.why for run in merged(effects).runs] == ["already_in"]
    cancelled = [fact for fact in effects.facts if isinstance(fact, DeliveryReached)]
    assert [(fact.person, fact.run, fact.outcome) for fact in cancelled] == [(ANONYMOUS, 1, "cancelled")]
    known.wait(DAWN + 1)
    assert len(known.send(DAWN + 1)) == 1


def test_what_is_held_is_cancelled_where_the_past_is_not_used() -> None:
    known, other = held("unused")

    merge(known, other, DUSK + HOUR)
    known.wait(DAWN + 1)

    assert known.gates()[-1] == (DUSK + HOUR, "email", "cancelled", None)
    assert known.outbox == {} and [timer.kind for timer in known.profile.timers] == ["names"]


# Something was sent

CAPPED: Final = """
{journey: trip, entry: {event: Start}, correlation: event.cart, steps: [{id: mail, send: mail, channels: [email]}]}
---
{journey: tour, entry: {event: Seen}, steps: [{id: rest, wait: 1h}]}
"""
DAILY: Final = "{consent: {default: opt_out}, caps: [{channels: [email], max: 1, per: 1d}]}"


@pytest.mark.parametrize("use", ["used", "unused"])
def test_what_somebody_was_sent_counts_as_sent_to_whoever_was_sent_nothing_though_its_run_is_dropped(use: Use) -> None:
    known, other = two(CAPPED, use, policies=DAILY)
    known.identify(1, email="s@x.example").event(2, "Seen")
    other.call(1, userId=None, anonymousId="7f3a", type="identify", traits={"email": "a@x.example"})
    anonymous(other, 3, "Start", cart="a")
    other.send(4)

    merge(known, other, HOUR * 2)
    known.event(HOUR * 3, "Start", cart="b")

    assert known.gates()[-1] == (HOUR * 3, "email", "refused", "cap")


# A journey is paused

LISTENS: Final = """
journey: trip
entry: {event: Start}
correlation: event.cart
goal: {event: Seen, within: 7d}
steps: [{id: hear, wait_for: [{event: Bought, next: over}], timeout: 1h}, {id: late, wait: 9d}, {id: over, end: true}]
"""


class Both:
    """Two people under one journey control."""

    def __init__(self, use: Use = "used", journeys: str = LISTENS) -> None:
        project = project_of(journeys)
        program = replace(project.program, anonymous_history=use)
        self.use: Use = use
        self.known = Story(program, Settings(), person="sarah")
        self.other = Story(program, Settings(), person=ANONYMOUS)
        self._publications: Publications = begun(project)

    def change(self, at: int, verb: str, *stories: Story) -> None:
        before = self._publications
        for story in stories or (self.known, self.other):
            control = Control(story, before)
            control.change(at, verb)  # type: ignore[arg-type]  # one of the verbs, as the callers write them
            story.program = replace(story.program, anonymous_history=self.use)
            self._publications = control.publications


def test_what_a_pause_has_kept_of_each_moves_the_runs_of_that_one_alone() -> None:
    both = Both()
    both.known.event(1, "Start", cart="a")
    anonymous(both.other, 2, "Start", cart="b")
    both.change(3, "pause")
    anonymous(both.other, 10, "Bought")  # without a cart: it concerns every run that there was of hers

    merge(both.known, both.other, 20)
    both.change(30, "resume", both.known)

    assert both.known.told("matched") == [(10, "trip", 2, "Bought")]
    assert [(run.number, run.step) for run in both.known.profile.runs] == [(1, "hear")]


def test_what_happens_after_the_merge_in_a_pause_moves_all_of_her_runs() -> None:
    both = Both()
    both.known.event(1, "Start", cart="a")
    anonymous(both.other, 2, "Start", cart="b")
    both.change(3, "pause")

    merge(both.known, both.other, 20)
    both.known.event(25, "Bought")
    both.change(30, "resume", both.known)

    assert sorted(both.known.told("matched")) == [(25, "trip", 1, "Bought"), (25, "trip", 2, "Bought")]


def test_a_run_arrives_paused_and_its_timer_is_made_up_for_at_the_resume() -> None:
    both = Both()
    anonymous(both.other, 1, "Start", cart="b")
    both.change(3, "pause")

    effects = merge(both.known, both.other, 20)
    assert [(run.number, run.to) for run in merged(effects).runs] == [(1, 1)]
    both.known.wait(2 * HOUR)
    assert both.known.told("timed_out") == [], "paused"
    both.change(2 * HOUR, "resume", both.known)

    assert both.known.told("timed_out") == [(HOUR + 1, "trip", 1, None)]
    assert both.known.moves("waiting")[-1][2] == iso(HOUR + 1 + 9 * 24 * HOUR)


def test_a_goal_that_was_met_in_a_pause_before_the_merge_counts_for_the_run_that_met_it() -> None:
    both = Both()
    both.known.event(1, "Start", cart="a")
    anonymous(both.other, 2, "Start", cart="b")
    both.change(3, "pause")
    anonymous(both.other, 10, "Seen")

    merge(both.known, both.other, 20)
    both.change(30, "stop", both.known)

    assert both.known.told("goal") == [(10, "trip", 2, None)]


@pytest.mark.parametrize("verb", ["resume", "stop"])
def test_a_goal_that_was_met_in_a_pause_counts_for_a_run_that_the_merge_has_ended(verb: str) -> None:
    both = Both(journeys=LISTENS.replace("correlation: event.cart\n", ""))
    both.known.event(1, "Start")
    anonymous(both.other, 2, "Start")
    both.change(3, "pause")
    anonymous(both.other, 10, "Seen")

    effects = merge(both.known, both.other, 20)
    assert [run.why for run in merged(effects).runs] == ["already_in"]
    both.change(30, verb, both.known)

    assert both.known.told("goal") == [(10, "trip", 2, None)]


@pytest.mark.parametrize("verb", ["resume", "stop"])
def test_what_is_in_doubt_is_not_tried_again_for_a_run_that_the_merge_has_ended_in_a_pause(verb: str) -> None:
    receipt = SENDS.replace("send: mail", "send: receipt")  # transactional: one in doubt is tried again
    both = Both(journeys=receipt)
    both.known.event(1, "Start")
    both.other.call(1, userId=None, anonymousId="7f3a", type="identify", traits={"email": "a@x.example"})
    anonymous(both.other, 2, "Start")
    (key,) = both.other.claim(3)
    both.other.answer(4, Ambiguous(key, "the line went dead"))
    both.change(5, "pause")
    both.other.wait(HOUR)  # the pause keeps the retry

    effects = merge(both.known, both.other, HOUR)
    assert [run.why for run in merged(effects).runs] == ["already_in"]
    both.change(2 * HOUR, verb, both.known)

    assert both.known.outbox == {}
    assert both.known.ready == [], "nothing lies in the outbox that could be claimed"


def test_nothing_that_a_pause_has_kept_is_made_up_for_where_the_past_is_not_used() -> None:
    both = Both("unused")
    both.known.event(1, "Start", cart="a")
    anonymous(both.other, 2, "Start", cart="b")
    both.change(3, "pause")
    anonymous(both.other, 10, "Bought")
    anonymous(both.other, 11, "Seen")

    merge(both.known, both.other, 20)
    both.change(30, "resume", both.known)

    assert both.known.moves("matched", "goal") == []
    ended = [fact for fact in both.known.facts if isinstance(fact, Moved) and fact.what == "ended"]
    assert [(fact.at, fact.person, fact.why) for fact in ended] == [(20, ANONYMOUS, "merged: unused")]


# Something lies in their inboxes

LAYS: Final = "{journey: trip, entry: {event: Start}, steps: [{id: lay, send: offer}]}"
STAYS: Final = "{journey: trip, entry: {event: Start}, steps: [{id: lay, send: offer}, {id: rest, wait: 40d}]}"
CARD: Final = "- {message: offer, withdraw: [Bought], card: {title: Ten percent off}}"


def inboxes(use: Use = "used", journeys: str = LAYS, **settings: int) -> tuple[Inbox, Inbox]:
    program = replace(project_of(journeys, messages=CARD).program, anonymous_history=use)
    made = Settings(**settings)
    known, other = Story(program, made, person="sarah"), Story(program, made, person=ANONYMOUS)
    for story in (known, other):
        story.consent(0, "card", granted=True)
    return Inbox(known), Inbox(other)


def lay(inbox: Inbox, at: int) -> None:
    """A card, by an event under whichever name the story goes."""
    given = inbox.story
    ids = {"userId": None, "anonymousId": "7f3a"} if given.person == ANONYMOUS else {}
    given.call(at, type="track", event="Start", properties={}, **ids)
    inbox.event(at, "Seen")  # lets what is ready lie there


def test_inboxes_are_joined_by_time() -> None:
    known, other = inboxes()
    lay(known, 5)
    lay(other, 3)

    merge(known.story, other.story, 10)

    assert known.lies_since() == [3, 5]


def test_of_what_was_in_the_other_inbox_she_hears_under_her_own_name() -> None:
    known, other = inboxes()
    lay(other, 3)

    merge(known.story, other.story, 10)
    known.hear(20, "opened")

    opened = [fact for fact in known.story.facts if isinstance(fact, DeliveryReached) and fact.outcome == "opened"]
    assert [(fact.person, fact.run, fact.to) for fact in opened] == [("sarah", 1, ANONYMOUS)]


def test_a_run_that_cannot_go_on_takes_back_what_she_has_not_seen_of_it() -> None:
    known, other = inboxes(journeys=STAYS)
    lay(known, 5)
    lay(other, 3)

    merge(known.story, other.story, 10)

    assert known.lies_since() == [5], "one card of the journey, as of one run"
    assert known.told("withdrawn") == [(10, "withdrawn", "exit")]


def test_an_entry_is_withdrawn_by_an_event_as_if_it_had_always_been_hers() -> None:
    known, other = inboxes()
    lay(other, 3)
    merge(known.story, other.story, 10)

    known.event(20, "Bought")

    assert known.told("withdrawn") == [(20, "withdrawn", "event")]
    assert known.entries == []


def test_where_there_is_no_room_for_both_the_oldest_goes() -> None:
    known, other = inboxes(inbox_max=1)
    lay(known, 5)
    lay(other, 3)

    merge(known.story, other.story, 10)

    assert known.lies_since() == [5]
    assert known.told("withdrawn") == [(10, "withdrawn", "pushed_out")]


@pytest.mark.parametrize("journeys", [LAYS, STAYS])
@pytest.mark.parametrize("is_seen", [False, True])
def test_the_other_inbox_is_emptied_where_the_past_is_not_used(journeys: str, *, is_seen: bool) -> None:
    known, other = inboxes("unused", journeys)
    lay(known, 5)
    lay(other, 3)
    if is_seen:
        other.hear(4, "opened")

    merge(known.story, other.story, 10)

    assert known.lies_since() == [5]
    withdrawn = [
        fact for fact in known.story.facts if isinstance(fact, DeliveryReached) and fact.outcome == "withdrawn"
    ]
    assert [(fact.person, fact.run, fact.reason) for fact in withdrawn] == [(ANONYMOUS, 1, "exit")]
