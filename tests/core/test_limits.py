"""Everything that a profile may accumulate is bounded by a named setting, and reaching the limit is recorded."""

from __future__ import annotations

from pathlib import Path
from typing import TypeGuard

import pytest
from ruamel.yaml import YAML
from tests.core.conftest import Story, Tell

from parcours import Project, Result, Settings, simulate
from parcours.channel import Accepted
from parcours.core.consent import stated_consents
from parcours.core.fact import DeliveryReached, Fact, LimitReached, Moved
from parcours.core.input import SuppressionChanged

HEAD = {"project": "shop", "timezone": "UTC", "policies": {"consent": {"default": "opt_out"}}}
AT = "2026-03-02T09:00:00Z"


def play(
    folder: Path,
    journey: str,
    lines: list[str],
    settings: Settings,
    until_ms: int | None = None,
    *,
    cart: str = "string",
) -> Result:
    """A shop with one journey, over these lines."""
    documents = {
        "parcours.yaml": HEAD,
        "profile.yaml": {"traits": {"email": "string", "first_name": "string"}},
        "events.yaml": {"events": {"Start": {"properties": {"cart": cart}}}},
        "messages/hello.yaml": {
            "message": "hello",
            "class": "marketing",
            "status": "ready",
            "email": {"subject": "Hi", "text": "Hi"},
        },
    }
    for name, document in documents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        with (folder / name).open("w") as file:
            YAML(typ="safe", pure=True).dump(document, file)
    (folder / "journeys").mkdir()
    (folder / "journeys" / "loop.yaml").write_text(journey)
    events = [line.replace("AT", AT).encode() for line in lines]
    return simulate(Project.load(folder), events, settings=settings, until_ms=until_ms)


def limits(result: Result) -> list[tuple[str, str]]:
    return [(fact.setting, fact.why) for fact in result.facts if isinstance(fact, LimitReached)]


IDENTIFY = '{"type":"identify","userId":"u","timestamp":"AT","traits":{"email":"u@shop.example","first_name":"Ada"}}'
START = '{"type":"track","event":"Start","userId":"u","timestamp":"AT","properties":{"cart":"%d"}}'
LATER_MS = 1_772_442_000_000 + 10 * 86_400_000


def test_macros_that_go_too_far_have_no_value_and_say_so_once_an_event(tmp_path: Path) -> None:
    journey = """
        journey: loop
        entry: {event: Start, when: 'event.cart.all(x, event.cart.exists(y, x == y))'}
        steps: [{id: hello, send: hello}]
    """
    few, many = (START.replace('"%d"', str(list(range(count)))) for count in (9, 200))

    result = play(tmp_path, journey, [IDENTIFY, many, few], Settings(), cart="list")

    assert limits(result) == [
        ("macro_steps_max", "no value for 'event.cart.all(x, event.cart.exists(y, x == y))', whose macros go further")
    ]
    assert next(fact.what for fact in result.facts if isinstance(fact, Moved)) == "entered"
    assert limits(play(tmp_path / "more", journey, [many], Settings(macro_steps_max=50_000), cart="list")) == []


def test_a_trait_that_doubles_at_each_turn_of_a_loop_parks_its_run(tmp_path: Path) -> None:
    journey = """
        journey: loop
        entry: {event: Start}
        steps:
          - {id: grow, update: {first_name: 'profile.first_name + profile.first_name'}}
          - {id: pause, wait: 1h, next: grow}
    """

    result = play(tmp_path, journey, [IDENTIFY, START % 1], Settings(), LATER_MS)

    parked = [fact.why for fact in result.facts if isinstance(fact, Moved) and fact.what == "parked"]
    assert parked == ["the traits would take more than all_traits_bytes_max=65536"]


def test_somebody_with_many_carts_has_only_so_many_runs_open(tmp_path: Path) -> None:
    journey = """
        journey: loop
        entry: {event: Start}
        correlation: event.cart
        steps:
          - {id: pause, wait: 1d}
    """

    result = play(tmp_path, journey, [START % cart for cart in range(5)], Settings(open_runs_max=3))

    assert result.summary.journeys["loop"].entered == 3
    assert limits(result) == [("open_runs_max", "'loop' was not entered, with 3 runs open")] * 2


def test_a_run_that_sends_for_ever_forgets_its_oldest_deliveries(tmp_path: Path) -> None:
    journey = """
        journey: loop
        entry: {event: Start}
        steps:
          - {id: send, send: hello, channels: [email]}
          - {id: pause, wait: 1d, next: send}
    """

    result = play(tmp_path, journey, [IDENTIFY, START % 1], Settings(run_deliveries_max=4), LATER_MS)

    assert result.summary.channels["email"]["sent"] == 11
    assert (
        limits(result)
        == [("run_deliveries_max", "a delivery of loop.send was forgotten, with 4 newer ones of its run")] * 7
    )


@pytest.mark.parametrize("setting, room", [("all_traits_bytes_max", 40), ("traits_bytes_max", 8)])
def test_what_finds_no_room_is_not_kept(setting: str, room: int, tmp_path: Path) -> None:
    journey = "{journey: loop, entry: {event: Start}, steps: [{id: done, end: true}]}"
    known = '{"type":"identify","userId":"u","timestamp":"AT","traits":{"email":"u@s.example","shoes":"red, worn"}}'

    result = play(tmp_path, journey, [known], Settings.model_validate({setting: room}))

    assert limits(result) == [(setting, "trait 'shoes' was not kept")]


def test_a_loop_forgets_what_it_has_sent_again_and_nothing_else(tell: Tell) -> None:
    journey = """
        journey: trip
        entry: {event: Start}
        steps:
          - {id: welcome, send: receipt, channels: [email]}
          - {id: pause, wait: 1h}
          - {id: news, send: mail, channels: [email], next: pause}
    """
    story = tell(journey, run_deliveries_max=3).event(0, "Start")

    for hour in range(6):
        story.wait(hour * 3_600_000 + 1).send(hour * 3_600_000 + 1)

    (run,) = story.profile.runs
    assert [(each.step, each.visit) for each in run.deliveries] == [("welcome", 1), ("news", 4), ("news", 5)]


PINGS = """
journey: trip
entry: {event: Start}
steps:
  - {id: listen, wait_for: [{event: Seen, next: mail}, {event: Bought, next: ask}]}
  - {id: mail, send: receipt, channels: [email], next: listen}
  - {id: ask, call: ask}
  - id: answer
    wait_for: [{reaction: failed, of: ask, next: listen}]
    timeout: 1d
    on_timeout: listen
"""
ASK = "ask: {url: 'https://shop.example/ask', method: POST}"


def test_a_run_does_not_send_with_too_many_deliveries_under_way(tell: Tell) -> None:
    story = tell(PINGS, run_deliveries_max=2, actions=ASK).event(0, "Start")

    for at in range(1, 6):
        story.event(at, "Seen")
    assert len(story.profile.runs[0].deliveries) == 3
    first, _ = story.claim(6)
    story.answer(7, Accepted(first)).event(8, "Seen")

    refused = "run_deliveries_max=2 deliveries of the run are under way"
    told = [(fact.setting, fact.why) for fact in story.others() if isinstance(fact, LimitReached)]
    assert told[0] == ("run_deliveries_max", f"'trip' did not send: {refused}")
    reasons = [(each.at, each.gate, each.reason) for each in story.facts if is_refusal(each)]
    assert reasons == [(at, None, refused) for at in (3, 4, 5)]
    assert [outcome for at, _, outcome in story.outcomes() if at == 8] == ["queued"], "there is room again"
    assert len(story.outbox) == 2


def test_a_call_fails_with_too_many_deliveries_under_way(tell: Tell) -> None:
    story = tell(PINGS, run_deliveries_max=1, actions=ASK).event(0, "Start")
    story.event(1, "Bought").wait(86_400_002)

    story.event(86_400_003, "Bought")

    assert story.steps()[-3:] == [(86_400_003, "ask"), (86_400_003, "answer"), (86_400_003, "listen")]
    assert story.outcomes()[-1] == (86_400_003, "ask", "failed")


def limits_of(story: Story) -> list[str]:
    return [fact.setting for fact in story.others() if isinstance(fact, LimitReached)]


ONE_MAIL = "{journey: trip, entry: {event: Start}, steps: [{id: mail, send: MESSAGE, channels: [email]}]}"


def test_what_a_person_says_of_consent_has_only_so_much_room(tell: Tell) -> None:
    story = tell(ONE_MAIL.replace("MESSAGE", "mail"), consents_bytes_max=150)
    story.consent(0, "email", "marketing", granted=False).consent(0, "email", granted=False)

    for number in range(30):
        story.consent(number, "email", f"purpose {number}", granted=number != 7)
    story.event(40, "Start")

    said = stated_consents(story.profile)
    assert said["email", None] is False, "what messages ask for is kept"
    assert said["email", "purpose 7"] is False, "and withdrawals before grants"
    assert ("email", "purpose 29") in said and ("email", "purpose 8") not in said
    assert sum(map(len, story.profile.consents)) <= 150
    assert limits_of(story) == ["consents_bytes_max"]
    assert story.gates() == [(40, "email", "refused", "consent")]


def test_links_have_only_so_much_room_and_the_newest_is_heard(tell: Tell) -> None:
    journey = """
        journey: trip
        entry: {event: Start}
        steps:
          - {id: mail, send: receipt, channels: [email]}
          - {id: last, wait_for: [{reaction: clicked, of: mail, link: "https://shop.example/9"}]}
    """
    story = tell(journey, links_bytes_max=70).event(0, "Start")
    story.send(0)

    for number in range(10):
        story.react(number + 1, "clicked", "mail", link=f"https://shop.example/{number}")

    ((delivery,),) = [run.deliveries for run in story.profile.past]
    assert list(delivery.links) == [f"https://shop.example/{number}" for number in (7, 8, 9)]
    assert limits_of(story) == ["links_bytes_max"]
    assert story.moves("matched") == [("matched", "last", "clicked")]


def test_dead_addresses_have_only_so_much_room_on_all_channels(tell: Tell) -> None:
    story = tell(ONE_MAIL.replace("MESSAGE", "receipt"), suppressed_bytes_max=200)

    for number in range(40):
        story.give(SuppressionChanged(number, f"channel {number % 8}", f"{number}" * 5, suppressed=True))

    kept = story.profile.suppressed
    assert sum(len(channel) + sum(map(len, addresses)) for channel, addresses in kept.items()) <= 200
    assert "39" * 5 in kept["channel 7"]
    assert limits_of(story) == ["suppressed_bytes_max"]


CAP = "{consent: {default: opt_out}, caps: [{max: 2, per: 1d, channels: [sms]}]}"


def test_what_no_cap_counts_is_kept_for_caps_to_come_only_up_to_a_number(tell: Tell) -> None:
    both = f"{ONE_MAIL}\n---\n{ONE_MAIL.replace('trip', 'text').replace('Start', 'Seen').replace('email', 'sms')}"
    story = tell(both.replace("MESSAGE", "mail"), policies=CAP, reservations_max=4)
    story.event(0, "Seen").event(1, "Seen")

    for at in range(2, 9):
        story.event(at, "Start")
    story.event(9, "Seen")

    assert [(each.at, each.channel) for each in story.profile.reservations] == [
        (0, "sms"), (1, "sms"), (7, "email"), (8, "email"),
    ]  # fmt: skip
    assert limits_of(story) == ["reservations_max"]
    assert story.gates()[-1] == (9, "sms", "refused", "cap")


def test_caps_count_what_forgotten_runs_have_sent(tell: Tell) -> None:
    policies = CAP.replace("sms", "email").replace("max: 2", "max: 3")
    story = tell(ONE_MAIL.replace("MESSAGE", "mail"), policies=policies, ended_runs_max=1)

    for at in range(5):
        story.event(at, "Start").send(at)

    assert len(story.profile.past) == 1
    assert [gate for *_, gate in story.gates()] == [None, None, None, "cap", "cap"]


def is_refusal(fact: Fact) -> TypeGuard[DeliveryReached]:
    return isinstance(fact, DeliveryReached) and fact.outcome == "refused"
