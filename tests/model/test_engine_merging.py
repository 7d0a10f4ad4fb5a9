"""Does the engine mean what the model means when two people turn out to be one?

A case is one of the other comparisons, in which lines are written under several names and some say whose these are. A
failure names its seed: `linked.case(seed)` and `linked.life(seed)` make the case again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from tests.model import linked
from tests.model.reference import inboxes
from tests.model.reference.expression import Instant
from tests.model.reference.living import lines_told
from tests.model.reference.living import people_at_end as after_life
from tests.model.reference.people import Person
from tests.model.reference.simulation import lines_in_files, people_at_end
from tests.model.reference.times import to_text
from tests.model.seeds import LIVES_OF_PEOPLE_WHO_BECOME_ONE, PEOPLE_WHO_BECOME_ONE, blocks, name_of
from tests.model.test_engine import Line, deliveries_of, engine_result, lines_of, transitions_of, withdrawals, withdrawn
from tests.model.test_engine import settings_of as settings_for
from tests.model.test_engine_lives import deliveries_of as deliveries_of_life
from tests.model.test_engine_lives import listed, lived, told

from parcours.core.counted import INTERNAL_OUTCOMES
from parcours.core.delivery.delivery_key import key_of
from parcours.core.fact import DeliveryReached, Fact, Merged, NotMerged
from parcours.service.person import Person as Found

SEEDS_PER_TEST = 30
PROJECT = "generated"


@pytest.mark.parametrize("seeds", blocks(PEOPLE_WHO_BECOME_ONE, SEEDS_PER_TEST), ids=name_of)
def test_the_engine_and_the_model_agree_on_people_who_become_one(seeds: range) -> None:
    for seed in seeds:
        compare(seed)


@pytest.mark.parametrize("seeds", blocks(LIVES_OF_PEOPLE_WHO_BECOME_ONE, SEEDS_PER_TEST), ids=name_of)
def test_they_agree_on_people_who_become_one_in_the_life_of_a_journey(seeds: range) -> None:
    for seed in seeds:
        compare_life(seed)


def compare(seed: int) -> None:
    case, limits = linked.case(seed), linked.limits_of(seed)
    people = people_at_end(*case, limits)
    transitions, deliveries = lines_in_files(people)

    result = engine_result(case, settings_for(limits))

    found = lines_of(result)
    assert names_told(result.facts) == told_of_names(people), f"seed {seed}: names"
    assert transitions_of(found[0]) == transitions_of(transitions), f"seed {seed}: transitions"
    assert deliveries_of(found[1]) == deliveries_of(deliveries), f"seed {seed}: deliveries"
    assert keys_of(found[1]) == keys_of(deliveries_keyed(deliveries)), f"seed {seed}: keys"
    assert withdrawals(result.facts) == withdrawn(people), f"seed {seed}: withdrawals"


def compare_life(seed: int) -> None:
    (documents, happenings), limits = linked.life(seed), linked.limits_of(seed)
    people = after_life(documents, happenings, limits)
    transitions, deliveries = lines_told(people)
    there = {person.id: person for person in people if person.is_there}

    with lived(documents, happenings, settings_for(limits)) as project:
        facts = project.facts()
        lying = {name: listed(project.inbox(name)) for name in there}
        states = {name: state_found(project.profile(name)) for name in there}

    moves, reached = told(facts)
    assert names_told(facts) == told_of_names(people), f"seed {seed}: names"
    assert without_merges(transitions_of(moves)) == without_merges(transitions_of(transitions)), f"seed {seed}: moves"
    assert deliveries_of_life(reached) == deliveries_of_life(deliveries), f"seed {seed}: deliveries"
    assert keys_told(facts) == keys_of(deliveries_keyed(deliveries)), f"seed {seed}: keys"
    assert lying == {name: inboxes.listed(person) for name, person in there.items()}, f"seed {seed}: inboxes"
    assert states == {name: state_of(person) for name, person in there.items()}, f"seed {seed}: states"


def names_told(facts: Iterable[Fact]) -> Counter[tuple[Any, ...]]:
    """Who was merged into whom, by what and with which runs; and who was not, and why."""
    found: Counter[tuple[Any, ...]] = Counter()
    for fact in facts:
        if isinstance(fact, Merged):
            runs = sorted((run.journey, run.version, run.number, run.to, run.why, run.step) for run in fact.runs)
            found[to_text(fact.at), fact.person, fact.call, fact.name, None, str(runs)] += 1
        elif isinstance(fact, NotMerged):
            found[to_text(fact.at), fact.person, fact.call, None, fact.reason, None] += 1
    return found


def told_of_names(people: list[Person]) -> Counter[tuple[Any, ...]]:
    lines = [line for person in people for line in person.told_of_names]
    return Counter(
        (line["at"], line["profile"], line["call"], line["name"], line["why"], str(sorted(line["runs"])))
        if line["why"] is None
        else (line["at"], line["profile"], line["call"], None, line["why"], None)
        for line in lines
    )


def without_merges(lines: list[Line]) -> list[Line]:
    """Lines without those by which files of results tell of a run that goes on: facts tell of all runs at once."""
    return [line for line in lines if line["what"] != "merged"]


def deliveries_keyed(lines: list[Line]) -> list[Line]:
    """Lines with the key that the engine makes of the name and the number under which the run entered."""
    keyed = []
    for line in lines:
        name, *rest = line["key"].rsplit("/", 6)
        keyed.append({**line, "key": key_of(name, [PROJECT, name, *rest])})
    return keyed


def keys_of(lines: list[Line]) -> Counter[tuple[Any, ...]]:
    return Counter((line["at"], line["profile"], line["run"], line["outcome"], line["key"]) for line in lines)


def keys_told(facts: Iterable[Fact]) -> Counter[tuple[Any, ...]]:
    reached = [fact for fact in facts if isinstance(fact, DeliveryReached) and fact.outcome not in INTERNAL_OUTCOMES]
    return Counter((to_text(fact.at), fact.person, fact.run, fact.outcome, fact.key) for fact in reached)


State = tuple[Any, ...]
NOBODY: State = ({}, {}, {}, {}, [])


def state_found(person: Found | None) -> State:
    """What is known of somebody at the end: traits, consents, dead addresses, counts and open runs."""
    if person is None:
        return NOBODY
    traits = {name: plain(value) for name, value in person.traits.items()}
    suppressed = {channel: set(dead) for channel, dead in person.suppressed.items() if dead}
    runs = sorted((run.journey, run.number, run.step) for run in person.runs)
    return traits, dict(person.consents), suppressed, dict(person.counts), runs


def state_of(person: Person) -> State:
    consents = {
        (channel, purpose): granted for channel, given in person.consents.items() for purpose, granted in given.items()
    }
    suppressed: dict[str, set[str]] = {}
    for channel, address in person.suppressed:
        suppressed.setdefault(channel, set()).add(address)
    counts = {name: number for name, number in person.counts.items() if number}
    runs = sorted(
        (run["journey"]["journey"], run["number"], run["step"]) for run in person.runs if run["status"] != "ended"
    )
    return plain(person.traits), consents, suppressed, counts, runs


def plain(value: Any) -> Any:
    if isinstance(value, Instant):
        return to_text(value.ms)
    return {name: plain(inner) for name, inner in value.items()} if hasattr(value, "items") else value
