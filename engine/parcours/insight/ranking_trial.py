"""What would another ranking of offers be worth? By decisions that facts tell, and the chances that their choices had.

These chances are stored nowhere: they follow from what is. An ordering by priority or by a formula leaves nothing to
chance; a ranking that learns draws by what was known at the tick, for each person anew. So a case is the first offer
of an answer, with the offers that might have been chosen in its place, as its strategy looked at them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, TypeAlias

from parcours.config import Settings
from parcours.core.buckets import BUCKETS
from parcours.core.fact import Decided, Learned, OfferMarked, StrategyTried
from parcours.core.offer_counting import count_offers
from parcours.core.offers.answer import LETTERS
from parcours.core.offers.bandit import believed
from parcours.core.offers.lessons import REST, Lesson, OfferCounts
from parcours.errors import CallerError
from parcours.expression.expression import Scope
from parcours.insight.off_policy import Case, Estimate, chance_of_highest, estimate
from parcours.journey.model.offers import BY_PRIORITY, Mark
from parcours.journey.offers import BanditRanking, Decision, FormulaRanking, Offer, Offers, Ranking
from parcours.wording import nearest, quoted

UNIFORM: Final = "uniform"
"""The other way by which each offer that might be chosen is as probable, where no ranking has this name."""

Log: TypeAlias = Iterable[Decided | OfferMarked | Learned]

_MIGHT: Final = frozenset({LETTERS["chosen"], LETTERS["outranked"]})


@dataclass(frozen=True, slots=True)
class Trial:
    """
    estimate   None where there is no case
    certain    how many cases had other offers, and no chance of any of them
    left_out   how many decisions are no cases, by why
    """

    estimate: Estimate | None
    certain: int
    left_out: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Choice:
    """A case before its reward is known."""

    at: int
    proposition: str
    chance: float
    other: float


def try_ranking(
    offers: Offers,
    decision: str,
    ranking: str,
    reward: Mark,
    log: Log,
    settings: Settings,
    within_ms: int | None = None,
) -> Trial:
    """What the decision would have been worth by another ranking, or by `uniform` choice.

    reward     what is wanted of an offer, counted as 1
    log        in the order of time, what was learned at an instant first; decided by these offers
    within_ms  how long after the decision it counts; None: however late
    Raises CallerError for a name that there is not, and for a ranking that facts do not tell enough of.
    """
    return _Trying(offers, _decision(offers, decision), _ranking(offers, ranking), settings).run(log, reward, within_ms)


def _decision(offers: Offers, name: str) -> Decision:
    if name not in offers.decisions:
        raise CallerError(f"unknown decision {quoted(name)}{nearest(name, offers.decisions)}")
    return offers.decisions[name]


def _ranking(offers: Offers, name: str) -> Ranking | str:
    """The ranking of this name, or one of the two that need no declaration. Raises CallerError."""
    found: Ranking | str | None = offers.rankings.get(name)
    if found is None:
        if name not in (BY_PRIORITY, UNIFORM):
            raise CallerError(
                f"unknown ranking {quoted(name)}{nearest(name, (*offers.rankings, BY_PRIORITY, UNIFORM))}"
            )
        return name
    if isinstance(found, FormulaRanking):
        unknown = sorted(path for path in found.formula.paths if not path.startswith("offer."))
        if unknown or found.formula.asked or found.formula.scores or found.formula.consents or found.formula.audiences:
            what = quoted(unknown[0]) if unknown else "what is known of people"
            raise CallerError(f"the ranking {quoted(name)} asks for {what}, which facts of decisions do not tell")
    if isinstance(found, BanditRanking) and found.within is not None and found.within.text not in offers.withins:
        raise CallerError(
            f"no decision uses a ranking within {quoted(found.within.text)}, so facts tell no such groups"
        )
    return found


@dataclass(slots=True)
class _Trying:
    """`told` has the newest lessons, `counts` all that the log has told so far, and `counted` lessons of these."""

    offers: Offers
    decision: Decision
    other: Ranking | str
    settings: Settings
    told: dict[str, Lesson] = field(default_factory=dict)
    counts: OfferCounts = field(default_factory=OfferCounts)
    counted: tuple[int, Lesson] = (-1, Lesson({}))
    left_out: Counter[str] = field(default_factory=Counter)
    certain: int = 0

    def run(self, log: Log, reward: Mark, within_ms: int | None) -> Trial:
        choices: dict[str, _Choice] = {}
        rewarded: set[str] = set()
        for fact in log:
            if isinstance(fact, Learned):
                self.told[fact.subject] = Lesson(fact.groups)
                continue
            if isinstance(self.other, BanditRanking):
                self._learn(self.other, fact.at)
            if isinstance(fact, Decided):
                if fact.decision == self.decision.name and (choice := self._choice(fact)) is not None:
                    choices[choice.proposition] = choice
            elif fact.mark == "given_back":
                if choices.pop(fact.proposition, None) is not None:
                    self.left_out["given back"] += 1
            elif fact.mark == reward and (known := choices.get(fact.proposition)) is not None:
                if within_ms is None or fact.at <= known.at + within_ms:
                    rewarded.add(fact.proposition)
            count_offers(self.counts, [fact])
        cases = (Case(each.chance, each.other, float(key in rewarded)) for key, each in choices.items())
        return Trial(estimate(cases), self.certain, dict(self.left_out))

    def _learn(self, ranking: BanditRanking, at: int) -> None:
        """At a tick the other ranking learns, as it would have from what was given."""
        tick = at // ranking.tick_ms(self.settings)
        if tick != self.counted[0]:
            self.counted = tick, self.counts.lesson(ranking)

    def _choice(self, fact: Decided) -> _Choice | None:
        if not fact.offers or fact.fallback:
            return self._leave("nothing was chosen, or the fallback")
        first = fact.offers[0]
        tried = next((each for each in fact.trace if _chose(each, first.offer)), None)
        if tried is None or tried.strategy >= len(self.decision.strategies):
            return self._leave("no strategy is told that chose it")
        strategy = self.decision.strategies[tried.strategy]
        known = {each.name: each for each in strategy.offers}
        might = [name for name, letter, _, _ in tried.looked if letter in _MIGHT]
        if tried.left_out and len(might) == len(tried.looked):
            return self._leave("not all offers are told that might have been chosen (decision_trace_max)")
        if not known.keys() >= set(might):
            return self._leave("decided by other offers than the project's")
        eligible = [each for each in strategy.offers if each.name in might]
        chance = self._chance(strategy.ranking or BY_PRIORITY, eligible, first.offer, fact, self.told)
        if strategy.ranking is None or isinstance(strategy.ranking, FormulaRanking):
            chance = 1.0  # by what was known of her then, and it was this one
        if not chance:
            return self._leave("its choice had no chance by what is told")
        self.certain += chance == 1 and len(eligible) > 1
        mine = {} if not isinstance(self.other, BanditRanking) else {self.other.subject: self.counted[1], **self.told}
        other = self._chance(self.other, eligible, first.offer, fact, mine)
        return _Choice(fact.at, first.proposition, chance, other)

    def _leave(self, why: str) -> _Choice | None:
        """No case comes of a decision."""
        self.left_out[why] += 1
        return None

    def _chance(
        self,
        ranking: Ranking | str,
        eligible: Sequence[Offer],
        chosen: str,
        fact: Decided,
        lessons: Mapping[str, Lesson],
    ) -> float:
        """That the ranking puts this offer first of those that might be chosen."""
        match ranking:
            case FormulaRanking():
                scores = {
                    each.name: ranking.formula.value(Scope(offer=each.known, now_ms=fact.at)) for each in eligible
                }
                return float(_first_of(eligible, scores) == chosen)
            case BanditRanking():
                group = REST if ranking.within is None else fact.groups.get(ranking.within.text, REST)
                lesson = lessons.get(ranking.subject, Lesson({}))
                beliefs = tuple(believed(ranking.prior, lesson.cases(group, each.name)) for each in eligible)
                which = next(place for place, each in enumerate(eligible) if each.name == chosen)
                explored = ranking.explore / BUCKETS
                return explored / len(eligible) + (1 - explored) * _highest(beliefs, which)
            case _:
                return 1 / len(eligible) if ranking == UNIFORM else float(eligible[0].name == chosen)


def _chose(tried: StrategyTried, offer: str) -> bool:
    return any(name == offer and letter == LETTERS["chosen"] for name, letter, _, _ in tried.looked)


def _first_of(eligible: Sequence[Offer], scores: Mapping[str, object]) -> str:
    """As the chooser has it: offers come by priority and name, and those without a number come last."""
    numbers = {name: each for name, each in scores.items() if isinstance(each, int | float) and each == each}
    return max(eligible, key=lambda each: numbers.get(each.name, float("-inf"))).name


@lru_cache(maxsize=10_000)
def _highest(beliefs: tuple[tuple[float, float], ...], which: int) -> float:
    return chance_of_highest(beliefs, which)
