"""The checker: do the client's, the providers' and the store's ledgers agree, and with the undisturbed twin?

It knows nothing of how a run was disturbed: each rule is a promise of the engine under every fault. A violation begins
with the name of its rule; the rules are the functions of `RULES`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from typing import Final

import msgspec
from msgspec.structs import replace

from parcours.core.fact import DeliveryReached, Fact, Moved
from parcours.core.fact_block import decode_facts
from parcours.core.profile import Profile
from parcours.core.series_entries import SeriesEntries
from parcours.core.totals import FactCounter, Totals
from parcours.journey.publish.publications import Publications
from parcours.shard.intake import SET_ASIDE
from parcours.shard.messages import ExportRecord
from parcours.shard.reports import NOBODY
from parcours.testing.faults.client import Line
from parcours.testing.faults.disk import Commit
from parcours.testing.faults.identity_rules import (
    balance,
    goes_on,
    keys,
    known_people,
    names,
    one_person_s,
    withdrawn,
)
from parcours.testing.faults.inbox_rules import in_inboxes, laid_once, seen_in_inboxes, taken_back
from parcours.testing.faults.ledgers import Ledgers, RunId, ShardEnd
from parcours.testing.faults.twin import as_compared

NOT_TO_LEAVE: Final = frozenset({"refused", "failed", "cancelled"})
"""Outcomes after which a delivery is not tried again, each with its reason in the facts."""

UNKNOWN_MAX: Final = 2
"""Ambiguous attempts after which a transactional delivery may be left alone."""


Rule = Callable[[Ledgers, "Counter[str]"], Iterator[str]]


def check(ledgers: Ledgers, checked: Counter[str]) -> list[str]:
    """Every violation; `checked` counts by rule how many things have been looked at."""
    violations = list(ledgers.found)
    for rule in RULES:
        name = rule.__name__.replace("_", " ")
        violations += [f"{name}: {violation}" for violation in rule(ledgers, checked)]
    return violations


def applied_once(ledgers: Ledgers, checked: Counter[str]) -> Iterator[str]:
    """What is acknowledged is applied once, everything else at most once: the histories hold each event by number.

    All histories together: whose an event is by now depends on who has become whom.
    """
    histories = Counter(
        (key, value)
        for profile in ledgers.states.values()
        for key, entries in profile.series.items()
        for value in _values(entries)
    )
    for line in ledgers.lines:
        call = msgspec.json.decode(line.data)
        if call["type"] != "track":
            continue
        checked["applied once"] += 1
        number = call["properties"]["number"]
        times = histories[f'["{call["event"]}","number",null]', number]
        if times > 1 or (line.acked is not None and line.rejected is None and times != 1):
            yield f"event {number} of {line.person} is in the histories {times} times ({_fate(line)})"


def _values(entries: SeriesEntries) -> list[float]:
    return [entries.total(place, place + 1) for place in range(len(entries))]


def acknowledged(ledgers: Ledgers, checked: Counter[str]) -> Iterator[str]:
    """Every line with an id is acknowledged in the end, none is rejected but set aside, and the journal has it once."""
    applied = Counter(ledgers.applied)
    for line in ledgers.lines:
        checked["acknowledged"] += 1
        if line.rejected is not None and not line.rejected.startswith(SET_ASIDE):
            yield f"{line.data.decode()} was rejected: {line.rejected}"
        if line.acked is None and line.message_id is not None:
            yield f"{line.data.decode()} was never acknowledged ({_fate(line)})"
        times = applied[line.data]
        if times > 1 or (line.acked is not None and line.rejected is None and times != 1):
            yield f"{line.data.decode()} counts {times} times by the journal ({_fate(line)})"


def dead_letters(ledgers: Ledgers, checked: Counter[str]) -> Iterator[str]:
    """What was set aside is applied once in the end, for it was sent again until no letter was left."""
    applied, aside = Counter(ledgers.applied), ledgers.set_aside
    for line in ledgers.lines:
        if line.data in aside or line.rejected is not None:
            checked["dead letters"] += 1
            if line.data not in aside or applied[line.data] != 1:
                yield f"{line.data.decode()} is applied {applied[line.data]} times ({_fate(line)}, {line.rejected})"
    for number, shard in enumerate(ledgers.shards):
        if shard.letters:
            yield f"shard {number} has {shard.letters} left"


def brought_home(ledgers: Ledgers, checked: Counter[str]) -> Iterator[str]:
    """A router that lives brings its lines home: a client hands in again only after its router has ended.

    Of whoever moves it may also be told that she has been moving for too long.
    """
    for line in ledgers.lines:
        checked["brought home"] += 1
        if line.tries > ledgers.starts and ledgers.has_twin(line.person):
            yield f"{line.data.decode()} was handed in {line.tries} times to {ledgers.starts} routers"


def early(ledgers: Ledgers, checked: Counter[str]) -> Iterator[str]:
    """Nothing happens before its time: no fact of a record is later than the record's stamp."""
    for shard in ledgers.shards:
        for commit in shard.commits:
            for fact in commit.facts:
                checked["early"] += 1
                if fact.at > commit.stamp_ms:
                    yield f"record {commit.sequence} of {commit.stamp_ms} has {fact}"


def order(ledgers: Ledgers, checked: Counter[str]) -> Iterator[str]:
    """What was handed in after something was acknowledged is applied after it, for each name that it is written under.

    So is what was handed in to the same router later, if that had not to be done again.
    """
    places = {line: place for place, line in enumerate(ledgers.applied)}
    people = defaultdict(list)
    for line in ledgers.lines:
        if line.data in places:
            people[line.person].append(line)
    for lines in people.values():
        for earlier in lines:
            for later in lines:
                if earlier.acked is None or earlier.rejected is not None:
                    continue
                if earlier.acked < later.given or _are_in_line(earlier, later):
                    checked["order"] += 1
                    if places[earlier.data] > places[later.data]:
                        yield f"{later.data.decode()} was applied before {earlier.data.decode()}"


def _are_in_line(earlier: Line, later: Line) -> bool:
    """Whether one router was given both once, one after the other; the reports of providers are under no name."""
    both = (earlier, later)
    if any(line.tries != 1 or line.acked is None or line.is_report for line in both) or later.rejected is not None:
        return False
    return earlier.router == later.router and earlier.turn < later.turn


def twin(ledgers: Ledgers, checked: Counter[str]) -> Iterator[str]:
    """End states and facts are those of the undisturbed twin: no timer is lost, early or doubled; keys are the same."""
    for shard, undisturbed in zip(ledgers.shards, ledgers.twins, strict=not ledgers.merges):
        told = defaultdict(list)
        for commit in shard.commits:
            for fact in commit.facts:
                if fact.person != NOBODY:
                    told[fact.person].append(fact)
        for person in filter(ledgers.has_twin, sorted({*told, *undisturbed.facts})):
            checked["twin"] += 1
            yield from _difference(person, told[person], undisturbed.facts[person])
        for person in filter(ledgers.has_twin, sorted({*shard.states, *undisturbed.people})):
            profile, other = as_compared(shard.states.get(person, Profile())), undisturbed.state(person)
            if profile != other:
                yield f"{person} ends otherwise than her twin: {_differing(profile, other)}"


def _differing(profile: Profile, other: Profile) -> str:
    """The fields that are not the same in both."""
    names = [each for each in profile.__struct_fields__ if getattr(profile, each) != getattr(other, each)]
    return "; ".join(f"{each} is {getattr(profile, each)}, and not {getattr(other, each)}" for each in names)


def _difference(person: str, told: Sequence[Fact], twins: Sequence[Fact]) -> Iterator[str]:
    for number, (fact, other) in enumerate(zip(told, twins, strict=False)):
        if fact != other:
            yield f"fact {number} of {person} is {fact}, her twin's {other}"
            return
    if len(told) != len(twins):
        more = (told if len(told) > len(twins) else twins)[min(len(told), len(twins))]
        yield f"{person} has {len(told)} facts, her twin {len(twins)}: {more}"


def recovery(ledgers: Ledgers, checked: Counter[str]) -> Iterator[str]:
    """What comes back from the disk is what was there alive."""
    for shard in ledgers.shards:
        for person in sorted({*shard.states, *shard.restored}):
            checked["recovery"] += 1
            if shard.states.get(person) != shard.restored.get(person):
                yield f"{person} was {shard.states.get(person)}, and comes back as {shard.restored.get(person)}"


def published(ledgers: Ledgers, checked: Counter[str]) -> Iterator[str]:
    """All shards take the same changes at the same times, among them each that was answered, and keep them."""
    first = ledgers.shards[0]
    for number, shard in enumerate(ledgers.shards):
        changes = _taken(shard)
        checked["published"] += 1 + len(changes)
        if changes != _taken(first) or shard.ledger != first.ledger:
            yield f"shard {number} took {changes} up to {shard.ledger}, the first {_taken(first)} up to {first.ledger}"
        if shard.ledger != shard.restored_ledger:
            yield f"shard {number} has {shard.ledger}, and comes back with {shard.restored_ledger}"
        for changed in ledgers.changes:
            if changed.answer is None or (changed.answer > 1 and changed.answer not in changes):
                yield f"shard {number} never took {changed.change}, answered as change {changed.answer}"


def _taken(shard: ShardEnd) -> dict[int, tuple[int, str, str]]:
    """By number, when each change of a shard holds, and what it is. The first publication is no change."""
    ledgers = [given.ledger for commit in shard.commits for given in commit.given if isinstance(given, Publications)]
    return {ledger.number: (ledger.at, ledger.verb, ledger.journey) for ledger in ledgers if ledger.number > 1}


def totals(ledgers: Ledgers, checked: Counter[str]) -> Iterator[str]:
    """The totals are a recount of all facts, alive and after coming back.

    A run that moves to another shard counts as one that has come to its step there: all together are recounted then.
    """
    all_steps, recounted = Counter[object](), Counter[object]()
    for number, shard in enumerate(ledgers.shards):
        checked["totals"] += 1
        counter = FactCounter(ledgers.settings.totals_max, ledgers.settings.reasons_max)
        for commit in shard.commits:
            counter.add(commit.facts)
        counted, told = _without_lines(counter.totals()), _without_lines(shard.totals)
        if ledgers.merges:
            all_steps += _flat(told)
            recounted += _flat(counted)
            counted, told = replace(counted, steps=[]), replace(told, steps=[])
        if told != counted:
            yield f"of shard {number} are {shard.totals}, and a recount of the facts gives {counted}"
        if shard.restored_totals != shard.totals:
            yield f"of shard {number} are {shard.totals}, and come back as {shard.restored_totals}"

    if all_steps != recounted:
        yield f"of all steps are {all_steps}, and a recount of the facts gives {recounted}"


def _without_lines(counted: Totals) -> Totals:
    return replace(counted, lines=(0, 0, 0, 0))


def _flat(counted: Totals) -> Counter[object]:
    """By step and what is counted there."""
    return Counter({(step, what): many for step, counts in counted.steps for what, many in enumerate(counts)})


def exported(ledgers: Ledgers, checked: Counter[str]) -> Iterator[str]:
    """With an exporter, each record that tells anything is exported once, as it is in the journal."""
    for number, shard in enumerate(ledgers.shards):
        if shard.exported is None:
            continue
        told = [commit for commit in shard.commits if commit.facts or commit.inputs]
        for commit, record in zip_longest(told, shard.exported):
            checked["exported"] += 1
            if commit is None or record is None or not _is_exported(commit, record):
                yield f"of shard {number}, {commit} is exported as {record}"
                break


def _is_exported(commit: Commit, record: ExportRecord) -> bool:
    facts = decode_facts(record.facts, f"record {record.sequence}")
    told = (record.sequence, record.stamp_ms, facts, record.inputs)
    return told == (commit.sequence, commit.stamp_ms, commit.facts, commit.inputs)


def duplicates(ledgers: Ledgers, checked: Counter[str]) -> Iterator[str]:
    """A delivery arrives once, and once more at most for each attempt that was recorded as ambiguous."""
    arrived = Counter(attempt.key for attempt in ledgers.attempts if attempt.arrived)
    for key, times in arrived.items():
        checked["duplicates"] += 1
        unknown = _count(ledgers, key, "unknown")
        if times - 1 > unknown:
            yield f"{key} arrived {times} times, with {unknown} ambiguous attempts"


def marketing(ledgers: Ledgers, checked: Counter[str]) -> Iterator[str]:
    """A marketing message arrives at most once."""
    arrived = Counter(
        attempt.key for attempt in ledgers.attempts if attempt.arrived and attempt.message_class == "marketing"
    )
    for key, times in arrived.items():
        checked["marketing"] += 1
        if times > 1:
            yield f"{key} arrived {times} times"


def transactional(ledgers: Ledgers, checked: Counter[str]) -> Iterator[str]:
    """A transactional mail arrives, or it is recorded why it did not, or its ambiguous attempts are."""
    arrived = {attempt.key for attempt in ledgers.attempts if attempt.arrived}
    exited = {
        (fact.person, fact.journey, fact.run)
        for fact in ledgers.facts
        if isinstance(fact, Moved) and (fact.what == "exited" or fact.why == "stopped" or is_by_merge(fact))
    }
    for key, facts in ledgers.outcomes.items():
        first = facts[0]
        if first.message != "receipt":
            continue
        checked["transactional"] += 1
        told = {fact.outcome for fact in facts}
        if key in arrived or not told.isdisjoint(NOT_TO_LEAVE):
            continue
        run: RunId = (first.person, first.journey, first.run)
        was_left = not exited.isdisjoint({run, ledgers.moved_to.get(run, run)})
        unknown = _count(ledgers, key, "unknown")
        if unknown == 0 or (not was_left and (unknown < UNKNOWN_MAX or _is_sent_again(facts[-1]))):
            yield f"{key} never arrived, and all that is told of it is {[fact.outcome for fact in facts]}"


def is_by_merge(fact: Moved) -> bool:
    """Whether the run has ended because its person was merged."""
    return fact.what == "ended" and fact.why is not None and fact.why.startswith("merged: ")


def _is_sent_again(last: DeliveryReached) -> bool:
    return last.reason is not None and last.reason.endswith("it is sent again")


def not_after(ledgers: Ledgers, checked: Counter[str]) -> Iterator[str]:
    """Nothing is claimed for a run that has been left, nor marketing after a committed unsubscribe."""
    for shard in ledgers.shards:
        left: set[tuple[str, str, int | None]] = set()
        unsubscribed: set[str] = set()
        for commit in shard.commits:
            for fact in commit.facts:
                match fact:
                    case Moved(what="exited"):
                        left.add((fact.person, fact.journey, fact.run))
                    case DeliveryReached(outcome="unsubscribed"):
                        unsubscribed.add(fact.person)
                    case DeliveryReached(outcome="claimed"):
                        checked["not after"] += 1
                        if (fact.person, fact.journey, fact.run) in left:
                            yield f"{fact.key} was claimed after its run was left"
                    case _:
                        continue


def at_rest(ledgers: Ledgers, checked: Counter[str]) -> Iterator[str]:
    """In the end no delivery waits any more."""
    for person, profile in ledgers.states.items():
        for run in (*profile.runs, *profile.past):
            for delivery in run.deliveries:
                checked["at rest"] += 1
                if delivery.is_under_way:
                    yield f"{delivery.key} of {person} is still {delivery.state}"


def _count(ledgers: Ledgers, key: str, outcome: str) -> int:
    return sum(1 for fact in ledgers.outcomes.get(key, ()) if fact.outcome == outcome)


def _fate(line: Line) -> str:
    acknowledged = "never acknowledged" if line.acked is None else "acknowledged"
    return f"handed in {line.tries} times, {acknowledged}"


RULES: Final[tuple[Rule, ...]] = (
    applied_once,
    acknowledged,
    dead_letters,
    brought_home,
    order,
    early,
    twin,
    recovery,
    published,
    totals,
    exported,
    duplicates,
    marketing,
    transactional,
    not_after,
    at_rest,
    laid_once,
    taken_back,
    in_inboxes,
    seen_in_inboxes,
    one_person_s,
    names,
    known_people,
    withdrawn,
    keys,
    goes_on,
    balance,
)
