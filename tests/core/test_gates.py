"""A delivery without a well-formed address is refused by name, and the run goes where its step says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from parcours.core.fact import DeliveryReached

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
        ("a@b", "address is not well formed"),
        ("@b.example", "address is not well formed"),
        ("a@", "address is not well formed"),
        ("a@b@c.example", "address is not well formed"),
        ("a b@c.example", "address is not well formed"),
        ("a@b.example\r\nBcc: all@b.example", "address is not well formed"),
        ("a\0@b.example", "address is not well formed"),
        ("a@" + "b" * 5_000 + ".example", "address is not well formed"),
    ],
)
def test_the_address_gate(tell: Tell, address: object, reason: str | None) -> None:
    story = tell(ONE)

    story.event(5, "Start", email=address)

    (fact,) = [fact for fact in story.facts if isinstance(fact, DeliveryReached)]
    gate = "address" if reason else None
    assert (fact.outcome, fact.gate, fact.reason) == ("refused" if reason else "queued", gate, reason)
    assert story.steps()[-1] == (5, "refused" if reason else "after")
    assert len(story.outbox) == len(story.ready) == (0 if reason else 1)


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
        ({"email": None, "phone": "none"}, ", on_refused: refused", "refused"),  # not one
        ({"email": None, "phone": "none"}, "", "after"),  # without on_refused it goes on
    ],
)
def test_where_a_run_goes_when_gates_refuse(tell: Tell, traits: dict[str, object], on_refused: str, way: str) -> None:
    story = tell(BOTH % on_refused)

    story.identify(1, **traits).event(5, "Start")

    assert story.steps()[1] == (5, way)
