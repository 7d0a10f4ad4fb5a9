"""What rankings that learn know: of each offer how often it was looked at, and how often what is wanted came of it.

Marks are counted with the commits that tell them, apart for each group of people that a ranking tells apart. The counts
of all shards together, as of a tick, are a lesson: it holds from one instant on for everybody, and what is due before
that goes by the lesson before. A count is a whole number and sums do not depend on who adds them, so a lesson is the
same for any number of shards. The groups that have counts of their own are those of the smallest names, which are
hashes: which ones these are follows from all that there are, and not from the order in which they came. All others are
counted together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

import msgspec

from parcours.core.buckets import hash_of
from parcours.expression.expression import Expression, Scope
from parcours.journey.model.offers import Counted, Mark
from parcours.journey.offers import BanditRanking, Offers

GROUPS_MAX: Final = 100
"""Groups that have counts of their own, of whatever tells people apart."""

REST: Final = ""
"""The group of everybody else, and of everybody where nobody is told apart."""

EVERYBODY: Final = ""
"""In the place of the text by which people are told apart, where they are not."""

_PLACES: Final[Mapping[Counted | Mark, int]] = {
    "decided": 0, "shown": 1, "clicked": 2, "dismissed": 3, "converted": 4,
}  # fmt: skip

Tallies: TypeAlias = dict[str, dict[str, dict[str, list[int]]]]
"""By the text of what tells people apart, the group and the offer: how often each of _PLACES has happened."""


class Lesson(msgspec.Struct, frozen=True, array_like=True):
    """What a ranking knows.

    groups  by group and offer, how often it was looked at, and how often what is wanted came of it
    """

    groups: dict[str, dict[str, tuple[int, int]]]

    def cases(self, group: str, offer: str) -> tuple[int, int]:
        """What is known of an offer for this group; a group without counts of its own is among all others."""
        known = self.groups.get(group)
        if known is None:
            known = self.groups.get(REST, {})
        return known.get(offer, (0, 0))


class Lessons(msgspec.Struct, frozen=True, array_like=True):
    """What rankings know from an instant on.

    since     in ms, the first instant at which they know it
    subjects  by what they learn (`BanditRanking.subject`)
    """

    since: int
    subjects: dict[str, Lesson]


NO_LESSONS: Final[Mapping[str, Lesson]] = {}


def group_of(within: Expression, scope: Scope) -> str:
    """The group of a person: a hash of the value, for facts tell no values; REST where there is none."""
    value = within.value(scope)
    if isinstance(value, bool):
        return _group(within.text, str(value).lower())
    if isinstance(value, float) and value.is_integer():
        return _group(within.text, str(int(value)))
    return _group(within.text, str(value)) if isinstance(value, str | int | float) else REST


def _group(text: str, value: str) -> str:
    return f"{hash_of(text, value):016x}"


def groups_of(offers: Offers, scope: Scope) -> dict[str, str]:
    """The groups of a person, by the text of what tells people apart."""
    return {text: group_of(within, scope) for text, within in offers.withins.items()}


class OfferCounts:
    """How often offers were given and marked, over everybody of whom it is told.

    tallies  is there to be kept, and to be added to others
    """

    def __init__(self, tallies: Tallies | None = None) -> None:
        self.tallies: Tallies = {} if tallies is None else tallies

    def add(self, offer: str, what: Counted | Mark, many: int, groups: Mapping[str, str]) -> None:
        """This has happened to an offer, so many times, to somebody of these groups."""
        self._cell(EVERYBODY, REST, offer)[_PLACES[what]] += many
        for text, group in groups.items():
            self._cell(text, group, offer)[_PLACES[what]] += many

    def _cell(self, text: str, group: str, offer: str) -> list[int]:
        groups = self.tallies.setdefault(text, {})
        if group not in groups and group != REST:
            group = _room_for(groups, group)
        return groups.setdefault(group, {}).setdefault(offer, [0] * len(_PLACES))

    def include(self, other: Tallies) -> None:
        """Add the counts of others."""
        for text, groups in other.items():
            for group, offers in groups.items():
                for offer, many in offers.items():
                    cell = self._cell(text, group, offer)
                    cell[:] = [own + more for own, more in zip(cell, many, strict=True)]

    def keep_to(self, offers: Offers) -> None:
        """Forget whatever no published offer and no published ranking asks for."""
        wanted = {EVERYBODY, *offers.withins}
        self.tallies = {
            text: {
                group: {offer: many for offer, many in known.items() if offer in offers.offers}
                for group, known in groups.items()
            }
            for text, groups in self.tallies.items()
            if text in wanted
        }

    def lesson(self, ranking: BanditRanking) -> Lesson:
        """What the ranking can know by these counts."""
        text = EVERYBODY if ranking.within is None else ranking.within.text
        of, wanted = _PLACES[ranking.of], _PLACES[ranking.wanted]
        told: dict[str, dict[str, tuple[int, int]]] = {}
        for group, known in sorted(self.tallies.get(text, {}).items()):
            cases = {offer: (many[of], many[wanted]) for offer, many in sorted(known.items())}
            told[group] = {offer: each for offer, each in cases.items() if each != (0, 0)}
        return Lesson(told if any(told.values()) else {})


def _room_for(groups: dict[str, dict[str, list[int]]], group: str) -> str:
    """Where a new group is counted: by itself as long as few have a smaller name; one that has to go is no more."""
    own = groups.keys() - {REST}
    if len(own) < GROUPS_MAX:
        return group
    if group > (last := max(own)):
        return REST
    rest = groups.setdefault(REST, {})
    for offer, many in groups.pop(last).items():
        rest[offer] = [own + more for own, more in zip(rest.get(offer, [0] * len(many)), many, strict=True)]
    return group
