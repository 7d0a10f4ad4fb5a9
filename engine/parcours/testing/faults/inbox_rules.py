"""The checker's rules of inboxes: what the journal tells of them is what people see, and nothing is lost or doubled.

A delivery lies in an inbox from its `sent` on until it is `withdrawn` or `dismissed`; it is seen once it is `opened`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from parcours.channel import INBOX
from parcours.core.fact import DeliveryReached, Fact, Merged, Moved
from parcours.testing.faults.ledgers import Ledgers, RunId

NEVER_LAID: Final = frozenset({"refused", "failed", "cancelled"})
TAKES_OUT: Final = frozenset({"withdrawn", "dismissed"})
SEEN: Final = frozenset({"opened", "clicked"})


@dataclass(slots=True)
class Inboxes:
    """All inboxes by the facts. `lies` has each delivery that lies somewhere, with its run.

    seen  the keys of those that were opened
    left  the runs that were ended from outside

    Of a run that is over by the merge of its person no number is told, and nobody leaves it any more: it has none.
    """

    lies: dict[str, RunId] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    left: set[RunId] = field(default_factory=set)

    def take(self, fact: Fact) -> None:
        match fact:
            case Merged():
                numbers = {(run.journey, run.number): run.to for run in fact.runs}
                for key, (whose, journey, number) in self.lies.items():
                    if whose == fact.name:
                        self.lies[key] = fact.person, journey, numbers.get((journey, number or 0))
            case Moved(run=int()) if fact.what == "exited" or fact.why == "stopped":
                self.left.add((fact.person, fact.journey, fact.run))
            case DeliveryReached(outcome="sent") if fact.channel in INBOX:
                self.lies[fact.key] = fact.person, fact.journey, fact.run
            case DeliveryReached() if fact.outcome in TAKES_OUT:
                self.lies.pop(fact.key, None)
            case DeliveryReached() if fact.outcome in SEEN:
                self.seen.add(fact.key)
            case _:
                pass

    def of(self, person: str) -> list[str]:
        """The keys of what lies there for a person, in the order in which it came."""
        return [key for key, (whose, _, _) in self.lies.items() if whose == person]


def laid_once(ledgers: Ledgers, checked: Counter[str]) -> Iterator[str]:
    """What was decided on is laid into the inbox once, or it is told why not, and it is taken out once at most."""
    for key, facts in ledgers.outcomes.items():
        if facts[0].channel not in INBOX:
            continue
        checked["laid once"] += 1
        told = Counter(fact.outcome for fact in facts)
        if told["sent"] > 1 or (not told["sent"] and NEVER_LAID.isdisjoint(told)):
            yield f"{key} was laid down {told['sent']} times, and all that is told of it is {dict(told)}"
        if told["withdrawn"] > 1 or (told["withdrawn"] and not told["sent"]):
            yield f"{key} was withdrawn {told['withdrawn']} times, and laid down {told['sent']} times"


def taken_back(ledgers: Ledgers, checked: Counter[str]) -> Iterator[str]:
    """Of a run that was left nothing lies there unseen from that commit on."""
    inboxes = Inboxes()
    for commit in ledgers.commits_in_order:
        for fact in commit.facts:
            inboxes.take(fact)
        for key, run in inboxes.lies.items():
            checked["taken back"] += 1
            if run in inboxes.left and key not in inboxes.seen:
                yield f"{key} lies there unseen after record {commit.sequence}, and its run was left"


def in_inboxes(ledgers: Ledgers, checked: Counter[str]) -> Iterator[str]:
    """Alive and on disk, there lies in the end what the facts tell, and everything has expired by then."""
    inboxes = Inboxes()
    for fact in ledgers.facts_in_order:
        inboxes.take(fact)
    checked["in inboxes"] += len(ledgers.shards)
    if inboxes.lies:
        yield f"{sorted(inboxes.lies)} are never taken out"
    for states in (ledgers.states, ledgers.restored):
        for person, profile in states.items():
            keys = [entry.key for entry in profile.inbox]
            if keys != inboxes.of(person):
                yield f"{keys} lie with {person}, and the facts tell of {inboxes.of(person)}"


def seen_in_inboxes(ledgers: Ledgers, checked: Counter[str]) -> Iterator[str]:
    """Whoever looks sees what is committed: all that lies there, once, and nothing that was taken out.

    What has expired is not shown any more, though nobody may have withdrawn it yet. Whoever is merged is left out: what
    lies with her is told by the records of two shards.
    """
    merged = {name for fact in ledgers.facts if isinstance(fact, Merged) for name in (fact.name, fact.person)}
    expired = {
        fact.key
        for fact in ledgers.facts
        if isinstance(fact, DeliveryReached) and fact.outcome == "withdrawn" and fact.reason == "expired"
    }
    for number, shard in enumerate(ledgers.shards):
        looks = defaultdict(list)
        for look in ledgers.looks:
            if look.shard == number and look.person not in merged:
                looks[look.commits].append(look)
        inboxes = Inboxes()
        for place in range(len(shard.commits) + 1):
            for look in looks[place]:
                checked["seen in inboxes"] += 1
                lies = inboxes.of(look.person)
                shown = [key for key in lies if key in look.keys or key not in expired]
                if list(look.keys) != shown:
                    yield f"after {place} records {look.person} saw {look.keys}, and there lay {lies}"
            for fact in shard.commits[place].facts if place < len(shard.commits) else ():
                inboxes.take(fact)
