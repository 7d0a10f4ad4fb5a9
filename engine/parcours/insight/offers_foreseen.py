"""Who would get which offer by a decision as of an instant: counts by offer and by reason, and the first people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from heapq import nsmallest

import msgspec

from parcours.core.foreseeing import OffersForeseen, read_foreseen
from parcours.core.offers.answer import REASONS
from parcours.core.offers.asking import objection
from parcours.core.time_text import time_text
from parcours.errors import CallerError
from parcours.insight.audience_shown import audience_key
from parcours.journey.offers import Decision
from parcours.journey.people_condition import people_condition
from parcours.journey.program import Program
from parcours.shard.scans import OffersAsked
from parcours.wording import nearest, quoted


class PlacementForeseen(msgspec.Struct, frozen=True, kw_only=True):
    """
    offers    how many people would get each offer
    fallback  how many of these as the fallback
    nothing   how many would get nothing
    reasons   by offer and reason, of how many people it speaks against the offer; of several strategies the first
    """

    offers: Mapping[str, int]
    fallback: int
    nothing: int
    reasons: Mapping[str, Mapping[str, int]]


class PersonForeseen(msgspec.Struct, frozen=True, kw_only=True):
    """
    placements  what she would get at each, the best first
    reasons     what speaks against each other offer there
    """

    person: str
    placements: Mapping[str, list[str]]
    reasons: Mapping[str, Mapping[str, str]]


class DecisionForeseen(msgspec.Struct, frozen=True, kw_only=True):
    """
    at          the instant in ms
    people      how many were asked about
    placements  what would come of it at each, by itself
    sample      the first people, by name
    """

    decision: str
    at: int
    people: int
    placements: Mapping[str, PlacementForeseen]
    sample: list[PersonForeseen]


@dataclass(frozen=True, slots=True)
class OffersQuestion:
    """
    placements      at which of them; none: at each where any of the decision's offers says something
    person          about her alone; `audience` its members, `where` those for whom a condition holds
    context         what whoever asks would give
    sample          how many people are shown
    """

    decision: str
    placements: tuple[str, ...] = ()
    person: str | None = None
    audience: str | None = None
    where: str | None = None
    context: Mapping[str, object] = field(default_factory=dict)
    sample: int = 5

    @property
    def name(self) -> str:
        return self.decision

    def asked(self, program: Program, owner: str | None = None) -> OffersAsked:
        """Raises CallerError for a name, a value or a condition that the program does not know."""
        reason = objection([self.decision], self.placements, self.context, program.offers)
        if reason is not None:
            raise CallerError(reason)
        audience = None if self.audience is None else audience_key(program, self.audience)
        if self.where is not None:
            people_condition(self.where, program)
        places = placements_of(program, self.decision, self.placements)
        return OffersAsked(self.decision, places, audience, self.where, owner or self.person, dict(self.context))

    def count(self) -> OffersCount:
        return OffersCount(self)


def placements_of(program: Program, decision: str, asked: tuple[str, ...]) -> tuple[str, ...]:
    """Those that are asked for; else those at which any offer of the decision says something, by name."""
    if asked:
        return asked
    offers = known_decision(program, decision).offers
    return tuple(sorted({placement for offer in offers for placement in offer.content}))


def known_decision(program: Program, name: str) -> Decision:
    """The decision of this name. Raises CallerError where there is none."""
    decision = program.offers.decisions.get(name)
    if decision is None:
        raise CallerError(f"there is no decision {quoted(name)}{nearest(name, program.offers.decisions)}")
    return decision


class _Counted:
    """At one placement."""

    def __init__(self) -> None:
        self.offers: Counter[str] = Counter()
        self.reasons: Counter[tuple[str, str]] = Counter()
        self.fallback = self.nothing = 0

    def add(self, told: OffersForeseen) -> None:
        self.offers.update(told.given)
        self.reasons.update(told.against)
        self.fallback += told.is_fallback
        self.nothing += not told.given

    def shown(self) -> PlacementForeseen:
        reasons: dict[str, dict[str, int]] = {}
        for (offer, letter), number in sorted(self.reasons.items(), key=lambda each: (each[0][0], -each[1], each[0])):
            reasons.setdefault(offer, {})[REASONS[letter]] = number
        offers = dict(sorted(self.offers.items(), key=lambda each: (-each[1], each[0])))
        return PlacementForeseen(offers=offers, fallback=self.fallback, nothing=self.nothing, reasons=reasons)


class OffersCount:
    """Counts rows of `OffersAsked`, and keeps those of the first `sample` people."""

    def __init__(self, question: OffersQuestion) -> None:
        self._question = question
        self._people = 0
        self._counted: list[_Counted] = []
        self._sample: list[tuple[str, bytes]] = []

    def add(self, rows: Iterable[tuple[str, bytes]]) -> None:
        """Names and rows of further people, in any order; whoever it is not about has nothing in hers."""
        about: list[tuple[str, bytes]] = []
        for person, row in rows:
            told = read_foreseen(row)
            if not told:
                continue
            about.append((person, row))
            self._counted = self._counted or [_Counted() for _ in told]
            for counted, each in zip(self._counted, told, strict=True):
                counted.add(each)
        self._people += len(about)
        self._sample = nsmallest(self._question.sample, [*self._sample, *about])

    def shown(self, program: Program, at: int) -> DecisionForeseen:
        """All that was counted."""
        places = placements_of(program, self._question.decision, self._question.placements)
        counted = self._counted or [_Counted() for _ in places]
        return DecisionForeseen(
            decision=self._question.decision,
            at=at,
            people=self._people,
            placements={place: each.shown() for place, each in zip(places, counted, strict=True)},
            sample=[_person(person, places, read_foreseen(row)) for person, row in self._sample],
        )


def _person(name: str, places: tuple[str, ...], told: list[OffersForeseen]) -> PersonForeseen:
    return PersonForeseen(
        person=name,
        placements={place: each.given for place, each in zip(places, told, strict=True)},
        reasons={
            place: {offer: REASONS[letter] for offer, letter in each.against}
            for place, each in zip(places, told, strict=True)
        },
    )


def foreseen_lines(foreseen: DecisionForeseen) -> Iterator[str]:
    """The answer to look at, line by line."""
    people = "1 person" if foreseen.people == 1 else f"{foreseen.people:,} people"
    yield f"{foreseen.decision} as of {time_text(foreseen.at)}, of {people}; nobody is given anything"
    for place, each in foreseen.placements.items():
        yield ""
        yield f"at {place}"
        for offer, number in each.offers.items():
            yield f"  {offer}: {number:,}"
        if each.fallback:
            yield f"  as the fallback: {each.fallback:,}"
        if each.nothing:
            yield f"  nothing: {each.nothing:,}"
        for offer, reasons in each.reasons.items():
            told = ", ".join(f"{reason} {number:,}" for reason, number in reasons.items())
            yield f"  not {offer}: {told}"
    if foreseen.sample:
        yield ""
    for person in foreseen.sample:
        for place, given in person.placements.items():
            against = [f"{offer}: {reason}" for offer, reason in person.reasons[place].items()]
            yield f"{person.person} at {place}: {'; '.join([', '.join(given) or 'nothing', *against])}"
