"""Offers, compiled: what may be offered where, in which order, and which decisions choose from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from parcours.config import Settings
from parcours.expression.expression import Expression
from parcours.journey.model.offers import Counted, Format, Mark

MARK_EVENTS: Final[Mapping[Mark, str]] = {
    "shown": "Offer Shown",
    "clicked": "Offer Clicked",
    "dismissed": "Offer Dismissed",
}
"""The events that marks are; whatever converts an offer is an event itself."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where offers appear, and as what."""

    name: str
    channel: str
    format: Format
    shown_by: Literal["delivered", "opened"] | None = None

    def is_shown_by(self, channel: str) -> str:
        """What tells that a message on this channel has shown it."""
        return self.shown_by or ("delivered" if channel == "sms" else "opened")


@dataclass(frozen=True, slots=True)
class Cap:
    """How often one person may get an offer.

    of        what is counted: decisions, marks, or events of this name
    per_ms    the window (now - per, now] in which it is counted; None: ever
    counted   how many events there were in the window; None of decisions and marks
    """

    max: int
    of: str
    per_ms: int | None
    counted: Expression | None = None


@dataclass(frozen=True, slots=True)
class TotalCap:
    """How often everybody together may get an offer: on each day of the project's zone, or ever."""

    max: int
    daily: bool


@dataclass(frozen=True, slots=True)
class Content:
    """What an offer says at one placement.

    values  by the keys of its format, as an author wrote them, templates not filled in
    paths   the paths that its templates read, with their root
    """

    format: Format
    values: Mapping[str, object]
    paths: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class OfferGoal:
    """What an offer is for: an event within a time after it was shown, the end included; None: however late."""

    event: str
    when: Expression | None
    within_ms: int | None


@dataclass(frozen=True, slots=True)
class Offer:
    """
    starts_ms, ends_ms  the first and the last instant at which it is offered, both inclusive; None: no such bound
    totals              the caps of everybody together
    known               what expressions see of it: its name, priority and attributes
    """

    name: str
    title: str
    tags: frozenset[str]
    attributes: Mapping[str, object]
    eligible: Expression | None
    starts_ms: int | None
    ends_ms: int | None
    priority: int
    caps: tuple[Cap, ...]
    content: Mapping[str, Content]
    goal: OfferGoal | None = None
    totals: tuple[TotalCap, ...] = ()
    known: Mapping[str, object] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        own = {"name": self.name, "priority": self.priority}
        object.__setattr__(self, "known", {**self.attributes, **own})

    @property
    def told(self) -> dict[str, object]:
        """What templates see of it."""
        own = {"name": self.name, "title": self.title, "priority": self.priority}
        return {**own, "attributes": dict(self.attributes)}

    def windows_ms(self, of: Counted) -> tuple[int, ...]:
        """The windows in which it is counted how often this happened."""
        return tuple(cap.per_ms for cap in self.caps if cap.of == of and cap.per_ms is not None)

    def counts(self, of: Counted) -> bool:
        """Whether a cap counts how often this happened."""
        return any(cap.of == of for cap in self.caps)


@dataclass(frozen=True, slots=True)
class FormulaRanking:
    """The highest value of the formula first."""

    name: str
    formula: Expression


@dataclass(frozen=True, slots=True)
class BanditRanking:
    """What has done better comes first more often.

    wanted, of  the marks whose share is learned
    every_ms    the length of a tick: what has become of offers is looked at once in each; None: `decision_tick_ms`
    prior       cases with and without what is wanted that a new offer is believed to have
    explore     how many of 10,000 people get any, whatever is known
    within      what people are told apart by; None: they are not
    """

    name: str
    wanted: Mark
    of: Counted
    every_ms: int | None
    prior: tuple[float, float]
    explore: int = 0
    within: Expression | None = None

    @property
    def subject(self) -> str:
        """What it learns, as text. Rankings that learn the same know the same."""
        every = "" if self.every_ms is None else f" every {self.every_ms}"
        return f"{self.wanted} of {self.of}{every}{'' if self.within is None else f' within {self.within.text}'}"

    def tick_ms(self, settings: Settings) -> int:
        """The length of a tick."""
        return settings.decision_tick_ms if self.every_ms is None else self.every_ms


Ranking: TypeAlias = FormulaRanking | BanditRanking


@dataclass(frozen=True, slots=True)
class Strategy:
    """Offers to choose from, as equals go: by priority, then by name. `ranking` is None where that is all."""

    collection: str
    offers: tuple[Offer, ...]
    when: Expression | None
    ranking: Ranking | None


@dataclass(frozen=True, slots=True)
class Decision:
    """Which offers somebody gets.

    distinct  an offer that the answer has already is passed over
    context   the kind of each value that whoever asks may give
    """

    name: str
    strategies: tuple[Strategy, ...]
    count: int
    distinct: bool
    fallback: Offer | None
    context: Mapping[str, str]

    @property
    def offers(self) -> tuple[Offer, ...]:
        """All that it may choose, each once, and its fallback."""
        last = () if self.fallback is None else (self.fallback,)
        every = (*(offer for strategy in self.strategies for offer in strategy.offers), *last)
        return tuple({offer.name: offer for offer in every}.values())

    def paths(self) -> frozenset[str]:
        """The paths that its conditions and formulas read, and those of its offers."""
        asked = [offer.eligible for strategy in self.strategies for offer in strategy.offers]
        asked += [strategy.when for strategy in self.strategies]
        rankings = [strategy.ranking for strategy in self.strategies]
        asked += [ranking.formula for ranking in rankings if isinstance(ranking, FormulaRanking)]
        return frozenset(path for each in asked if each is not None for path in each.paths)


@dataclass(frozen=True, slots=True)
class Offers:
    """All that offers.yaml says, each part by name.

    redeeming  the event types that may name the code of an offer
    learned    the rankings that learn, and that decisions use
    withins    what these tell people apart by, each once by its text
    """

    placements: Mapping[str, Placement] = field(default_factory=dict)
    offers: Mapping[str, Offer] = field(default_factory=dict)
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    redeeming: frozenset[str] = frozenset()
    rankings: Mapping[str, Ranking] = field(default_factory=dict)
    has_totals: bool = field(init=False, repr=False, compare=False)
    """Whether an offer has a cap of everybody together."""

    learned: tuple[BanditRanking, ...] = field(init=False)
    withins: Mapping[str, Expression] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "has_totals", any(each.totals for each in self.offers.values()))
        used = (strategy.ranking for each in self.decisions.values() for strategy in each.strategies)
        learned = {ranking.name: ranking for ranking in used if isinstance(ranking, BanditRanking)}
        object.__setattr__(self, "learned", tuple(learned[name] for name in sorted(learned)))
        withins = {each.within.text: each.within for each in self.learned if each.within is not None}
        object.__setattr__(self, "withins", withins)

    @property
    def converting(self) -> frozenset[str]:
        """The event types by which an offer that somebody got may be converted."""
        goals = (offer.goal.event for offer in self.offers.values() if offer.goal is not None)
        return frozenset((*self.redeeming, *goals)) if self.decisions else frozenset()

    def expressions(self) -> Iterator[Expression]:
        """Every expression that is evaluated of a person when something is decided."""
        for offer in self.offers.values():
            if offer.eligible is not None:
                yield offer.eligible
            if offer.goal is not None and offer.goal.when is not None:
                yield offer.goal.when
            yield from (cap.counted for cap in offer.caps if cap.counted is not None)
        for decision in self.decisions.values():
            for strategy in decision.strategies:
                if strategy.when is not None:
                    yield strategy.when
                if isinstance(strategy.ranking, FormulaRanking):
                    yield strategy.ranking.formula
        yield from self.withins.values()


NO_OFFERS: Final = Offers()
