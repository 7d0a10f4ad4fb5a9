"""When is each person of a set due at a step? By the rate of a send, and by its waves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count, repeat
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


def due_places(
    step: CampaignStep, people: Iterable[str], campaign: str, run: int
) -> Iterator[Iterator[DuePlace | None]]:
    """Those of the people of a set, in its order: once for each wave, with None for who is in another one.

    Without waves there is one. Of a step without a rate and waves all are due at once.
    """
    if not isinstance(step, SendToSet):
        yield repeat(DuePlace(0, 0))
    elif step.waves is None:
        rate = step.people_per_second
        yield (DuePlace(_later(place, rate), _later(place, rate)) for place in count())
    else:
        wave_of = _waves([*people], seed_of(campaign, run, step.id), step.waves.parts)
        for wave in range(step.waves.parts):
            yield _of_wave(wave_of, wave, step.waves.every_ms, step.people_per_second)


def last_after_ms(step: CampaignStep, people: int) -> int:
    """By how much later than the step's begin the last of so many people is due."""
    if not isinstance(step, SendToSet):
        return 0
    parts, every_ms = (1, 0) if step.waves is None else (step.waves.parts, step.waves.every_ms)
    sizes = enumerate(part_sizes(people, [None] * parts))
    return max((wave * every_ms + _later(size - 1, step.people_per_second) for wave, size in sizes if size), default=0)


def _waves(people: list[str], seed: bytes, parts: int) -> list[int]:
    """Whose wave is which: they are of exact sizes, and people fill one after the other by lot."""
    drawn = sorted(range(len(people)), key=lambda place: (lot(seed, people[place]), place))
    wave_of = [0] * len(people)
    first = 0
    for wave, size in enumerate(part_sizes(len(people), [None] * parts)):
        for place in drawn[first : first + size]:
            wave_of[place] = wave
        first += size
    return wave_of


def _of_wave(wave_of: list[int], wave: int, every_ms: int, rate: int | None) -> Iterator[DuePlace | None]:
    """Within a wave people go by name."""
    passed = 0
    for place, each in enumerate(wave_of):
        if each == wave:
            yield DuePlace(wave * every_ms + _later(passed, rate), _later(place, rate))
            passed += 1
        else:
            yield None


def _later(place: int, rate: int | None) -> int:
    return 0 if rate is None else place * 1000 // rate
