"""Which offers somebody gets: a pure function of what is known of her, what is remembered, and the instant.

Each strategy of a decision is tried in turn until there are enough. Every offer of its collection is looked at: the
first thing that speaks against it is its reason. Those that are left are ranked, the highest score first; an offer
without one comes after all that have one, and of equals the one of higher priority goes first, then by name. If there
is none at all, the fallback is given, of which nothing is asked but content. Several placements are decided in the
order in which they were asked for, and each knows of those before it. Nothing that is remembered is changed here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from math import isnan
from operator import attrgetter

from parcours.config import Settings
from parcours.core.offers.answer import Answer, Chosen, Looked, Reason, Score, Tried
from parcours.core.offers.bandit import by_chance, drawn, explores
from parcours.core.offers.caps import full_cap, has_room, in_words
from parcours.core.offers.lessons import REST, Lesson, group_of
from parcours.core.offers.state import OffersKept
from parcours.core.offers.totals import TotalsAtHand
from parcours.expression.expression import Scope
from parcours.journey.offers import BanditRanking, Decision, FormulaRanking, Offer, Offers, Ranking, Strategy


@dataclass(frozen=True, slots=True)
class Asked:
    """A decision that is asked for at a placement, both of which the project knows.

    count    how many offers, None: as many as the decision says
    context  what the caller gives
    """

    decision: str
    placement: str
    count: int | None = None
    context: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asker:
    """Of whom something is decided.

    person       her name
    scope        what expressions see of her where it is decided
    kept         what is remembered of the offers that she got
    personalise  whether it may be chosen by what is known of her: else she gets the fallback
    lessons      what rankings know, by what they learn (`BanditRanking.subject`)
    totals       what total caps have answered, and what is missing: without it there is something left of every offer
    is_passing   whether nothing is remembered of her: then offers are passed over that have caps
    """

    person: str
    scope: Scope
    kept: OffersKept
    personalise: bool = True
    lessons: Mapping[str, Lesson] = field(default_factory=dict)
    totals: TotalsAtHand = field(default_factory=TotalsAtHand)
    is_passing: bool = False


def choose(
    offers: Offers, asker: Asker, asked: Sequence[Asked], settings: Settings, *, worded: bool = False
) -> tuple[Answer, ...]:
    """The answer to each of them, in their order.

    worded  whether reasons are told in words, too: what a condition missed, and what a cap has counted
    """
    choosing = _Choosing(offers, asker, copy(asker.scope), settings, worded)
    return tuple(choosing.answer(each) for each in asked)


@dataclass(frozen=True, slots=True)
class _Choosing:
    """`ahead` has how often each offer was chosen so far, and `at` the placements at which it was."""

    offers: Offers
    asker: Asker
    scope: Scope
    settings: Settings
    worded: bool
    ahead: Counter[str] = field(default_factory=Counter)
    at: dict[str, set[str]] = field(default_factory=dict)

    def answer(self, asked: Asked) -> Answer:
        decision = self.offers.decisions[asked.decision]
        self.scope.context = asked.context
        room = decision.count if asked.count is None else asked.count
        chosen, tried = list[Chosen](), list[Tried]()
        here_before = self.at.setdefault(asked.placement, set())
        passed = frozenset(self.ahead) if decision.distinct else frozenset(here_before)
        for number, strategy in enumerate(decision.strategies):
            if len(chosen) >= room:
                break
            here = passed.union(each.offer for each in chosen)
            one = self._tried(number, strategy, decision, asked.placement, here, room - len(chosen))
            tried.append(one)
            for each in one.looked:
                if each.reason == "chosen":
                    chosen.append(Chosen(each.offer, each.score, number))
        fallback = decision.fallback
        if not chosen and fallback is not None and asked.placement in fallback.content:
            chosen.append(Chosen(fallback.name))
            self.ahead[fallback.name] += 1
        here_before.update(each.offer for each in chosen)
        return Answer(decision.name, asked.placement, tuple(chosen), tuple(tried))

    def _tried(
        self, number: int, strategy: Strategy, decision: Decision, placement: str, passed: frozenset[str], room: int
    ) -> Tried:
        if not self.asker.personalise:
            return Tried(number, None, tuple(Looked(each.name, "no_personalisation") for each in strategy.offers))
        if strategy.when is not None and not strategy.when.holds(self.scope):
            return Tried(number, strategy.when.unmet(self.scope) if self.worded else "")
        eligible, refused = list[Offer](), list[Looked]()
        for offer in strategy.offers:
            against = self._against(offer, placement, passed)
            if against is None:
                eligible.append(offer)
            else:
                refused.append(Looked(offer.name, against[0], None, against[1]))
        return Tried(number, None, (*self._ranked(eligible, strategy.ranking, decision, room), *refused))

    def _against(self, offer: Offer, placement: str, passed: frozenset[str]) -> tuple[Reason, str] | None:
        """The first thing that speaks against an offer, and the words for it; None if nothing does."""
        now_ms, kept = self.scope.now_ms, self.asker.kept
        if placement not in offer.content:
            return "no_content", ""
        if offer.starts_ms is not None and now_ms < offer.starts_ms:
            return "not_started", ""
        if offer.ends_ms is not None and now_ms > offer.ends_ms:
            return "ended", ""
        if offer.eligible is not None:
            self.scope.offer = offer.known
            if not offer.eligible.holds(self.scope):
                return "not_eligible", offer.eligible.unmet(self.scope) if self.worded else ""
        if self.asker.is_passing and (offer.caps or offer.totals):
            return "capped", "nothing is counted of strangers" if self.worded else ""
        if offer.caps and (full := full_cap(offer, kept, self.scope, self.ahead, self.settings)) is not None:
            return "capped", in_words(*full) if self.worded else ""
        return ("already_chosen", "") if offer.name in passed else None

    def _ranked(
        self, eligible: list[Offer], ranking: Ranking | None, decision: Decision, room: int
    ) -> Iterator[Looked]:
        """The offers in their order, the first of them chosen. They come by priority and name, as equals stay."""
        score_of = self._scoring(ranking, decision)
        scored = [(score_of(offer), offer) for offer in eligible]
        if ranking is not None:
            scored.sort(key=lambda pair: (pair[0] is None, 0 if pair[0] is None else -pair[0]))
        for score, offer in scored:
            if not room:
                yield Looked(offer.name, "outranked", score)
            elif not self._has_room(offer):
                yield Looked(offer.name, "capped", score, "offer_counts_max" if self.worded else "")
            elif (full := self.asker.totals.against(offer, self.scope.now_ms)) is not None:
                reason: Reason = "capped_total" if full.outcome == "refused" else "capped_total_unknown"
                yield Looked(offer.name, reason, score, full.why if self.worded else "")
            else:
                room -= 1
                self.ahead[offer.name] += 1
                yield Looked(offer.name, "chosen", score)

    def _has_room(self, offer: Offer) -> bool:
        """What only an offer that would be chosen is asked for: whether it can be counted beside all others."""
        return has_room(offer, self.asker.kept, self.ahead, self.offers, self.scope.now_ms, self.settings)

    def _scoring(self, ranking: Ranking | None, decision: Decision) -> Callable[[Offer], Score]:
        """What gives each offer its score."""
        match ranking:
            case None:
                return attrgetter("priority")
            case FormulaRanking(formula=formula):
                value, scope = formula.value, self.scope

                def by_formula(offer: Offer) -> Score:
                    scope.offer = offer.known
                    return _number(value(scope))

                return by_formula
            case BanditRanking():
                return lambda offer: self._by_what_is_learned(ranking, decision, offer)

    def _by_what_is_learned(self, ranking: BanditRanking, decision: Decision, offer: Offer) -> Score:
        tick = self.scope.now_ms // ranking.tick_ms(self.settings)
        names = decision.name, offer.name, self.asker.person
        if explores(ranking.explore, decision.name, self.asker.person, tick):
            return by_chance(names, tick)
        return drawn(ranking.prior, self._cases(ranking, offer), names, tick)

    def _cases(self, ranking: BanditRanking, offer: Offer) -> tuple[int, int]:
        """What is known of an offer among those whom the ranking does not tell apart from her."""
        lesson = self.asker.lessons.get(ranking.subject)
        if lesson is None:
            return 0, 0
        return lesson.cases(REST if ranking.within is None else group_of(ranking.within, self.scope), offer.name)


def _number(value: object) -> Score:
    """A number that has a place in an order; None of anything else."""
    if type(value) is int:
        return value
    return value if type(value) is float and not isnan(value) else None
