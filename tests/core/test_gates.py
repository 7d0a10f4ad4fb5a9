"""A delivery without a well-formed address is refused by name, and the run goes where its step says."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from parcours.channel import Refused
from parcours.core.fact import DeliveryReached
from parcours.journey.project import Project

if TYPE_CHECKING:
    from tests.core.conftest import Tell

ONE = """
journey: trip
entry: {event: Start}
steps:
  - {id: write, send: mail, channels: [email], to: {email: event.email}, on_refused: refused}
  - {id: after, wait: 30d, next: over}
  - {id: refused, end: true}
  - {id: over, end: true}
"""


@pytest.mark.parametrize(
    "address, reason",
    [
        ("a@b.example", None),
        ("a.b+c@d.e.example", None),
        (None, "no address"),
        ("", "no address"),
        ("   ", "no address"),
        (7, "no address"),
        (["a@b.example"], "no address"),
        ("a.b", "address is not well formed: it has no @"),
    ],
)
def test_the_address_gate(tell: Tell, address: object, reason: str | None) -> None:
    story = tell(ONE)
    story.normalize = spoken

    story.event(5, "Start", email=address)

    (fact,) = [fact for fact in story.facts if isinstance(fact, DeliveryReached)]
    gate = "address" if reason else None
    assert (fact.outcome, fact.gate, fact.reason) == ("refused" if reason else "queued", gate, reason)
    assert story.steps()[-1] == (5, "refused" if reason else "after")
    assert len(story.outbox) == len(story.ready) == (0 if reason else 1)


@pytest.mark.parametrize("address", ["a\r\nBcc: b@b.example", "a\0@b.example", "b" * 5_000])
def test_where_nothing_is_known_of_a_channel_an_address_is_any_text_of_one_line(tell: Tell, address: str) -> None:
    plain = tell(ONE).event(5, "Start", email="rue de la Paix 1")
    wrong = tell(ONE).event(5, "Start", email=address)

    assert plain.gates() == [(5, "email", "queued", None)]
    assert wrong.gates() == [(5, "email", "refused", "address")]


def test_an_address_is_used_and_recorded_as_its_channel_normalizes_it(tell: Tell) -> None:
    story = tell(ONE)
    story.normalize = spoken

    story.event(5, "Start", email="Sarah@Shop.EXAMPLE")

    (fact,) = [fact for fact in story.facts if isinstance(fact, DeliveryReached)]
    (outgoing,) = story.outbox.values()
    assert fact.to == outgoing.to == "sarah@shop.example"


def test_a_suppression_goes_by_the_normalized_address(tell: Tell) -> None:
    story = tell(ONE.replace("30d", "1ms").replace("entry:", "reentry: always\nentry:"))
    story.normalize = spoken
    story.event(5, "Start", email="sarah@shop.example")
    (key,) = story.outbox
    story.claim(6)
    story.answer(7, Refused(key, "no such mailbox", permanent=True))

    story.event(80, "Start", email="SARAH@shop.example")

    last = [fact for fact in story.facts if isinstance(fact, DeliveryReached)][-1]
    assert (last.outcome, last.gate, last.to) == ("refused", "suppression", "sarah@shop.example")


@pytest.mark.parametrize(
    "traits, region",
    [
        ({"country": "BE"}, "BE"),
        ({"country": "be"}, "BE"),
        ({}, "FR"),
        ({"country": "Belgium"}, "FR"),
        ({"country": None}, "FR"),
    ],
)
def test_the_region_is_the_person_s_or_else_the_project_s(
    tell: Tell, shop: Callable[..., Project], traits: dict[str, object], region: str
) -> None:
    asked: list[tuple[str, str, str | None]] = []

    def noting(channel: str, address: str, region: str | None) -> str:
        asked.append((channel, address, region))
        return address

    given = shop(ONE, traits="{country: string}").documents
    settings = given.settings.model_copy(update={"region": "FR"})
    profile = given.profile.model_copy(update={"region": "profile.country"})
    story = tell(ONE)
    story.program = Project.of(settings, profile, given.events, given.audiences, given.messages, given.journeys).program
    story.normalize = noting
    story.identify(1, **traits).event(5, "Start", email="a@b.example")

    assert asked == [("email", "a@b.example", region)]


def spoken(channel: str, address: str, region: str | None) -> str:
    """The rule of a channel to which capitals are nothing."""
    assert (channel, region) == ("email", None)
    if "@" not in address:
        raise ValueError("it has no @")
    return address.lower()


BOTH = """
journey: trip
entry: {event: Start}
steps:
  - {id: write, send: mail%s}
  - {id: after, branch: [{when: run.step == "no", next: refused}, {otherwise: over}]}
  - {id: refused, wait: 1d}
  - {id: over, end: true}
"""


@pytest.mark.parametrize(
    "traits, on_refused, way",
    [
        ({}, ", on_refused: refused", "after"),
        ({"email": None}, ", on_refused: refused", "after"),  # one of two goes out
        ({"email": None, "phone": "no\nnumber"}, ", on_refused: refused", "refused"),  # not one
        ({"email": None, "phone": "no\nnumber"}, "", "after"),  # without on_refused it goes on
    ],
)
def test_where_a_run_goes_when_gates_refuse(tell: Tell, traits: dict[str, object], on_refused: str, way: str) -> None:
    story = tell(BOTH % on_refused)

    story.identify(1, **traits).event(5, "Start")

    assert story.steps()[1] == (5, way)


FIRST = """
journey: trip
entry: {event: Start}
steps:
  - {id: write, send: mail, channels: {first: [email, sms], prefer: profile.city}, on_refused: refused}
  - {id: after, end: true}
  - {id: refused, end: true}
"""


@pytest.mark.parametrize(
    "traits, outcomes, step",
    [
        ({}, [("email", "queued", None)], "after"),
        ({"city": "sms"}, [("sms", "queued", None)], "after"),  # preferred
        ({"city": "post"}, [("email", "queued", None)], "after"),  # not one of them
        ({"email": None}, [("sms", "queued", None)], "after"),
        ({"city": "sms", "phone": "06\0"}, [("email", "queued", None)], "after"),
        ({"email": None, "phone": None}, [("email", "refused", "address")], "refused"),
    ],
)
def test_a_send_may_ask_for_one_delivery_on_the_first_channel_that_no_gate_refuses(
    tell: Tell, traits: dict[str, object], outcomes: list[tuple[str, str, str | None]], step: str
) -> None:
    story = tell(FIRST).identify(4, **traits)

    story.event(5, "Start")

    assert [(channel, outcome, gate) for _, channel, outcome, gate in story.gates()] == outcomes
    assert story.steps()[-1] == (5, step)


def test_where_every_channel_is_refused_the_delivery_tells_all_reasons(tell: Tell) -> None:
    story = tell(FIRST).identify(4, email=None, phone="06\0").event(5, "Start")

    (fact,) = [fact for fact in story.facts if isinstance(fact, DeliveryReached)]
    told = "address is not well formed: it holds a line break or another control character"
    assert fact.reason == f"no address; sms: {told}"


def test_a_channel_that_quiet_hours_hold_is_not_refused(tell: Tell) -> None:
    rule = "{channels: [email], from: '00:00', until: '06:00', then: hold}"
    quiet = f"{{consent: {{default: opt_out}}, quiet_hours: [{rule}]}}"
    story = tell(FIRST, policies=quiet).event(5, "Start")

    assert [(channel, outcome) for _, channel, outcome, _ in story.gates()] == [("email", "held")]
    story.wait(86_400_000)
    assert story.steps()[-1][1] == "after"
