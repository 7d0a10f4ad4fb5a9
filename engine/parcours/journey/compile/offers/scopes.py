"""What expressions may name where offers are chosen: everything about the person, `context` and `offer`.

A decision may be made anywhere: at a step, with a message, or because somebody asks. So `event` and `entry` are those
of any event, and missing where there is none. An attribute that some of the offers lack is missing there, and so is
what only another decision's caller gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from parcours.expression.dotted import joined_path
from parcours.expression.names import ANYTHING, Names, united
from parcours.expression.values import kind_of
from parcours.journey.compile.declarations import Declarations
from parcours.journey.compile.offers.collections import Collections
from parcours.journey.model.offers import DecisionDocument, OfferDocument, OffersDocument

OWN: Mapping[str, str] = {"name": "string", "priority": "number"}
"""What every offer has."""


@dataclass(frozen=True, slots=True)
class OfferScopes:
    """
    everywhere  the names that have a meaning wherever something is decided
    contexts    by decision, what its callers can give
    of_offers   by offer, what the callers of decisions that may choose it can give
    ranked      by ranking, the offers that it ranks, and what the callers of those decisions can give
    """

    document: OffersDocument
    collections: Collections
    everywhere: Names
    contexts: Mapping[str, Mapping[str, str]]
    of_offers: Mapping[str, Mapping[str, str]]
    ranked: Mapping[str, tuple[frozenset[str], Mapping[str, str]]]

    @staticmethod
    def of(document: OffersDocument, declared: Declarations, collections: Collections) -> OfferScopes:
        """The scopes of a document."""
        every = united(declared.events.values())
        contexts = {
            name: _context(each, is_whole=collections.is_whole("decisions", name))
            for name, each in document.decisions.items()
        }
        chosen: dict[str, list[Mapping[str, str]]] = {}
        ranked: dict[str, set[str]] = {}
        asking: dict[str, list[Mapping[str, str]]] = {}
        for name, decision in document.decisions.items():
            for strategy in decision.choose:
                members = collections.members(strategy.collection)
                ranked.setdefault(strategy.ranking, set()).update(members)
                asking.setdefault(strategy.ranking, []).append(contexts[name])
                for each in members:
                    chosen.setdefault(each, []).append(contexts[name])
        return OfferScopes(
            document,
            collections,
            declared.names(every, every, run=True),
            contexts,
            {offer: united(given) for offer, given in chosen.items()},
            {ranking: (frozenset(members), united(asking[ranking])) for ranking, members in ranked.items()},
        )

    def of_offer(self, name: str) -> Names:
        """Those of an offer's own condition; one that no decision chooses may name what any caller gives."""
        return self._names([name], self.of_offers.get(name, self._any_context()))

    def of_content(self, name: str, offer: OfferDocument) -> Names:
        """Those of its templates, which find attributes below `offer.attributes`."""
        kinds = self._attributes([name])
        attributes = {f"attributes.{joined_path([key])}": kinds[key] for key in offer.attributes}
        anything = ANYTHING if "*" in kinds else {}
        names = self.of_offer(name)
        return replace(names, offer={**OWN, "title": "string", **attributes, **anything})

    def of_ranking(self, name: str) -> Names:
        """Those of a formula, over all offers that it ranks; over all there are where nothing uses it."""
        offers, context = self.ranked.get(name, (frozenset(self.document.offers), self._any_context()))
        return self._names(sorted(offers), context)

    def of_strategy(self, decision: str) -> Names:
        """Those of a strategy's condition, which knows of no offer yet."""
        return replace(self.everywhere, context=self.contexts[decision])

    def _names(self, offers: Iterable[str], context: Mapping[str, str]) -> Names:
        return replace(self.everywhere, context=context, offer={**self._attributes(offers), **OWN})

    def _any_context(self) -> Mapping[str, str]:
        return united(self.contexts.values()) if self.contexts else {}

    def _attributes(self, offers: Iterable[str]) -> dict[str, str]:
        known = [
            {key: kind_of(given) for key, given in self.document.offers[name].attributes.items()} for name in offers
        ]
        is_whole = all(self.collections.is_whole("offers", name) for name in self.document.offers)
        return united([*known, *([] if is_whole and self.collections.is_whole("offers") else [ANYTHING])])


def _context(document: DecisionDocument, *, is_whole: bool) -> Mapping[str, str]:
    return {**document.context, **({} if is_whole else ANYTHING)}
