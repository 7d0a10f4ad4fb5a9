"""An outbound call goes the way of a delivery, without gates, and its answer becomes what expressions read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from parcours.channel import Accepted, Ambiguous, NotSent, Receipt, Refused
from parcours.core.delivery.answers import matching
from parcours.core.fact import DeliveryReached
from parcours.core.input import Interrupted

if TYPE_CHECKING:
    from tests.core.conftest import Story, Tell

SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000

ACTIONS = """
note:
  url: https://crm.example/notes
  body: {who: profile.email, total: entry.total, city: profile.city, until: entry.until}
  answer: {ticket: string, agent.name: string, rank: integer}
"""

TRIP = """
journey: trip
entry: {event: Start}
exit: [{event: Left}]
steps:
  - {id: note, call: note}
  - {id: pause, wait: %s}
  - id: listen
    wait_for:
      - {reaction: answered, of: note, next: known}
      - {reaction: failed, of: note, next: failed}
    timeout: 1h
    on_timeout: late
  - id: known
    branch: [{when: event.agent.name == "Ada", next: ada}, {when: event.rank > 3, next: high}]
  - {id: plain, end: true}
  - {id: ada, end: true}
  - {id: high, end: true}
  - {id: failed, end: true}
  - {id: late, end: true}
"""


def begin(tell: Tell, pause: str = "0s", **properties: object) -> Story:
    """Somebody whose call is queued at 0."""
    return tell(TRIP % pause, actions=ACTIONS).event(0, "Start", **properties)


def answered(key: str, **answer: Any) -> Accepted:
    return Accepted(key, answer=answer)


def reasons(story: Story, outcome: str) -> list[str | None]:
    return [fact.reason for fact in story.facts if isinstance(fact, DeliveryReached) and fact.outcome == outcome]


def test_a_call_takes_its_fields_along_without_those_that_are_missing(tell: Tell) -> None:
    story = begin(tell, total=80, until="2026-03-02T10:00:00+01:00")

    (outgoing,) = story.outbox.values()
    assert (outgoing.channel, outgoing.message, outgoing.to) == ("call", "note", "https://crm.example/notes")
    assert outgoing.context == {
        "who": "sarah@mail.example", "total": 80, "until": "2026-03-02T09:00:00.000Z",
    }  # fmt: skip
    assert story.steps() == [(0, "note"), (0, "pause"), (0, "listen")], "the run goes on at once"


def test_no_gate_stands_before_a_call(tell: Tell) -> None:
    policies = """
consent: {default: opt_in}
caps: [{max: 1, per: 1d}]
quiet_hours: [{from: "00:00", until: "23:59", then: drop}]
"""
    story = tell(TRIP % "0s", actions=ACTIONS, policies=policies).event(0, "Start").event(1, "Left")

    story.event(2, "Start")

    assert len(story.claim(3)) == 1
    assert [outcome for _, _, outcome in story.outcomes()] == ["queued", "cancelled", "queued", "claimed"]


@pytest.mark.parametrize(
    "answer, way",
    [
        ({"agent": {"name": "Ada"}, "rank": 1}, "ada"),
        ({"agent": {"name": "Bo"}, "rank": 4}, "high"),
        ({"rank": 3}, "plain"),
        ({"rank": "4"}, "plain"),  # not of the kind: left out
        ({"rank": 4.0}, "high"),  # JSON knows one kind of number
        ({"rank": None, "agent": "Ada"}, "plain"),
        ({}, "plain"),
    ],
)
@pytest.mark.parametrize("pause", ["0s", "10s"])  # the listener is there before the answer, or after it
def test_the_answer_is_what_the_steps_after_the_listener_read(
    tell: Tell, answer: dict[str, object], way: str, pause: str
) -> None:
    story = begin(tell, pause)
    (key,) = story.claim(1)

    story.answer(2, answered(key, **answer)).wait(20 * SECOND)

    heard_at = 10 * SECOND if pause == "10s" else 2
    assert story.told("matched") == [(heard_at, "trip", 1, "answered")]
    assert story.steps()[-1] == (heard_at, way)


@pytest.mark.parametrize("at, way", [(HOUR - 1, "plain"), (HOUR, "plain"), (HOUR + 1, "late")])
def test_an_answer_at_the_instant_of_the_time_out_still_counts(tell: Tell, at: int, way: str) -> None:
    story = begin(tell)
    (key,) = story.claim(1)

    story.answer(at, answered(key))

    assert story.steps()[-1] == (min(at, HOUR), way)


def test_only_what_the_journey_names_is_kept_of_an_answer_and_only_while_it_can_be_heard(tell: Tell) -> None:
    story = begin(tell, "10s")
    (key,) = story.claim(1)
    story.answer(2, answered(key, ticket="t1", rank=1, agent={"name": "Bo", "desk": 4}, more=[1]))
    (delivery,) = story.profile.runs[0].deliveries
    assert delivery.answer == {"agent": {"name": "Bo"}, "rank": 1}

    story.wait(20 * SECOND)

    (past,) = story.profile.past
    assert [each.answer for each in past.deliveries] == [{}]
    assert reasons(story, "answered") == [None]


def test_why_something_of_an_answer_is_left_out_is_recorded(tell: Tell) -> None:
    story = begin(tell)
    (key,) = story.claim(1)

    story.answer(2, Accepted(key, answer={"ticket": 7, "rank": 2**64}, reason="it is odd"))

    assert reasons(story, "answered") == [
        "it is odd; rank is a whole number of more than 64 bits; ticket is not of the kind string"
    ]
    assert story.steps()[-1] == (2, "plain")


KINDS = [
    # kind, values that fit, values that do not
    ("string", ["", "x"], [1, True, {}, []]),
    ("number", [1, 1.5], ["1", True]),
    ("integer", [1, 2.0], [1.5, "1", True]),
    ("boolean", [True, False], [0, "true"]),
    ("timestamp", ["2026-03-02T09:00:00Z", "2026-03-02"], ["soon", 1]),
    ("object", [{}, {"a": 1}], [[], "{}"]),
    ("list", [[], [1]], [{}, "[]"]),
]


@pytest.mark.parametrize("kind, fit, others", KINDS)
def test_a_value_of_an_answer_has_to_be_of_its_kind(kind: str, fit: list[object], others: list[object]) -> None:
    for value in fit:
        assert matching({"a": {"b": value}}, {"a.b": kind}) == ({"a": {"b": value}}, [])
    for value in others:
        assert matching({"a": {"b": value}}, {"a.b": kind}) == ({}, [f"a.b is not of the kind {kind}"])
    assert matching({"a": {"b": None}}, {"a.b": kind}) == matching({}, {"a.b": kind}) == ({}, [])


@pytest.mark.parametrize(
    "receipt, reason",
    [
        (Refused("", "the other side answered 404", code="404"), "the other side answered 404"),
        (Refused("", "gone", permanent=True), "gone"),  # no address is suppressed by it, for there is none
    ],
)
def test_a_refused_call_has_failed_and_the_run_hears_it(tell: Tell, receipt: Refused, reason: str) -> None:
    story = begin(tell)
    (key,) = story.claim(1)

    story.answer(2, Refused(key, receipt.reason, receipt.permanent, receipt.code)).wait(HOUR)

    assert story.steps()[-1] == (2, "failed")
    assert reasons(story, "failed") == [reason]
    assert (story.outbox, story.profile.suppressed) == ({}, {})


def test_a_call_that_certainly_was_not_made_is_tried_five_times_and_then_has_failed(tell: Tell) -> None:
    story = begin(tell)
    at, keys = 0, set()
    for pause in (MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, None):
        (key,) = story.claim(at)
        keys.add(key)
        story.answer(at, NotSent(key, "nobody listens"))
        if pause is not None:
            assert not story.wait(at + pause).ready
            at += pause
            story.wait(at + 1)

    assert len(keys) == 1, "each attempt has the same key"
    assert reasons(story, "failed") == ["not sent in 5 attempts: nobody listens"]
    assert (story.outbox, story.ready) == ({}, [])


def test_an_ambiguous_call_is_made_once_more_after_five_minutes_with_the_same_key_and_body(tell: Tell) -> None:
    story = begin(tell, total=80)
    (key,) = story.claim(1)
    before = story.outbox[key]
    story.answer(2, Ambiguous(key, "the line went dead")).identify(3, email="other@mail.example")

    assert not story.wait(2 + 5 * MINUTE).ready
    assert story.wait(3 + 5 * MINUTE).ready == [key]
    assert story.outbox[key] == before
    story.claim(3 + 5 * MINUTE)
    assert story.claimed == [(key, 2)]
    story.answer(4 + 5 * MINUTE, answered(key, rank=9))

    assert story.steps()[-1] == (4 + 5 * MINUTE, "high")
    assert [outcome for _, _, outcome in story.outcomes()] == [
        "queued", "claimed", "unknown", "claimed", "sent", "answered",
    ]  # fmt: skip


def test_a_call_that_crashes_of_ours_leave_in_doubt_is_made_again_until_its_attempts_are_used_up(tell: Tell) -> None:
    story, at = begin(tell), 1
    for _ in range(5):
        (key,) = story.claim(at)
        story.answer(at, Interrupted(key, "the engine stopped"))
        at += 5 * MINUTE + 1
        story.wait(at)

    assert story.steps()[-1][1] == "failed"
    assert reasons(story, "failed") == ["no certain answer in 5 attempts: the engine stopped; it was attempt 5 of 5"]
    assert (story.outbox, story.ready, story.profile.timers) == ({}, [], [])


def test_a_call_that_is_ambiguous_twice_has_failed_so_that_nobody_waits_for_ever(tell: Tell) -> None:
    story = begin(tell)
    (key,) = story.claim(1)
    story.answer(2, Ambiguous(key, "the line went dead")).wait(3 + 5 * MINUTE)
    story.claim(3 + 5 * MINUTE)

    story.answer(4 + 5 * MINUTE, Ambiguous(key, "dead again", "500")).wait(20 * HOUR)

    assert story.steps()[-1] == (4 + 5 * MINUTE, "failed")
    assert reasons(story, "unknown") == ["the line went dead", "dead again"]
    assert reasons(story, "failed") == ["no certain answer in 2 attempts: dead again"]
    assert (story.outbox, story.ready, story.profile.timers) == ({}, [], [])


def test_an_exit_cancels_a_call_unless_it_is_claimed(tell: Tell) -> None:
    queued, claimed = begin(tell), begin(tell)
    (key,) = claimed.claim(1)

    queued.event(2, "Left")
    claimed.event(2, "Left").answer(3, answered(key, rank=9))

    assert queued.claim(3) == []
    assert [outcome for _, _, outcome in queued.outcomes()] == ["queued", "cancelled"]
    assert [outcome for _, _, outcome in claimed.outcomes()] == ["queued", "claimed", "sent", "answered"]
    assert (queued.outbox, claimed.outbox) == ({}, {})
    assert [each.answer for each in claimed.profile.past[0].deliveries] == [{}]


@pytest.mark.parametrize("receipt", [NotSent("", "busy"), Ambiguous("", "the line went dead")])
def test_after_an_exit_a_claimed_call_is_not_made_again(tell: Tell, receipt: NotSent | Ambiguous) -> None:
    story = begin(tell)
    (key,) = story.claim(1)

    story.event(2, "Left").answer(3, type(receipt)(key, receipt.reason)).wait(20 * HOUR)

    assert (story.ready, story.outbox, story.profile.timers) == ([], {}, [])


def test_a_run_that_is_over_still_has_its_call_made(tell: Tell) -> None:
    story = tell("{journey: trip, entry: {event: Start}, steps: [{id: note, call: note}]}", actions=ACTIONS)
    story.event(0, "Start")

    (key,) = story.claim(1)
    story.answer(1, NotSent(key, "busy")).wait(MINUTE + 2)

    assert story.claim(MINUTE + 2) == [key]


LOOP = """
journey: trip
entry: {event: Start}
steps:
  - {id: note, call: note}
  - {id: listen, wait_for: [{reaction: answered, of: note, next: look}], timeout: 1h, on_timeout: over}
  - {id: look, branch: [{when: event.rank > 3, next: pause}], }
  - {id: over, end: true}
  - {id: pause, wait: 1m, next: note}
"""


def test_in_a_loop_only_the_newest_call_is_heard_and_its_key_is_another(tell: Tell) -> None:
    story = tell(LOOP, actions=ACTIONS).event(0, "Start")
    (first,) = story.claim(0)
    story.answer(1, answered(first, rank=4)).wait(MINUTE + 2)
    (second,) = story.claim(MINUTE + 2)

    assert second != first
    assert story.profile.runs[0].step == "listen"
    assert [each.answer for each in story.profile.runs[0].deliveries] == [{}, {}]

    story.answer(MINUTE + 3, answered(second, rank=1))
    assert story.steps()[-1] == (MINUTE + 3, "over")


def test_a_message_after_the_listener_can_say_what_was_answered(tell: Tell) -> None:
    story = tell(
        """
journey: trip
entry: {event: Start}
steps:
  - {id: note, call: note}
  - {id: listen, wait_for: [{reaction: answered, of: note, next: tell}], timeout: 1h}
  - {id: tell, send: told}
""",
        actions=ACTIONS,
        messages='[{message: told, class: transactional, email: {text: "Ticket {{ event.ticket }}"}}]',
    ).event(0, "Start")
    (key,) = story.claim(0)

    story.answer(1, answered(key, ticket="t7"))

    (mail,) = story.outbox.values()
    assert mail.context == {"event": {"ticket": "t7"}}


# What recorded lines may say of a call.


def told(story: Story, at: int, **fields: object) -> Story:
    return story.call(at, type="reaction", journey="trip", step="note", **fields)


def recorded(tell: Tell) -> Story:
    """Somebody whose call has been recorded: taken over, with no answer yet."""
    story = begin(tell)
    story.send(0)
    return story


@pytest.mark.parametrize(
    "fields, way",
    [
        ({"reaction": "answered", "answer": {"rank": 4}}, "high"),
        ({"reaction": "answered", "channel": "call", "answer": {"rank": 4, "odd": True}}, "high"),
        ({"reaction": "answered"}, "plain"),
        ({"reaction": "failed", "channel": "call"}, "failed"),
    ],
)
def test_a_recorded_call_is_answered_by_a_line(tell: Tell, fields: dict[str, object], way: str) -> None:
    story = told(recorded(tell), 5, **fields)

    assert story.steps()[-1] == (5, way)


@pytest.mark.parametrize("first, second", [("answered", "failed"), ("failed", "answered"), ("answered", "answered")])
def test_a_call_comes_to_one_end_only(tell: Tell, first: str, second: str) -> None:
    story = told(recorded(tell), 5, reaction=first, channel="call")

    told(story, 6, reaction=second, channel="call")

    assert [outcome for at, _, outcome in story.outcomes() if at > 0] == [first]


def test_nobody_answers_a_call_that_has_not_left(tell: Tell) -> None:
    story = told(begin(tell), 5, reaction="answered")

    assert [fact.at for fact in story.others()] == [5]
    assert not story.told("matched")


def test_simulated_people_do_not_react_to_a_call(tell: Tell) -> None:
    class Eager:
        def reactions(self, key: str, channel: str) -> list[tuple[int, str]]:
            return [(1, "opened")]

    story = tell(TRIP % "0s", crowd=Eager(), actions=ACTIONS).event(0, "Start")

    story.send(0)

    assert [timer.kind for timer in story.profile.timers] == ["timeout"]


def test_a_message_and_an_action_of_one_name_are_kept_apart(tell: Tell) -> None:
    same = ACTIONS.replace("note:", "mail:")
    story = tell("{journey: trip, entry: {event: Start}, steps: [{id: note, call: mail}]}", actions=same)
    story.event(0, "Start")
    (key,) = story.claim(0)

    receipt: Receipt = Ambiguous(key, "dead")
    story.answer(1, receipt)

    assert [timer.kind for timer in story.profile.timers] == ["retry"], "it is no marketing"
