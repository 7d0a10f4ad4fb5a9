"""Why somebody entered a place or left it, why that was not told, and where she is now: in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from parcours.config import SECOND_MS
from parcours.core.fact import Changed
from parcours.core.places.state import Visit, Whereabouts
from parcours.core.places.visits import Ignored, Untold, Why
from parcours.core.time_text import time_text
from parcours.expression.duration import format_duration

BY: Final[Mapping[Why, str]] = {
    "fix": "by a position",
    "phone": "as her phone found out",
    "silent": "for nothing more was heard of her",
}
"""Who said that she entered or left."""

UNHEARD: Final[Mapping[Ignored | Untold, str]] = {
    "no_number": "a coordinate or the accuracy was no number",
    "out_of_range": "it was no place on earth, or its accuracy was negative",
    "vague": "it was vaguer than accuracy_max of every place",
    "older": "it was older than the newest one",
    "unknown_place": "there is no such place",
    "unknown_way": "what she did was neither enter nor exit",
    "short": "she was away again before enter_after was over",
    "margin": "she was outside of a place, and not yet beyond its margin",
    "returned": "she was back inside before leave_after was over",
    "first": "she was inside at the first position ever, which is no entry with first: silent",
    "phone": "for a day what her phone said of the place goes before positions",
    "vague_here": "it was vaguer than accuracy_max of the place",
}
"""Why a position or a crossing told nothing."""


NOT_FOLLOWED: Final = "no position is used: she does not want to be personalised, or has not allowed it"
"""What is told in place of where she is."""


def place_sentence(fact: Changed) -> str:
    """That she entered or left a place, and why as far as the fact has it."""
    stay = "" if fact.dwell is None else f" after {format_duration(fact.dwell * SECOND_MS)}"
    why = next((f", {words}" for by, words in BY.items() if by == fact.why), "")
    return f"{fact.value} the place {fact.name!r}{stay}{why}"


def whereabouts_lines(here: Whereabouts) -> tuple[str, ...]:
    """Where she is now and what is still to be told of it, and how often nothing was told for which reason.

    The position is not among it: it is shown to nobody who asks why.
    """
    return (*_visits(here), *_unheard({**here.ignored, **here.untold}))


def _visits(here: Whereabouts) -> Iterator[str]:
    for name, visit in sorted(here.visits.items()):
        yield f"inside of {name!r} since {time_text(visit.since)}: {_pending(visit)}"


def _pending(visit: Visit) -> str:
    silent = f"left at {time_text(visit.silent)} if nothing more is heard of her"
    if visit.enters is not None:
        return f"will have entered at {time_text(visit.enters)}, unless she is away before"
    if visit.leaves is not None and visit.away is not None:
        away, leaves = time_text(visit.away), time_text(visit.leaves)
        return f"away since {away}, will have left at {leaves} unless she is back before"
    return silent if visit.is_told else "nothing is told of this visit, for it began with the first position ever"


def _unheard(counts: Mapping[str, int]) -> Iterator[str]:
    for reason, why in UNHEARD.items():
        if number := counts.get(reason):
            yield f"nothing was told {'once' if number == 1 else f'{number} times'}, for {why}"
