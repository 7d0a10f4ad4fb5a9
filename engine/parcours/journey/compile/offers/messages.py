"""The compiler of the offers that a message shows: which decisions, at which placements, and what its texts may ask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from parcours.expression.dotted import split_path
from parcours.expression.names import ANYTHING, united
from parcours.expression.nodes import OFFERS
from parcours.journey.compile.declarations import Declarations
from parcours.journey.compile.offers.chosen import OFFER_PARTS, paths_of_shown
from parcours.journey.model.document import MessageDocument
from parcours.journey.model.message_offers import DecidedOfferDocument, KeptOfferDocument
from parcours.journey.model.steps import DecideStep
from parcours.journey.offers import Decision, Offers
from parcours.journey.parts import Message, MessageOffer
from parcours.journey.read.finding import KeyPath, Margin
from parcours.wording import nearest, quoted


@dataclass(frozen=True, slots=True)
class MessageOffersCompiler:
    """Compiles the offers of one message.

    senders  by journey that sends it, the steps that decide there
    unsure   whether there may be steps that could not be read
    """

    document: MessageDocument
    offers: Offers
    senders: Mapping[str, Sequence[DecideStep]]
    unsure: bool
    declared: Declarations
    margin: Margin

    def compile(self) -> tuple[MessageOffer, ...]:
        return tuple(self._offer(name, each, self.margin.below("offers", name)) for name, each in self._documents())

    def _documents(self) -> Iterable[tuple[str, DecidedOfferDocument | KeptOfferDocument]]:
        return self.document.offers.items()

    def _offer(self, name: str, document: DecidedOfferDocument | KeptOfferDocument, margin: Margin) -> MessageOffer:
        self._check_placements(document.placement, margin)
        match document:
            case DecidedOfferDocument(decision=decision):
                if decision not in self.offers.decisions and "decisions" not in self.declared.unread:
                    margin.error(
                        f"unknown decision {quoted(decision)}{nearest(decision, self.offers.decisions)}", "decision"
                    )
                return MessageOffer(name, decision, "", dict(document.placement))
            case KeptOfferDocument(from_=source):
                for journey, steps in self.senders.items():
                    if not self.unsure and all(each.as_ != source for each in steps):
                        margin.error(
                            f"the journey {journey!r} sends it, and no step there decides as {quoted(source)}", "from"
                        )
                return MessageOffer(name, None, source, dict(document.placement))

    def _check_placements(self, placements: Mapping[str, str], margin: Margin) -> None:
        for channel, name in placements.items():
            if channel not in self.document.contents:
                hint = nearest(channel, self.document.contents)
                margin.error(f"the message has no content for {quoted(channel)}{hint}", "placement", channel)
            placement = self.offers.placements.get(name)
            if placement is None:
                if "placements" not in self.declared.unread:
                    hint = nearest(name, self.offers.placements)
                    margin.error(f"unknown placement {quoted(name)}{hint}", "placement", channel)
            elif placement.channel != channel:
                fault = f"the placement {quoted(name)} is one of {quoted(placement.channel)}"
                margin.warn(fault, "placement", channel)

    def check_used(self, compiled: Iterable[MessageOffer], place: KeyPath, paths: Iterable[str]) -> None:
        """Note where a text names an offer that is never decided on its channel."""
        named = {keys[1] for path in paths if (keys := split_path(path))[0] == OFFERS and len(keys) > 1}
        for each in compiled:
            if each.name in named and each.decision is not None and place[0] not in each.placements:
                fault = f"offers.{each.name} has no placement for {quoted(str(place[0]))}, and is always empty there"
                self.margin.warn(fault, *place)

    def names(self, compiled: Sequence[MessageOffer]) -> Mapping[str, str]:
        """The paths below `offers` that its texts may ask for."""
        is_lost = any(not self._decisions(each) for each in compiled)  # which is told where it stands
        if self.unsure or is_lost or not OFFER_PARTS.isdisjoint(self.declared.unread):
            return ANYTHING
        return united(
            paths_of_shown(each.name, decision.offers, self._placements(each))
            for each in compiled
            for decision in self._decisions(each)
        )

    def _decisions(self, offer: MessageOffer) -> list[Decision]:
        """Those by which it may be chosen."""
        steps = (step for each in self.senders.values() for step in each if step.as_ == offer.source)
        names = {step.decide for step in steps} if offer.decision is None else {offer.decision}
        return [each for name, each in sorted(self.offers.decisions.items()) if name in names]

    def _placements(self, offer: MessageOffer) -> frozenset[str]:
        if offer.placements:
            return frozenset(offer.placements.values())
        return frozenset(step.placement for each in self.senders.values() for step in each if step.as_ == offer.source)


def paths_of_offers(message: Message, offers: Offers) -> frozenset[str]:
    """The paths that the decisions of a message read, and the contents that it may show."""
    paths = set[str]()
    for each in message.offers:
        decision = offers.decisions.get(each.decision or "")
        chosen = offers.offers.values() if decision is None else decision.offers
        if decision is not None:
            paths |= decision.paths()
        for offer in chosen:
            for placement, content in offer.content.items():
                if not each.placements or placement in each.placements.values():
                    paths |= content.paths
    return frozenset(paths)
