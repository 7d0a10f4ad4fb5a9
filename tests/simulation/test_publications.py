"""A simulation tells which versions it begins with, as a live engine does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.simulation.conftest import START_MS

from parcours.core.fact import Fact, Published
from parcours.journey.project import Project
from parcours.journey.publish.publications import candidate_of
from parcours.simulation.simulation import simulate

if TYPE_CHECKING:
    from tests.simulation.conftest import Recording


def told(facts: list[Fact]) -> list[Published]:
    return [fact for fact in facts if isinstance(fact, Published)]


@pytest.mark.parametrize("shards", [1, 2, 7])
def test_each_journey_is_published_once_at_the_time_of_the_first_event_and_before_it(
    shards: int, luma: Project, recording: Recording
) -> None:
    recording.track(5_000, "paul", "Product Added", {"cart": {"total": 80}})
    recording.identify(1_000, "sarah", email="sarah@mail.example")
    facts: list[Fact] = []

    simulate(luma, recording.lines, shards=shards, facts=facts.extend)

    digests = candidate_of(luma).digests.journeys
    assert [(fact.at, fact.person, fact.journey, fact.version, fact.digest) for fact in told(facts)] == [
        (START_MS + 1_000, "", name, 1, digests[name]) for name in sorted(digests)
    ]
    assert all(fact.document.startswith(f"journey: {fact.journey}\n") for fact in told(facts))
    assert facts[: len(digests)] == told(facts)


def test_where_nothing_happens_nothing_is_published(luma: Project, recording: Recording) -> None:
    recording.identify(1_000, "sarah", email="sarah@mail.example")

    assert recording.play(luma, until=999).result.facts == []
