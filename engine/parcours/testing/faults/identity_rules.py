"""The checker's rules of who is who: nobody is two people, and no two known people are ever one.

What holds of lines, deliveries and facts whatever people are called is among the other rules. They go by the ledgers of
all shards together, in the order in which records became durable.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from parcours.core.delivery.delivery_key import key_of
from parcours.core.fact import Changed, DeliveryReached, Merged, Moved
from parcours.core.profile import Identity, Profile
from parcours.testing.faults.disk import Commit
from parcours.testing.faults.ledgers import Ledgers, RunId

NOBODY: Final = Identity()


def one_person_s(ledgers: Ledgers, checked: Counter[str]) -> Iterator[str]:
    """No run is in two profiles, and none is told of under its old name once its person was merged."""
    for shard in ("alive", "on disk"):
        states = ledgers.states if shard == "alive" else ledgers.restored
        origins = defaultdict(list)
        for name, profile in states.items():
            for run in (*profile.runs, *profile.past):
                checked["one person s"] += 1
                origin = (run.origin.name, run.origin.number) if run.origin else (name, run.number)
                origins[run.journey, origin].append(name)
        yield from (f"run {run} is {names}'s, {shard}" for run, names in origins.items() if len(names) > 1)
    moved: set[tuple[str, str, int | None]] = set()
    for fact in ledgers.facts_in_order:
        match fact:
            case Merged(name=name):
                moved.update((name, run.journey, run.number) for run in fact.runs)
            case Moved() | DeliveryReached() if (fact.person, fact.journey, fact.run) in moved:
                yield f"{fact} is told of a run that had moved"
            case _:
                continue


def names(ledgers: Ledgers, checked: Counter[str]) -> Iterator[str]:
    """A forwarding address and the list of its owner's names agree, and nobody who is known has become another one."""
    for states in (ledgers.states, ledgers.restored):
        owners = Counter[str]()
        for name, profile in states.items():
            checked["names"] += 1
            identity = profile.identity or NOBODY
            owners.update(identity.names.keys())
            yield from _disagreements(name, profile, identity, states)
        yield from (f"{name} is {many} people's" for name, many in owners.items() if many > 1)


def _disagreements(name: str, profile: Profile, identity: Identity, states: Mapping[str, Profile]) -> Iterator[str]:
    if identity.returning:
        yield f"{name} was asked back, and has not come"
    if identity.moved_to is not None:
        if name not in _identity(states, identity.moved_to).names:
            yield f"{name} is {identity.moved_to}'s, who does not know of it"
        if profile.runs or profile.past or profile.series or identity.identified:
            yield f"{name} is {identity.moved_to}'s, and a person: {profile}"
    for each in identity.names:
        if _identity(states, each).moved_to != name:
            yield f"{name} thinks that she has {each}"


def _identity(states: Mapping[str, Profile], name: str) -> Identity:
    profile = states.get(name)
    return NOBODY if profile is None or profile.identity is None else profile.identity


def known_people(ledgers: Ledgers, checked: Counter[str]) -> Iterator[str]:
    """Nobody is merged who has called herself by a user id before, or has taken somebody in."""
    known: set[str] = set()
    for commit in ledgers.commits_in_order:
        taken_in = {fact.name for fact in commit.facts if isinstance(fact, Merged)}
        for line in commit.applied or ():
            call = msgspec.json.decode(line)
            if call["type"] in ("identify", "consent") and "userId" in call and call["userId"] not in taken_in:
                known.add(call["userId"])
        for fact in commit.facts:
            checked["known people"] += 1
            if isinstance(fact, Merged):
                known.add(fact.person)
                if fact.name in known:
                    yield f"{fact.name} was known, and was merged into {fact.person}"


def withdrawn(ledgers: Ledgers, checked: Counter[str]) -> Iterator[str]:
    """Nothing is claimed that needs a consent which she, or whoever was merged into her, had withdrawn by then.

    A grant counts only where somebody has just said so: a merge grants nothing that either had withdrawn.
    """
    withdrawn_by: set[str] = set()
    for commit in ledgers.commits_in_order:
        grants = _says(commit, granted=True)
        for fact in commit.facts:
            match fact:
                case Changed(what="consent", name="email", value="withdrawn"):
                    withdrawn_by.add(fact.person)
                case Changed(what="consent", name="email", value="granted") if grants:
                    withdrawn_by.discard(fact.person)
                case Merged() if fact.name in withdrawn_by:
                    withdrawn_by.discard(fact.name)
                    if not grants:
                        withdrawn_by.add(fact.person)
                case DeliveryReached(outcome="claimed", channel="email", message_class="marketing"):
                    checked["withdrawn"] += 1
                    if fact.person in withdrawn_by:
                        yield f"{fact.key} was claimed for {fact.person}, and had been withdrawn"
                case _:
                    continue


def _says(commit: Commit, *, granted: bool) -> bool:
    if commit.applied is None:
        return True  # nobody is merged where that is not noted, so whatever is granted has just been said
    calls = (msgspec.json.decode(line) for line in commit.applied)
    return any(call["type"] == "consent" and call["granted"] is granted for call in calls)


def keys(ledgers: Ledgers, checked: Counter[str]) -> Iterator[str]:
    """The key of a delivery is that of the name and the number under which its run entered, whoever has it by now."""
    entered: dict[RunId, tuple[str, int]] = {}
    for fact in ledgers.facts_in_order:
        match fact:
            case Moved(what="entered", run=int(number)):
                entered[fact.person, fact.journey, number] = fact.person, number
            case Merged():
                for run in fact.runs:
                    origin = entered.get((fact.name, run.journey, run.number))
                    if origin is None:
                        yield f"run {run} of {fact.name} was merged, and never began"
                    else:
                        entered[fact.person, run.journey, run.to] = origin
            case DeliveryReached() if (fact.person, fact.journey, fact.run) in entered:
                checked["keys"] += 1
                name, number = origin = entered[fact.person, fact.journey, fact.run]
                parts = (name, fact.journey, str(fact.version), str(number), fact.step, str(fact.visit), fact.channel)
                if fact.key != key_of(name, ("shop", *parts)):
                    yield f"{fact.key} is not by {origin}: {fact}"
            case _:
                continue


def goes_on(ledgers: Ledgers, checked: Counter[str]) -> Iterator[str]:
    """In the end nobody stands still, waiting for an answer about somebody else."""
    for number, shard in enumerate(ledgers.shards):
        checked["goes on"] += len(shard.states)
        if shard.standing_still:
            yield f"in shard {number} {sorted(shard.standing_still)} stand still"


def balance(ledgers: Ledgers, checked: Counter[str]) -> Iterator[str]:
    """Of all shards together, as many runs wait at a step as reached it and have neither gone on nor ended there."""
    waiting = Counter(
        (run.journey, run.version, run.step) for profile in ledgers.states.values() for run in profile.runs
    )
    counted = Counter[tuple[str, int, str | None]]()
    for shard in ledgers.shards:
        for (journey, version, step), (inflow, gone_on, ended) in shard.totals.steps:
            counted[journey, version, step] += inflow - gone_on - ended
    for at in sorted({*waiting, *counted}, key=str):
        checked["balance"] += 1
        if waiting[at] != counted[at]:
            yield f"{waiting[at]} runs wait at {at}, and {counted[at]} by the totals"
