"""What becomes of a delivery: its attempts, what is ambiguous, and its key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from parcours.channel import Accepted, Ambiguous, NotSent, Refused
from parcours.core.fact import DeliveryReached
from parcours.core.input import Interrupted, Settlement

if TYPE_CHECKING:
    from tests.core.conftest import Story, Tell

MINUTE, HOUR = 60_000, 3_600_000

ONE = """
journey: trip
entry: {event: Start}
steps:
  - {id: write, send: %s, channels: [email], to: {email: event.email}, on_refused: refused}
  - {id: after, wait: 30d, next: over}
  - {id: refused, end: true}
  - {id: over, end: true}
"""
MAIL = {"email": "a@b.example"}


def test_one_delivery_for_each_channel_in_the_order_of_the_document(tell: Tell) -> None:
    story = tell("{journey: trip, entry: {event: Start}, steps: [{id: write, send: mail}]}")

    story.event(5, "Start")

    assert [(each.channel, each.to, each.at) for each in story.outbox.values()] == [
        ("email", "sarah@mail.example", 5), ("sms", "+33612345678", 5),
    ]  # fmt: skip


def test_a_delivery_carries_what_its_templates_name_and_nothing_else(tell: Tell) -> None:
    story = tell(ONE % "mail")

    story.event(5, "Start", cart="c1", total=9, **MAIL)

    (outgoing,) = story.outbox.values()
    assert outgoing.context == {"entry": {"cart": "c1"}, "run": {"entered_at": "1970-01-01T00:00:00.005Z"}}


def test_what_a_delivery_carries_does_not_change_with_the_person(tell: Tell) -> None:
    story = tell(
        """
journey: trip
entry: {event: Start}
steps:
  - {id: write, send: receipt}
  - {id: change, update: {home.city: '"Rome"'}}
"""
    ).identify(1, home={"city": "Oslo"})

    story.event(5, "Start")

    (outgoing,) = story.outbox.values()
    assert outgoing.context == {"profile": {"home": {"city": "Oslo"}}}


def test_what_is_certainly_not_sent_is_tried_five_times_with_growing_pauses(tell: Tell) -> None:
    story = tell(ONE % "mail").event(0, "Start", **MAIL)
    at, attempts = 0, []
    for pause in (MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, None):
        (key,) = story.claim(at)
        attempts.append(story.claimed[0][1])
        story.answer(at, NotSent(key, "busy", code="421"))
        if pause is not None:
            assert not story.wait(at + pause).ready, "a timer never fires early"
            at += pause
            story.wait(at + 1)
            assert len(story.ready) == 1

    assert attempts == [1, 2, 3, 4, 5]
    assert at == MINUTE + 5 * MINUTE + 30 * MINUTE + 2 * HOUR
    (last,) = [fact for fact in story.facts if isinstance(fact, DeliveryReached) and fact.outcome == "failed"]
    assert (last.at, last.reason, last.code) == (at, "not sent in 5 attempts: busy", "421")
    assert (story.outbox, story.ready) == ({}, [])


@pytest.mark.parametrize(
    "asked_s, pause_ms",
    [
        (None, MINUTE),
        (0, MINUTE),
        (30, MINUTE),  # shorter than ours: ours
        (90, 90_000),
        (60.0001, 60_001),  # rounded up
        (-5, MINUTE),
        (float("nan"), MINUTE),
        (float("-inf"), MINUTE),
        (86_400, 24 * HOUR),
        (86_401, 24 * HOUR),  # no longer than retry_after_max_ms
        (float("inf"), 24 * HOUR),
        (1e30, 24 * HOUR),
    ],
)
def test_a_provider_that_asks_for_longer_gets_longer(tell: Tell, asked_s: float | None, pause_ms: int) -> None:
    story = tell(ONE % "mail").event(0, "Start", **MAIL)
    (key,) = story.claim(0)

    story.answer(0, NotSent(key, "slow down", retry_after_s=asked_s))

    assert [timer.due for timer in story.profile.timers if timer.kind == "retry"] == [pause_ms]


def test_a_pause_that_is_cut_is_recorded_with_what_was_asked_for(tell: Tell) -> None:
    story = tell(ONE % "mail").event(0, "Start", **MAIL)
    (key,) = story.claim(0)

    story.answer(0, NotSent(key, "slow down", retry_after_s=31_536_000.0))

    (retried,) = [fact for fact in story.facts if isinstance(fact, DeliveryReached) and fact.outcome == "retried"]
    assert (
        retried.reason == "slow down; it asks for a pause of 3.1536e+07 s, which is cut to retry_after_max_ms=86400000"
    )


def test_ambiguous_marketing_is_never_sent_again(tell: Tell) -> None:
    story = tell(ONE % "mail").event(0, "Start", **MAIL)
    (key,) = story.claim(1)

    story.answer(2, Ambiguous(key, "the line went dead")).wait(20 * HOUR)

    assert (story.ready, story.outbox) == ([], {})
    assert story.outcomes()[-1] == (2, "write", "unknown")


def test_an_ambiguous_transaction_is_sent_once_more_after_five_minutes_under_the_same_key(tell: Tell) -> None:
    story = tell(ONE % "receipt").event(0, "Start", **MAIL)
    (key,) = story.claim(1)
    before = story.outbox[key]
    story.answer(2, Ambiguous(key, "the line went dead"))

    assert not story.wait(2 + 5 * MINUTE).ready
    assert story.wait(3 + 5 * MINUTE).ready == [key]
    assert story.outbox[key] == before
    assert story.claim(3 + 5 * MINUTE) == [key]
    assert story.claimed == [(key, 2)]
    story.answer(4 + 5 * MINUTE, Ambiguous(key, "dead again")).wait(20 * HOUR)

    assert (story.ready, story.outbox) == ([], {})
    assert [outcome for _, _, outcome in story.outcomes()] == [
        "queued", "claimed", "unknown", "claimed", "unknown",
    ]  # fmt: skip


STOPPED = "the engine stopped"


def doubts(story: Story) -> list[str | None]:
    return [each.reason for each in story.facts if isinstance(each, DeliveryReached) and each.outcome == "unknown"]


def test_a_transaction_that_crashes_of_ours_leave_in_doubt_is_sent_again_until_its_attempts_are_used_up(
    tell: Tell,
) -> None:
    story = tell(ONE % "receipt").event(0, "Start", **MAIL)
    (key,) = story.outbox
    before, at = story.outbox[key], 1
    for attempt in range(1, 6):
        assert story.claim(at) == [key]
        assert story.claimed == [(key, attempt)]
        assert story.outbox[key] == before, "the same bytes under the same key"
        story.answer(at, Interrupted(key, STOPPED))
        assert not story.wait(at + 5 * MINUTE).ready, "at least five minutes apart"
        at += 5 * MINUTE + 1
        story.wait(at)

    assert (story.ready, story.outbox) == ([], {})
    assert doubts(story) == [f"{STOPPED}; it is sent again"] * 4 + [f"{STOPPED}; it was attempt 5 of 5"]


def test_marketing_that_a_crash_of_ours_leaves_in_doubt_is_not_sent_again(tell: Tell) -> None:
    story = tell(ONE % "mail").event(0, "Start", **MAIL)
    (key,) = story.claim(1)

    story.answer(2, Interrupted(key, STOPPED)).wait(20 * HOUR)

    assert (story.ready, story.outbox) == ([], {})
    assert doubts(story) == [f"{STOPPED}; marketing is not sent again"]


def test_nothing_is_sent_again_after_a_crash_for_a_run_that_was_left(tell: Tell) -> None:
    story = tell("exit: [{event: Left}]" + ONE % "receipt").event(0, "Start", **MAIL)
    (key,) = story.claim(1)
    story.event(2, "Left")

    story.answer(3, Interrupted(key, STOPPED)).wait(HOUR)

    assert (story.ready, story.outbox, story.profile.timers) == ([], {}, [])
    assert doubts(story) == [f"{STOPPED}; its run was left"]


@pytest.mark.parametrize(
    "answers, attempts",
    [
        ("pp", 2),  # a second answer of the provider's that leaves it open ends it
        ("cpcp", 4),  # whatever came between
        ("pccp", 4),
        ("pncp", 4),  # n: certainly not sent
        ("cccp", 5),  # a first one, after crashes: once more
        ("ccccc", 5),
        ("ncccc", 5),  # attempts of every kind count
        ("cca", 3),  # a: accepted
    ],
)
def test_crashes_and_answers_that_leave_it_open_are_counted_apart(tell: Tell, answers: str, attempts: int) -> None:
    story = tell(ONE % "receipt").event(0, "Start", **MAIL)
    (key,) = story.outbox
    at, made = 1, 0
    while story.claim(at):
        answer = answers[made] if made < len(answers) else "a"
        made += 1
        receipts: dict[str, Settlement] = {
            "p": Ambiguous(key, "the line went dead"),
            "c": Interrupted(key, STOPPED),
            "n": NotSent(key, "busy"),
            "a": Accepted(key),
        }
        story.answer(at, receipts[answer])
        at += 3 * HOUR
        story.wait(at)

    assert (made, story.outbox) == (attempts, {})


def test_an_exit_keeps_an_ambiguous_transaction_from_being_sent_again(tell: Tell) -> None:
    story = tell("exit: [{event: Left}]" + ONE % "receipt").event(0, "Start", **MAIL)
    (key,) = story.claim(1)
    story.answer(2, Ambiguous(key, "the line went dead"))

    story.event(3, "Left").wait(HOUR)

    assert (story.ready, story.outbox, story.profile.timers) == ([], {}, [])
    assert story.outcomes()[-1] == (2, "write", "unknown")


def test_an_ambiguous_attempt_that_is_known_to_have_arrived_is_not_repeated(tell: Tell) -> None:
    story = tell(ONE % "receipt").event(0, "Start", **MAIL)
    (key,) = story.claim(1)
    story.answer(2, Ambiguous(key, "the line went dead"))

    story.react(3, "delivered", "write").wait(HOUR)

    assert story.claim(HOUR) == []
    assert story.outbox == {}


def test_a_refusal_is_final_and_keeps_the_providers_words(tell: Tell) -> None:
    story = tell(ONE % "mail").event(0, "Start", **MAIL)
    (key,) = story.claim(1)

    story.answer(2, Refused(key, "no such mailbox", permanent=True, code="550")).wait(HOUR)

    (fact,) = [fact for fact in story.facts if isinstance(fact, DeliveryReached) and fact.outcome == "failed"]
    assert (fact.at, fact.reason, fact.code) == (2, "no such mailbox", "550")
    assert (story.ready, story.outbox) == ([], {})


def test_an_answer_for_a_delivery_that_nobody_knows_leaves_nothing_behind(tell: Tell) -> None:
    story = tell(ONE % "mail").event(0, "Start", **MAIL)

    story.answer(1, Accepted("of somebody else"))

    assert story.outcomes() == [(0, "write", "queued")]


def test_keys_differ_by_project_person_journey_run_step_visit_and_channel(tell: Tell) -> None:
    loop = """
journey: trip
entry: {event: Start}
steps:
  - {id: one, send: mail}
  - {id: two, send: mail}
  - {id: listen, wait_for: [{event: Seen, next: one}], timeout: 1h, on_timeout: over}
  - {id: over, end: true}
"""
    sarah, tom = tell(loop), tell(loop)
    tom.person = "tom"
    keys: list[str] = []
    for story in (sarah, tom, tell(loop.replace("trip", "tour"))):
        story.event(0, "Start").event(1, "Seen").event(2, "Seen").wait(2 * HOUR).event(2 * HOUR, "Start")
        keys += story.outbox

    assert len(keys) == len(set(keys)) == 3 * 16
    assert all(len(key) == 37 and set(key) <= set("0123456789abcdef") for key in keys)


def test_the_same_delivery_has_the_same_key_each_time(tell: Tell) -> None:
    first, second = tell(ONE % "mail"), tell(ONE % "mail")

    first.event(0, "Start", **MAIL)
    second.event(99, "Start", email="other@b.example")

    assert list(first.outbox) == list(second.outbox)


def test_what_was_claimed_at_the_exit_and_is_ambiguous_is_not_sent_again(tell: Tell) -> None:
    story = tell("exit: [{event: Left}]" + ONE % "receipt").event(0, "Start", **MAIL)
    (key,) = story.claim(1)
    story.event(2, "Left")

    story.answer(3, Ambiguous(key, "the line went dead")).wait(HOUR)

    assert (story.ready, story.outbox, story.profile.timers) == ([], {}, [])
    assert story.outcomes()[-1] == (3, "write", "unknown")
