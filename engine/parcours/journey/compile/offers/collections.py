"""Collections: which offers does each have, and what is wrong with how it names them?"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from parcours.journey.model.offers import (
    EVERY_OFFER,
    OfferDocument,
    OffersCollectionDocument,
    OffersDocument,
    TagsCollectionDocument,
    TagsDocument,
)
from parcours.journey.read.finding import KeyPath, Margin
from parcours.wording import nearest, quoted


@dataclass(frozen=True, slots=True)
class Collections:
    """
    unread  the keys under which names may be declared that could not be read
    lost    the first two keys of whatever could not be read: nobody knows what is missing there
    """

    document: OffersDocument
    margin: Margin
    unread: Set[str]
    lost: Set[KeyPath]

    def is_whole(self, *keys: str) -> bool:
        """Whether a part of the document could be read whole."""
        return keys[0] not in self.unread and keys[:2] not in self.lost

    def members(self, name: str) -> tuple[str, ...]:
        """The names of a collection's offers, each once. One that nobody knows may have all of them."""
        offers, form = self.document.offers, self.document.collections.get(name)
        if name == EVERY_OFFER or form is None or not self.is_whole("collections", name):
            return tuple(offers)
        if isinstance(form, OffersCollectionDocument):
            return tuple(dict.fromkeys(each for each in form.offers if each in offers))
        return tuple(each for each, offer in offers.items() if _has(offer, form.tags))

    def check(self) -> None:
        """Note what is wrong with the collections."""
        for name, form in self.document.collections.items():
            margin = self.margin.below("collections", name)
            if name == EVERY_OFFER:
                margin.error(f"{EVERY_OFFER!r} is the collection of every offer: give this one another name")
            match form:
                case OffersCollectionDocument():
                    self._check_names(form, margin)
                case TagsCollectionDocument():
                    self._check_tags(form.tags, margin)
            if not self.members(name) and self.is_whole("offers"):
                margin.warn("no offer is in it")

    def _check_names(self, form: OffersCollectionDocument, margin: Margin) -> None:
        for number, each in enumerate(form.offers):
            if each not in self.document.offers and "offers" not in self.unread:
                margin.error(f"unknown offer {quoted(each)}{nearest(each, self.document.offers)}", "offers", number)

    def _check_tags(self, tags: TagsDocument, margin: Margin) -> None:
        """Warn of tags that no offer has: they are free words, and one may be there for offers to come."""
        if not all(self.is_whole("offers", each) for each in self.document.offers) or "offers" in self.unread:
            return
        known = {tag for offer in self.document.offers.values() for tag in offer.tags}
        for key, named in (("any", tags.any), ("all", tags.all), ("none", tags.none)):
            for number, tag in enumerate(named):
                if tag not in known:
                    margin.warn(f"no offer has the tag {quoted(tag)}{nearest(tag, known)}", "tags", key, number)


def _has(offer: OfferDocument, wanted: TagsDocument) -> bool:
    tags = set(offer.tags)
    return (
        tags.issuperset(wanted.all) and tags.isdisjoint(wanted.none) and (not wanted.any or bool(tags & {*wanted.any}))
    )
