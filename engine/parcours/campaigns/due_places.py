"""When is each person of a set due at a step? By the rate of a send, and by its waves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from parcours.campaigns.sets.duck import part_sizes
from parcours.campaigns.sets.lots import lot, seed_of
from parcours.journey.campaign_steps import CampaignStep, SendToSet


class DuePlace(NamedTuple):
    """
    after_ms  by how much later than the step's begin she is due
    delay_ms  by how much she comes after the first of the set where all of them are let go at once
    """

    after_ms: int
    delay_ms: int


def due_places(step: CampaignStep, people: Iterable[str], campaign: str, run: int) -> Iterator[DuePlace]:
    """Those of the people of a set, in its order; of a step without a rate and waves all are due at once."""
    if not isinstance(step, SendToSet):
        return (DuePlace(0, 0) for _ in people)
    rate, waves = step.people_per_second, step.waves
    if waves is None:
        return (DuePlace(_later(place, rate), _later(place, rate)) for place, _ in enumerate(people))
    return _in_waves([*people], seed_of(campaign, run, step.id), waves.parts, waves.every_ms, rate)


def _in_waves(people: list[str], seed: bytes, parts: int, every_ms: int, rate: int | None) -> Iterator[DuePlace]:
    """Waves are of exact sizes, and people fill one after the other by lot; within a wave they go by name."""
    drawn = sorted(range(len(people)), key=lambda place: (lot(seed, people[place]), place))
    wave_of = [0] * len(people)
    first = 0
    for wave, size in enumerate(part_sizes(len(people), [None] * parts)):
        for place in drawn[first : first + size]:
            wave_of[place] = wave
        first += size
    passed = [0] * parts
    for place, wave in enumerate(wave_of):
        yield DuePlace(wave * every_ms + _later(passed[wave], rate), _later(place, rate))
        passed[wave] += 1


def _later(place: int, rate: int | None) -> int:
    return 0 if rate is None else place * 1000 // rate
