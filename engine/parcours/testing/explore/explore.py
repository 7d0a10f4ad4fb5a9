"""Does a project keep what every project has to keep? Traffic is made up, played, checked; a breach is made small."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import msgspec

from parcours.core.fact import Fact
from parcours.insight.summary import Summary
from parcours.journey.project import Project
from parcours.simulation import simulate
from parcours.testing.clocks import PersonClocks
from parcours.testing.explore.properties import PROPERTIES, World, policies_of
from parcours.testing.explore.traffic import Act, Traffic

REACTION_ROUNDS: Final = 2
"""Reactions are made up for what was sent, and again for what followed them."""

REPRODUCTIONS_MAX: Final = 3
ATTEMPTS_MAX: Final = 200
"""Simulations of one person's events spent on making a breach smaller."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A property that one person's facts break, and events of that person that are enough to show it."""

    property: str
    person: str
    text: str
    acts: tuple[Act, ...]


@dataclass(frozen=True, slots=True)
class Exploration:
    """
    refused    lines that the engine could not use, with the reason: traffic has to be usable
    unreached  steps, as JOURNEY.STEP, that nobody came to
    """

    seed: int
    events: int
    people: int
    deliveries: int
    violations: tuple[Violation, ...]
    refused: tuple[str, ...]
    unreached: tuple[str, ...]


def explore(project: Project, events: int, seed: int) -> Exploration:
    """Try so many made-up events. The same seed makes up the same ones."""
    traffic = Traffic(project, seed)
    acts = traffic.acts(events)
    for number in range(REACTION_ROUNDS):
        played = _play(project, acts)
        acts = [*acts, *traffic.reactions(played.facts, number)]
    acts.sort(key=lambda act: act.at)
    played = _play(project, acts)
    violations = list(_violations(project, acts, played.facts))
    shown = [_smaller(project, each, acts) for each in violations[:REPRODUCTIONS_MAX]]
    sent = sum(outcomes.get("sent", 0) for outcomes in played.summary.channels.values())
    return Exploration(
        seed=seed,
        events=events,
        people=len({act.person for act in acts}),
        deliveries=sent,
        violations=(*shown, *violations[REPRODUCTIONS_MAX:]),
        refused=tuple(played.refused),
        unreached=tuple(_unreached(played.summary)),
    )


@dataclass(frozen=True, slots=True)
class _Played:
    facts: list[Fact]
    summary: Summary
    refused: list[str]


def _play(project: Project, acts: Sequence[Act]) -> _Played:
    refused: list[str] = []
    lines = [msgspec.json.encode(act.as_call()) for act in acts]
    result = simulate(
        project, lines, rejected=lambda number, reason: refused.append(f"{reason}: {acts[number - 1].call}")
    )
    return _Played(result.facts, result.summary, refused)


def _violations(project: Project, acts: Sequence[Act], facts: Sequence[Fact]) -> Iterator[Violation]:
    """The first breach of each property by each person."""
    known = [(act.at, act.person, act.call["traits"]) for act in acts if act.call["type"] == "identify"]
    world = World(project.program, PersonClocks(project.program, known), policies_of(project))
    for person, own in groupby(sorted(facts, key=lambda fact: fact.profile), lambda fact: fact.profile):
        told = list(own)
        for name, holds in PROPERTIES.items():
            text = next(holds(world, told), None)
            if text is not None:
                yield Violation(name, person, text, ())


def _smaller(project: Project, violation: Violation, acts: Sequence[Act]) -> Violation:
    """The violation with as few of the person's events as still break the property."""
    kept = [act for act in acts if act.person == violation.person]
    found, attempts, place = violation, 0, len(kept) - 1
    while place >= 0 and attempts < ATTEMPTS_MAX:
        fewer = kept[:place] + kept[place + 1 :]
        broken = [each for each in _broken(project, fewer) if each.property == violation.property]
        if broken:
            kept, found = fewer, broken[0]
        place, attempts = place - 1, attempts + 1
    return Violation(found.property, found.person, found.text, tuple(kept))


def _broken(project: Project, acts: Sequence[Act]) -> Iterator[Violation]:
    return _violations(project, acts, _play(project, acts).facts)


def _unreached(summary: Summary) -> Iterator[str]:
    for name, journey in summary.journeys.items():
        for step, count in journey.steps.items():
            if count.inflow == 0:
                yield f"{name}.{step}"


def exploration_lines(exploration: Exploration) -> Iterator[str]:
    """The findings, each breach with the events that show it."""
    yield (
        f"Seed {exploration.seed}: {exploration.events:,} events of {exploration.people:,} people, "
        f"{exploration.deliveries:,} deliveries."
    )
    for name in PROPERTIES:
        broken = [each for each in exploration.violations if each.property == name]
        yield f"{'BROKEN' if broken else 'holds '}  {name}" + (f": {len(broken):,} people" if broken else "")
        for violation in broken:
            yield from _reproduction(violation)
    for refused in exploration.refused[:REPRODUCTIONS_MAX]:
        yield f"warning: an event could not be used: {refused}"
    for step in exploration.unreached:
        yield f"warning: nobody reached {step}"


def _reproduction(violation: Violation) -> Iterator[str]:
    if violation.acts:
        yield f"  {violation.person}: {violation.text}; enough to see it:"
        for act in violation.acts:
            yield f"    {msgspec.json.encode(act.as_call()).decode()}"
