"""The compiler of offers.yaml: each part with what it may name, and decisions with the offers that they choose from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from parcours.expression.kinds import ExpectedKind
from parcours.expression.names import Names
from parcours.journey.compile.declarations import Declarations, condition, expression, value
from parcours.journey.compile.offers.collections import Collections
from parcours.journey.compile.offers.offer import OfferCompiler
from parcours.journey.compile.offers.scopes import OfferScopes
from parcours.journey.model.offers import (
    BY_PRIORITY,
    EVERY_OFFER,
    BanditRankingDocument,
    DecisionDocument,
    FormulaRankingDocument,
    OffersDocument,
    PlacementDocument,
    StrategyDocument,
)
from parcours.journey.model.steps import hundredths, is_too_fine
from parcours.journey.offers import (
    NO_OFFERS,
    BanditRanking,
    Decision,
    FormulaRanking,
    Offer,
    Offers,
    Placement,
    Ranking,
    Strategy,
)
from parcours.journey.read.documents import Documents, Margins
from parcours.journey.read.finding import Key, Margin
from parcours.wording import nearest, quoted

OTHER_SURFACES: Final = frozenset({"agent", "app", "web"})
"""What shows offers and is no channel of messages."""

_SCORE: Final = ExpectedKind("a formula is a number", ("number",))


def compiled_offers(documents: Documents, margins: Margins, declared: Declarations) -> Offers:
    """What offers.yaml says. Faults go into its margin."""
    document, margin = documents.offers, margins.single["offers"]
    if not any(document.parts.values()):
        return NO_OFFERS
    lost = margins.lost.get(margin.file, frozenset())
    collections = Collections(document, margin, margins.unread, frozenset(path[:2] for path in lost))
    scopes = OfferScopes.of(document, declared, collections)
    compiler = _Compiler(document, margin, declared, collections, scopes, documents.settings.timezone)
    return compiler.compile()


@dataclass(frozen=True, slots=True)
class _Compiler:
    document: OffersDocument
    margin: Margin
    declared: Declarations
    collections: Collections
    scopes: OfferScopes
    timezone: str

    def compile(self) -> Offers:
        placements = {name: self._placement(name, each) for name, each in self.document.placements.items()}
        offer = OfferCompiler(placements, self.declared, self.scopes, self.collections, self.timezone)
        offers = {
            name: offer.compile(name, each, self.margin.below("offers", name))
            for name, each in self.document.offers.items()
        }
        self.collections.check()
        rankings = self._rankings()
        decisions = {
            name: self._decision(name, each, offers, rankings) for name, each in self.document.decisions.items()
        }
        return Offers(placements, offers, decisions, self._redeeming(), rankings)

    def _redeeming(self) -> frozenset[str]:
        """The event types that have a code, which may be that of an offer."""
        keys = self.declared.definition_keys
        return frozenset(keys.event(name) for name, properties in self.declared.events.items() if "code" in properties)

    def _placement(self, name: str, document: PlacementDocument) -> Placement:
        known = self.declared.channels | OTHER_SURFACES
        if document.channel not in known and (hint := nearest(document.channel, known)):
            self.margin.warn(f"there is no channel {quoted(document.channel)}{hint}", "placements", name, "channel")
        return Placement(name, document.channel, document.format, document.shown_by)

    def _rankings(self) -> dict[str, Ranking]:
        compiled: dict[str, Ranking] = {}
        for name, document in self.document.rankings.items():
            margin = self.margin.below("rankings", name)
            if name == BY_PRIORITY:
                margin.error(f"{BY_PRIORITY!r} is the ranking by the offers' priorities: give this one another name")
            match document:
                case FormulaRankingDocument():
                    names = self.scopes.of_ranking(name)
                    compiled[name] = FormulaRanking(name, value(margin, document.formula, names, _SCORE, "formula"))
                case BanditRankingDocument():
                    compiled[name] = self._learned(name, document, margin)
        return compiled

    def _learned(self, name: str, document: BanditRankingDocument, margin: Margin) -> BanditRanking:
        if is_too_fine(document.explore):
            fault = "people explore to a hundredth of a percent, and this is a finer share"
            margin.error(fault, "explore", value=f"{document.explore:g}", runs=True)
        names = replace(self.declared.names(), now=False)
        within = None if document.within is None else expression(margin, document.within, names, "within")
        about = document.bandit, document.of, document.every, document.prior
        return BanditRanking(name, *about, hundredths(document.explore), within)

    def _decision(
        self, name: str, document: DecisionDocument, offers: Mapping[str, Offer], rankings: Mapping[str, Ranking]
    ) -> Decision:
        margin, names = self.margin.below("decisions", name), self.scopes.of_strategy(name)
        strategies = tuple(
            self._strategy(each, margin.below("choose", number), names, offers, rankings)
            for number, each in enumerate(document.choose)
        )
        fallback = None
        if document.fallback is not None and self._knows("offer", document.fallback, offers, margin, "fallback"):
            fallback = offers[document.fallback]
        return Decision(name, strategies, document.count, document.distinct, fallback, dict(document.context))

    def _strategy(
        self,
        document: StrategyDocument,
        margin: Margin,
        names: Names,
        offers: Mapping[str, Offer],
        rankings: Mapping[str, Ranking],
    ) -> Strategy:
        known = (*self.document.collections, EVERY_OFFER)
        self._knows("collection", document.collection, known, margin, "collection")
        self._knows("ranking", document.ranking, (*rankings, BY_PRIORITY), margin, "ranking")
        return Strategy(
            document.collection,
            in_order(offers[each] for each in self.collections.members(document.collection)),
            None if document.when is None else condition(margin, document.when, names, "when"),
            rankings.get(document.ranking),
        )

    def _knows(self, kind: str, name: str, known: Iterable[str], margin: Margin, *keys: Key) -> bool:
        """Whether a name is known; a finding where it is not, and none that could not be read may be meant."""
        if name in known:
            return True
        if f"{kind}s" not in self.collections.unread:
            margin.error(f"unknown {kind} {quoted(name)}{nearest(name, known)}", *keys)
        return False


def in_order(offers: Iterable[Offer]) -> tuple[Offer, ...]:
    """The offers as they go where a ranking says the same of them: the highest priority first, then by name."""
    return tuple(sorted(offers, key=lambda offer: (-offer.priority, offer.name.encode())))
