"""When is each person of a set due at a step? By the rate of a send, and by its waves."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple, TypeVar

from parcours.campaigns.sets.lots import lot, seed_of
from parcours.campaigns.sets.part_sizes import part_sizes
from parcours.journey.campaign_steps import CampaignStep, SendToSet

T = TypeVar("T")


class DuePlace(NamedTuple):
    """
    after_ms  by how much later than the step's begin she is due
    delay_ms  by how much she comes after the first of the set where all of them are let go at once
    """

    after_ms: int
    delay_ms: int


def due_places(
    step: CampaignStep,
    people: Iterable[str],
    read: Callable[[], Iterator[tuple[str, T]]],
    campaign: str,
    run: int,
) -> Iterator[tuple[str, T, DuePlace]]:
    """Everybody of a set with what is said of her, wave by wave, each in the order of the set.

    people  their names, taken where the step has waves
    read    reads the set, once for each wave when its turn comes: people may have gone from it since the one before
    Of a step without a rate and waves all are due at once.
    """
    if not isinstance(step, SendToSet):
        yield from ((name, said, DuePlace(0, 0)) for name, said in read())
    elif step.waves is None:
        for place, (name, said) in enumerate(read()):
            later = _later(place, step.people_per_second)
            yield name, said, DuePlace(later, later)
    else:
        seed = seed_of(campaign, run, step.id)
        lasts = _last_lots([lot(seed, name) for name in people], step.waves.parts)
        for wave in range(step.waves.parts):
            passed, after_ms = 0, wave * step.waves.every_ms
            for place, (name, said) in enumerate(read()):
                if bisect_left(lasts, lot(seed, name)) == wave:
                    later, delay_ms = _later(passed, step.people_per_second), _later(place, step.people_per_second)
                    yield name, said, DuePlace(after_ms + later, delay_ms)
                    passed += 1


def last_after_ms(step: CampaignStep, people: int) -> int:
    """By how much later than the step's begin the last of so many people is due."""
    if not isinstance(step, SendToSet):
        return 0
    parts, every_ms = (1, 0) if step.waves is None else (step.waves.parts, step.waves.every_ms)
    sizes = enumerate(part_sizes(people, [None] * parts))
    return max((wave * every_ms + _later(size - 1, step.people_per_second) for wave, size in sizes if size), default=0)


def _last_lots(lots: Sequence[int], parts: int) -> list[int]:
    """The last lot of each wave: they are of exact sizes, and people fill one after the other by lot.

    By these it is said whose wave is which, whoever else is in the set by then; who has the same lot is in the same.
    """
    drawn = sorted(lots)
    return [drawn[end - 1] for end in accumulate(part_sizes(len(drawn), [None] * parts)) if end]


def _later(place: int, rate: int | None) -> int:
    return 0 if rate is None else place * 1000 // rate
