"""Whose facts are these? Somebody into whom others were merged has, besides her own, theirs from before each merge.

A fact has the name that held when it was told, so those from before lie under the other names. They are hers up to the
merge: what is told later under such a name is of somebody else, who has it since.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from typing import Final

from parcours.core.fact import Fact, Looked, Merged, NotMerged
from parcours.core.identity import id_of

UNUSED: Final = "unused"
"""Why a run has ended where the history before the merge does not count."""


@dataclass(frozen=True, slots=True)
class Told:
    """
    owner  the name under which the person lives
    names  those that are hers as well, and under which something is told
    facts  under all of these, in the order of happening
    used   whether what was before a merge counts
    """

    owner: str
    names: Sequence[str]
    facts: list[Fact]
    used: bool

    @classmethod
    def of(cls, owner: str, names: Sequence[str], facts: Iterable[Fact], *, used: bool) -> Told:
        """What of these facts is told of the person."""
        return cls(owner, names, told_of(facts, owner, used=used, names=names), used)


def merged_names(facts: Iterable[Fact], person: str) -> set[str]:
    """The names that were ever merged into the person, as far as it is told."""
    return {fact.name for fact in facts if isinstance(fact, Merged) and fact.person == person}


def owner_by_facts(facts: Iterable[Fact], name: str) -> str:
    """Whom a name belongs to, as far as facts of everybody tell: the person herself, or into whom she was merged."""
    told = list(facts)
    newest = max(
        (each for each in told if isinstance(each, Merged) and each.name == name),
        key=lambda each: each.at,
        default=None,
    )
    if newest is None or any(_has_come_back(each, name, newest.at) for each in told):
        return name
    return newest.person


def _has_come_back(fact: Fact, name: str, merged_at: int) -> bool:
    """Whether the name is somebody of her own again, since others have been called by it as well."""
    if fact.at < merged_at:
        return False
    if isinstance(fact, NotMerged):
        return fact.reason == "shared" and fact.call == "identify" and fact.other_id == id_of(name)
    return fact.person == name and fact.at > merged_at and not isinstance(fact, Looked)


def told_of(facts: Iterable[Fact], person: str, *, used: bool, names: Collection[str] = ()) -> list[Fact]:
    """What is told of a person, in the order of happening.

    facts  in the order of happening for each name; those of others are passed over
    used   whether what was before a merge counts: otherwise only her own name's facts are taken
    names  those that are hers now, of which it may be forgotten when they were merged into her
    """
    told = list(facts)
    own = [fact for fact in told if fact.person == person]
    if not used:
        return own
    merged = {fact.name: fact for fact in own if isinstance(fact, Merged)}
    before = []
    for name in sorted({*names, *merged}):
        if name not in merged:
            before.append([fact for fact in told if fact.person == name])
        elif all(run.why != UNUSED for run in merged[name].runs):
            before.append([fact for fact in told if fact.person == name and fact.at <= merged[name].at])
    return together([*before, own])


def together(told: Collection[list[Fact]]) -> list[Fact]:
    """What is told under several names, in the order of happening; under the last one only then, at one instant."""
    return [fact for _, fact in merge(*map(_by_time, told), key=lambda pair: pair[0])]


def _by_time(facts: Iterable[Fact]) -> Iterator[tuple[int, Fact]]:
    """Each fact with its time: one that was made up for later does not come before what had happened until then."""
    newest = 0
    for fact in facts:
        newest = max(newest, fact.at)
        yield newest, fact
