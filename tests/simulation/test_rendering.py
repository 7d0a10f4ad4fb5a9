"""A message that cannot be rendered for somebody has failed under virtual time as it would live, if it is rendered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from parcours.core.fact import DeliveryReached
from parcours.dispatch.recorded_rendering import RecordedRendering
from parcours.errors import ProjectInvalid
from parcours.journey.project import Project
from parcours.simulation.simulation import Result

if TYPE_CHECKING:
    from tests.simulation.conftest import Recording, Write

SHOP = """# file parcours.yaml
{project: shop, policies: {consent: {default: opt_out}}}
# file profile.yaml
traits: {email: string, visits: integer}
# file events.yaml
events: {Bought: {properties: {total: number}}}
# file messages/share.yaml
{message: share, email: {subject: "On %s", text: "Per visit: {{ entry.total | divided_by: profile.visits }}"}}
# file messages/sorry.yaml
{message: sorry, email: {subject: Sorry, text: "We could not work it out"}}
# file journeys/thanks.yaml
journey: thanks
entry: {event: Bought}
steps:
  - {id: share, send: share}
  - {id: known, wait_for: [{reaction: failed, of: share, next: sorry}], timeout: 1h, on_timeout: done}
  - {id: sorry, send: sorry}
  - {id: done, end: true}
""".replace("%s", "{{ 'now' | date: '%d %B' }}")


@pytest.fixture
def shop(write: Write) -> Project:
    return Project.load(write(SHOP))


def buy(recording: Recording, people: int = 1) -> None:
    """Every third of the people has no visits, so that nothing can be divided by them."""
    for number in range(people):
        who = f"person-{number}"
        recording.identify(number, who, email=f"{who}@mail.example", visits=number % 3)
        recording.track(number + 1_000, who, "Bought", {"total": 12})


def told(result: Result) -> list[tuple[str, str, str | None]]:
    return [
        (fact.step, fact.outcome, fact.code)
        for fact in result.facts
        if isinstance(fact, DeliveryReached) and fact.outcome in ("sent", "failed")
    ]


def test_a_template_that_fails_for_somebody_fails_her_delivery_and_her_run_goes_on(
    shop: Project, recording: Recording
) -> None:
    buy(recording)

    result = recording.play(shop, rendering=RecordedRendering.of(shop)).result

    assert told(result) == [("share", "failed", "render"), ("sorry", "sent", None)]
    assert result.summary.channels == {"email": {"failed": 1, "sent": 1}}
    ((channel, outcome, reason),) = result.reasons
    assert (channel, outcome, reason.startswith("render: ")) == ("email", "failed", True)


def test_without_rendering_nobody_looks_at_what_is_recorded(shop: Project, recording: Recording) -> None:
    buy(recording)

    assert told(recording.play(shop).result) == [("share", "sent", None)]


def test_what_fails_is_the_same_in_any_number_of_shards(shop: Project, recording: Recording) -> None:
    buy(recording, people=30)

    alone, *others = [
        recording.play(shop, rendering=RecordedRendering.of(shop), shards=shards).result for shards in (1, 2, 7)
    ]

    assert alone.summary.channels == {"email": {"failed": 10, "sent": 30}}
    for apart in others:
        assert apart.summary == alone.summary
        assert sorted(apart.facts, key=lambda fact: fact.person) == sorted(alone.facts, key=lambda fact: fact.person)


def test_what_a_delivery_says_is_kept_once_under_its_key(shop: Project, recording: Recording) -> None:
    buy(recording, people=2)
    rendering = RecordedRendering.of(shop)

    facts = recording.play(shop, rendering=rendering).result.facts
    said = rendering.collect()

    sent = [fact for fact in facts if isinstance(fact, DeliveryReached) and fact.outcome == "sent"]
    assert {(fact.person, fact.step): said[fact.key] for fact in sent} == {
        ("person-0", "sorry"): {"subject": "Sorry", "text": "We could not work it out"},
        ("person-1", "share"): {"subject": "On 01 March", "text": "Per visit: 12"},
    }
    assert (len(said), rendering.collect()) == (2, {})


def test_a_content_that_its_channel_would_never_take_is_an_error_of_the_project(
    write: Write, recording: Recording
) -> None:
    shop = Project.load(write(SHOP.replace("subject: Sorry, ", "")))

    with pytest.raises(ProjectInvalid, match="message 'sorry', email: subject: this key is needed"):
        recording.play(shop, rendering=RecordedRendering.of(shop))
