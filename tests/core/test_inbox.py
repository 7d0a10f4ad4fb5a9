"""What lies in a person's inbox, and what takes it out of there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from parcours.config import DAY_MS
from parcours.core.effect import Effects, InboxChange
from parcours.core.fact import DeliveryReached, LimitReached
from parcours.core.inbox_entry import InboxEntry
from parcours.core.input import DeliveryRecorded, FeedbackArrived, Placed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.core.conftest import Begin, Story, Tell

    from parcours.journey.project import Project

MESSAGES = """
- {message: offer, withdraw: [Bought], card: {title: Ten percent off}}
- {message: news, expires: 1d, class: transactional, card: {title: News}, inapp: {body: Look}}
"""

TRIP = """
journey: trip
entry: {event: Start}
correlation: event.cart
exit: [{event: Left}]
steps:
  - {id: lay, send: offer}
  - id: heard
    wait_for: [{reaction: opened, of: lay, next: over}, {reaction: dismissed, of: lay, next: away}]
    timeout: 90d
  - {id: over, end: true}
  - {id: away, end: true}
"""

NEWS = """
journey: news
entry: {event: Seen}
steps:
  - {id: tell, send: news, channels: [card]}
"""


@dataclass
class Inbox:
    """A story in which whatever is ready lies in the inbox at once, as a shard has it."""

    story: Story

    def event(self, at: int, name: str, pinned: bool = False, content: bytes = b"{}", **properties: object) -> Inbox:
        self.story.event(at, name, **properties)
        keys, self.story.ready = self.story.ready, []
        for key in keys:
            self.story.give(DeliveryRecorded(at, Placed(key, content, pinned)))
        return self

    def hear(self, at: int, reaction: str, place: int = -1) -> Inbox:
        self.story.give(FeedbackArrived(at, self.entries[place].key, reaction))
        return self

    @property
    def entries(self) -> list[InboxEntry]:
        return self.story.profile.inbox

    def lies_since(self) -> list[int]:
        return [entry.at for entry in self.entries]

    def told(self, *outcomes: str) -> list[tuple[int, str, str | None]]:
        """(time, outcome, reason) of what is told of deliveries."""
        return [
            (fact.at, fact.outcome, fact.reason)
            for fact in self.story.facts
            if isinstance(fact, DeliveryReached) and (not outcomes or fact.outcome in outcomes)
        ]

    def taken_out(self) -> list[tuple[int, str | None]]:
        return [(at, reason) for at, _, reason in self.told("withdrawn")]


@pytest.fixture
def inbox(tell: Tell) -> Callable[..., Inbox]:
    def begin(journeys: str = TRIP, **settings: Any) -> Inbox:
        return Inbox(tell(journeys, messages=MESSAGES, **settings))

    return begin


def test_what_is_sent_lies_with_the_person_under_her_own_name(inbox: Callable[..., Inbox]) -> None:
    lies = inbox().event(5, "Start", cart="a", content=b'{"title":"Ten percent off"}')

    (entry,) = lies.entries
    assert (entry.channel, entry.message, entry.at, entry.expires) == ("card", "offer", 5, 5 + 30 * DAY_MS)
    assert (entry.content, entry.withdraw) == (b'{"title":"Ten percent off"}', ("Bought",))
    assert lies.told() == [(5, "queued", None), (5, "sent", None)]
    sent = [fact for fact in lies.story.facts if isinstance(fact, DeliveryReached)]
    assert {fact.to for fact in sent} == {"sarah"}
    assert lies.story.outbox == {}


def test_it_is_fetched_seen_and_clicked_and_a_run_hears_it(inbox: Callable[..., Inbox]) -> None:
    lies = inbox().event(5, "Start", cart="a")

    lies.hear(6, "delivered")
    assert (lies.entries[0].is_fetched, lies.entries[0].seen_at) == (True, None)
    lies.hear(7, "opened").hear(8, "clicked").hear(9, "opened")

    assert [outcome for _, outcome, _ in lies.told()] == ["queued", "sent", "delivered", "opened", "clicked"]
    assert lies.entries[0].seen_at == 7
    assert lies.story.steps()[-1] == (7, "over")


def test_a_dismissal_hides_it_is_heard_and_is_no_withdrawal(inbox: Callable[..., Inbox]) -> None:
    lies = inbox().event(5, "Start", cart="a").hear(6, "dismissed")

    assert lies.entries == []
    assert lies.told("dismissed", "withdrawn") == [(6, "dismissed", None)]
    assert lies.story.steps()[-1] == (6, "away")
    assert lies.story.profile.timers == [], "nothing is left to expire"


def test_an_exit_takes_back_what_was_not_seen(inbox: Callable[..., Inbox]) -> None:
    lies = inbox().event(5, "Start", cart="a").event(6, "Start", cart="b").event(7, "Left", cart="a")

    assert lies.taken_out() == [(7, "exit")]
    assert lies.lies_since() == [6]


def test_what_was_seen_stays_when_the_run_is_ended_from_outside(inbox: Callable[..., Inbox]) -> None:
    journey = TRIP.replace("reaction: opened", "reaction: clicked")
    lies = inbox(journey).event(5, "Start", cart="a").hear(6, "opened").event(7, "Left", cart="a")

    assert (lies.taken_out(), lies.lies_since()) == ([], [5])


@pytest.mark.parametrize("bought, left", [("a", [6]), ("c", [5, 6]), (None, [])])
def test_an_event_takes_back_what_it_concerns_also_of_a_run_that_has_ended(
    inbox: Callable[..., Inbox], bought: str | None, left: list[int]
) -> None:
    # given two carts, and the run of the first is over
    lies = inbox(TRIP.replace("timeout: 90d", "timeout: 1d")).event(5, "Start", cart="a")
    lies.story.wait(2 * DAY_MS)
    lies.event(2 * DAY_MS + 6, "Start", cart="b")

    # when one of them is bought, or nobody knows which
    at = 2 * DAY_MS + 7
    lies.event(at, "Bought", cart=bought)

    # then what was said of it is gone
    assert [since % DAY_MS for since in lies.lies_since()] == left
    assert lies.taken_out() == [(at, "event")] * (2 - len(left))


def test_an_event_takes_back_nothing_that_was_seen(inbox: Callable[..., Inbox]) -> None:
    lies = inbox().event(5, "Start", cart="a").hear(6, "clicked").event(7, "Bought", cart="a")

    assert (lies.taken_out(), lies.lies_since()) == ([], [5])


def test_an_event_takes_back_nothing_that_it_sends_itself(inbox: Callable[..., Inbox]) -> None:
    lies = inbox(TRIP.replace("{event: Start}", "{event: Bought}")).event(5, "Bought", cart="a")

    assert lies.lies_since() == [5]
    assert lies.event(6, "Bought", cart="a").lies_since() == [], "a later one does, though the run is already open"


def test_it_expires_by_its_message_or_after_a_month_seen_or_not(inbox: Callable[..., Inbox]) -> None:
    lies = inbox(NEWS + "---" + TRIP).event(5, "Seen").event(5, "Start", cart="a").hear(6, "opened", 0)
    lies.event(5 + DAY_MS, "Seen", page="again")  # the last instant at which the first one is there

    assert lies.lies_since() == [5, 5, 5 + DAY_MS]
    lies.story.wait(6 + DAY_MS)
    assert (lies.lies_since(), lies.taken_out()) == ([5, 5 + DAY_MS], [(5 + DAY_MS, "expired")])
    lies.story.wait(6 + 30 * DAY_MS)
    assert lies.lies_since() == []
    assert lies.taken_out()[1:] == [(5 + 2 * DAY_MS, "expired"), (5 + 30 * DAY_MS, "expired")]


def test_the_oldest_that_is_not_pinned_is_pushed_out(inbox: Callable[..., Inbox]) -> None:
    lies = inbox(NEWS, inbox_max=2).event(1, "Seen", pinned=True).event(2, "Seen").event(3, "Seen")

    assert lies.lies_since() == [1, 3]
    assert lies.taken_out() == [(3, "pushed_out")]
    limits = [fact.setting for fact in lies.story.facts if isinstance(fact, LimitReached)]
    assert limits == ["inbox_max"]

    # and a pinned one, where all others are
    lies.event(4, "Seen", pinned=True).event(5, "Seen", pinned=True)
    assert lies.lies_since() == [4, 5]


def test_the_room_is_in_bytes_too(inbox: Callable[..., Inbox]) -> None:
    lies = inbox(NEWS, inbox_bytes_max=10).event(1, "Seen", content=b"1234").event(2, "Seen", content=b"5678")
    lies.event(3, "Seen", content=b"abcd")
    assert lies.lies_since() == [2, 3]

    lies.event(4, "Seen", content=b"much more than there is room for")
    assert lies.lies_since() == []
    assert lies.taken_out()[-1] == (4, "pushed_out")


def test_a_pause_holds_back_neither_an_event_nor_time(shop: Callable[..., Project], begin: Begin) -> None:
    control = begin(shop(TRIP, messages=MESSAGES))
    lies = Inbox(control.story).event(5, "Start", cart="a").event(6, "Start", cart="b")
    control.change(10, "pause")

    lies.event(11, "Bought", cart="a")
    lies.story.wait(31 * DAY_MS)

    assert lies.taken_out() == [(11, "event"), (6 + 30 * DAY_MS, "expired")]


def test_a_stop_takes_back_what_was_not_seen(shop: Callable[..., Project], begin: Begin) -> None:
    control = begin(shop(TRIP, messages=MESSAGES))
    lies = Inbox(control.story).event(5, "Start", cart="a")

    control.change(10, "stop")

    assert (lies.taken_out(), lies.lies_since()) == ([(10, "exit")], [])


def test_marketing_in_the_inbox_passes_the_gates_as_any(inbox: Callable[..., Inbox]) -> None:
    lies = inbox(policies="{consent: {default: opt_in}, caps: [{max: 1, per: 1d}]}")
    lies.event(5, "Start", cart="a")
    lies.story.consent(6, "card", granted=True)
    lies.event(7, "Start", cart="b").event(8, "Start", cart="c")

    gates = [(at, outcome, gate) for at, _, outcome, gate in lies.story.gates()]
    assert gates == [(5, "refused", "consent"), (7, "queued", None), (8, "refused", "cap")]


def test_nobody_is_asked_for_an_address(inbox: Callable[..., Inbox]) -> None:
    lies = inbox(NEWS)
    lies.story.identify(1, email=None, phone=None, push_token=None)

    assert lies.event(5, "Seen").lies_since() == [5]


def test_whoever_looks_on_is_told_of_each_change(inbox: Callable[..., Inbox], monkeypatch: pytest.MonkeyPatch) -> None:
    lies = inbox(NEWS, inbox_max=1)
    seen: list[InboxChange] = []
    note = lies.story._note

    def overhear(effects: Effects) -> None:
        seen.extend(effects.inbox)
        note(effects)

    monkeypatch.setattr(lies.story, "_note", overhear)

    lies.event(1, "Seen").hear(2, "opened").hear(2, "clicked").event(3, "Seen").hear(4, "dismissed")

    assert [(each.at, each.what, each.why) for each in seen] == [
        (1, "message", None),
        (2, "seen", None),
        (3, "message", None),
        (3, "withdrawn", "pushed_out"),
        (4, "withdrawn", "dismissed"),
    ]
    assert {each.person for each in seen} == {"sarah"}
