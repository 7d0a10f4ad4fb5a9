"""What is rendered at the claim may be refused by the gate `content`, when its run has long gone on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from parcours.core.fact import DeliveryReached
from parcours.core.input import ContentRefused, DeliveryRecorded

if TYPE_CHECKING:
    from tests.core.conftest import Tell

ONE = """
journey: trip
entry: {event: Start}
correlation: event.cart
steps:
  - {id: write, send: mail, channels: [email], on_refused: refused}
  - {id: after, wait: 30d, next: over}
  - {id: refused, end: true}
  - {id: over, end: true}
"""
ONE_IN_10S = "{consent: {default: opt_out}, caps: [{max: 1, per: 10s}]}"


def test_a_refused_content_is_recorded_with_its_gate_and_the_run_stays_where_it_went(tell: Tell) -> None:
    story = tell(ONE).event(5, "Start", cart="a")
    (key,) = story.claim(6)

    story.answer(7, ContentRefused(key, "the text is empty"))

    last = [fact for fact in story.facts if isinstance(fact, DeliveryReached)][-1]
    assert (last.at, last.outcome, last.gate, last.reason) == (7, "refused", "content", "the text is empty")
    assert story.steps()[-1] == (5, "after")
    assert story.outbox == {}
    assert not story.profile.suppressed


def test_a_recorded_one_is_refused_in_the_instant_in_which_it_would_have_left(tell: Tell) -> None:
    story = tell(ONE).event(5, "Start", cart="a")
    (key,) = story.ready

    story.give(DeliveryRecorded(5, ContentRefused(key, "the text is empty")))

    assert story.gates() == [(5, "email", "queued", None), (5, "email", "refused", "content")]
    assert story.steps()[-1] == (5, "after")


@pytest.mark.parametrize("refused, second", [(True, None), (False, "cap")])
def test_the_cap_of_a_refused_content_is_given_back(tell: Tell, refused: bool, second: str | None) -> None:
    story = tell(ONE, policies=ONE_IN_10S).event(5, "Start", cart="a")
    (key,) = story.claim(6)
    if refused:
        story.answer(7, ContentRefused(key, "the text is empty"))

    story.event(8, "Start", cart="b")

    assert story.gates()[-1] == (8, "email", "refused" if second else "queued", second)
